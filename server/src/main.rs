//! Reads the command line and calls one function.

use clap::Parser;
use farol::cli::{Cli, Ended};
use std::process::ExitCode;

fn main() -> ExitCode {
    farol::memory::prepare();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("farol: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(farol::cli::execute(cli));
    // A question on the terminal that nobody answers does not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("farol: {error:#}");
            error
                .downcast_ref::<Ended>()
                .map_or(ExitCode::FAILURE, |ended| ExitCode::from(ended.code))
        }
    }
}

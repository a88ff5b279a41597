//! Reads the command line and calls one function.

use clap::Parser;
use farol::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("farol: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(farol::cli::execute(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("farol: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! What the live plane costs, beside its peers and beside the floor, in one run: `cargo xtask bench live`.
//!
//! | file | owns |
//! |---|---|
//! | [`load`] | the client: many sockets over epoll, counts and latencies |
//! | [`servers`] | what is measured: Farol's live plane, a plain axum server, the floor; and how the node peers start |
//! | [`figures`] | CPU and memory of a process, percentiles |
//! | [`scenes`] | what is done and printed |
//! | [`restart`] | 20,000 clients that come back at once |
//! | [`deflate`] | what permessage-deflate would save and cost |
//!
//! Every server runs in a process of its own (this program again, with `serve NAME`), so that its CPU time and memory are
//! its own. The client shares the machine with it, as it says in docs/PERFORMANCE.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench: it prints figures, waits for fixed times, and ends at the first surprise"
)]

mod deflate;
mod figures;
mod load;
mod restart;
mod scenes;
mod servers;

fn main() {
    raise_file_limit();
    // `cargo bench` and `cargo test --benches` add arguments of their own.
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", name, rate, port] => servers::serve(name, rate.parse().unwrap(), port.parse().unwrap()),
        [] => scenes::all(),
        names => names.iter().for_each(|name| scenes::one(name)),
    }
}

/// A socket is a file: 20,000 of them need more than most shells allow. Only root can go above the hard limit.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = 65_536;
    let limit = Rlimit {
        current: Some(wanted),
        maximum: Some(wanted),
    };
    if setrlimit(Resource::Nofile, limit).is_err() {
        let hard = getrlimit(Resource::Nofile).maximum;
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: hard,
                maximum: hard,
            },
        )
        .unwrap();
    }
}

//! The `farol` server: a map of the crate.
//!
//! | room | owns |
//! |---|---|
//! | [`collectors`] | sampling the machine; a scheduler that isolates each collector |
//! | [`history`] | the ring of recent frames of each metrics channel |
//! | [`live`] | the hub, sessions and carriers of the live protocol |
//! | [`actions`] | actions, the one runner, runs |
//! | [`audit`] | the append-only log of who did what |
//! | [`access`] | users, sessions, tokens, throttling |
//! | [`telemetry`] | Farol's own metrics |
//! | [`middleware`] | layers around every request |
//! | [`ports`] | what the pages may ask of the server |
//!
//! Rooms do not know each other. Where one needs another it names a trait of its own ([`collectors::Outlet`],
//! [`live::Gate`], [`live::Rpc`], [`actions::RunOutlet`]) and [`run`](fn@run) puts the parts together.

pub mod access;
pub mod actions;
pub mod audit;
pub mod collectors;
pub mod db;
pub mod history;
pub mod live;
pub mod middleware;
pub mod procstat;
pub mod telemetry;
pub mod time;

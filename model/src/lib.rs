//! The vocabulary of Farol.
//!
//! This crate owns the words that the browser, the server, the tests and the load tools use with each other: metrics,
//! hosts, processes, actions, roles, faults and the frames on the wire. It must never do IO, read a clock, draw random
//! numbers or know about async: what depends on time takes the time as an argument. It builds natively and for wasm32.
//!
//! To extend it: a new word gets its own file and one line below. You get it wrong when a type here starts to know how
//! it is stored, drawn or sent; those belong to the rooms that store, draw and send.

pub mod access;
pub mod action;
pub mod audit;
pub mod channel;
pub mod connection;
pub mod container;
pub mod fault;
pub mod health;
pub mod host;
pub mod ingest;
pub mod json;
pub mod metric;
pub mod packed;
pub mod process;
pub mod sample;
#[cfg(feature = "schema")]
pub mod schema;
pub mod service;
pub mod wire;
pub mod words;

pub use access::{Grants, Permission, Role, Viewer};
pub use fault::{Fault, FaultCode};

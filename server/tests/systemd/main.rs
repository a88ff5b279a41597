//! Services, with a real systemd: a user manager of its own, with a journal of its own, started by `start.sh` in namespaces, so
//! that it runs in a container too. That needs root; who is not root runs [`peer`] alone, where systemd is played by a peer
//! on a private bus, and which covers what a real one cannot be made to do here: refusals of polkit, ten thousand services.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod peer;
mod real;

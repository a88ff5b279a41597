//! Recent history of metrics channels, in memory.
//!
//! Owns the ring that snapshots are drawn from. It must not know who asks, how values are encoded or what a metric
//! means. To extend it (longer retention, compressed chunks) add a sibling of [`ring`] and keep [`ring::Ring`] the newest
//! end of it.

pub mod ring;

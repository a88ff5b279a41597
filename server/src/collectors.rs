//! Collectors sample the machine. See [`Outlet`] for where samples go.

use farol_model::{health::CollectorStatus, metric::MetricSpec, process::ProcessRow};
use std::sync::Arc;

/// Where collectors put what they read. Implemented by the live hub; tests use one of their own. Never waits.
pub trait Outlet: Send + Sync + 'static {
    /// One frame of a metrics channel. `values` follow `schema` by position, NaN where there is none. A schema that
    /// differs from the one before (compare the `Arc` by pointer first) is announced before the frame.
    fn frame(&self, channel: &str, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>);
    /// The whole process table of the local machine; the outlet works out what changed.
    fn processes(&self, t_ms: i64, rows: Vec<ProcessRow>);
    /// Health of all collectors. Called when something in it changed, at most once per second.
    fn health(&self, statuses: &[CollectorStatus]);
}

//! Where pages get live data from: one function per thing that changes on screen.

use farol_model::{action::RunView, health::CollectorStatus, process::ProcessRow};
use leptos::prelude::*;

pub fn run(first: RunView) -> Signal<RunView> {
    Signal::stored(first)
}

pub fn processes(first: Vec<ProcessRow>) -> Signal<Vec<ProcessRow>> {
    Signal::stored(first)
}

pub fn collectors(first: Vec<CollectorStatus>) -> Signal<Vec<CollectorStatus>> {
    Signal::stored(first)
}

pub fn bytes(value: f64) -> String {
    format!("{value}")
}

pub fn bytes_per_second(value: f64) -> String {
    format!("{value}")
}

//! Charts of the app fed by the live plane, for `cargo xtask bench charts`: `end2end/bench/charts.mjs` calls it.
//!
//! Everything from the bytes of a message on is what ships. The server's part, answers and publications, is written here with the
//! types of the wire, so that the page needs no server and time may run as fast as it goes.

use farol_app::{
    charts::Chart,
    live::{provide_live, use_channel},
};
use farol_model::{
    metric::{MetricSpec, Unit},
    sample::{ChannelView, Column, Snapshot},
    wire::{
        Command, ConnectResult, Publication, Push, Reply, SubscribeResult,
        codec::{Encoding, decode_commands},
        payload::MetricsPublication,
    },
};
use leptos::{mount::mount_to, prelude::*};
use prost::Message;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

const EPOCH: &str = "bench";
const STEP_MS: u32 = 1000;

fn channel(chart: usize) -> String {
    format!("metrics/local/chart{chart}")
}

/// Puts `charts` charts into the element, each with a channel of its own. `values` holds the points of the first series of the
/// first chart, then of its next series, and so on; the last of each is of `newest_ms`.
#[wasm_bindgen]
pub fn show(element: web_sys::Element, charts: usize, series: usize, newest_ms: f64, values: &[f64]) {
    let points = values.len() / (charts * series);
    let columns: Vec<&[f64]> = values.chunks(points).collect();
    let views: Vec<ChannelView> = columns
        .chunks(series)
        .enumerate()
        .map(|(chart, columns)| view(chart, columns, newest_ms as i64))
        .collect();
    let mounted = mount_to(element.unchecked_into(), move || {
        provide_live();
        views
            .into_iter()
            .map(|view| {
                let handle = use_channel(view);
                view! { <div class="card"><Chart handle chart="Bench".to_owned().into() window_ms=600_000/></div> }.into_any()
            })
            .collect::<Vec<_>>()
    });
    mounted.forget();
}

fn view(chart: usize, columns: &[&[f64]], newest_ms: i64) -> ChannelView {
    let points = columns.first().map_or(0, |column| column.len()) as i64;
    let spec = |number: usize| {
        MetricSpec::gauge(
            &format!("wave_{number}"),
            Unit::None,
            "Bench",
            &format!("wave {number}"),
            "A wave.",
        )
    };
    ChannelView {
        channel: channel(chart),
        schema: (0..columns.len()).map(spec).collect(),
        snapshot: Snapshot {
            times_ms: (0..points)
                .map(|row| newest_ms - (points - 1 - row) * i64::from(STEP_MS))
                .collect(),
            columns: columns
                .iter()
                .map(|values| Column {
                    values: values.to_vec(),
                })
                .collect(),
            step_ms: STEP_MS,
        },
        epoch: EPOCH.into(),
        offset: 0,
    }
}

/// What the server answers to a message of the client.
#[wasm_bindgen]
pub fn answer(message: &[u8]) -> Vec<u8> {
    let commands = decode_commands(Encoding::Protobuf, message).unwrap_or_default();
    let replies = commands.into_iter().filter_map(reply);
    replies
        .flat_map(|reply| reply.encode_length_delimited_to_vec())
        .collect()
}

fn reply(command: Command) -> Option<Reply> {
    let mut reply = Reply {
        id: command.id,
        ..Reply::default()
    };
    if command.connect.is_some() {
        reply.connect = Some(ConnectResult {
            client: EPOCH.into(),
            ping: 25,
            pong: true,
            ..ConnectResult::default()
        });
    } else {
        let request = command.subscribe?;
        reply.subscribe = Some(SubscribeResult {
            recoverable: true,
            positioned: true,
            recovered: true,
            epoch: EPOCH.into(),
            offset: request.offset,
            ..SubscribeResult::default()
        });
    }
    Some(reply)
}

/// The ping of the server.
#[wasm_bindgen]
pub fn ping() -> Vec<u8> {
    Reply::default().encode_length_delimited_to_vec()
}

/// One message with a row of values for each chart, as the server joins what it publishes in one tick. `values` holds those of the
/// first chart, then of the next.
#[wasm_bindgen]
pub fn rows(charts: usize, offset: u32, time_ms: f64, values: &[f64]) -> Vec<u8> {
    let publications = values
        .chunks(values.len() / charts)
        .enumerate()
        .map(|(chart, values)| {
            let row = MetricsPublication {
                t_ms: time_ms as i64,
                values: values.to_vec(),
                schema: Vec::new(),
            };
            let publication = Publication {
                data: row.encode_to_vec().into(),
                offset: u64::from(offset),
                ..Publication::default()
            };
            Reply {
                push: Some(Push {
                    channel: channel(chart),
                    publication: Some(publication),
                    ..Push::default()
                }),
                ..Reply::default()
            }
        });
    publications
        .flat_map(|reply| reply.encode_length_delimited_to_vec())
        .collect()
}

//! Codes, and the limits that a client may meet, as they are without configuration.

use crate::live::LiveLimits;
use farol_model::{
    channel::MAX_CHANNEL_BYTES,
    wire::{
        codec::MAX_COMMANDS_PER_MESSAGE,
        codes::{Code, Disconnect, error, unsubscribe},
    },
};
use serde_json::{Value, json};

/// Codes of refused commands.
pub fn errors() -> Vec<Value> {
    error::ALL.iter().map(code).collect()
}

/// Codes of ended subscriptions.
pub fn unsubscribes() -> Vec<Value> {
    unsubscribe::ALL.iter().map(code).collect()
}

fn code(code: &Code) -> Value {
    json!({"code": code.code, "meaning": code.meaning})
}

/// Codes of ended connections.
pub fn disconnects() -> Vec<Value> {
    let told = |(disconnect, meaning): &(Disconnect, &str)| {
        json!({
            "code": disconnect.code,
            "reason": disconnect.reason,
            "meaning": meaning,
            "reconnect": Disconnect::reconnect(disconnect.code),
        })
    };
    Disconnect::ALL.iter().map(told).collect()
}

/// Limits, each with its unit in the name.
pub fn limits() -> Value {
    let LiveLimits {
        connections,
        connections_per_user,
        connections_per_address,
        connect_timeout,
        frame_bytes_before_connect,
        frame_bytes,
        channels,
        commands_per_second,
        command_burst,
        rpcs_in_flight,
        gate_timeout: _,
        ping_interval,
        pong_timeout,
        queue_bytes,
        write_stall,
        write_chunk_bytes: _,
        coalesce,
        drain_spread,
        farewell: _,
        snapshot_cells,
        metrics_hold,
        run_keep,
        run_channels,
        run_total_bytes: _,
        history_publications,
        history_bytes,
        presence,
        rooms,
        room_message_bytes,
        room_messages,
        room_bytes,
        room_keep,
        seed_keep: _,
        run_events,
        run_bytes,
    } = LiveLimits::default();
    json!({
        "channel_name_bytes": MAX_CHANNEL_BYTES,
        "channels": channels,
        "coalesce_ms": coalesce.as_millis(),
        "command_burst": command_burst as u32,
        "commands_per_message": MAX_COMMANDS_PER_MESSAGE,
        "commands_per_second": commands_per_second as u32,
        "connect_timeout_secs": connect_timeout.as_secs(),
        "connections": connections,
        "connections_per_address": connections_per_address,
        "connections_per_user": connections_per_user,
        "drain_spread_secs": drain_spread.as_secs(),
        "frame_bytes": frame_bytes,
        "frame_bytes_before_connect": frame_bytes_before_connect,
        "history_bytes": history_bytes,
        "history_publications": history_publications,
        "metrics_hold_secs": metrics_hold.as_secs(),
        "ping_interval_secs": ping_interval.as_secs(),
        "pong_timeout_secs": pong_timeout.as_secs(),
        "presence": presence,
        "queue_bytes": queue_bytes,
        "room_bytes": room_bytes,
        "room_keep_secs": room_keep.as_secs(),
        "room_message_bytes": room_message_bytes,
        "room_messages": room_messages,
        "rooms": rooms,
        "rpcs_in_flight": rpcs_in_flight,
        "run_bytes": run_bytes,
        "run_channels": run_channels,
        "run_events": run_events,
        "run_keep_secs": run_keep.as_secs(),
        "snapshot_cells": snapshot_cells,
        "write_stall_secs": write_stall.as_secs(),
    })
}

//! Every number that bounds the live plane, in one place.

use std::time::Duration;

/// What is allowed, and how long things may take. What happens at each bound is written beside it.
#[derive(Debug, Clone)]
pub struct LiveLimits {
    /// Connections of the process; more are refused with 503.
    pub connections: usize,
    /// Connections of one user; more are refused with 429, or closed with 3504 when the proof came after the upgrade.
    pub connections_per_user: usize,
    /// Connections of one address (IPv6: one /64); more are refused with 429.
    pub connections_per_address: usize,
    /// Time for the connect command; then 3502.
    pub connect_timeout: Duration,
    /// Inbound message before connect, bytes; larger is 1009.
    pub frame_bytes_before_connect: usize,
    /// Inbound message, bytes; larger is 1009, or 413 where it is the body of a request.
    pub frame_bytes: usize,
    /// Subscriptions of a connection; more are error 106.
    pub channels: usize,
    /// Commands per second, refilled up to `command_burst`; faster is 3013.
    pub commands_per_second: f64,
    /// Commands at once. A fresh connection has `channels` more, because a client that comes back asks for all its
    /// channels again in one go.
    pub command_burst: f64,
    /// Rpc calls in the air per connection; more are error 111.
    pub rpcs_in_flight: usize,
    /// Time for an answer of the gate; then error 100, temporary.
    pub gate_timeout: Duration,
    /// Distance of server pings.
    pub ping_interval: Duration,
    /// Time for a sign of life after a ping; then 3012.
    pub pong_timeout: Duration,
    /// Publications that wait for one connection, bytes. See [`super::outbox`] for what happens above.
    pub queue_bytes: usize,
    /// A write that moves less than `write_chunk_bytes` in this time is no progress: 3008.
    pub write_stall: Duration,
    /// Frames are joined into carrier messages of about this size.
    pub write_chunk_bytes: usize,
    /// How long publications wait for others of the same tick, so that they leave in one write.
    pub coalesce: Duration,
    /// On shutdown, disconnects are spread over this time.
    pub drain_spread: Duration,
    /// How long the goodbye of a connection may take.
    pub farewell: Duration,
    /// Values in one snapshot at most; the newest rows that fit are sent.
    pub snapshot_cells: usize,
    /// How long missed frames of a metrics channel are held for recovery.
    pub metrics_hold: Duration,
    /// How long the channel of a run stays after the run has ended.
    pub run_keep: Duration,
    /// Channels of runs; above it the one that ended first goes, its subscribers are unsubscribed.
    pub run_channels: usize,
    /// Bytes held by all runs together; above it the run that ended first goes.
    pub run_total_bytes: usize,
    /// Publications in the answer to a history command at most, and their bytes; a client pages on from the last one.
    pub history_publications: usize,
    pub history_bytes: usize,
    /// Connections named in the answer to a presence command at most; more are error 106, presence_stats counts them.
    pub presence: usize,
    /// Rooms; more are error 106.
    pub rooms: usize,
    /// What one message in a room may have, bytes; more is error 107.
    pub room_message_bytes: usize,
    /// Messages held per room and their bytes; above it the oldest go.
    pub room_messages: usize,
    pub room_bytes: usize,
    /// How long a room that nobody is in, and in which nobody spoke, stays.
    pub room_keep: Duration,
    /// How long rows from before the start wait for the first frame of their channel; then they go.
    pub seed_keep: Duration,
    /// Events held per run; above it the oldest go, and recovery from before them says so.
    pub run_events: usize,
    /// Bytes held per run, as `run_events`.
    pub run_bytes: usize,
}

impl Default for LiveLimits {
    fn default() -> Self {
        LiveLimits {
            connections: 10_000,
            connections_per_user: 32,
            connections_per_address: 64,
            connect_timeout: Duration::from_secs(10),
            frame_bytes_before_connect: 4 * 1024,
            frame_bytes: 32 * 1024,
            channels: 128,
            commands_per_second: 30.0,
            command_burst: 60.0,
            rpcs_in_flight: 16,
            gate_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(8),
            queue_bytes: 1024 * 1024,
            write_stall: Duration::from_secs(10),
            write_chunk_bytes: 64 * 1024,
            coalesce: Duration::from_millis(10),
            drain_spread: Duration::from_secs(5),
            farewell: Duration::from_secs(1),
            snapshot_cells: 400_000,
            metrics_hold: Duration::from_secs(150),
            run_keep: Duration::from_secs(600),
            run_channels: 256,
            run_total_bytes: 64 * 1024 * 1024,
            history_publications: 1000,
            history_bytes: 1024 * 1024,
            presence: 1000,
            rooms: 256,
            room_message_bytes: 4 * 1024,
            room_messages: 100,
            room_bytes: 256 * 1024,
            room_keep: Duration::from_secs(600),
            seed_keep: Duration::from_secs(120),
            run_events: 4096,
            run_bytes: 2 * 1024 * 1024,
        }
    }
}

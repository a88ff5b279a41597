//! WebSocket (RFC 6455), the server's side: what bytes mean, and how messages leave without waiting.
//!
//! | file | owns |
//! |---|---|
//! | [`frame`] | one frame's head (section 5.2), the mask (5.3), what breaks the protocol |
//! | [`assembly`] | bytes in, messages and control frames out: fragments (5.4), limits, UTF-8 (8.1), close payloads (7.4) |
//! | [`handshake`] | the upgrade (section 4), and the socket behind it |
//! | [`wire`] | one open connection: reads, writes of shared bytes, pongs, the close |
//!
//! It knows nothing of what messages say. Farol owns this code because most of what a watched server spends is spent
//! here: one frame to each of thousands of sockets, once a second. What it costs, and next to what, is in
//! docs/PERFORMANCE.md; why no library, in docs/adr/0008.
//!
//! The size of a message is bounded before anything is allocated for it, a control frame is at most 125 bytes, and one
//! pong waits at most: a peer cannot make this code hold more than its limit.

pub mod assembly;
pub mod frame;
pub mod handshake;
pub mod wire;

pub use assembly::{Assembler, Event};
pub use frame::Violation;
pub use wire::Wire;

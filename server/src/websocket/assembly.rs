//! Bytes in, messages and control frames out.
//!
//! Fragments are put together (RFC 6455 section 5.4), control frames may stand between them (5.5), text is checked as it
//! arrives so that bad text is told at once (8.1), and a message that would pass the limit is refused by the length in its
//! head. Nothing is held for a peer that sends nothing.

use super::frame::{Head, MAX_CLIENT_HEAD, MAX_CONTROL, Opcode, Violation, unmask};
use bytes::Bytes;

/// What a peer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// The peer's code, if it gave one.
    Close(Option<u16>),
}

/// Allocated for a message before its bytes are here, at most.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Bytes of a head that is not whole yet.
    head: [u8; MAX_CLIENT_HEAD],
    head_size: u8,
    frame: Option<Frame>,
    /// A message of which more frames must come.
    message: Option<Box<Message>>,
    /// Payload of the control frame that is being read.
    control: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    head: Head,
    /// Bytes of its payload that were read.
    read: usize,
}

#[derive(Debug)]
struct Message {
    text: bool,
    bytes: Vec<u8>,
    /// So many bytes are known to be UTF-8.
    checked: usize,
}

impl Assembler {
    /// Takes from `input` up to the next event, or all of it. `limit` bounds the bytes of a message.
    pub fn next(&mut self, input: &mut &[u8], limit: usize) -> Result<Option<Event>, Violation> {
        loop {
            if self.frame.is_none() && !self.begin(input, limit)? {
                return Ok(None);
            }
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let left = usize::try_from(frame.head.payload).unwrap_or(usize::MAX) - frame.read;
            let (here, rest) = input.split_at(left.min(input.len()));
            *input = rest;
            let target = match (&mut self.message, frame.head.opcode.is_control()) {
                (Some(message), false) => &mut message.bytes,
                _ => &mut self.control,
            };
            let start = target.len();
            if target.capacity() - start < here.len() {
                // Grows as a vector does, but never beyond what the frame has announced: the limit holds for memory too.
                target.reserve_exact(start.max(here.len()).min(left));
            }
            target.extend_from_slice(here);
            unmask(&mut target[start..], frame.head.mask, frame.read);
            frame.read += here.len();
            let whole = here.len() == left;
            let head = frame.head;
            if whole {
                self.frame = None;
            }
            if !head.opcode.is_control()
                && let Some(message) = &mut self.message
            {
                message.check(whole && head.fin)?;
            }
            if !whole {
                return Ok(None);
            }
            if let Some(event) = self.end(head)? {
                return Ok(Some(event));
            }
        }
    }

    /// Memory that is held for what has not become an event, bytes: never more than the limit and one control frame.
    pub fn held_bytes(&self) -> usize {
        let message = self.message.as_ref();
        message.map_or(0, |message| message.bytes.capacity()) + self.control.capacity()
    }

    /// Reads a head. False when it is not whole yet.
    fn begin(&mut self, input: &mut &[u8], limit: usize) -> Result<bool, Violation> {
        let held = usize::from(self.head_size);
        let more = input.len().min(MAX_CLIENT_HEAD - held);
        self.head[held..held + more].copy_from_slice(&input[..more]);
        let Some((head, size)) = Head::read(&self.head[..held + more])? else {
            self.head_size = (held + more) as u8;
            *input = &input[more..];
            return Ok(false);
        };
        self.head_size = 0;
        *input = &input[size - held..];
        if head.opcode.is_control() {
            self.control = Vec::with_capacity(head.payload.min(MAX_CONTROL as u64) as usize);
        } else {
            self.message(&head, limit)?;
        }
        self.frame = Some(Frame { head, read: 0 });
        Ok(true)
    }

    /// The message that a data frame belongs to, with room for it.
    fn message(&mut self, head: &Head, limit: usize) -> Result<(), Violation> {
        match (head.opcode, &self.message) {
            (Opcode::Continuation, None) => {
                return Err(Violation::protocol("a continuation of nothing"));
            }
            (Opcode::Continuation, Some(_)) => {}
            (_, Some(_)) => return Err(Violation::protocol("a new message within another")),
            (opcode, None) => {
                self.message = Some(Box::new(Message {
                    text: opcode == Opcode::Text,
                    bytes: Vec::new(),
                    checked: 0,
                }));
            }
        }
        if let Some(message) = &mut self.message {
            let room = limit.saturating_sub(message.bytes.len());
            let payload = usize::try_from(head.payload).unwrap_or(usize::MAX);
            if payload > room {
                return Err(Violation::TOO_BIG);
            }
            message.bytes.reserve_exact(payload.min(FIRST_ALLOCATION));
        }
        Ok(())
    }

    /// What a whole frame gives.
    fn end(&mut self, head: Head) -> Result<Option<Event>, Violation> {
        if head.opcode.is_control() {
            let payload = std::mem::take(&mut self.control);
            return Ok(Some(match head.opcode {
                Opcode::Ping => Event::Ping(payload.into()),
                Opcode::Close => Event::Close(close_code(&payload)?),
                _ => Event::Pong,
            }));
        }
        if !head.fin {
            return Ok(None);
        }
        Ok(self.message.take().map(|message| match message.text {
            true => Event::Text(message.bytes.into()),
            false => Event::Binary(message.bytes.into()),
        }))
    }
}

impl Message {
    /// Whether what came since is UTF-8. At the end no character may be open.
    fn check(&mut self, last: bool) -> Result<(), Violation> {
        if !self.text {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(_) => self.checked = self.bytes.len(),
            Err(error) if error.error_len().is_some() || last => return Err(Violation::NOT_UTF8),
            Err(error) => self.checked += error.valid_up_to(),
        }
        Ok(())
    }
}

/// The code in a close frame (5.5.1, 7.4): none, or one that may be sent, followed by UTF-8.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return match payload.is_empty() {
            true => Ok(None),
            false => Err(Violation::protocol("a close frame of one byte")),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::protocol("a close code that may not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Violation::NOT_UTF8),
    }
}

#[cfg(test)]
#[path = "assembly_tests.rs"]
mod tests;

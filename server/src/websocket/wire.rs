//! One open connection.
//!
//! A plain TCP stream takes a message in one `writev(2)` of shared pieces from whichever task holds the message, without
//! waking another. What the kernel does not take at once stays here as the tail, and somebody must wait for it with
//! [`Wire::poll_flush`]; until then [`Wire::send`] takes nothing more. Any other stream (TLS, memory) takes every message
//! that way.
//!
//! Pongs and the close frame are the wire's own. They wait behind the tail, one of each at most.

use super::{
    assembly::{Assembler, Event},
    frame::{MAX_SERVER_HEAD, Opcode, Violation, server_head},
};
use arrayvec::ArrayVec;
use bytes::{Buf, Bytes};
use rustix::net::SendFlags;
use std::{
    borrow::Borrow,
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Read at once at most, on the stack of whoever reads: an idle connection holds no buffer.
const READ_BYTES: usize = 16 * 1024;
/// Messages up to this, with their head, are put together before they are written.
const COPIED_BYTES: usize = 4 * 1024;
/// A full socket is no reason to wait, a closed one no reason for a signal.
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
/// Pieces of one write at most; a message of more is put together first.
const MAX_PIECES: usize = 64;

/// Bytes in both directions, boxed.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// The stream under a wire.
pub struct Io(Stream);

enum Stream {
    Tcp(TcpStream),
    /// A std mutex: held for one poll.
    Other(Mutex<Pin<Box<dyn Duplex>>>),
}

/// See the module.
pub struct Wire {
    io: Stream,
    /// A std mutex: held for one write that does not wait.
    out: Mutex<Out>,
    /// Bytes of an inbound message at most.
    limit: AtomicUsize,
}

#[derive(Default)]
struct Out {
    /// What is begun must be ended before anything else is written.
    tail: VecDeque<Bytes>,
    pong: Option<Bytes>,
    close: Option<Bytes>,
    /// Nothing follows a close frame (section 5.5.1).
    closed: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has it.
    Whole,
    /// The wire has it; wait for [`Wire::poll_flush`].
    Held,
}

/// The reading half: one of it per wire.
pub struct Reader {
    assembler: Assembler,
    /// Read and not looked at.
    left: Bytes,
}

impl Io {
    pub fn tcp(stream: TcpStream) -> Io {
        Io(Stream::Tcp(stream))
    }

    pub fn other(stream: impl Duplex + 'static) -> Io {
        Io(Stream::Other(Mutex::new(Box::pin(stream))))
    }
}

impl Wire {
    /// `first` are bytes that were read with the handshake; `limit` bounds an inbound message, bytes.
    pub fn new(io: Io, first: Bytes, limit: usize) -> (Wire, Reader) {
        let wire = Wire {
            io: io.0,
            out: Mutex::default(),
            limit: AtomicUsize::new(limit),
        };
        let reader = Reader {
            assembler: Assembler::default(),
            left: first,
        };
        (wire, reader)
    }

    /// From now on inbound messages may have this many bytes.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Sends the pieces as one message. The caller sees to it that nothing is held, see [`Sent::Held`]; after a close
    /// frame it is an error.
    pub fn send<P: Borrow<Bytes>>(&self, opcode: Opcode, pieces: &[P]) -> io::Result<Sent> {
        let mut out = self.lock();
        if out.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let payload: usize = pieces.iter().map(|piece| piece.borrow().len()).sum();
        let (head, size) = server_head(opcode, payload);
        let head = &head[..size];
        let written = match out.tail.is_empty() {
            true if size + payload <= COPIED_BYTES => self.try_write_copied(head, pieces)?,
            true if pieces.len() < MAX_PIECES => self.try_write_pieces(head, pieces)?,
            _ => 0,
        };
        out.hold(head, pieces, written);
        Ok(match out.tail.is_empty() {
            true => Sent::Whole,
            false => Sent::Held,
        })
    }

    /// Sends a close frame, once; nothing can be sent after it. It may have to be waited for.
    pub fn close(&self, code: Option<u16>, reason: &str) {
        let mut out = self.lock();
        if !out.closed {
            out.closed = true;
            out.close = Some(close_frame(code, reason));
        }
    }

    /// Writes what is held, then a waiting pong, then a waiting close.
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut out = self.lock();
        loop {
            out.advance();
            if out.tail.is_empty() {
                return self.poll_flush_io(context);
            }
            let written = {
                let mut slices = [IoSlice::new(&[]); MAX_PIECES];
                let count = out
                    .tail
                    .iter()
                    .zip(&mut slices)
                    .map(|(piece, slice)| *slice = IoSlice::new(piece))
                    .count();
                ready!(self.poll_write(context, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            out.written(written);
        }
    }

    /// Flushes, then ends the writing direction.
    pub fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(context))?;
        match &self.io {
            Stream::Tcp(stream) => Poll::Ready(shutdown_write(stream)),
            Stream::Other(stream) => lock(stream).as_mut().poll_shutdown(context),
        }
    }

    /// The next event of the peer; None at the end of its bytes. Pings are answered before they are told; an answer that
    /// had to wait is tried again.
    pub fn poll_event(
        &self,
        reader: &mut Reader,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Event, ReadError>>> {
        if self.lock().pong.is_some() {
            // An error shows when the next thing is read or written.
            let _ = self.poll_flush(context);
        }
        loop {
            let mut left: &[u8] = &reader.left;
            let before = left.len();
            let event = reader
                .assembler
                .next(&mut left, self.limit.load(Ordering::Relaxed));
            let taken = before - left.len();
            reader.left.advance(taken);
            if reader.left.is_empty() {
                // Lets go of the memory behind it.
                reader.left = Bytes::new();
            }
            match event {
                Err(violation) => return Poll::Ready(Some(Err(ReadError::Violation(violation)))),
                Ok(Some(event)) => {
                    if let Event::Ping(payload) = &event {
                        self.pong(payload);
                        let _ = self.poll_flush(context);
                    }
                    return Poll::Ready(Some(Ok(event)));
                }
                Ok(None) => {}
            }
            match ready!(self.poll_read(context)) {
                Ok(bytes) if bytes.is_empty() => return Poll::Ready(None),
                Ok(bytes) => reader.left = bytes,
                Err(error) => return Poll::Ready(Some(Err(ReadError::Io(error)))),
            }
        }
    }

    /// Reads to the end without looking, so that what was written last is not lost in a reset.
    pub fn poll_discard(&self, context: &mut Context<'_>) -> Poll<()> {
        while let Ok(bytes) = ready!(self.poll_read(context))
            && !bytes.is_empty()
        {}
        Poll::Ready(())
    }

    /// Answers a ping once nothing else is begun; only the last answer waits (5.5.3).
    fn pong(&self, payload: &Bytes) {
        let mut out = self.lock();
        if !out.closed {
            let (head, size) = server_head(Opcode::Pong, payload.len());
            out.pong = Some([&head[..size], payload].concat().into());
        }
    }

    /// Writes what can be written without waiting; 0 when that is nothing. Small messages are put together on the stack:
    /// `send(2)` of one buffer costs less than `writev(2)` of two. The kernel is asked and not the runtime, whose own
    /// record of the socket would have to be fetched for each message; a session that waits later asks the runtime.
    fn try_write_copied<P: Borrow<Bytes>>(&self, head: &[u8], pieces: &[P]) -> io::Result<usize> {
        let Stream::Tcp(stream) = &self.io else {
            return Ok(0);
        };
        let mut buffer = ArrayVec::<u8, COPIED_BYTES>::new();
        for part in std::iter::once(head).chain(pieces.iter().map(|piece| piece.borrow().as_ref())) {
            let _ = buffer.try_extend_from_slice(part);
        }
        without_waiting(|| Ok(rustix::net::send(stream, &buffer, SEND)?))
    }

    fn try_write_pieces<P: Borrow<Bytes>>(&self, head: &[u8], pieces: &[P]) -> io::Result<usize> {
        let Stream::Tcp(stream) = &self.io else {
            return Ok(0);
        };
        let mut slices = [IoSlice::new(&[]); MAX_PIECES];
        slices[0] = IoSlice::new(head);
        for (slice, piece) in slices[1..].iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece.borrow());
        }
        without_waiting(|| stream.try_write_vectored(&slices[..=pieces.len()]))
    }

    fn poll_write(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match &self.io {
            Stream::Tcp(stream) => loop {
                ready!(stream.poll_write_ready(context))?;
                match stream.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            Stream::Other(stream) => lock(stream).as_mut().poll_write_vectored(context, slices),
        }
    }

    fn poll_flush_io(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.io {
            Stream::Tcp(_) => Poll::Ready(Ok(())),
            Stream::Other(stream) => lock(stream).as_mut().poll_flush(context),
        }
    }

    /// Some bytes; none at the end.
    fn poll_read(&self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match &self.io {
            Stream::Tcp(stream) => loop {
                ready!(stream.poll_read_ready(context))?;
                let mut buffer = [0; READ_BYTES];
                match stream.try_read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result.map(|size| Bytes::copy_from_slice(&buffer[..size]))),
                }
            },
            Stream::Other(stream) => {
                let mut buffer = [0; READ_BYTES];
                let mut buffer = ReadBuf::new(&mut buffer);
                ready!(lock(stream).as_mut().poll_read(context, &mut buffer))?;
                Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        lock(&self.out)
    }
}

impl Out {
    /// Keeps what comes after the first `written` bytes of a message.
    fn hold<P: Borrow<Bytes>>(&mut self, head: &[u8], pieces: &[P], written: usize) {
        if written < head.len() {
            self.keep(Bytes::copy_from_slice(&head[written..]));
        }
        let mut skip = written.saturating_sub(head.len());
        for piece in pieces.iter().map(P::borrow) {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            self.keep(piece.slice(skipped..));
        }
    }

    fn keep(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.tail.push_back(bytes);
        }
    }

    /// What may follow when nothing is begun.
    fn advance(&mut self) {
        if self.tail.is_empty() {
            self.tail.extend(self.pong.take());
            self.tail.extend(self.close.take());
        }
    }

    fn written(&mut self, mut size: usize) {
        while let Some(first) = self.tail.front_mut() {
            let step = size.min(first.len());
            first.advance(step);
            size -= step;
            if !first.is_empty() {
                return;
            }
            self.tail.pop_front();
        }
        // Lets go of the memory behind it.
        self.tail = VecDeque::new();
    }
}

/// Why no event came.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the peer broke the rules: {0}")]
    Violation(#[source] Violation),
    #[error("the connection is broken")]
    Io(#[source] io::Error),
}

/// How much a write took that did not wait; 0 when it would have.
fn without_waiting(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match write() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            result => return result,
        }
    }
}

/// A close frame. The reason is cut to what fits (5.5).
fn close_frame(code: Option<u16>, reason: &str) -> Bytes {
    let mut payload = Vec::new();
    if let Some(code) = code {
        payload.extend(code.to_be_bytes());
        payload.extend(&reason.as_bytes()[..reason.floor_char_boundary(123)]);
    }
    let (head, size) = server_head(Opcode::Close, payload.len());
    debug_assert!(size < MAX_SERVER_HEAD);
    [&head[..size], &payload].concat().into()
}

fn shutdown_write(stream: &TcpStream) -> io::Result<()> {
    rustix::net::shutdown(stream, rustix::net::Shutdown::Write).map_err(io::Error::from)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;

//! The body of a response that goes on: what a session writes to where the connection is a plain HTTP response.

use crate::live::session::{CarrierError, Outbound};
use axum::body::Body;
use bytes::Bytes;
use futures::{Sink, Stream};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard, PollSender};

/// The writing side. `write` says what bytes stand for a message, or for the end; none for what is not written.
///
/// One item waits for the peer at most, so that a slow reader is seen by the session and not hidden in a buffer.
pub struct Pour<F> {
    sender: PollSender<Bytes>,
    write: F,
    ending: bool,
}

/// The sink, the body, and a token that is cancelled when nobody reads the body any more.
pub fn pour<F>(write: F) -> (Pour<F>, Body, CancellationToken)
where
    F: FnMut(Outbound) -> Result<Option<Bytes>, CarrierError>,
{
    let (sender, receiver) = mpsc::channel(1);
    let gone = CancellationToken::new();
    let flow = Flow {
        receiver,
        _gone: gone.clone().drop_guard(),
    };
    let pour = Pour {
        sender: PollSender::new(sender),
        write,
        ending: false,
    };
    (pour, Body::from_stream(flow), gone)
}

struct Flow {
    receiver: mpsc::Receiver<Bytes>,
    _gone: DropGuard,
}

impl Stream for Flow {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context).map(|item| item.map(Ok))
    }
}

impl<F> Sink<Outbound> for Pour<F>
where
    F: FnMut(Outbound) -> Result<Option<Bytes>, CarrierError> + Unpin,
{
    type Error = CarrierError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        self.sender
            .poll_reserve(context)
            .map_err(|_| CarrierError::Broken)
    }

    fn start_send(mut self: Pin<&mut Self>, outbound: Outbound) -> Result<(), CarrierError> {
        self.ending |= matches!(outbound, Outbound::Close(_));
        match (self.write)(outbound)? {
            Some(bytes) => self.sender.send_item(bytes).map_err(|_| CarrierError::Broken),
            None => Ok(()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        if self.ending {
            self.end();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), CarrierError>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl<F> Pour<F> {
    /// The body ends when what was sent has been read. A place that was reserved and not used would keep it open.
    fn end(&mut self) {
        self.sender.abort_send();
        self.sender.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::wire::codes::Disconnect;
    use futures::{FutureExt, SinkExt};

    fn plain(outbound: Outbound) -> Result<Option<Bytes>, CarrierError> {
        Ok(match outbound {
            Outbound::Message(message) => Some(message),
            Outbound::Close(_) => None,
        })
    }

    #[tokio::test]
    async fn the_body_is_what_was_sent_and_ends_with_the_close() {
        let (mut pour, body, gone) = pour(plain);
        let send = async {
            for text in ["a", "b"] {
                pour.send(Outbound::Message(text.into())).await.unwrap();
            }
            pour.send(Outbound::Close(Disconnect::SHUTDOWN)).await.unwrap();
        };
        let ((), body) = tokio::join!(send, axum::body::to_bytes(body, 10));
        assert_eq!(body.unwrap(), "ab");
        assert!(gone.is_cancelled());
    }

    #[tokio::test]
    async fn who_does_not_read_is_waited_for_and_who_is_gone_is_told() {
        let (mut pour, body, gone) = pour(plain);
        pour.send(Outbound::Message("a".into())).await.unwrap();
        assert!(pour.send(Outbound::Message("b".into())).now_or_never().is_none());
        assert!(!gone.is_cancelled());
        drop(body);
        gone.cancelled().await;
        assert_eq!(
            pour.send(Outbound::Message("c".into())).await,
            Err(CarrierError::Broken)
        );
    }
}

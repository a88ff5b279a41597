use super::*;
use std::future::poll_fn;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpListener,
};

const LIMIT: usize = 1024;

async fn tcp() -> (Wire, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    let (wire, reader) = Wire::new(Io::tcp(ours), Bytes::new(), LIMIT);
    (wire, reader, peer)
}

fn memory(room: usize) -> (Wire, Reader, DuplexStream) {
    let (ours, peer) = tokio::io::duplex(room);
    let (wire, reader) = Wire::new(Io::other(ours), Bytes::new(), LIMIT);
    (wire, reader, peer)
}

async fn flush(wire: &Wire) {
    poll_fn(|context| wire.poll_flush(context)).await.unwrap();
}

fn pieces(texts: &[&'static str]) -> Vec<Bytes> {
    texts
        .iter()
        .map(|text| Bytes::from_static(text.as_bytes()))
        .collect()
}

#[tokio::test]
async fn pieces_leave_as_one_message_without_waiting() {
    let (wire, _reader, mut peer) = tcp().await;
    let sent = wire.send(Opcode::Text, &pieces(&["one", "\n", "two"])).unwrap();
    assert_eq!(sent, Sent::Whole);
    let mut frame = [0; 9];
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x81\x07one\ntwo");
}

#[tokio::test]
async fn what_the_kernel_does_not_take_is_held_and_nothing_is_lost() {
    let (wire, _reader, mut peer) = tcp().await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let mut messages = 1;
    while wire
        .send(Opcode::Binary, &[piece.clone(), piece.clone()])
        .unwrap()
        == Sent::Whole
    {
        messages += 1;
    }
    let flushed = tokio::spawn(async move {
        flush(&wire).await;
        wire
    });
    let each = 10 + 2 * piece.len();
    let mut received = vec![0; messages * each];
    peer.read_exact(&mut received).await.unwrap();
    let wire = flushed.await.unwrap();
    for message in received.chunks(each) {
        assert_eq!(message[..2], [0x82, 127]);
        assert!(message[10..].iter().all(|byte| *byte == b'x'));
    }
    assert_eq!(wire.send::<Bytes>(Opcode::Binary, &[]).unwrap(), Sent::Whole);
}

#[tokio::test]
async fn a_stream_that_is_no_socket_takes_messages_by_flushing() {
    let (wire, _reader, mut peer) = memory(4);
    assert_eq!(
        wire.send(Opcode::Text, &pieces(&["hello", " you"])).unwrap(),
        Sent::Held
    );
    let reading = tokio::spawn(async move {
        let mut frame = [0; 11];
        peer.read_exact(&mut frame).await.unwrap();
        frame
    });
    flush(&wire).await;
    assert_eq!(&reading.await.unwrap(), b"\x81\x09hello you");
}

#[tokio::test]
async fn more_pieces_than_one_write_takes_are_one_message_all_the_same() {
    let (wire, _reader, mut peer) = tcp().await;
    wire.send(Opcode::Text, &vec![Bytes::from_static(b"a"); 100])
        .unwrap();
    flush(&wire).await;
    let mut frame = [0; 102];
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[..2], [0x81, 100]);
}

#[tokio::test]
async fn pings_are_answered_and_only_the_last_answer_waits() {
    let (wire, mut reader, mut peer) = memory(64);
    for payload in [b"a", b"b"] {
        peer.write_all(&[0x89, 0x81, 0, 0, 0, 0, payload[0]])
            .await
            .unwrap();
    }
    assert_eq!(
        wire.send(Opcode::Text, &[Bytes::from(vec![b'x'; 100])]).unwrap(),
        Sent::Held
    );
    for expected in [b"a", b"b"] {
        let event = poll_fn(|context| wire.poll_event(&mut reader, context)).await;
        assert!(matches!(event, Some(Ok(Event::Ping(payload))) if payload == expected[..]));
    }
    let reading = tokio::spawn(async move {
        let mut bytes = [0; 105];
        peer.read_exact(&mut bytes).await.unwrap();
        bytes
    });
    flush(&wire).await;
    assert_eq!(reading.await.unwrap()[102..], [0x8a, 1, b'b']);
}

#[tokio::test]
async fn nothing_follows_a_close() {
    let (wire, _reader, mut peer) = tcp().await;
    wire.close(Some(3501), "bad request");
    wire.close(Some(3000), "later");
    assert!(wire.send(Opcode::Text, &pieces(&["x"])).is_err());
    poll_fn(|context| wire.poll_shutdown(context)).await.unwrap();
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [&[0x88, 13, 0x0d, 0xad][..], b"bad request"].concat());
}

#[tokio::test]
async fn the_limit_can_be_raised_and_the_end_is_told() {
    let (wire, mut reader, mut peer) = memory(8192);
    let head = |size: u16| [&[0x82, 0xfe][..], &size.to_be_bytes(), &[0; 4]].concat();
    wire.set_limit(2000);
    peer.write_all(&head(2000)).await.unwrap();
    peer.write_all(&[7; 2000]).await.unwrap();
    let event = poll_fn(|context| wire.poll_event(&mut reader, context)).await;
    assert!(matches!(event, Some(Ok(Event::Binary(bytes))) if bytes.len() == 2000));
    drop(peer);
    let event = poll_fn(|context| wire.poll_event(&mut reader, context)).await;
    assert!(event.is_none());
}

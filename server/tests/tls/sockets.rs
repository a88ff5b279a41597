//! WebSocket over TLS, where messages leave by the session and not by the flusher.

use crate::{
    common::TestServer,
    encrypted,
    raw::{PATIENCE, tls},
};
use farol::{
    access::cli,
    client::{Client, Final, Server},
    db,
};
use farol_model::wire::{Command, ConnectRequest, Encoding, Reply, RpcRequest, SubscribeRequest, codec};
use futures::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn open(
    server: &TestServer,
    headers: &[(&'static str, &str)],
    protocols: &[&str],
) -> Result<Socket, Error> {
    let stream = tls(server.address, server.pem(), protocols).await;
    let url = format!("wss://localhost:{}/connection/websocket", server.address.port());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    Ok(client_async(request, stream).await?.0)
}

/// What came, decoded; None at the close, whose code was told.
async fn replies(socket: &mut Socket, encoding: Encoding) -> Option<Vec<Reply>> {
    match timeout(PATIENCE, socket.next()).await.expect("nothing came") {
        Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
            Some(codec::decode_replies(encoding, &message.into_data()).unwrap())
        }
        Some(Ok(_)) => Some(Vec::new()),
        Some(Err(_)) | None => None,
    }
}

async fn say(socket: &mut Socket, encoding: Encoding, commands: &[Command]) {
    let frames: Vec<_> = commands
        .iter()
        .map(|command| codec::encode_command(encoding, command))
        .collect();
    let bytes = codec::join(encoding, &frames);
    let message = match encoding {
        Encoding::Json => Message::text(String::from_utf8(bytes.into()).unwrap()),
        Encoding::Protobuf => Message::binary(bytes),
    };
    socket.send(message).await.unwrap();
}

fn subscribe(id: u32, channel: &str) -> Command {
    Command {
        id,
        subscribe: Some(SubscribeRequest {
            channel: channel.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_over_tls_in_both_encodings_and_hears_its_end() {
    let server = encrypted().await;
    let token = server.token("operator").await;
    let bearer = format!("Bearer {token}");
    for (encoding, protocol) in [
        (Encoding::Json, None),
        (
            Encoding::Protobuf,
            Some(("sec-websocket-protocol", "centrifuge-protobuf")),
        ),
    ] {
        let headers: Vec<_> = [("authorization", bearer.as_str())]
            .into_iter()
            .chain(protocol)
            .collect();
        // As a browser does it: it asks for HTTP/1.1 where it wants a WebSocket.
        let mut socket = open(&server, &headers, &["http/1.1"]).await.unwrap();
        let connect = Command {
            id: 1,
            connect: Some(ConnectRequest::default()),
            ..Default::default()
        };
        // Large enough to be more than one TLS record, and more than one read.
        let large = Command {
            id: 4,
            rpc: Some(RpcRequest {
                method: "nonsense".into(),
                data: format!("\"{}\"", "x".repeat(20_000)).into(),
            }),
            ..Default::default()
        };
        let channels = ["metrics/local/cpu", "processes/local"];
        let commands = [connect, subscribe(2, channels[0]), subscribe(3, channels[1])];
        say(&mut socket, encoding, &commands).await;
        say(&mut socket, encoding, &[large]).await;
        let (mut answered, mut offsets) = (Vec::new(), Vec::new());
        let mut tables = 0;
        while answered.len() < 4 || offsets.len() < 3 || tables < 2 {
            for reply in replies(&mut socket, encoding).await.expect("it ended") {
                if reply.id != 0 {
                    answered.push(reply.id);
                    let asked_well = reply.id < 4;
                    assert_eq!(reply.error.is_none(), asked_well, "{:?}", reply.error);
                } else if let Some(push) = reply.push {
                    let publication = push.publication.expect("a publication");
                    match push.channel.as_str() == channels[0] {
                        true => offsets.push(publication.offset),
                        false => tables += 1,
                    }
                }
            }
        }
        answered.sort_unstable();
        assert_eq!(answered, [1, 2, 3, 4]);
        assert!(
            offsets.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{offsets:?}"
        );
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        let pong = async {
            loop {
                if let Some(Ok(Message::Pong(payload))) = socket.next().await {
                    return payload;
                }
            }
        };
        assert_eq!(timeout(PATIENCE, pong).await.unwrap(), "are you there");
    }
    // A token that is taken back ends what stands on it, with words and a close that is not lost.
    let mut socket = open(&server, &[("authorization", &bearer)], &[]).await.unwrap();
    let connect = Command {
        id: 1,
        connect: Some(ConnectRequest::default()),
        ..Default::default()
    };
    say(&mut socket, Encoding::Json, &[connect]).await;
    replies(&mut socket, Encoding::Json).await.unwrap();
    let pool = db::open(server.data_dir.path()).await.unwrap();
    cli::token_revoke(&pool, 1).await.unwrap();
    let mut told = Vec::new();
    let mut code = None;
    while let Some(Ok(message)) = timeout(PATIENCE, socket.next()).await.expect("nothing came") {
        match message {
            Message::Text(text) => told.push(text.to_string()),
            Message::Close(frame) => code = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert_eq!(code, Some(4501), "{told:?}");
    assert!(told.last().unwrap().contains(r#""code":4501"#), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_open_a_socket_only_from_https() {
    let server = encrypted().await;
    let cookie = server.cookie("viewer").await;
    let origin = |scheme: &str| format!("{scheme}://localhost:{}", server.address.port());
    let (ours, plain) = (origin("https"), origin("http"));
    open(&server, &[("cookie", &cookie), ("origin", &ours)], &[])
        .await
        .unwrap();
    match open(&server, &[("cookie", &cookie), ("origin", &plain)], &[]).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("a refusal, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_program_speak_tls_and_say_when_they_do_not_trust() {
    let server = encrypted().await;
    let ca = server.data_dir.path().join("tls/self-signed.pem");
    let mut asked = Server {
        url: server.url(""),
        token: server.token("operator").await,
        ca: Some(ca.clone()),
    };
    let mut client = Client::connect(&asked).await.unwrap();
    let page = client.call("connections", &serde_json::json!({})).await.unwrap();
    assert_eq!(page["total"], 1, "{page}");

    asked.ca = None;
    let error = Client::connect(&asked).await.err().unwrap();
    assert!(error.downcast_ref::<Final>().is_some(), "{error:#}");
    assert!(error.to_string().contains("--ca FILE"), "{error:#}");

    asked.ca = Some(server.data_dir.path().join("nothing.pem"));
    let error = Client::connect(&asked).await.err().unwrap();
    assert!(
        error.to_string().contains("nothing.pem: cannot be read"),
        "{error:#}"
    );

    asked.ca = Some(ca);
    asked.url = asked.url.replace("https", "http");
    let error = timeout(Duration::from_secs(20), Client::connect(&asked))
        .await
        .unwrap()
        .err()
        .unwrap();
    assert!(format!("{error:#}").contains("Use https://"), "{error:#}");
}

//! Who gets in, and what ends it: over real HTTP and real sockets, with the command line beside the running server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod common;

use common::{PASSWORD, TestServer};
use farol::{access::cli, config::Config, db};
use farol_model::wire::codes::Disconnect;
use futures::{SinkExt, StreamExt};
use reqwest::{Response, header};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket as a page of this session would open it, connected.
async fn socket(server: &TestServer, cookie: &str) -> Socket {
    let mut socket = open(server, Some(cookie)).await;
    assert!(say(&mut socket, "{}").await.contains("\"connect\""));
    socket
}

async fn open(server: &TestServer, cookie: Option<&str>) -> Socket {
    let url = format!("ws://{}/connection/websocket", server.address);
    let mut request = url.into_client_request().unwrap();
    if let Some(cookie) = cookie {
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse().unwrap());
        headers.insert("origin", server.url("").parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

/// Sends a connect command; the answer as text.
async fn say(socket: &mut Socket, connect: &str) -> String {
    let command = format!("{{\"id\":1,\"connect\":{connect}}}");
    socket.send(Message::text(command)).await.unwrap();
    let answer = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    answer.into_text().unwrap().to_string()
}

/// Reads until the server closes; its code.
async fn end_of(mut socket: Socket) -> u16 {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.unwrap();
        match message {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("ended without a code: {other:?}"),
        }
    }
}

fn cookie_of(answer: &Response) -> String {
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Status of the overview with this cookie.
async fn overview(server: &TestServer, cookie: &str) -> u16 {
    let request = server
        .anonymous()
        .get(server.url("/"))
        .header(header::COOKIE, cookie);
    request.send().await.unwrap().status().as_u16()
}

fn location(answer: &Response) -> &str {
    answer.headers()[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn the_cookie_is_bound_to_this_host_and_hidden_from_scripts() {
    let server = TestServer::start().await;
    let answer = server.post_sign_in("viewer", PASSWORD).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-farol="), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(
            cookie.split("; ").any(|given| given == part),
            "{part} in {cookie}"
        );
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    server.stop().await;
}

#[tokio::test]
async fn an_id_that_was_known_before_sign_in_is_worth_nothing_after_it() {
    let server = TestServer::start().await;
    let planted = server.cookie("viewer").await;
    let answer = server
        .anonymous()
        .post(server.url("/api/auth/sign-in"))
        .header(header::ORIGIN, server.url(""))
        .header(header::COOKIE, &planted)
        .form(&[("name", "admin"), ("password", PASSWORD), ("next", "/")])
        .send()
        .await
        .unwrap();
    let fresh = cookie_of(&answer);
    assert_ne!(fresh, planted, "the id rotates");
    assert_eq!(overview(&server, &fresh).await, 200);
    assert_eq!(
        overview(&server, &planted).await,
        302,
        "the planted id is nobody's"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let mut idle = Config::default();
    idle.access.idle_minutes = 0;
    let mut old = Config::default();
    old.access.absolute_hours = 0;
    for (config, why) in [(idle, "idle"), (old, "old")] {
        let server = TestServer::start_with(config).await;
        let cookie = server.cookie("viewer").await;
        assert_eq!(overview(&server, &cookie).await, 302, "{why}");
        server.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer() {
    let server = TestServer::start().await;
    let unknown = server.post_sign_in("nobody", PASSWORD).await;
    let wrong = server.post_sign_in("viewer", "not the password").await;
    assert_eq!(unknown.status(), wrong.status());
    assert_eq!(location(&unknown), location(&wrong));
    assert!(location(&wrong).contains("fault=bad"), "{}", location(&wrong));
    server.stop().await;
}

#[tokio::test]
async fn neither_forwarded_addresses_nor_a_flood_of_names_evade_the_throttle() {
    let server = TestServer::start().await;
    let mut last = String::new();
    // Twenty failures of one address are free.
    for try_number in 0..21 {
        let answer = server
            .anonymous()
            .post(server.url("/api/auth/sign-in"))
            .header(header::ORIGIN, server.url(""))
            .header("x-forwarded-for", format!("203.0.113.{try_number}"))
            .form(&[
                ("name", format!("name{try_number}")),
                ("password", "guess".into()),
                ("next", "/".into()),
            ])
            .send()
            .await
            .unwrap();
        last = location(&answer).to_owned();
    }
    assert!(last.contains("fault=throttled"), "{last}");
    // The right password has to wait as well: the answer must not tell that it was right.
    let answer = server.post_sign_in("viewer", PASSWORD).await;
    assert!(
        location(&answer).contains("fault=throttled"),
        "{}",
        location(&answer)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_connection_and_no_second() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let answer = client.post(server.url("/api/v1/tickets")).send().await.unwrap();
    let ticket: serde_json::Value = answer.json().await.unwrap();
    let connect = format!("{{\"token\":{}}}", ticket["ticket"]);
    let mut first = open(&server, None).await;
    assert!(say(&mut first, &connect).await.contains("\"connect\""));
    let mut second = open(&server, None).await;
    let refused = say(&mut second, &connect).await;
    assert!(!refused.contains("\"connect\""), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_sockets_of_that_session_only() {
    let server = TestServer::start().await;
    let (mine, other) = (server.cookie("viewer").await, server.cookie("viewer").await);
    let ended = socket(&server, &mine).await;
    let mut alive = socket(&server, &other).await;
    let answer = server
        .anonymous()
        .post(server.url("/api/auth/sign-out"))
        .header(header::ORIGIN, server.url(""))
        .header(header::COOKIE, &mine)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    assert_eq!(end_of(ended).await, Disconnect::SIGNED_OUT.code);
    assert_eq!(overview(&server, &mine).await, 302);
    assert_eq!(overview(&server, &other).await, 200);
    alive.send(Message::text("{\"id\":2,\"ping\":{}}")).await.unwrap();
    let answer = timeout(PATIENCE, alive.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(answer, Message::Text(_)), "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_ends_what_is_open_beside_the_running_server() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    for name in ["viewer", "operator"] {
        let cookie = server.cookie(name).await;
        let open = socket(&server, &cookie).await;
        match name {
            "viewer" => cli::user_disable(&pool, name).await.unwrap(),
            _ => cli::user_passwd(&pool, name, "another good password".into())
                .await
                .unwrap(),
        };
        let code = end_of(open).await;
        assert!(
            !Disconnect::reconnect(code),
            "{name}: {code} must not come back by itself"
        );
        assert_eq!(overview(&server, &cookie).await, 302, "{name}");
    }
    let refused = server.post_sign_in("viewer", PASSWORD).await;
    assert!(
        location(&refused).contains("fault=bad"),
        "disabled is told to nobody"
    );
    pool.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_connection_and_reads_no_more() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let told = cli::token_create(&pool, "viewer", "test").await.unwrap();
    let token = told
        .split_whitespace()
        .find(|word| word.starts_with("farol_"))
        .unwrap();
    let mut open = open(&server, None).await;
    let connect = format!("{{\"token\":\"{token}\"}}");
    assert!(say(&mut open, &connect).await.contains("\"connect\""));
    let list = cli::token_list(&pool).await.unwrap();
    let id = list.lines().last().unwrap().split_whitespace().next().unwrap();
    cli::token_revoke(&pool, id.parse().unwrap()).await.unwrap();
    assert!(!Disconnect::reconnect(end_of(open).await));
    let answer = server
        .anonymous()
        .post(server.url("/api/v1/tickets"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    pool.close().await;
    server.stop().await;
}

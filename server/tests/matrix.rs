//! Who may reach what, swept: every address of the router, every server function, channel, rpc method, carrier and action, with
//! every role, a role of the configuration, tokens whole and narrowed, and nobody. What is there and not in the matrix fails here,
//! and so does what the matrix names and is not there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod common;

use axum::Router;
use common::{PASSWORD, TestServer};
use farol::{
    access::{
        cli,
        matrix::{self, ADDRESSES, Need},
        tokens::NewToken,
    },
    config::Config,
    db,
    live::Method,
};
use farol_model::{
    Grants, Permission as P, Role, Viewer,
    access::Permissions,
    channel::{Channel, Kind},
    connection::Carrier,
    wire::codes::{Disconnect, error},
};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"
[metrics]
loopback = false

[roles.deployer]
permissions = ["view_metrics", "view_runs", "run:runbook.* on *"]

[roles.guest]
permissions = ["view_processes"]

[[runbook]]
name = "hello"
title = "Say hello"
argv = ["echo", "hello"]
"#;

fn config() -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    std::fs::write(&file, CONFIG).unwrap();
    Config::load(Some(&file)).unwrap()
}

/// Method and path of every route, as the router itself shows them.
fn routes(router: &Router) -> BTreeSet<(String, String)> {
    let shown = format!("{router:?}");
    let (shown, _) = shown.split_once("fallback_router").unwrap();
    let (routes, paths) = shown.split_once("node: Node").unwrap();
    let by_id = |text: &str| -> BTreeMap<u32, String> {
        let pieces = text.split("RouteId(").skip(1);
        pieces
            .map(|piece| {
                let (id, what) = piece.split_once("): ").unwrap();
                (id.parse().unwrap(), what.to_owned())
            })
            .collect()
    };
    let methods = |route: &str| -> Vec<String> {
        let Some(allow) = route.split("allow_header: Bytes(b\"").nth(1) else {
            return vec!["ANY".to_owned()];
        };
        let allow = allow.split('"').next().unwrap();
        allow
            .split(',')
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect()
    };
    let routes = by_id(routes);
    let mut found = BTreeSet::new();
    for (id, path) in by_id(paths) {
        let path = path.trim_start_matches('"').split('"').next().unwrap().to_owned();
        for method in methods(&routes[&id]) {
            found.insert((method, path.clone()));
        }
    }
    assert!(found.len() > 30, "the router is read: {shown}");
    found
}

#[tokio::test]
async fn the_matrix_names_every_address_and_none_that_is_not_there() {
    let (dir, shutdown) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let address = "127.0.0.1:3000".parse().unwrap();
    let tasks = TaskTracker::new();
    let state = farol::assemble(address, config(), dir.path(), &shutdown, &tasks)
        .await
        .unwrap();
    let mut there = routes(&farol::router::router(state.clone()));
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        assert!(
            there.contains(&(method.to_string(), path.to_owned())),
            "{path} has no route"
        );
    }
    let named: BTreeSet<_> = ADDRESSES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(named.len(), ADDRESSES.len(), "each address once");
    let missing: Vec<_> = there.difference(&named).collect();
    assert!(
        missing.is_empty(),
        "not in access::matrix::ADDRESSES: {missing:?}"
    );
    there.retain(|row| named.contains(row));
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(gone.is_empty(), "named, but no route has it: {gone:?}");

    let admin = Viewer::new(1, "ana", Role::Admin);
    let specs = state.runner.specs(&admin);
    for spec in &specs {
        let named = matrix::action(&spec.id);
        assert_eq!(
            named,
            Some(spec.permission),
            "{} in access::matrix::ACTIONS",
            spec.id
        );
    }
    for (pattern, _) in matrix::ACTIONS {
        let matches = |id: &str| match pattern.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning),
            None => id == *pattern,
        };
        assert!(
            specs.iter().any(|spec| matches(&spec.id)),
            "named, but there is no action {pattern}"
        );
    }
    shutdown.cancel();
}

/// Somebody who asks for things.
struct Asker {
    name: &'static str,
    client: Client,
    /// Of an upgrade.
    proof: Option<(header::HeaderName, String)>,
    permissions: Permissions,
    person: bool,
}

impl Asker {
    fn may(&self, permission: P) -> bool {
        self.permissions.contains(permission)
    }
}

/// Everybody there can be.
async fn askers(server: &TestServer) -> Vec<Asker> {
    let pool = db::open(server.data_dir.path()).await.unwrap();
    for role in ["deployer", "guest"] {
        cli::user_add(&pool, role, role, PASSWORD.into()).await.unwrap();
    }
    cli::user_add(&pool, "left-over", "not-configured", PASSWORD.into())
        .await
        .unwrap();
    pool.close().await;
    let of = |words: &[&str]| Grants::parse(words).unwrap().permissions();
    let mut all = vec![Asker {
        name: "nobody",
        client: server.stranger(),
        proof: None,
        permissions: Permissions::default(),
        person: false,
    }];
    for (name, permissions) in [
        ("viewer", Role::Viewer.permissions()),
        ("operator", Role::Operator.permissions()),
        ("admin", Role::Admin.permissions()),
        ("deployer", of(&["view_metrics", "view_runs", "run_actions"])),
        ("guest", of(&["view_processes"])),
        ("left-over", Permissions::default()),
    ] {
        let cookie = server.cookie(name).await;
        all.push(with(server, name, (header::COOKIE, cookie), permissions));
    }
    let narrow = NewToken {
        grants: Some(Grants::parse(&["view_connections", "run:live.*", "manage_users"]).unwrap()),
        ..NewToken::from("narrow")
    };
    for (name, of_user, new, permissions) in [
        (
            "token of operator",
            "operator",
            NewToken::from("whole"),
            Role::Operator.permissions(),
        ),
        (
            "narrow token of admin",
            "admin",
            narrow.clone(),
            of(&["view_connections", "run_actions", "manage_users"]),
        ),
        ("narrow token of viewer", "viewer", narrow, Permissions::default()),
    ] {
        let pool = db::open(server.data_dir.path()).await.unwrap();
        let said = cli::token_create(&pool, of_user, new).await.unwrap();
        pool.close().await;
        let token = said
            .split_whitespace()
            .find(|word| word.starts_with("farol_"))
            .unwrap();
        all.push(with(
            server,
            name,
            (header::AUTHORIZATION, format!("Bearer {token}")),
            permissions,
        ));
    }
    all
}

fn with(
    server: &TestServer,
    name: &'static str,
    (header, value): (header::HeaderName, String),
    permissions: Permissions,
) -> Asker {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::ORIGIN, server.url("").parse().unwrap());
    headers.insert(header.clone(), value.parse().unwrap());
    Asker {
        name,
        client: server.client().default_headers(headers).build().unwrap(),
        person: header == header::COOKIE,
        proof: Some((header, value)),
        permissions,
    }
}

/// An address with something in its places, and what a caller would send there: asked for rightly, refused for nothing else.
fn request(server: &TestServer, asker: &Asker, method: &str, path: &str) -> reqwest::RequestBuilder {
    let filled = path
        .replace("{id}", "999999")
        .replace("{name}", "nobody-of-this-name")
        .replace("{section}", "roles");
    let query = match path {
        "/live/events" | "/live/poll" => "?channels=",
        "/socket.io/" => "?EIO=4&transport=polling",
        "/api/fn/run-view" => "?id=nothing",
        "/api/fn/compare" => "?first=nothing&second=nothing",
        _ => "",
    };
    let method = if method == "ANY" { "GET" } else { method };
    let request = asker
        .client
        .request(method.parse().unwrap(), server.url(&format!("{filled}{query}")));
    if method != "POST" {
        return request;
    }
    match path {
        "/api/fn/run" => request.form(&[("action", "nothing.at.all"), ("key", "test-key-0001")]),
        "/api/fn/preview" => request.form(&[("action", "nothing.at.all")]),
        "/api/fn/decide" => request.form(&[("run", "nothing"), ("word", "deny")]),
        "/api/v1/runs" => request
            .header("idempotency-key", "test-key-0002")
            .json(&serde_json::json!({ "action": "nothing.at.all" })),
        "/api/fn/cancel" => request.form(&[("run", "nothing")]),
        "/api/settings/users/{name}/disabled" => request.form(&[("disabled", "true")]),
        _ => request.form(&[("of", "nothing")]),
    }
}

#[tokio::test]
async fn every_address_lets_in_whom_the_matrix_lets_in_and_nobody_else() {
    let server = TestServer::start_with(config()).await;
    for asker in askers(&server).await {
        for (method, path, need) in ADDRESSES {
            // It would end the session that asks for the others; `access` has it.
            if *path == "/api/auth/sign-out" {
                continue;
            }
            let answer = request(&server, &asker, method, path).send().await.unwrap();
            let status = answer.status();
            let location = answer.headers().get(header::LOCATION);
            let location = location
                .map(|to| to.to_str().unwrap().to_owned())
                .unwrap_or_default();
            let what = format!("{} at {method} {path}: {status} {location}", asker.name);
            let in_there = status != StatusCode::UNAUTHORIZED
                && status != StatusCode::FORBIDDEN
                && location != "/sign-in"
                && !location.starts_with("/sign-in?next=");
            let page = *method == "GET" && !path.starts_with("/api/");
            let stranger = if page {
                StatusCode::FOUND
            } else {
                StatusCode::UNAUTHORIZED
            };
            let known = asker.proof.is_some();
            match need {
                Need::Open | Need::CarrierLater | Need::CarrierBeside => assert!(in_there, "{what}"),
                Need::Carrier if !known => assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}"),
                Need::Scraper => {
                    let by_token = known && !asker.person;
                    assert_eq!(status, if by_token { 200 } else { 401 }, "{what}");
                }
                Need::SignedIn | Need::Person | Need::PersonMay(_) | Need::May(_) if !known => {
                    assert_eq!(status, stranger, "{what}");
                    assert!(!in_there, "{what}");
                }
                Need::SignedIn | Need::Carrier => assert!(in_there, "{what}"),
                // A form of somebody who is not there leads to where one signs in.
                Need::Person => {
                    let sent_away = location.starts_with("/sign-in?fault=expired");
                    assert_eq!(in_there && !sent_away, asker.person, "{what}");
                }
                Need::PersonMay(permission) => {
                    assert_eq!(in_there, asker.person && asker.may(*permission), "{what}");
                }
                Need::May(permission) => assert_eq!(in_there, asker.may(*permission), "{what}"),
                Need::Missing => panic!("{what}: nobody has decided"),
            }
        }
    }
    server.stop().await;
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Line {
    socket: Socket,
    id: u32,
}

impl Line {
    async fn open(server: &TestServer, asker: &Asker) -> Line {
        let socket = upgrade(server, asker, "/connection/websocket").await;
        Line { socket, id: 0 }
    }

    /// The answer to a command; None when the connection ended, with its code.
    async fn ask(&mut self, what: &str, body: Value) -> Result<Value, u16> {
        self.id += 1;
        let command = json!({"id": self.id, what: body});
        self.socket
            .send(Message::text(command.to_string()))
            .await
            .unwrap();
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap()
            {
                Message::Close(frame) => return Err(frame.unwrap().code.into()),
                Message::Text(text) => {
                    for line in text.lines() {
                        let reply: Value = serde_json::from_str(line).unwrap();
                        if reply["id"] == self.id {
                            return Ok(reply);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the answer is anything but a refusal for want of a permission.
    async fn lets(&mut self, what: &str, body: Value) -> bool {
        let reply = self.ask(what, body).await.unwrap();
        reply["error"]["code"] != error::PERMISSION_DENIED
    }
}

fn channel_of(kind: Kind) -> String {
    let end = match kind {
        Kind::Metrics => "local/cpu",
        Kind::Processes
        | Kind::Collectors
        | Kind::Marks
        | Kind::Annotations
        | Kind::Services
        | Kind::RunList => "local",
        Kind::App => "farol",
        Kind::Run | Kind::Room => "nothing",
        Kind::Log => "container/nothing",
    };
    let name = format!("{}/{end}", kind.as_str());
    assert_eq!(Channel::parse(&name).map(|channel| channel.kind()), Some(kind));
    name
}

#[tokio::test]
async fn channels_methods_and_actions_ask_for_their_permission_of_everybody() {
    let server = TestServer::start_with(config()).await;
    for asker in askers(&server).await {
        let mut line = Line::open(&server, &asker).await;
        if asker.proof.is_none() {
            let refused = line.ask("connect", json!({})).await.unwrap();
            assert_eq!(refused["error"]["code"], error::UNAUTHORIZED, "{refused}");
            let ended = line.ask("ping", json!({})).await;
            assert_eq!(ended, Err(Disconnect::INVALID_TOKEN.code));
            continue;
        }
        assert!(line.ask("connect", json!({})).await.unwrap()["connect"].is_object());
        for kind in Kind::ALL {
            let (channel, may) = (channel_of(kind), asker.may(kind.permission()));
            let what = format!("{} at channel {channel}", asker.name);
            assert_eq!(
                line.lets("subscribe", json!({"channel": channel})).await,
                may,
                "{what}"
            );
            for command in ["history", "presence", "presence_stats"] {
                let asked = json!({"channel": channel, "limit": 1});
                assert_eq!(line.lets(command, asked).await, may, "{command}: {what}");
            }
            // The one-way carriers, which read permissions by themselves.
            for carrier in ["poll", "events"] {
                let url = server.url(&format!("/live/{carrier}?channels={channel}"));
                let answer = asker.client.get(url).send().await.unwrap();
                assert_eq!(answer.status() != StatusCode::FORBIDDEN, may, "{carrier}: {what}");
            }
        }
        for method in Method::ALL {
            let data = match method {
                Method::Run => json!({"action": "nothing.at.all", "key": "test-key-0001"}),
                Method::Cancel => json!({"run": "nothing"}),
                Method::Connections => json!({}),
                Method::Frames => json!({"connection": "nothing"}),
            };
            let call = json!({"method": method.as_str(), "data": data});
            let may = asker.may(method.permission());
            assert_eq!(line.lets("rpc", call).await, may, "{} at {method:?}", asker.name);
        }
        for (id, permission) in [
            ("process.signal", P::RunActions),
            ("runbook.hello", P::RunActions),
            ("live.disconnect", P::RunActions),
            ("collector.pause", P::Administer),
            ("collector.resume", P::Administer),
            ("collector.interval", P::Administer),
        ] {
            assert_eq!(matrix::action(id), Some(permission));
            // A key that is too short: refused for it after the permission was asked, so nothing is done.
            let call = json!({"method": "run", "data": {"action": id, "key": "short"}});
            let scope = match asker.name {
                "deployer" => "runbook.",
                "narrow token of admin" => "live.",
                _ => "",
            };
            let may = asker.may(permission) && id.starts_with(scope);
            assert_eq!(line.lets("rpc", call).await, may, "{} at {id}", asker.name);
        }
    }
    server.stop().await;
}

/// A socket to this path with the asker's proof.
async fn upgrade(server: &TestServer, asker: &Asker, path: &str) -> Socket {
    let url = format!("ws://{}{path}", server.address);
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", server.url("").parse().unwrap());
    if let Some((name, value)) = &asker.proof {
        headers.insert(
            name.as_str().parse::<http::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    connect_async(request).await.unwrap().0
}

/// Reads until a message has one of these in it.
async fn heard(socket: &mut Socket, marks: &[&str]) -> String {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = message
            && marks.iter().any(|mark| text.contains(mark))
        {
            return text.to_string();
        }
    }
}

/// Whether the process table can be had over a carrier.
async fn gets_processes(server: &TestServer, asker: &Asker, carrier: Carrier) -> bool {
    const TABLE: &str = "processes/local";
    let connect = json!({"id": 1, "connect": {"subs": {TABLE: {}}}});
    let http = |request: reqwest::RequestBuilder| async move {
        let mut response = request.send().await.unwrap();
        let mut text = String::new();
        // The first message may come in pieces, which end at a line.
        while !text.contains('\n') {
            let piece = timeout(PATIENCE, response.chunk()).await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        }
        assert!(text.contains("\"connect\""), "{text}");
        text.contains(TABLE)
    };
    match carrier {
        Carrier::WebSocket => {
            let mut line = Line::open(server, asker).await;
            line.ask("connect", json!({})).await.unwrap();
            line.lets("subscribe", json!({"channel": TABLE})).await
        }
        Carrier::HttpStream => {
            let url = server.url("/connection/http_stream");
            http(asker.client.post(url).json(&connect)).await
        }
        Carrier::Sse => {
            let url = server.url("/connection/sse");
            let text = connect.to_string();
            http(asker.client.get(url).query(&[("cf_connect", text)])).await
        }
        Carrier::Events | Carrier::LongPoll => {
            let name = if carrier == Carrier::Events {
                "events"
            } else {
                "poll"
            };
            let url = server.url(&format!("/live/{name}?channels={TABLE}"));
            asker.client.get(url).send().await.unwrap().status() != StatusCode::FORBIDDEN
        }
        Carrier::SocketIo => {
            let mut socket = upgrade(server, asker, "/socket.io/?EIO=4&transport=websocket").await;
            heard(&mut socket, &["sid"]).await;
            socket.send(Message::text("40")).await.unwrap();
            heard(&mut socket, &["40{"]).await;
            let asked = format!("421[\"presence\",{{\"channel\":\"{TABLE}\"}}]");
            socket.send(Message::text(asked)).await.unwrap();
            let answer = heard(&mut socket, &["431["]).await;
            !answer.contains("may not do this")
        }
        Carrier::SignalR => {
            let mut socket = upgrade(server, asker, "/signalr").await;
            let hello = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
            socket.send(Message::text(hello)).await.unwrap();
            let asked = json!({"type": 1, "invocationId": "7", "target": "Presence", "arguments": [TABLE]});
            socket
                .send(Message::text(format!("{asked}\u{1e}")))
                .await
                .unwrap();
            let answer = heard(&mut socket, &["\"invocationId\":\"7\""]).await;
            !answer.contains("may not do this")
        }
        // It sends back what it gets and tells nothing: whoever is signed in.
        Carrier::Echo => {
            drop(upgrade(server, asker, "/live/echo").await);
            asker.may(P::ViewProcesses)
        }
    }
}

#[tokio::test]
async fn every_carrier_asks_for_the_permission_of_the_channel() {
    let server = TestServer::start_with(config()).await;
    let viewer = server.signed_in("viewer").await;
    server
        .until(&viewer, "/api/fn/processes", |body| {
            !body.contains("\"rows\":\"\"")
        })
        .await;
    for asker in askers(&server).await {
        if asker.proof.is_none() {
            continue;
        }
        for carrier in Carrier::ALL {
            let may = asker.may(P::ViewProcesses);
            let gets = gets_processes(&server, &asker, carrier).await;
            assert_eq!(gets, may, "{} by {carrier:?}", asker.name);
        }
    }
    server.stop().await;
}

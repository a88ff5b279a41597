//! How people prove who they are: over real HTTP, with an authenticator app that is the library's own, and a real clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod common;

use common::{PASSWORD, TestServer};
use farol::{access::proof::cli, db, time::now_ms};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Response, header};
use std::time::Duration;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use totp_rs::{Builder, Secret, Totp};

/// A browser that keeps its cookies, follows no redirect and sends our origin.
fn browser(server: &TestServer) -> Client {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::ORIGIN, server.url("").parse().unwrap());
    headers.insert(header::USER_AGENT, "Testbrowser/1.0".parse().unwrap());
    let jar = std::sync::Arc::new(Jar::default());
    server
        .client()
        .default_headers(headers)
        .cookie_provider(jar)
        .build()
        .unwrap()
}

/// Cookies as they come. The client's own jar keeps no `Secure` ones for plain HTTP; a browser does, for loopback.
#[derive(Default)]
struct Jar(std::sync::Mutex<std::collections::BTreeMap<String, String>>);

impl reqwest::cookie::CookieStore for Jar {
    fn set_cookies(&self, lines: &mut dyn Iterator<Item = &header::HeaderValue>, _: &reqwest::Url) {
        for line in lines {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookies(&self, _: &reqwest::Url) -> Option<header::HeaderValue> {
        let all = self.0.lock().unwrap();
        let pairs: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; ").parse().unwrap())
    }
}

async fn post(server: &TestServer, client: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = client.post(server.url(path)).form(fields).send().await.unwrap();
    went(&answer)
}

/// Where a form led to.
fn went(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

async fn sign_in(server: &TestServer, client: &Client, name: &str, password: &str) -> String {
    let fields = [("name", name), ("password", password), ("next", "/host")];
    post(server, client, "/api/auth/sign-in", &fields).await
}

async fn page(server: &TestServer, client: &Client, path: &str) -> String {
    let answer = client.get(server.url(path)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// An app that has scanned what the page shows.
fn app(html: &str) -> Totp {
    let (_, rest) = html.split_once("data-secret").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let secret: String = rest.split('<').next().unwrap().split_whitespace().collect();
    Builder::new()
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .build()
        .unwrap()
}

/// The code of a step before or after now. Waits for the middle of a step, so that none ends between asking and checking.
async fn code(app: &Totp, steps: i64) -> String {
    while !(3_000..22_000).contains(&(now_ms() % 30_000)) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.generate(u64::try_from(now_ms() / 1000 + steps * 30).unwrap())
        .to_string()
}

/// Recovery codes as the page shows them.
fn recovery_codes(html: &str) -> Vec<String> {
    let (_, rest) = html.split_once("Your recovery codes").unwrap();
    let (list, _) = rest.split_once("</ol>").unwrap();
    list.split("<code>")
        .skip(1)
        .map(|part| part.split('<').next().unwrap().to_owned())
        .collect()
}

/// Signs in and sets up an app, in a step of its own; the app and the recovery codes.
async fn enrol(server: &TestServer, client: &Client, name: &str) -> (Totp, Vec<String>) {
    assert_eq!(sign_in(server, client, name, PASSWORD).await, "/host");
    assert_eq!(
        post(server, client, "/api/account/totp/begin", &[]).await,
        "/account?told=scan"
    );
    let html = page(server, client, "/account?told=scan").await;
    let app = app(&html);
    assert_eq!(
        post(server, client, "/api/account/totp/confirm", &[("code", "000000")]).await,
        "/account?told=code"
    );
    let first = code(&app, -1).await;
    assert_eq!(
        post(server, client, "/api/account/totp/confirm", &[("code", &first)]).await,
        "/account?told=on"
    );
    let html = page(server, client, "/account?told=on").await;
    let codes = recovery_codes(&html);
    assert_eq!(codes.len(), 10);
    let again = page(server, client, "/account").await;
    assert!(!again.contains("Your recovery codes"), "they are shown once");
    assert!(!again.contains("data-secret"), "and the secret no more");
    (app, codes)
}

#[tokio::test]
async fn a_sign_in_takes_two_steps_where_an_app_is_set_up_and_a_code_works_once() {
    let server = TestServer::start().await;
    let first = browser(&server);
    let (app, _) = enrol(&server, &first, "operator").await;

    let second = browser(&server);
    let went = sign_in(&server, &second, "operator", PASSWORD).await;
    assert_eq!(went, "/sign-in/code?next=/host");
    let form = page(&server, &second, &went).await;
    assert!(form.contains("/api/auth/code") && !form.contains("data-hydrated"));
    let host = second.get(server.url("/host")).send().await.unwrap();
    assert_eq!(host.status(), 302, "half way is not signed in");
    let wrong = [("code", "123456"), ("next", "/host")];
    assert_eq!(
        post(&server, &second, "/api/auth/code", &wrong).await,
        "/sign-in/code?fault=code&next=/host"
    );
    let shown = code(&app, 0).await;
    let right = [("code", shown.as_str()), ("next", "/host")];
    assert_eq!(post(&server, &second, "/api/auth/code", &right).await, "/host");
    page(&server, &second, "/host").await;

    // Whoever looked over the shoulder has the password and the code, and gets nowhere.
    let third = browser(&server);
    sign_in(&server, &third, "operator", PASSWORD).await;
    assert_eq!(
        post(&server, &third, "/api/auth/code", &right).await,
        "/sign-in/code?fault=code&next=/host"
    );
    // Without the first step there is no second.
    assert_eq!(
        post(&server, &browser(&server), "/api/auth/code", &right).await,
        "/sign-in?fault=late&next=/host"
    );
    // API tokens are not asked.
    let token = server.token("operator").await;
    let bearer = server.anonymous().get(server.url("/host")).bearer_auth(token);
    assert_eq!(bearer.send().await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_the_owner_sees_all_of_it() {
    let server = TestServer::start().await;
    let first = browser(&server);
    let (_, codes) = enrol(&server, &first, "viewer").await;
    let second = browser(&server);
    sign_in(&server, &second, "viewer", "not the password").await;
    sign_in(&server, &second, "viewer", PASSWORD).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let fields = [("code", typed.as_str()), ("next", "/")];
    assert_eq!(post(&server, &second, "/api/auth/code", &fields).await, "/");
    let third = browser(&server);
    sign_in(&server, &third, "viewer", PASSWORD).await;
    assert_eq!(
        post(&server, &third, "/api/auth/code", &fields).await,
        "/sign-in/code?fault=code&next=/"
    );
    // Attempts at a password are written beside the answer.
    let words = [
        "9 recovery codes are left",
        "Refused",
        "Password right",
        "Signed in",
        "recovery code",
        "Testbrowser/1.0",
        "127.0.0.1",
    ];
    let all = |html: &str| words.iter().all(|words| html.contains(words));
    server.until(&second, "/account", all).await;
    let other = server.signed_in("operator").await;
    assert!(!page(&server, &other, "/account").await.contains("Testbrowser"));
    let audit = page(&server, &other, "/audit").await;
    for what in ["account.totp_begin", "account.totp_confirm", "by recovery code"] {
        assert!(audit.contains(what), "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_app_is_set_up_and_removed_only_with_a_fresh_proof_and_the_command_line_helps_who_lost_it() {
    let server = TestServer::start().await;
    let client = browser(&server);
    let (app, _) = enrol(&server, &client, "operator").await;
    server.let_time_pass().await;
    for form in [
        "totp/begin",
        "totp/confirm",
        "totp/remove",
        "recovery",
        "password",
        "passkeys/remove",
    ] {
        let path = format!("/api/account/{form}");
        assert_eq!(
            post(&server, &client, &path, &[]).await,
            "/prove?next=/account",
            "{form}"
        );
    }
    let form = page(&server, &client, "/prove?next=/account").await;
    assert!(form.contains("name=\"code\"") && !form.contains("name=\"password\""));
    // The password is not enough for who has a second factor.
    let fields = [("password", PASSWORD), ("next", "/account")];
    assert_eq!(
        post(&server, &client, "/api/auth/prove", &fields).await,
        "/prove?fault=bad&next=/account"
    );
    let shown = code(&app, 0).await;
    let fields = [("code", shown.as_str()), ("next", "//evil.example")];
    assert_eq!(post(&server, &client, "/api/auth/prove", &fields).await, "/");
    assert_eq!(
        post(&server, &client, "/api/account/totp/remove", &[]).await,
        "/account?told=off"
    );
    let other = browser(&server);
    assert_eq!(sign_in(&server, &other, "operator", PASSWORD).await, "/host");

    let lost = browser(&server);
    enrol(&server, &lost, "viewer").await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    cli::user_reset_proofs(&pool, "viewer").await.unwrap();
    assert!(cli::user_reset_proofs(&pool, "nobody").await.is_err());
    pool.close().await;
    assert_eq!(
        sign_in(&server, &browser(&server), "viewer", PASSWORD).await,
        "/host"
    );
    // A stranger and a token change nothing.
    let token = server.token("viewer").await;
    let path = server.url("/api/account/totp/begin");
    let by_token = server
        .anonymous()
        .post(&path)
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert!(went(&by_token).starts_with("/sign-in"));
    assert_eq!(server.stranger().post(&path).send().await.unwrap().status(), 401);
    server.stop().await;
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let server = TestServer::start().await;
    let (client, other) = (browser(&server), browser(&server));
    for browser in [&client, &other] {
        sign_in(&server, browser, "viewer", PASSWORD).await;
    }
    let change = async |current: &str, password: &str, repeat: &str| {
        let fields = [("current", current), ("password", password), ("repeat", repeat)];
        post(&server, &client, "/api/account/password", &fields).await
    };
    let new = "another good password";
    assert_eq!(change("wrong", new, new).await, "/account?told=current");
    assert_eq!(change(PASSWORD, new, "different").await, "/account?told=mismatch");
    assert_eq!(change(PASSWORD, "short", "short").await, "/account?told=weak");
    assert_eq!(change(PASSWORD, new, new).await, "/account?told=password");
    page(&server, &client, "/account").await;
    let ended = other.get(server.url("/account")).send().await.unwrap();
    assert_eq!(ended.status(), 302);
    assert_eq!(sign_in(&server, &other, "viewer", new).await, "/host");
    server.stop().await;
}

/// The action that ends a connection is dangerous; there is no such connection, which only who may run it is told.
const DANGEROUS: [(&str, &str); 5] = [
    ("action", "live.disconnect"),
    ("params[connection]", "00000000"),
    ("params[reason]", "a test"),
    ("params[then]", "return"),
    ("confirm", "true"),
];

async fn run(server: &TestServer, client: &Client, key: &str, accept: &str) -> Response {
    let mut fields = DANGEROUS.to_vec();
    fields.push(("key", key));
    client
        .post(server.url("/api/fn/run"))
        .header(header::ACCEPT, accept)
        .header(header::REFERER, server.url("/controls"))
        .form(&fields)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_dangerous_asks_again_by_every_way_and_goes_on_after_the_proof() {
    let server = TestServer::start().await;
    let client = browser(&server);
    sign_in(&server, &client, "operator", PASSWORD).await;
    let fresh = run(&server, &client, "proof-key-1", "application/json").await;
    assert_eq!(fresh.status(), 200, "{}", fresh.text().await.unwrap());
    server.let_time_pass().await;

    let stale = run(&server, &client, "proof-key-2", "application/json").await;
    assert_eq!(stale.status(), 403);
    let told = stale.text().await.unwrap();
    assert!(told.contains("\"proof_needed\""), "{told}");
    // Without JavaScript the form leads back to its page, which says so and links to the proof.
    let plain = run(&server, &client, "proof-key-2", "text/html").await;
    assert_eq!(plain.status(), 302);
    let back = plain.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let path = back.strip_prefix(&server.url("")).unwrap_or(&back);
    let html = page(&server, &client, path).await;
    assert!(html.contains("href=\"/prove?next="), "{path}");
    // By rpc, over a socket that was open before.
    let mut socket = socket(&server, &client).await;
    let refused = rpc(&mut socket, 2).await;
    assert_eq!(refused["error"]["code"], 403, "{refused}");

    let wrong = [("password", "not the password"), ("next", "/controls")];
    assert_eq!(
        post(&server, &client, "/api/auth/prove", &wrong).await,
        "/prove?fault=bad&next=/controls"
    );
    let right = [("password", PASSWORD), ("next", "/controls")];
    assert_eq!(
        post(&server, &client, "/api/auth/prove", &right).await,
        "/controls"
    );
    let again = run(&server, &client, "proof-key-2", "application/json").await;
    assert_eq!(again.status(), 200, "the refusal used up nothing");
    let done = rpc(&mut socket, 3).await;
    assert!(
        done["rpc"].is_object(),
        "the socket that was open acts again: {done}"
    );
    server.stop().await;
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A socket by a ticket of this session.
async fn socket(server: &TestServer, client: &Client) -> Socket {
    let answer = client.post(server.url("/api/v1/tickets")).send().await.unwrap();
    let ticket: serde_json::Value = answer.json().await.unwrap();
    let url = format!("ws://{}/connection/websocket", server.address);
    let (mut socket, _) = connect_async(url.into_client_request().unwrap()).await.unwrap();
    let connect = serde_json::json!({ "id": 1, "connect": { "token": ticket["ticket"] } });
    socket.send(Message::text(connect.to_string())).await.unwrap();
    answer_to(&mut socket, 1).await;
    socket
}

async fn rpc(socket: &mut Socket, id: u64) -> serde_json::Value {
    let params = serde_json::json!({ "connection": "00000000", "reason": "a test" });
    let data = serde_json::json!({ "action": "live.disconnect", "key": format!("rpc-key-{id}"), "params": params, "confirm": true });
    let command = serde_json::json!({ "id": id, "rpc": { "method": "run", "data": data } });
    socket.send(Message::text(command.to_string())).await.unwrap();
    answer_to(socket, id).await
}

async fn answer_to(socket: &mut Socket, id: u64) -> serde_json::Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next())
            .await
            .unwrap();
        let text = message.unwrap().unwrap().into_text().unwrap();
        for line in text.lines() {
            let answer: serde_json::Value = serde_json::from_str(line).unwrap();
            if answer["id"] == id {
                return answer;
            }
        }
    }
}

#[tokio::test]
async fn a_token_runs_what_is_dangerous_only_where_somebody_said_so() {
    let server = TestServer::start().await;
    let token = server.token("operator").await;
    let mut headers = header::HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let client = server.client().default_headers(headers).build().unwrap();
    let refused = run(&server, &client, "token-key-1", "application/json").await;
    assert_eq!(refused.status(), 403);
    let told = refused.text().await.unwrap();
    assert!(told.contains("farol token trust 1"), "{told}");
    let pool = db::open(server.data_dir.path()).await.unwrap();
    assert!(cli::token_trust(&pool, 9, true).await.is_err(), "there is none");
    cli::token_trust(&pool, 1, true).await.unwrap();
    assert_eq!(
        run(&server, &client, "token-key-1", "application/json")
            .await
            .status(),
        200
    );
    cli::token_trust(&pool, 1, false).await.unwrap();
    assert_eq!(
        run(&server, &client, "token-key-2", "application/json")
            .await
            .status(),
        403
    );
    pool.close().await;
    server.stop().await;
}

#[tokio::test]
async fn somebody_who_guesses_cannot_keep_the_owner_out_of_a_browser_that_signed_in_before() {
    let server = TestServer::start().await;
    let (mine, elsewhere) = (browser(&server), browser(&server));
    sign_in(&server, &mine, "viewer", PASSWORD).await;
    let mut last = String::new();
    for _ in 0..6 {
        last = sign_in(&server, &elsewhere, "viewer", "a guess at it").await;
    }
    assert!(last.contains("fault=throttled"), "{last}");
    let right = sign_in(&server, &elsewhere, "viewer", PASSWORD).await;
    assert!(right.contains("fault=throttled"), "{right}");
    assert_eq!(sign_in(&server, &mine, "viewer", PASSWORD).await, "/host");
    server
        .until(&mine, "/account", |html| html.contains("Slowed down"))
        .await;
    server.stop().await;
}

#[tokio::test]
async fn no_passkey_is_made_or_asked_for_under_an_address_and_the_page_says_why() {
    let server = TestServer::start().await;
    let client = browser(&server);
    sign_in(&server, &client, "viewer", PASSWORD).await;
    let html = page(&server, &client, "/account").await;
    assert!(html.contains("http://localhost on this machine"));
    for path in ["/api/account/passkeys/begin", "/api/auth/passkey/begin"] {
        let answer = client.post(server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{path}");
        let told = answer.text().await.unwrap();
        assert!(told.contains("IP address"), "{told}");
    }
    server.stop().await;
}

//! Users, sessions and tokens, changed from the Settings pages and from the command line: what may be changed by whom, and that
//! what is open ends within a second. Over real HTTP and real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

mod common;

use common::{PASSWORD, TestServer};
use farol::{
    access::{cli, tokens::NewToken},
    config::Config,
    db,
    time::now_ms,
};
use farol_model::{Grants, wire::codes::Disconnect};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Response, header};
use std::time::{Duration, Instant};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// As a failure only.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is promised: a change reaches what is open within a second.
const AT_ONCE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connected socket with this header as proof.
async fn socket(server: &TestServer, name: &'static str, proof: &str) -> Socket {
    let url = format!("ws://{}/connection/websocket", server.address);
    let mut request = url.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("origin", server.url("").parse().unwrap());
    request.headers_mut().insert(name, proof.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket
        .send(Message::text(r#"{"id":1,"connect":{}}"#))
        .await
        .unwrap();
    let answer = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(answer.into_text().unwrap().contains("\"connect\""));
    socket
}

/// Reads until the server closes. Its code, and how long after `since`.
async fn end_of(mut socket: Socket, since: Instant) -> (u16, Duration) {
    loop {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), since.elapsed()),
            Some(Ok(_)) => {}
            other => panic!("ended without a code: {other:?}"),
        }
    }
}

/// It still answers.
async fn lives(socket: &mut Socket) {
    socket.send(Message::text(r#"{"id":9,"ping":{}}"#)).await.unwrap();
    let answer = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(answer, Message::Text(_)), "{answer:?}");
}

fn client(server: &TestServer, cookie: &str) -> Client {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    headers.insert(header::ORIGIN, server.url("").parse().unwrap());
    headers.insert(
        header::USER_AGENT,
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".parse().unwrap(),
    );
    server.client().default_headers(headers).build().unwrap()
}

async fn post(server: &TestServer, client: &Client, path: &str, fields: &[(&str, &str)]) -> Response {
    client.post(server.url(path)).form(fields).send().await.unwrap()
}

/// Sends a form and reads the page that it leads to.
async fn form(server: &TestServer, client: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = post(server, client, path, fields).await;
    assert_eq!(answer.status(), 303, "{path}");
    let location = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    page(server, client, &location).await
}

async fn page(server: &TestServer, client: &Client, path: &str) -> String {
    client
        .get(server.url(path))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

async fn status(server: &TestServer, client: &Client) -> u16 {
    let answer = client.get(server.url("/host")).send().await.unwrap();
    answer.status().as_u16()
}

/// The id in the first of these addresses that has one.
fn id_in(html: &str, before: &str) -> String {
    let ends = html.split(before).skip(1);
    let mut ids = ends.filter_map(|rest| rest.split_once("/revoke").map(|(id, _)| id));
    let id = ids.find(|id| id.parse::<i64>().is_ok());
    id.unwrap_or_else(|| panic!("{before} is not in {html}"))
        .to_owned()
}

#[tokio::test]
async fn an_administrator_makes_changes_and_disables_users_and_open_sockets_end() {
    let server = TestServer::start().await;
    let admin = client(&server, &server.cookie("admin").await);
    let new = [
        ("name", "Nora"),
        ("role", "viewer"),
        ("password", PASSWORD),
        ("repeat", PASSWORD),
    ];
    let html = form(&server, &admin, "/api/settings/users", &new).await;
    assert!(html.contains("Added Nora as viewer"), "{html}");
    for (path, field) in [("role", ("role", "operator")), ("disabled", ("disabled", "true"))] {
        let nora = server.cookie("nora").await;
        let open = socket(&server, "cookie", &nora).await;
        let since = Instant::now();
        let html = form(
            &server,
            &admin,
            &format!("/api/settings/users/nora/{path}"),
            &[field],
        )
        .await;
        assert!(html.contains("notice ok"), "{html}");
        let (code, after) = end_of(open, since).await;
        assert_eq!(code, Disconnect::SESSION_ENDED.code, "{path}");
        assert!(after < AT_ONCE, "{path} took {after:?}");
        assert_eq!(
            client(&server, &nora)
                .get(server.url("/"))
                .send()
                .await
                .unwrap()
                .status(),
            302
        );
    }
    let refused = server.post_sign_in("nora", PASSWORD).await;
    assert!(
        refused.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .contains("fault=bad")
    );
    form(
        &server,
        &admin,
        "/api/settings/users/nora/disabled",
        &[("disabled", "false")],
    )
    .await;
    let open = socket(&server, "cookie", &server.cookie("nora").await).await;
    let other = "another good password";
    let since = Instant::now();
    let typed = [("password", other), ("repeat", other)];
    form(&server, &admin, "/api/settings/users/nora/password", &typed).await;
    let (code, after) = end_of(open, since).await;
    assert_eq!(code, Disconnect::SESSION_ENDED.code);
    assert!(after < AT_ONCE, "took {after:?}");
    assert_eq!(
        server.post_sign_in("nora", other).await.headers()[header::LOCATION],
        "/"
    );
    let audit = page(&server, &admin, "/audit?text=nora").await;
    for what in [
        "user.add",
        "user.role",
        "user.disable",
        "user.enable",
        "user.passwd",
    ] {
        assert!(audit.contains(what), "{what} is written down");
    }
    assert!(!audit.contains(other));
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_on_the_page_and_changes_nothing() {
    let server = TestServer::start().await;
    let admin = client(&server, &server.cookie("admin").await);
    for (fields, words) in [
        (
            [
                ("name", "1a"),
                ("role", "viewer"),
                ("password", PASSWORD),
                ("repeat", PASSWORD),
            ],
            "cannot be a name",
        ),
        (
            [
                ("name", "viewer"),
                ("role", "viewer"),
                ("password", PASSWORD),
                ("repeat", PASSWORD),
            ],
            "There is a user `viewer` already",
        ),
        (
            [
                ("name", "nora"),
                ("role", "root"),
                ("password", PASSWORD),
                ("repeat", PASSWORD),
            ],
            "There is no such role; there are viewer, operator, admin",
        ),
        (
            [
                ("name", "nora"),
                ("role", "viewer"),
                ("password", "short"),
                ("repeat", "short"),
            ],
            "needs at least 12 characters",
        ),
        (
            [
                ("name", "nora"),
                ("role", "viewer"),
                ("password", PASSWORD),
                ("repeat", "another"),
            ],
            "two passwords differ",
        ),
    ] {
        let html = form(&server, &admin, "/api/settings/users", &fields).await;
        assert!(
            html.contains("Not changed") && html.contains(words),
            "{words}: {html}"
        );
    }
    let users = page(&server, &admin, "/settings/users").await;
    assert!(users.contains("3 users"), "{users}");
    server.stop().await;
}

#[tokio::test]
async fn nobody_lowers_or_disables_themselves_and_the_last_administrator_stays() {
    let server = TestServer::start().await;
    let admin = client(&server, &server.cookie("admin").await);
    for (path, field) in [("role", ("role", "viewer")), ("disabled", ("disabled", "true"))] {
        let html = form(
            &server,
            &admin,
            &format!("/api/settings/users/admin/{path}"),
            &[field],
        )
        .await;
        assert!(html.contains("Nobody changes their own role"), "{html}");
    }
    assert_eq!(
        admin
            .get(server.url("/settings/users"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let pool = db::open(server.data_dir.path()).await.unwrap();
    for refused in [
        cli::user_role(&pool, "admin", "viewer").await,
        cli::user_disable(&pool, "admin").await,
    ] {
        assert!(refused.unwrap_err().to_string().contains("last administrator"));
    }
    // Two administrators who take the role from each other at once: one of them keeps it.
    cli::user_add(&pool, "adam", "admin", PASSWORD.into())
        .await
        .unwrap();
    let adam = client(&server, &server.cookie("adam").await);
    tokio::join!(
        post(
            &server,
            &admin,
            "/api/settings/users/adam/role",
            &[("role", "viewer")]
        ),
        post(
            &server,
            &adam,
            "/api/settings/users/admin/role",
            &[("role", "viewer")]
        ),
    );
    let listed = cli::user_list(&pool).await.unwrap();
    let admins = listed
        .lines()
        .filter(|line| line.split_whitespace().nth(1) == Some("admin"));
    assert_eq!(admins.count(), 1, "{listed}");
    server.stop().await;
}

#[tokio::test]
async fn who_manages_users_can_give_no_more_than_they_have() {
    let mut config = Config::default();
    let role = farol::access::roles::RoleConfig {
        permissions: ["view_metrics", "manage_users", "run:service.*"]
            .map(str::to_owned)
            .into(),
    };
    config.roles.insert("steward".into(), role);
    let server = TestServer::start_with(config).await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    cli::user_add(&pool, "stefan", "steward", PASSWORD.into())
        .await
        .unwrap();
    let stefan = client(&server, &server.cookie("stefan").await);
    let new = |role: &'static str| {
        [
            ("name", "nora"),
            ("role", role),
            ("password", PASSWORD),
            ("repeat", PASSWORD),
        ]
    };
    for role in ["admin", "operator"] {
        let html = form(&server, &stefan, "/api/settings/users", &new(role)).await;
        assert!(html.contains("you cannot give it"), "{role}: {html}");
    }
    for (path, field) in [("disabled", ("disabled", "true")), ("sign-out", ("", ""))] {
        let html = form(
            &server,
            &stefan,
            &format!("/api/settings/users/admin/{path}"),
            &[field],
        )
        .await;
        assert!(html.contains("may do things that you may not"), "{html}");
    }
    let html = page(&server, &stefan, "/settings/users").await;
    assert!(!html.contains("<option value=\"admin\""), "not offered either");
    assert!(html.contains("<option value=\"steward\""));
    server.stop().await;
}

#[tokio::test]
async fn an_operator_and_a_token_are_refused_and_that_is_written_down() {
    let server = TestServer::start().await;
    let operator = client(&server, &server.cookie("operator").await);
    let new = [
        ("name", "nora"),
        ("role", "viewer"),
        ("password", PASSWORD),
        ("repeat", PASSWORD),
    ];
    assert_eq!(
        post(&server, &operator, "/api/settings/users", &new)
            .await
            .status(),
        403
    );
    for path in [
        "/settings/users",
        "/settings/users/admin",
        "/settings/sessions?of=all",
        "/settings/tokens?of=all",
    ] {
        let answer = operator.get(server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains("Not for your role") && !html.contains("<option"),
            "{path}"
        );
    }
    let token = server.token("admin").await;
    let by_token = server
        .anonymous()
        .post(server.url("/api/settings/users"))
        .bearer_auth(&token)
        .form(&new);
    let answer = by_token.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("not with an API token"));
    let admin = client(&server, &server.cookie("admin").await);
    let audit = page(&server, &admin, "/audit?outcome=refused").await;
    assert!(
        audit.contains("user.add") && audit.contains("/api/settings/users"),
        "{audit}"
    );
    assert!(page(&server, &admin, "/settings/users").await.contains("3 users"));
    server.stop().await;
}

#[tokio::test]
async fn a_session_is_listed_by_device_and_ended_alone_or_with_all_others() {
    let server = TestServer::start().await;
    let cookies = [
        server.cookie("viewer").await,
        server.cookie("viewer").await,
        server.cookie("viewer").await,
    ];
    let [mine, second, third] = cookies.each_ref().map(|cookie| client(&server, cookie));
    for client in [&mine, &second, &third] {
        assert_eq!(
            client.get(server.url("/host")).send().await.unwrap().status(),
            200
        );
    }
    let html = page(&server, &mine, "/settings/sessions").await;
    assert!(
        html.contains("3 sessions") && html.contains("Firefox on Linux") && html.contains("127.0.0.1"),
        "{html}"
    );
    assert!(html.contains("This one"));
    for cookie in &cookies {
        let secret = cookie.split_once('=').unwrap().1;
        assert!(!html.contains(secret), "the secret of a session is never shown");
    }
    // Each is named by its number; the newest that is not this one is first.
    let open = [
        socket(&server, "cookie", &cookies[1]).await,
        socket(&server, "cookie", &cookies[2]).await,
    ];
    let mut own = socket(&server, "cookie", &cookies[0]).await;
    let id = id_in(&html, "/api/settings/sessions/");
    let since = Instant::now();
    let html = form(
        &server,
        &mine,
        &format!("/api/settings/sessions/{id}/revoke"),
        &[],
    )
    .await;
    assert!(
        html.contains("has ended") && html.contains("2 sessions"),
        "{html}"
    );
    let [second_socket, third_socket] = open;
    let (ended, lasting) = match status(&server, &second).await {
        302 => (second_socket, third_socket),
        _ => (third_socket, second_socket),
    };
    let (code, after) = end_of(ended, since).await;
    assert_eq!(code, Disconnect::SIGNED_OUT.code);
    assert!(after < AT_ONCE, "took {after:?}");
    let since = Instant::now();
    let html = form(&server, &mine, "/api/settings/sessions/revoke-others", &[]).await;
    assert!(
        html.contains("Signed out of 1 other sessions") && html.contains("1 session"),
        "{html}"
    );
    let (code, after) = end_of(lasting, since).await;
    assert_eq!(code, Disconnect::SIGNED_OUT.code);
    assert!(after < AT_ONCE, "took {after:?}");
    lives(&mut own).await;
    for client in [&second, &third] {
        assert_eq!(
            client.get(server.url("/host")).send().await.unwrap().status(),
            302
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn nobody_ends_a_session_or_token_of_somebody_else_but_who_manages_users() {
    let server = TestServer::start().await;
    let operator = client(&server, &server.cookie("operator").await);
    let viewer_cookie = server.cookie("viewer").await;
    let viewer = client(&server, &viewer_cookie);
    let of_viewer = page(&server, &viewer, "/settings/sessions").await;
    assert!(of_viewer.contains("1 session"));
    server.token("viewer").await;
    for path in ["/api/settings/sessions/1/revoke", "/api/settings/tokens/1/revoke"] {
        assert_eq!(post(&server, &operator, path, &[]).await.status(), 403, "{path}");
    }
    let mut open = socket(&server, "cookie", &viewer_cookie).await;
    lives(&mut open).await;
    let admin = client(&server, &server.cookie("admin").await);
    let html = page(&server, &admin, "/settings/sessions?of=all").await;
    assert!(
        html.contains(">viewer<") && html.contains("Sessions of everybody"),
        "{html}"
    );
    let since = Instant::now();
    let html = form(&server, &admin, "/api/settings/users/viewer/sign-out", &[]).await;
    assert!(html.contains("viewer is signed out of 1 sessions"), "{html}");
    let (code, after) = end_of(open, since).await;
    assert_eq!(code, Disconnect::SIGNED_OUT.code);
    assert!(after < AT_ONCE, "took {after:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_way_cannot_bring_an_ended_session_back() {
    let server = TestServer::start().await;
    let cookie = server.cookie("viewer").await;
    let viewer = client(&server, &cookie);
    assert_eq!(
        viewer.get(server.url("/host")).send().await.unwrap().status(),
        200
    );
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let kept: (String, Vec<u8>, String) = sqlx::query_as("SELECT id, data, expiry_date FROM tower_sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    cli::session_revoke(&pool, 1).await.unwrap();
    // What a request does that had read the session before and writes it after.
    sqlx::query("INSERT INTO tower_sessions (id, data, expiry_date) VALUES (?, ?, ?)")
        .bind(kept.0)
        .bind(kept.1)
        .bind(kept.2)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        viewer.get(server.url("/host")).send().await.unwrap().status(),
        302
    );
    assert_eq!(
        cli::session_list(&pool, None).await.unwrap(),
        "nobody is signed in"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_once_does_what_it_may_and_is_cut_off_when_revoked() {
    let server = TestServer::start().await;
    let operator = client(&server, &server.cookie("operator").await);
    let typed = [("name", "deploy <b>"), ("days", "7"), ("view_metrics", "true")];
    let html = form(&server, &operator, "/api/settings/tokens", &typed).await;
    let (_, rest) = html.split_once("value=\"farol_").unwrap();
    let token = format!("farol_{}", rest.split('"').next().unwrap());
    assert!(html.contains("deploy &lt;b&gt;"), "escaped");
    let again = page(&server, &operator, "/settings/tokens").await;
    assert!(
        !again.contains(&token) && again.contains("view_metrics"),
        "{again}"
    );
    let get = |path: &'static str| {
        server
            .anonymous()
            .get(server.url(path))
            .bearer_auth(&token)
            .send()
    };
    assert_eq!(get("/api/fn/host").await.unwrap().status(), 200);
    assert_eq!(get("/api/fn/audit").await.unwrap().status(), 403, "narrowed");
    let open = socket(&server, "authorization", &format!("Bearer {token}")).await;
    let id = id_in(&again, "/api/settings/tokens/");
    let since = Instant::now();
    form(
        &server,
        &operator,
        &format!("/api/settings/tokens/{id}/revoke"),
        &[],
    )
    .await;
    let (code, after) = end_of(open, since).await;
    assert_eq!(code, Disconnect::SIGNED_OUT.code);
    assert!(after < AT_ONCE, "took {after:?}");
    assert_eq!(get("/api/fn/host").await.unwrap().status(), 401);
    server.stop().await;
}

#[tokio::test]
async fn a_token_ends_by_itself_with_what_is_open() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let ends = now_ms() + 2_000;
    let new = NewToken {
        grants: Some(Grants::parse(&["view_metrics"]).unwrap()),
        expires_ms: Some(ends),
        ..NewToken::from("short")
    };
    let said = cli::token_create(&pool, "viewer", new).await.unwrap();
    let token = said
        .split_whitespace()
        .find(|word| word.starts_with("farol_"))
        .unwrap();
    let open = socket(&server, "authorization", &format!("Bearer {token}")).await;
    let (code, _) = end_of(open, Instant::now()).await;
    assert_eq!(code, Disconnect::SIGNED_OUT.code);
    let late_ms = now_ms() - ends;
    assert!((0..1_000).contains(&late_ms), "{late_ms} ms late");
    assert!(cli::token_list(&pool).await.unwrap().contains("expired"));
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_changes_roles_and_ends_sessions_beside_the_running_server() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    for step in ["role", "one", "all"] {
        let cookie = server.cookie("operator").await;
        assert_eq!(
            client(&server, &cookie)
                .get(server.url("/host"))
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
        let open = socket(&server, "cookie", &cookie).await;
        let listed = cli::session_list(&pool, Some("operator")).await.unwrap();
        let id = listed.split_whitespace().next().unwrap().parse().unwrap();
        let since = Instant::now();
        let (said, code) = match step {
            "role" => (
                cli::user_role(&pool, "operator", "viewer").await,
                Disconnect::SESSION_ENDED,
            ),
            "one" => (cli::session_revoke(&pool, id).await, Disconnect::SIGNED_OUT),
            _ => (
                cli::session_revoke_all(&pool, "operator").await,
                Disconnect::SIGNED_OUT,
            ),
        };
        assert!(said.as_ref().unwrap().contains("ended"), "{said:?}");
        let (told, after) = end_of(open, since).await;
        assert_eq!(told, code.code, "{step}");
        assert!(after < AT_ONCE, "{step} took {after:?}");
        assert!(
            cli::session_revoke(&pool, id).await.is_err(),
            "it has ended already"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn many_users_come_in_pages() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    let users = farol::access::users::Users::new(pool);
    for number in 0..60 {
        let name = format!("person-{number:02}-{}", "x".repeat(50));
        users.add(&name, "not-configured", "h").await.unwrap();
    }
    let admin = client(&server, &server.cookie("admin").await);
    let first = page(&server, &admin, "/settings/users").await;
    assert!(
        first.contains("63 users") && first.contains("page 1 of 3") && first.contains("person-00-"),
        "{first}"
    );
    assert!(first.contains("Not in the configuration"));
    let last = page(&server, &admin, "/settings/users?page=2").await;
    assert!(
        last.contains("page 3 of 3") && last.contains(">viewer<") && !last.contains(">Further<"),
        "{last}"
    );
    let none = page(&server, &admin, "/settings/users?text=nobody-here").await;
    assert!(none.contains("Nobody is called so"), "{none}");
    server.stop().await;
}

/// What a form leads to that has to wait for a proof.
async fn to_prove(server: &TestServer, client: &Client, path: &str) -> String {
    let answer = post(server, client, path, &[]).await;
    assert_eq!(answer.status(), 303, "{path}");
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

async fn prove(server: &TestServer, client: &Client) {
    let proof = [("password", PASSWORD), ("next", "/settings")];
    let answer = post(server, client, "/api/auth/prove", &proof).await;
    assert_eq!(answer.headers()[header::LOCATION], "/settings");
}

#[tokio::test]
async fn a_lost_second_factor_is_reset_after_a_proof_and_its_sessions_end() {
    let server = TestServer::start().await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    for table in [
        "totp (user_id, secret, created_ms, confirmed_ms) SELECT id, x'00', 1, 1",
        "recovery_codes (user_id, hash) SELECT id, x'01'",
        "passkeys (user_id, rp_id, credential_id, credential, name, created_ms) SELECT id, 'ours', x'02', '{}', 'key', 1",
    ] {
        let text = format!("INSERT INTO {table} FROM users WHERE name = 'operator'");
        sqlx::query(&text).execute(&pool).await.unwrap();
    }
    let kept = async || {
        let count = "SELECT (SELECT count(*) FROM totp) + (SELECT count(*) FROM recovery_codes) + (SELECT count(*) FROM passkeys)";
        sqlx::query_scalar::<_, i64>(count)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let (token, admin) = (
        server.token("operator").await,
        client(&server, &server.cookie("admin").await),
    );
    let html = page(&server, &admin, "/settings/users/operator").await;
    assert!(
        html.contains("an authenticator app, 1 recovery code, 1 passkey"),
        "{html}"
    );
    let path = "/api/settings/users/operator/reset-proofs";
    let by_token = server.stranger().post(server.url(path)).bearer_auth(&token);
    assert_eq!(by_token.send().await.unwrap().status(), 403);
    let viewer = client(&server, &server.cookie("viewer").await);
    assert_eq!(post(&server, &viewer, path, &[]).await.status(), 403);
    let own = form(&server, &admin, "/api/settings/users/admin/reset-proofs", &[]).await;
    assert!(own.contains("Nobody changes their own role or access"), "{own}");
    server.let_time_pass().await;
    let there = to_prove(&server, &admin, path).await;
    assert_eq!(there, "/prove?next=/settings/users/operator");
    assert_eq!(kept().await, 3, "nothing without a proof");

    prove(&server, &admin).await;
    // A session from before the second step was set up, say.
    sqlx::query("UPDATE totp SET confirmed_ms = NULL")
        .execute(&pool)
        .await
        .unwrap();
    let open = socket(&server, "cookie", &server.cookie("operator").await).await;
    let since = Instant::now();
    let html = form(&server, &admin, path, &[]).await;
    assert!(html.contains("signs in with the password alone"), "{html}");
    assert!(html.contains("None: the password alone signs them in"), "{html}");
    let (code, after) = end_of(open, since).await;
    assert_eq!(code, Disconnect::SESSION_ENDED.code);
    assert!(after < AT_ONCE, "took {after:?}");
    assert_eq!(kept().await, 0);
    let audit = page(&server, &admin, "/audit?text=reset_proofs").await;
    assert!(audit.contains("Took away the authenticator app"), "{audit}");
    assert!(audit.contains("have not shown that it is you"), "the refusal too");
    pool.close().await;
    server.stop().await;
}

/// Runs something dangerous over an open socket; the answer.
async fn dangerous(socket: &mut Socket, id: u64) -> serde_json::Value {
    let params = serde_json::json!({ "connection": "00000000", "reason": "a test" });
    let data = serde_json::json!({ "action": "live.disconnect", "key": format!("trust-key-{id}"), "params": params, "confirm": true });
    let command = serde_json::json!({ "id": id, "rpc": { "method": "run", "data": data } });
    socket.send(Message::text(command.to_string())).await.unwrap();
    loop {
        let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        for line in message.into_text().unwrap().lines() {
            let answer: serde_json::Value = serde_json::from_str(line).unwrap();
            if answer["id"] == id {
                return answer;
            }
        }
    }
}

#[tokio::test]
async fn an_administrator_trusts_a_token_of_somebody_else_and_what_is_open_acts_at_once() {
    let server = TestServer::start().await;
    let bearer = format!("Bearer {}", server.token("operator").await);
    let mut open = socket(&server, "authorization", Box::leak(bearer.into_boxed_str())).await;
    let (admin, operator) = (
        client(&server, &server.cookie("admin").await),
        client(&server, &server.cookie("operator").await),
    );
    assert_eq!(dangerous(&mut open, 11).await["error"]["code"], 103);
    let html = page(&server, &admin, "/settings/users/operator").await;
    let id = id_in(&html, "/api/settings/tokens/");
    let (trust, distrust) = (
        format!("/api/settings/tokens/{id}/trust"),
        format!("/api/settings/tokens/{id}/distrust"),
    );
    assert_eq!(post(&server, &operator, &trust, &[]).await.status(), 403);
    server.let_time_pass().await;
    let there = to_prove(&server, &admin, &trust).await;
    assert_eq!(there, "/prove?next=/settings/users/operator");
    assert_eq!(dangerous(&mut open, 12).await["error"]["code"], 103);

    prove(&server, &admin).await;
    let html = form(&server, &admin, &trust, &[]).await;
    assert!(html.contains("may run dangerous actions from now on"), "{html}");
    assert!(html.contains("Dangerous actions without proof"), "{html}");
    let done = dangerous(&mut open, 13).await;
    assert!(done["rpc"].is_object(), "{done}");

    // The owner takes it back without a proof; so could an administrator.
    let html = form(&server, &operator, &distrust, &[]).await;
    assert!(html.contains("may run no dangerous action any more"), "{html}");
    assert_eq!(dangerous(&mut open, 14).await["error"]["code"], 103);
    let audit = page(&server, &admin, "/audit?text=trust").await;
    assert!(audit.contains("token.trust") && audit.contains("token.distrust"));
    server.stop().await;
}

#[tokio::test]
async fn nobody_trusts_their_own_token_or_one_that_ended() {
    let server = TestServer::start().await;
    server.token("admin").await;
    server.token("operator").await;
    let admin = client(&server, &server.cookie("admin").await);
    let html = page(&server, &admin, "/settings/tokens").await;
    let own = id_in(&html, "/api/settings/tokens/");
    assert!(!html.contains("/trust\""), "it is not offered");
    let path = format!("/api/settings/tokens/{own}/trust");
    let html = form(&server, &admin, &path, &[]).await;
    assert!(html.contains("Nobody trusts their own tokens"), "{html}");
    let html = page(&server, &admin, "/settings/users/operator").await;
    let theirs = id_in(&html, "/api/settings/tokens/");
    form(
        &server,
        &admin,
        &format!("/api/settings/tokens/{theirs}/revoke"),
        &[],
    )
    .await;
    let html = form(
        &server,
        &admin,
        &format!("/api/settings/tokens/{theirs}/trust"),
        &[],
    )
    .await;
    assert!(html.contains("revoked or expired"), "{html}");
    let html = form(&server, &admin, "/api/settings/tokens/999/trust", &[]).await;
    assert!(html.contains("There is no token 999"), "{html}");
    server.stop().await;
}

/// Reads the configuration again by its action; what it said.
async fn reload(server: &TestServer, admin: &Client, key: &str) -> String {
    let fields = [("action", "farol.reload"), ("key", key)];
    let answer = post(server, admin, "/api/fn/run", &fields).await;
    let told: serde_json::Value = answer.json().await.unwrap();
    let id = told[0]["run"]["id"].as_str().unwrap().to_owned();
    let path = format!("/controls/runs/{id}");
    let ended = |html: &str| html.contains("Succeeded") || html.contains("Failed");
    server.until(admin, &path, ended).await
}

#[tokio::test]
async fn roles_of_the_configuration_hold_when_it_is_read_again_and_a_wrong_table_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    let write = |permissions: &str| {
        let text = format!("[roles.ops]\npermissions = [{permissions}]\n");
        std::fs::write(&file, text).unwrap();
    };
    write("\"view_metrics\", \"view_runs\"");
    let server = TestServer::start_with(Config::load(Some(&file)).unwrap()).await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    cli::user_add(&pool, "olga", "ops", PASSWORD.into())
        .await
        .unwrap();
    pool.close().await;
    let cookie = server.cookie("olga").await;
    let (olga, admin) = (
        client(&server, &cookie),
        client(&server, &server.cookie("admin").await),
    );
    let runs = async || {
        olga.get(server.url("/runs"))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(runs().await, 200);
    let mut others = socket(&server, "cookie", &server.cookie("viewer").await).await;
    let mut open = socket(&server, "cookie", &cookie).await;
    lives(&mut open).await;

    write("\"view_metrics\"");
    let html = reload(&server, &admin, "reload-key-1").await;
    let since = Instant::now();
    assert!(html.contains("In force now: roles.ops.permissions."), "{html}");
    assert_eq!(runs().await, 403, "by the next request");
    let (code, after) = end_of(open, since).await;
    assert_eq!(
        code,
        Disconnect::FORCE_RECONNECT.code,
        "to come back with what it may"
    );
    assert!(after < AT_ONCE, "took {after:?}");
    assert_eq!(status(&server, &olga).await, 200, "the session holds");
    lives(&mut others).await;

    write("\"view_metrics\", \"fly\"");
    let html = reload(&server, &admin, "reload-key-2").await;
    assert!(
        html.contains("Failed") && html.contains("roles.ops.permissions"),
        "{html}"
    );
    assert!(html.contains("fly"), "what is wrong with it");
    assert_eq!(
        (runs().await, status(&server, &olga).await),
        (403, 200),
        "as before"
    );

    write("\"view_metrics\", \"view_runs\"");
    reload(&server, &admin, "reload-key-3").await;
    assert_eq!(runs().await, 200);
    std::fs::write(&file, "").unwrap();
    reload(&server, &admin, "reload-key-4").await;
    assert_eq!(
        status(&server, &olga).await,
        403,
        "a role that is gone allows nothing"
    );
    server.stop().await;
}

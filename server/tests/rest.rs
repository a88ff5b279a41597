//! The REST API as a program meets it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test by panicking")]

mod common;

use common::TestServer;
use farol::{config::Config, rest::openapi};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
const RUNBOOKS: &str = r#"
[[runbook]]
name = "greet"
title = "Greet"
summary = "Says hello, and what went wrong."
argv = ["/bin/sh", "-c", "echo hello $1; echo oh no >&2", "greet", "{who}"]
[[runbook.params]]
name = "who"
label = "Who"
help = "Who is greeted."
kind = "text"
max_chars = 20

[[runbook]]
name = "wait"
title = "Wait"
summary = "Until it is stopped."
argv = ["/bin/sleep", "600"]

[[runbook]]
name = "risky"
title = "Risky"
summary = "Cannot be undone."
argv = ["/bin/true"]
dangerous = true
"#;

struct Api {
    server: TestServer,
    client: Client,
    token: String,
}

impl Api {
    async fn start() -> Api {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("farol.toml");
        std::fs::write(&file, RUNBOOKS).unwrap();
        let server = TestServer::start_with(Config::load(Some(&file)).unwrap()).await;
        Api {
            client: server.anonymous(),
            token: server.token("operator").await,
            server,
        }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, self.server.url(path))
            .bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn order(&self, key: &str, order: &Value) -> Response {
        let request = self
            .ask(Method::POST, "/api/v1/runs")
            .header("idempotency-key", key);
        request.json(order).send().await.unwrap()
    }
}

/// The body of a refusal, after all that must be so of every one.
async fn problem(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status(), status, "{:?}", answer.text().await);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(
        answer.headers().contains_key(header::X_CONTENT_TYPE_OPTIONS),
        "as all answers have it"
    );
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["type"]),
        (&json!(status), &json!("about:blank")),
        "{body}"
    );
    for words in ["title", "detail"] {
        assert!(
            body[words].as_str().is_some_and(|words| !words.is_empty()),
            "{body}"
        );
    }
    body
}

#[tokio::test]
async fn a_run_is_started_looked_at_and_its_output_read() {
    let api = Api::start().await;
    let actions = api.get("/api/v1/actions").await;
    let greet = actions["actions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["id"] == "runbook.greet");
    assert_eq!(greet.unwrap()["params"][0]["max_chars"], 20);
    let order = json!({"action": "runbook.greet", "params": {"who": "world"}});
    let answer = api.order("key-00001", &order).await;
    assert_eq!(answer.status(), 202);
    let at = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let run: Value = answer.json().await.unwrap();
    assert_eq!(at, format!("/api/v1/runs/{}", run["id"].as_str().unwrap()));
    let reader = api
        .server
        .client()
        .default_headers(bearer(&api.token))
        .build()
        .unwrap();
    api.server
        .until(&reader, &at, |body| body.contains("\"succeeded\""))
        .await;
    let output = api.get(&format!("{at}/output")).await;
    let all = |stream: &str| -> String {
        let pieces = output["output"].as_array().unwrap().iter();
        pieces
            .filter(|piece| piece["stream"] == stream)
            .map(|piece| piece["text"].as_str().unwrap())
            .collect()
    };
    assert_eq!(
        (all("stdout"), all("stderr")),
        ("hello world\n".into(), "oh no\n".into())
    );
    assert_eq!(output["truncated"], false);
    let listed = api.get("/api/v1/runs?limit=1").await;
    assert_eq!(listed["runs"][0]["id"], run["id"]);
    // The same key is the same run, and says how it stands now.
    let again: Value = api.order("key-00001", &order).await.json().await.unwrap();
    assert_eq!(
        (&again["id"], &again["status"]),
        (&run["id"], &json!("succeeded"))
    );
    let ended = api
        .ask(Method::POST, &format!("{at}/cancel"))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(ended, 409).await["code"], "conflict");
    api.server.stop().await;
}

fn bearer(token: &str) -> header::HeaderMap {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers
}

#[tokio::test]
async fn a_run_is_cancelled() {
    let api = Api::start().await;
    let run: Value = api
        .order("key-00001", &json!({"action": "runbook.wait"}))
        .await
        .json()
        .await
        .unwrap();
    let at = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let asked = api
        .ask(Method::POST, &format!("{at}/cancel"))
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 202);
    let reader = api
        .server
        .client()
        .default_headers(bearer(&api.token))
        .build()
        .unwrap();
    api.server
        .until(&reader, &at, |body| body.contains("\"cancelled\""))
        .await;
    api.server.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_told_as_a_problem_with_what_to_do() {
    let api = Api::start().await;
    let greet = json!({"action": "runbook.greet", "params": {"who": "world"}});
    let post = |key: Option<&str>, body: &str, kind: &str| {
        let request = api
            .ask(Method::POST, "/api/v1/runs")
            .header(header::CONTENT_TYPE, kind);
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        request.body(body.to_owned()).send()
    };
    let json_kind = "application/json";
    let key = Some("key-00001");
    let body = greet.to_string();

    let none = problem(post(None, &body, json_kind).await.unwrap(), 422).await;
    assert_eq!(none["field"], "Idempotency-Key");
    let short = problem(post(Some("x"), &body, json_kind).await.unwrap(), 422).await;
    assert_eq!(short["field"], "Idempotency-Key");
    problem(post(key, "{", json_kind).await.unwrap(), 400).await;
    problem(post(key, &body, "text/plain").await.unwrap(), 415).await;
    problem(post(key, "{\"action\":7}", json_kind).await.unwrap(), 422).await;
    let typo = post(key, "{\"action\":\"runbook.greet\",\"parms\":{}}", json_kind)
        .await
        .unwrap();
    assert!(
        problem(typo, 422).await["detail"]
            .as_str()
            .unwrap()
            .contains("parms")
    );
    let large = format!("{{\"action\":\"{}\"}}", "x".repeat(70_000));
    problem(post(key, &large, json_kind).await.unwrap(), 413).await;
    let unknown = post(key, "{\"action\":\"runbook.no\"}", json_kind).await.unwrap();
    assert_eq!(problem(unknown, 404).await["field"], "action");
    let value = json!({"action": "runbook.greet", "params": {"who": "x".repeat(21)}}).to_string();
    assert_eq!(
        problem(post(key, &value, json_kind).await.unwrap(), 422).await["field"],
        "who"
    );
    let risky = post(key, "{\"action\":\"runbook.risky\"}", json_kind)
        .await
        .unwrap();
    assert_eq!(problem(risky, 422).await["field"], "confirm");
    assert_eq!(api.order("key-00001", &greet).await.status(), 202);
    let other = api.order("key-00001", &json!({"action": "runbook.wait"})).await;
    assert_eq!(problem(other, 409).await["field"], "Idempotency-Key");

    for (path, status) in [
        ("/api/v1/runs?limit=0", 422),
        ("/api/v1/runs?limit=201", 422),
        ("/api/v1/runs?limit=many", 400),
        ("/api/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
        ("/api/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/output", 404),
        ("/api/v1/runs/a/b/c", 404),
        ("/api/v1/runs/%ff", 400),
    ] {
        problem(api.ask(Method::GET, path).send().await.unwrap(), status).await;
    }
    let method = api.ask(Method::DELETE, "/api/v1/runs").send().await.unwrap();
    let allowed = method.headers()[header::ALLOW].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    problem(method, 405).await;
    api.server.stop().await;
}

#[tokio::test]
async fn strangers_viewers_and_other_sites_are_refused_as_problems_too() {
    let api = Api::start().await;
    let order = json!({"action": "runbook.greet", "params": {"who": "x"}});
    for (method, path) in [
        (Method::GET, "/api/v1/runs"),
        (Method::GET, "/api/v1/actions"),
        (Method::GET, "/api/v1/runs/x"),
        (Method::POST, "/api/v1/runs"),
        (Method::POST, "/api/v1/runs/x/cancel"),
    ] {
        let request = api
            .server
            .anonymous()
            .request(method.clone(), api.server.url(path));
        let answer = request
            .header("idempotency-key", "key-00001")
            .json(&order)
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.headers()[header::WWW_AUTHENTICATE],
            "Bearer",
            "{method} {path}"
        );
        problem(answer, 401).await;
    }
    let viewer = api.server.token("viewer").await;
    let watcher = |method: Method, path: &str| {
        let request = api
            .client
            .request(method, api.server.url(path))
            .bearer_auth(&viewer);
        request.header("idempotency-key", "key-00001").json(&order).send()
    };
    assert_eq!(
        watcher(Method::GET, "/api/v1/actions")
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap(),
        json!({"actions": []})
    );
    for (method, path) in [(Method::GET, "/api/v1/runs"), (Method::POST, "/api/v1/runs")] {
        assert_eq!(
            problem(watcher(method, path).await.unwrap(), 403).await["code"],
            "forbidden"
        );
    }
    // A session acts from our own pages only.
    let cookie = api.server.cookie("operator").await;
    let post = |origin: String| {
        let request = api
            .client
            .post(api.server.url("/api/v1/runs"))
            .header(header::COOKIE, &cookie);
        request
            .header(header::ORIGIN, origin)
            .header("idempotency-key", "key-00001")
            .json(&order)
            .send()
    };
    problem(post("https://evil.example".into()).await.unwrap(), 403).await;
    assert_eq!(post(api.server.url("")).await.unwrap().status(), 202);
    api.server.stop().await;
}

#[test]
fn the_file_is_what_the_handlers_and_types_say() {
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == openapi::text(),
        "docs/openapi.json differs from the API; write it anew: cargo xtask openapi"
    );
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_farol"));
    let output = program.arg("openapi").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), committed);
}

#[test]
fn every_operation_is_whole_and_every_reference_leads_somewhere() {
    let document = openapi::document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            for status in ["401", "403", "500", "503"] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{method} {path}: {status}"
                );
            }
            assert!(
                operation["summary"].is_string() && operation["operationId"].is_string(),
                "{operation}"
            );
        }
    }
    assert_eq!(operations, 19);
    let mut references = 0;
    check(&document, &document, &mut references);
    assert!(references > 40, "{references}");
}

fn check(value: &Value, document: &Value, count: &mut usize) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                *count += 1;
            }
            fields.values().for_each(|value| check(value, document, count));
        }
        Value::Array(items) => items.iter().for_each(|value| check(value, document, count)),
        _ => {}
    }
}

#[tokio::test]
async fn anybody_may_read_the_description() {
    let api = Api::start().await;
    let answer = api
        .client
        .get(api.server.url("/api/v1/openapi.json"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), openapi::document());
    api.server.stop().await;
}

/// A run is marked where it began and ended, on pages and pictures, live and past; and not for those who may not see runs.
#[tokio::test]
async fn charts_of_the_past_are_marked_with_runs_for_those_who_may_see_runs() {
    let api = Api::start().await;
    let order = json!({"action": "runbook.greet", "params": {"who": "world"}});
    let run: Value = api.order("key-00001", &order).await.json().await.unwrap();
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let operator = api.server.signed_in("operator").await;
    api.server
        .until(&operator, &path, |text| text.contains("\"succeeded\""))
        .await;
    let viewer = api.server.signed_in("viewer").await;
    let (began, ended) = ("Greet began (operator)", "Greet succeeded (operator)");
    let picture = "/api/v1/render.svg?match=memory_used_bytes&start=-5m";
    for path in ["/host?group=memory&range=5m", picture, "/"] {
        api.server
            .until(&operator, path, |text| {
                text.contains(began) && text.contains(ended)
            })
            .await;
        let hidden = viewer.get(api.server.url(path)).send().await.unwrap();
        assert_eq!(hidden.status(), 200, "{path}");
        let hidden = hidden.text().await.unwrap();
        assert!(!hidden.contains("Greet"), "{path}: {hidden}");
        assert!(hidden.contains("Farol started"), "{path}: {hidden}");
    }
    api.server.stop().await;
}

#[tokio::test]
async fn what_a_deploy_script_says_is_kept_marked_written_down_and_taken_away() {
    let api = Api::start().await;
    let now = farol::time::now_ms();
    let post = async |body: Value| {
        let request = api.ask(Method::POST, "/api/v1/annotations").json(&body);
        request.send().await.unwrap()
    };
    let answer = post(json!({"title": "Deployed 1.4", "tags": ["deploy", "shop"]})).await;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let added: Value = answer.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/annotations/{}", added["id"]));
    assert_eq!(
        (&added["who"], &added["end_ms"]),
        (&json!("operator"), &Value::Null),
        "{added}"
    );
    assert!((now..now + 60_000).contains(&added["at_ms"].as_i64().unwrap()));
    let long = json!({"title": "Backup", "at_ms": now - 7_200_000, "end_ms": now - 1_800_000});
    assert_eq!(post(long).await.status(), 201);

    let titles = async |query: &str| -> Vec<String> {
        let list = api.get(&format!("/api/v1/annotations?{query}")).await;
        let all = list["annotations"].as_array().unwrap().iter();
        all.map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("").await, ["Deployed 1.4", "Farol started", "Backup"]);
    assert_eq!(titles("tag=deploy").await, ["Deployed 1.4"]);
    assert_eq!(titles("start=-90m&end=-30m").await, ["Backup"]);
    assert_eq!(titles("limit=1").await, ["Deployed 1.4"]);

    // On live charts, of somebody who may not see runs: what was published, without another page.
    let viewer = api.server.token("viewer").await;
    let live = async |channel: &str| {
        let url = api.server.url(&format!("/live/poll?channels={channel}"));
        let answer = api.client.get(url).bearer_auth(&viewer).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, marks) = live("annotations/local").await;
    assert_eq!(status, 200, "{marks}");
    for title in ["Deployed 1.4 (operator)", "Farol started"] {
        assert!(marks.contains(title), "{marks}");
    }
    assert_eq!(live("marks/local").await.0, 403);

    // On charts of the past.
    let page = api
        .ask(Method::GET, "/host?group=memory&range=1h")
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Deployed 1.4 (operator)"), "{page}");
    assert!(page.contains("Backup ended (operator)"), "{page}");

    for (body, status, field) in [
        (json!({"title": ""}), 422, Some("title")),
        (json!({"title": "x", "at_ms": 5}), 422, Some("at_ms")),
        (json!({"title": "x", "end_ms": 5}), 422, Some("end_ms")),
        (json!({"title": "x", "tags": ["a b"]}), 422, Some("tags")),
        (json!({"title": "x", "colour": "red"}), 422, None),
    ] {
        let refused = problem(post(body.clone()).await, status).await;
        assert_eq!(refused["field"].as_str(), field, "{body}: {refused}");
    }
    problem(
        api.ask(Method::GET, "/api/v1/annotations?limit=0")
            .send()
            .await
            .unwrap(),
        422,
    )
    .await;
    let stranger = api
        .server
        .anonymous()
        .delete(api.server.url(&location))
        .send()
        .await;
    problem(stranger.unwrap(), 401).await;
    let by_viewer = api.client.delete(api.server.url(&location)).bearer_auth(&viewer);
    problem(by_viewer.send().await.unwrap(), 403).await;

    let remove = async || api.ask(Method::DELETE, &location).send().await.unwrap();
    assert_eq!(remove().await.status(), 204);
    problem(remove().await, 404).await;
    assert_eq!(titles("").await, ["Farol started", "Backup"]);
    let pool = farol::db::open(api.server.data_dir.path()).await.unwrap();
    let written: Vec<(String, String, String)> =
        sqlx::query_as("SELECT who, what, params FROM audit WHERE what LIKE 'annotation.%' ORDER BY seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    let whats: Vec<&str> = written.iter().map(|(_, what, _)| what.as_str()).collect();
    assert_eq!(whats, ["annotation.add", "annotation.add", "annotation.remove"]);
    assert!(written.iter().all(|(who, _, _)| who == "operator"));
    assert!(
        written[0].2.contains("Deployed 1.4") && written[0].2.contains("shop"),
        "{written:?}"
    );

    // What cannot be written down is not done.
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&pool)
        .await
        .unwrap();
    problem(post(json!({"title": "Nobody knows"})).await, 503).await;
    let left = api.get("/api/v1/annotations").await;
    let backup = format!("/api/v1/annotations/{}", left["annotations"][1]["id"]);
    let removed = api.ask(Method::DELETE, &backup).send().await.unwrap();
    problem(removed, 503).await;
    assert_eq!(titles("").await, ["Farol started", "Backup"]);
    api.server.stop().await;
}

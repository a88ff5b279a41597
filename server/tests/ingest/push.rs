use super::Apps;
use farol::rest::apps::MAX_VALUES;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::process::Command;

async fn push(apps: &Apps, source: &str, values: &Value) -> Response {
    let request = apps
        .client
        .post(apps.url(&format!("/api/v1/push?source={source}")));
    request.json(values).send().await.unwrap()
}

async fn told(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status(), status);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn values_are_pushed_drawn_and_counters_told_per_second() {
    let apps = Apps::start("").await;
    let count = |total: u32, t_ms: u64| {
        json!([
            {"name": "orders_total", "labels": {"country": "pt"}, "value": total, "t_ms": t_ms},
            {"name": "queue_length", "value": 17, "unit": "count"},
        ])
    };
    let first = told(push(&apps, "shop", &count(100, 1_700_000_000_000)).await, 200).await;
    assert_eq!(first, json!({"accepted": 2, "refused": 0}));
    told(push(&apps, "shop", &count(150, 1_700_000_010_000)).await, 200).await;
    let rate = apps
        .value("shop", "orders_total", &[("country", "pt")], f64::is_finite)
        .await;
    assert_eq!(rate, 5.0);
    assert_eq!(
        apps.value("shop", "queue_length", &[], f64::is_finite).await,
        17.0
    );
    // The page has it for whoever may look, drawn without a script.
    let viewer = apps.server.signed_in("viewer").await;
    let page = viewer
        .get(apps.url("/apps/shop"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for words in ["<h1>shop", "queue_length", "<svg", "How it stands"] {
        assert!(page.contains(words), "{words}");
    }
    let list = viewer
        .get(apps.url("/apps"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(list.contains("href=\"/apps/shop\""));
    let nobody = viewer.get(apps.url("/apps/nobody")).send().await.unwrap();
    assert_eq!(nobody.status(), 404);
    // Nor are they on the page of the host.
    let host = viewer
        .get(apps.url("/host"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(!host.contains("queue_length"));
    apps.server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_of_it_taken() {
    let apps = Apps::start("[ingest]\nmax_sources = 1\nmax_body_bytes = 400000\n[[scrape]]\nname = \"node\"\nurl = \"http://127.0.0.1:1/\"\n").await;
    let good = json!({"name": "a", "value": 1});
    let with = |change: Value| {
        let mut bad = good.clone();
        bad.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        json!([good, bad])
    };
    let long = "x".repeat(300);
    for (values, field, words) in [
        (with(json!({"name": "9a"})), "1", "no name of a metric"),
        (with(json!({"labels": {"a-b": "c"}})), "1", "no name of a label"),
        (with(json!({"labels": {"a": long}})), "1", "longer than 256"),
        (with(json!({"t_ms": -1})), "1", "t_ms must be"),
        (json!([]), "values", "1 to 10000"),
        (json!(vec![good.clone(); MAX_VALUES + 1]), "values", "1 to 10000"),
    ] {
        let problem = told(push(&apps, "shop", &values).await, 422).await;
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    for (source, status, words) in [
        ("a%20b", 422, "source must be"),
        ("node", 409, "another kind"),
        ("checks", 409, "Farol's own"),
        ("farol", 409, "Farol's own"),
    ] {
        let problem = told(push(&apps, source, &json!([good])).await, status).await;
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    let problem = told(
        push(
            &apps,
            "shop",
            &json!([{"name": "a", "value": 1, "colour": "red"}]),
        )
        .await,
        422,
    )
    .await;
    assert!(
        problem["detail"].as_str().unwrap().contains("colour"),
        "{problem}"
    );
    assert_eq!(
        push(&apps, "shop", &json!("x".repeat(500_000))).await.status(),
        413
    );
    assert_eq!(
        told(push(&apps, "shop", &json!([good])).await, 200).await["accepted"],
        1
    );
    let problem = told(push(&apps, "second", &json!([good])).await, 429).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("ingest.max_sources"),
        "{problem}"
    );
    apps.server.stop().await;
}

#[tokio::test]
async fn at_the_limit_new_series_are_refused_and_those_before_go_on() {
    let apps = Apps::start("[ingest]\nmax_series = 2\nstale_secs = 2\n").await;
    let series = |n: u32, value: u32| json!({"name": "a", "labels": {"n": n.to_string()}, "value": value});
    let first = told(
        push(&apps, "shop", &json!([series(1, 1), series(2, 1), series(3, 1)])).await,
        200,
    )
    .await;
    assert_eq!(
        (&first["accepted"], &first["refused"]),
        (&2.into(), &1.into()),
        "{first}"
    );
    assert!(
        first["reason"].as_str().unwrap().contains("limit of 2 series"),
        "{first}"
    );
    let page = apps.until("/api/fn/apps?at=/apps/shop", |told| {
        let html = told["html"].as_str()?.to_owned();
        html.contains("The limit of series is reached").then_some(html)
    });
    assert!(page.await.contains("ingest.max_series"));
    told(push(&apps, "shop", &json!([series(1, 9)])).await, 200).await;
    apps.value("shop", "a", &[("n", "1")], |value| value == 9.0).await;
    // Who says nothing more has no value any more, and is silent.
    apps.source("shop", |source| source["state"] == "silent").await;
    apps.value("shop", "a", &[("n", "1")], f64::is_nan).await;
    apps.server.stop().await;
}

#[tokio::test]
async fn the_example_for_curl_sends_and_says_why_it_cannot() {
    let apps = Apps::start("").await;
    let run = |token: Option<String>| {
        let mut command = Command::new("sh");
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/curl/push.sh"))
            .args(["--count", "2"])
            .env("FAROL_URL", apps.url(""))
            .env_remove("FAROL_TOKEN")
            .envs(token.map(|token| ("FAROL_TOKEN", token)))
            .kill_on_drop(true);
        async move { command.output().await.unwrap() }
    };
    let sent = run(Some(apps.server.token("operator").await)).await;
    assert!(sent.status.success(), "{sent:?}");
    let said = String::from_utf8(sent.stdout).unwrap();
    assert_eq!(
        said.lines()
            .filter(|line| line.contains("\"accepted\":3"))
            .count(),
        2,
        "{said}"
    );
    assert!(
        apps.value("load", "load", &[("minutes", "5")], f64::is_finite)
            .await
            >= 0.0
    );
    let refused = run(Some(apps.server.token("viewer").await)).await;
    assert!(
        !refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("403"),
        "{refused:?}"
    );
    assert!(String::from_utf8_lossy(&run(None).await.stderr).contains("farol token create"));
    apps.server.stop().await;
}

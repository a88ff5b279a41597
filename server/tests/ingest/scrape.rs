use super::{Apps, PATIENCE};
use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use std::{io::Write, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

/// Debian's, which `cargo xtask test` installs.
const NODE_EXPORTER: &str = "/usr/bin/prometheus-node-exporter";

/// The exporter at a port, and the address that it says.
async fn node_exporter(port: u16) -> (Child, String) {
    node_exporter_with(port, &[]).await
}

async fn node_exporter_with(port: u16, options: &[String]) -> (Child, String) {
    let mut child = Command::new(NODE_EXPORTER)
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(options)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{NODE_EXPORTER}: {error}; apt-get install prometheus-node-exporter"));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.contains("Listening on") {
                return line.rsplit('=').next().unwrap().trim_matches('"').to_owned();
            }
        }
    };
    let address = timeout(PATIENCE, listening).await.unwrap();
    // Somebody has to read on.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

#[tokio::test]
async fn node_exporter_is_asked_drawn_missed_and_found_again() {
    let (mut exporter, address) = node_exporter(0).await;
    let config = format!(
        "[[scrape]]\nname = \"node\"\nurl = \"http://{address}/metrics\"\ninterval_secs = 1\nlabels = {{ site = \"lab\" }}\n"
    );
    let apps = Apps::start(&config).await;
    let up = apps.source("node", |source| source["state"] == "up").await;
    assert!(up["series"].as_u64().unwrap() > 200, "{up}");
    assert_eq!(
        (up["refused"].as_u64(), up["error"].as_str()),
        (Some(0), None),
        "{up}"
    );
    let site = [("site", "lab")];
    let memory = apps
        .value("node", "node_memory_MemTotal_bytes", &site, |value| value > 1e6)
        .await;
    let own = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kib: f64 = own
        .lines()
        .next()
        .unwrap()
        .split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(memory, kib * 1024.0);
    // A counter is told per second, which takes two readings: of each second of a core no more than one is idle.
    let idle = [("site", "lab"), ("mode", "idle"), ("cpu", "0")];
    let idle = apps
        .value("node", "node_cpu_seconds_total", &idle, f64::is_finite)
        .await;
    assert!((0.0..=1.5).contains(&idle), "{idle}");
    assert_eq!(apps.value("node", "up", &site, f64::is_finite).await, 1.0);
    let took = apps
        .value("node", "scrape_duration_seconds", &site, f64::is_finite)
        .await;
    assert!(took > 0.0 && took < 10.0);

    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    exporter.kill().await.unwrap();
    // The end may come in the middle of an answer, which is told first.
    let cannot =
        |error: &serde_json::Value| error.as_str().is_some_and(|error| error.contains("cannot reach"));
    apps.source("node", |source| {
        source["state"] == "down" && cannot(&source["error"])
    })
    .await;
    assert_eq!(apps.value("node", "up", &site, |value| value == 0.0).await, 0.0);
    apps.value("node", "node_memory_MemTotal_bytes", &site, f64::is_nan)
        .await;
    let (_exporter, _) = node_exporter(port).await;
    apps.source("node", |source| source["state"] == "up").await;
    assert_eq!(
        apps.value("node", "node_memory_MemTotal_bytes", &site, f64::is_finite)
            .await,
        memory
    );
    let own = apps
        .client
        .get(apps.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(own.contains("farol_ingest_series{source=\"node\"}"), "{own}");
    apps.server.stop().await;
}

const OPEN: &str = "# TYPE lag_seconds histogram\nlag_seconds_bucket{le=\"1.0\"} 1 # {trace_id=\"x\"} 0.5\n\
                    lag_seconds_bucket{le=\"+Inf\"} 2\nlag_seconds_sum 3\nlag_seconds_count 2\n# TYPE temp gauge\n\
                    temp{room=\"a\",instance=\"theirs\"} 21.5\n# EOF\n";

async fn guarded(headers: HeaderMap) -> Response {
    let proof = headers
        .get(header::AUTHORIZATION)
        .map(|proof| proof.to_str().unwrap().to_owned());
    match proof.as_deref() {
        Some("Bearer very-secret") => {
            let kind = [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0",
            )];
            (kind, OPEN).into_response()
        }
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn packed() -> Response {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(b"packed 7\n").unwrap();
    ([(header::CONTENT_ENCODING, "gzip")], packer.finish().unwrap()).into_response()
}

/// Unpacks to far more than may come.
async fn bomb() -> Response {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..40 {
        packer.write_all(&vec![b'#'; 1024 * 1024]).unwrap();
    }
    ([(header::CONTENT_ENCODING, "gzip")], packer.finish().unwrap()).into_response()
}

/// Some who answer as they like.
async fn odd_targets() -> String {
    let routes = Router::new()
        .route("/guarded", get(guarded))
        .route("/packed", get(packed))
        .route("/bomb", get(bomb))
        .route("/page", get(|| async { "<html>\n<body>hello" }))
        .route("/away", get(|| async { Redirect::temporary("/packed") }))
        .route("/slow", get(|| async { std::future::pending::<String>().await }))
        .route(
            "/many",
            get(|| async {
                (0..100)
                    .map(|n| format!("many{{n=\"{n}\"}} 1\n"))
                    .collect::<String>()
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[tokio::test]
async fn each_way_to_answer_is_taken_or_told() {
    let address = odd_targets().await;
    let scrape = |name: &str, more: &str| {
        format!(
            "[[scrape]]\nname = \"{name}\"\nurl = \"http://{address}/{name}\"\ninterval_secs = 1\n{more}\n"
        )
    };
    let config = [
        scrape("guarded", "bearer_token = \"very-secret\""),
        scrape("packed", ""),
        // To unpack it may take longer than a second on a busy machine.
        scrape("bomb", "").replace("interval_secs = 1", "interval_secs = 20\ntimeout_secs = 20"),
        scrape("page", ""),
        scrape("away", ""),
        scrape("slow", "timeout_secs = 1"),
        scrape("many", "max_series = 50"),
    ];
    let apps = Apps::start(&config.concat()).await;
    apps.source("guarded", |source| source["state"] == "up").await;
    assert_eq!(
        apps.value("guarded", "temp", &[("room", "a")], f64::is_finite)
            .await,
        21.5
    );
    let bucket = apps
        .value("guarded", "lag_seconds_bucket", &[("le", "1.0")], f64::is_finite)
        .await;
    assert_eq!(bucket, 0.0, "nothing more within the second");
    assert_eq!(apps.value("packed", "packed", &[], f64::is_finite).await, 7.0);
    for (name, reason) in [
        ("bomb", "larger than"),
        ("page", "line 1: "),
        ("away", "redirects are not followed"),
        ("slow", "took longer than 1 s"),
    ] {
        let source = apps
            .source(name, |source| {
                source["state"] == "down" && source["error"].is_string()
            })
            .await;
        assert!(source["error"].as_str().unwrap().contains(reason), "{source}");
    }
    // Series of our own come first; the others share what is left.
    let many = apps.source("many", |source| source["limited"] == true).await;
    assert_eq!(
        (&many["state"], &many["series"]),
        (&"up".into(), &50.into()),
        "{many}"
    );
    assert_eq!(many["refused_series"], 53, "{many}");
    assert_eq!(
        apps.value("many", "many", &[("n", "0")], f64::is_finite).await,
        1.0
    );
    for path in [
        "/api/v1/apps",
        "/api/fn/apps?at=/apps",
        "/api/fn/apps?at=/apps/guarded",
    ] {
        assert!(
            !apps.get(path).await.to_string().contains("very-secret"),
            "{path}"
        );
    }
    apps.server.stop().await;
}

#[tokio::test]
async fn targets_of_a_file_come_and_go_with_it() {
    let address = odd_targets().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("targets.json");
    let group = |targets: &[&str]| {
        serde_json::json!([{
            "targets": targets,
            "labels": {"env": "prod", "__metrics_path__": "/packed"},
        }])
    };
    std::fs::write(&file, group(&[&address, "127.0.0.1:1"]).to_string()).unwrap();
    let config = format!(
        "[[scrape]]\nname = \"file\"\nfiles = [{:?}]\ninterval_secs = 1\n",
        file.display()
    );
    let apps = Apps::start(&config).await;
    let partly = apps.source("file", |source| source["state"] == "partly").await;
    assert!(
        partly["error"].as_str().unwrap().starts_with("127.0.0.1:1: "),
        "{partly}"
    );
    let here = [("instance", address.as_str()), ("env", "prod")];
    assert_eq!(apps.value("file", "packed", &here, f64::is_finite).await, 7.0);
    assert_eq!(
        apps.value("file", "up", &[("instance", "127.0.0.1:1")], f64::is_finite)
            .await,
        0.0
    );
    std::fs::write(&file, "rubbish").unwrap();
    apps.source("file", |source| {
        source["error"]
            .as_str()
            .is_some_and(|error| error.contains("targets.json"))
    })
    .await;
    std::fs::write(&file, group(&[&address]).to_string()).unwrap();
    apps.source("file", |source| source["state"] == "up").await;
    apps.value("file", "up", &[("instance", "127.0.0.1:1")], f64::is_nan)
        .await;
    tokio::time::timeout(Duration::from_secs(20), apps.server.stop())
        .await
        .unwrap();
}

/// `test`, as Prometheus' own documentation has it.
const HASHED: &str = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay";

#[tokio::test]
async fn targets_behind_tls_are_believed_by_their_own_authority_and_told_who_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // An exporter with a certificate of its own that wants a password.
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let maker = farol::tls::self_signed::SelfSigned::new(dir.path(), at, &[]);
    let files = maker.ensure(farol::time::now_ms() / 1000).unwrap();
    let web = format!(
        "tls_server_config:\n  cert_file: {}\n  key_file: {}\nbasic_auth_users:\n  ana: {HASHED}\n",
        files.cert.display(),
        files.key.display()
    );
    std::fs::write(path("web.yml"), web).unwrap();
    let option = format!("--web.config.file={}", path("web.yml").display());
    let (_exporter, exporter) = node_exporter_with(0, &[option]).await;
    std::fs::write(path("password"), "test\n").unwrap();
    // Another Farol, which wants a token.
    let mut config = farol::config::Config::default();
    config.tls.self_signed = true;
    config.metrics.loopback = false;
    let other = crate::common::TestServer::start_with(config).await;
    std::fs::write(path("token"), other.token("viewer").await + "\n").unwrap();
    std::fs::write(path("other.pem"), other.certificate.as_ref().unwrap()).unwrap();

    let scrape = |name: &str, address: &str, rest: String| {
        format!(
            "[[scrape]]\nname = \"{name}\"\nurl = \"https://{address}/metrics\"\ninterval_secs = 1\n{rest}\n"
        )
    };
    let ca = |file: &std::path::Path| format!("ca = {file:?}\n");
    let ana = "basic_user = \"ana\"\n";
    let by_file = format!(
        "{}{ana}basic_password_file = {:?}",
        ca(&files.cert),
        path("password")
    );
    let address = other.address.to_string();
    let token = format!("bearer_token_file = {:?}", path("token"));
    let config = [
        scrape("exporter", &exporter, by_file),
        scrape("stranger", &exporter, format!("{ana}basic_password = \"test\"")),
        scrape(
            "wrong",
            &exporter,
            format!("{}{ana}basic_password = \"tset\"", ca(&files.cert)),
        ),
        scrape("farol2", &address, ca(&path("other.pem")) + &token),
        scrape("nobody", &address, ca(&path("other.pem"))),
    ];
    let apps = Apps::start(&config.concat()).await;
    for (name, series) in [
        ("exporter", "node_memory_MemTotal_bytes"),
        ("farol2", "process_resident_memory_bytes"),
    ] {
        apps.source(name, |source| source["state"] == "up").await;
        apps.value(name, series, &[], |bytes| bytes > 1e6).await;
    }
    for (name, why) in [("stranger", "not trusted"), ("wrong", "401"), ("nobody", "401")] {
        let down = apps
            .source(name, |source| {
                source["state"] == "down" && source["error"].is_string()
            })
            .await;
        assert!(down["error"].as_str().unwrap().contains(why), "{down}");
    }
    // Another token is taken without a restart.
    std::fs::write(path("token"), "farol_wrong").unwrap();
    apps.source("farol2", |source| source["state"] == "down").await;
    apps.server.stop().await;
    other.stop().await;
}

use super::*;
use crate::live::{client::Newcomer, limits::LiveLimits};
use farol_model::{
    connection::Carrier,
    wire::{ConnectRequest, Push, RefreshRequest, RpcRequest, SubscribeRequest},
};

fn rows() -> Vec<ConnectionRow> {
    let row = |id: &str, user: &str, carrier, since_ms, rate: f64| ConnectionRow {
        id: id.to_owned(),
        user: user.to_owned(),
        role: Some("viewer".into()),
        address: "10.0.0.1".to_owned(),
        agent: "Firefox".to_owned(),
        program: String::new(),
        carrier,
        encoding: "json".to_owned(),
        since_ms,
        channels: vec![format!("metrics/{id}/cpu")],
        received: Flow::default(),
        sent: Flow {
            bytes_per_s: rate,
            ..Default::default()
        },
        queue_bytes: 10,
        conflations: 0,
        round_trip_us: None,
        clock_ahead_ms: None,
    };
    vec![
        row("aa", "ana", Carrier::WebSocket, 30, 5.0),
        row("bb", "Bea", Carrier::SignalR, 10, 50.0),
        row("cc", "ana", Carrier::Sse, 20, 0.5),
        row("dd", "", Carrier::WebSocket, 40, 0.0),
    ]
}

fn ids(query: ConnectionQuery) -> Vec<String> {
    page(rows(), &query, 0)
        .rows
        .into_iter()
        .map(|row| row.id)
        .collect()
}

fn all() -> ConnectionQuery {
    ConnectionQuery {
        limit: 100,
        ..Default::default()
    }
}

#[test]
fn a_page_counts_all_and_gives_what_was_asked_for() {
    let query = ConnectionQuery {
        text: "ANA".to_owned(),
        sort: ConnectionSort::Sent,
        descending: true,
        limit: 1,
        offset: 1,
    };
    let page = page(rows(), &query, 7);
    assert_eq!((page.total, page.matching, page.users, page.t_ms), (4, 2, 2, 7));
    assert_eq!((page.sent.bytes_per_s, page.queue_bytes), (55.5, 40));
    assert_eq!(page.rows[0].id, "cc");
    let sorted = |sort, descending| {
        ids(ConnectionQuery {
            sort,
            descending,
            ..all()
        })
    };
    assert_eq!(
        sorted(ConnectionSort::Age, true),
        ["bb", "cc", "aa", "dd"],
        "the oldest first"
    );
    assert_eq!(sorted(ConnectionSort::User, false), ["dd", "bb", "aa", "cc"]);
    for sort in ConnectionSort::ALL {
        let (up, down) = (sorted(sort, false), sorted(sort, true));
        assert_eq!((up.len(), down.len()), (4, 4), "{}", sort.as_str());
    }
    for (text, found) in [("signalr", "bb"), ("metrics/cc", "cc"), ("dd", "dd")] {
        let query = ConnectionQuery {
            text: text.to_owned(),
            ..all()
        };
        assert_eq!(ids(query), [found]);
    }
    assert!(
        ids(ConnectionQuery::default()).is_empty(),
        "a limit of 0 gives the counts alone"
    );
}

#[test]
fn ten_thousand_rows_are_cut_to_the_most_that_is_given() {
    let many = std::iter::repeat_with(rows).take(2500).flatten().collect();
    let query = ConnectionQuery {
        limit: u32::MAX,
        ..Default::default()
    };
    let page = page(many, &query, 0);
    assert_eq!(
        (page.total, page.rows.len()),
        (10_000, MAX_CONNECTION_ROWS as usize)
    );
}

#[test]
fn no_secret_is_shown() {
    let secret = "s3cret".to_owned();
    let subscribe = SubscribeRequest {
        channel: "room/a".to_owned(),
        token: secret.clone(),
        ..Default::default()
    };
    let params = format!(r#"{{"key":"k","action":"runbook.x","params":{{"password":"{secret}"}}}}"#);
    let commands = [
        Command {
            connect: Some(ConnectRequest {
                token: secret.clone(),
                data: Bytes::from(format!("\"{secret}\"")),
                subs: [("room/a".to_owned(), subscribe.clone())].into(),
                ..Default::default()
            }),
            ..Default::default()
        },
        Command {
            subscribe: Some(subscribe),
            ..Default::default()
        },
        Command {
            refresh: Some(RefreshRequest {
                token: secret.clone(),
            }),
            ..Default::default()
        },
        Command {
            rpc: Some(RpcRequest {
                method: "run".to_owned(),
                data: params.into(),
            }),
            ..Default::default()
        },
    ];
    for command in commands {
        let text = outline_command(command).to_string();
        assert!(!text.contains(&secret) && text.contains(HIDDEN), "{text}");
    }
    let emulated = farol_model::wire::ConnectResult {
        session: secret.clone(),
        ..Default::default()
    };
    let reply = Reply {
        connect: Some(emulated),
        ..Default::default()
    };
    let text = outline_reply(reply, Encoding::Json, &Hub::new(LiveLimits::default())).to_string();
    assert!(!text.contains(&secret), "{text}");
}

#[test]
fn protobuf_is_read_by_the_class_of_its_channel() {
    let hub = Hub::new(LiveLimits::default());
    let metrics = MetricsPublication {
        t_ms: 5,
        ..Default::default()
    };
    let push = |channel: &str, data: Vec<u8>| Reply {
        push: Some(Push {
            channel: channel.to_owned(),
            publication: Some(Publication {
                data: data.into(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let read = |reply: Reply| outline_reply(reply, Encoding::Protobuf, &hub).to_string();
    let text = read(push("metrics/local/cpu", metrics.encode_to_vec()));
    assert!(text.contains(r#""t_ms":5"#), "{text}");
    let text = read(push("runs/1", b"{\"event\":\"x\"}".to_vec()));
    assert!(text.contains(r#"{"event":"x"}"#), "{text}");
    let text = read(push("metrics/local/cpu", vec![0xff; 3]));
    assert!(text.contains("(3 bytes)"), "{text}");
    // By its number.
    let numbered = Reply {
        push: Some(Push {
            id: 1,
            ..Default::default()
        }),
        ..Default::default()
    };
    assert!(read(numbered).contains("processes/local"));
}

#[tokio::test]
async fn an_ended_connection_is_told_whether_it_may_return() {
    let registry = Registry::new(&LiveLimits::default());
    let admit = || {
        let newcomer = Newcomer {
            address: [10, 0, 0, 1].into(),
            agent: String::new(),
            carrier: Carrier::WebSocket,
            encoding: Encoding::Json,
        };
        registry.admit(newcomer).unwrap()
    };
    let (one, two) = (admit(), admit());
    let ended = registry.disconnect(&one.client.name(), true, "maintenance");
    assert_eq!(ended.unwrap(), "10.0.0.1");
    let long = "é".repeat(200);
    registry.disconnect(&two.client.name(), false, &long).unwrap();
    let (first, second) = (one.client.kill.ended().await, two.client.kill.ended().await);
    assert_eq!((first, second), (Disconnect::FORCE_RECONNECT, Disconnect::FORCE));
    assert_eq!(one.client.kill.words(first), "ended by an operator: maintenance");
    let told = two.client.kill.words(second).to_owned();
    assert_eq!(told, format!("ended by an operator: {}", "é".repeat(40)));
    // Words belong to the reason that they came with.
    assert_eq!(one.client.kill.words(Disconnect::SLOW), "slow");
    assert!(
        registry
            .disconnect("nobody", true, "")
            .unwrap_err()
            .message
            .contains("`nobody`")
    );
}

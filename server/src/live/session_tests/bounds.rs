//! What ends a connection, and what happens at each bound.

use super::*;

#[tokio::test]
async fn what_is_not_of_the_protocol_ends_the_connection() {
    for (encoding, garbage) in [
        (Encoding::Json, &b"nonsense"[..]),
        (Encoding::Json, b"[]"),
        (Encoding::Json, b"{\"id\":\"one\"}"),
        (Encoding::Json, b"{\"id\":9,\"connect\":{}}"),
        (Encoding::Json, b"{\"id\":9,\"ping\":{},\"rpc\":{}}"),
        (Encoding::Json, b"{\"ping\":{}}"),
        (Encoding::Protobuf, b"\x05ab"),
        (Encoding::Protobuf, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ] {
        let world = World::new(LiveLimits::default());
        let client = world.connected(encoding).await;
        client.raw(garbage);
        assert_eq!(client.end().await, Disconnect::BAD_REQUEST, "{garbage:?}");
    }
}

#[tokio::test]
async fn connect_must_come_first_and_in_time() {
    let world = World::new(LiveLimits::default());
    let mut early = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    early.send(|command| command.ping = Some(PingRequest {}));
    assert_eq!(early.end().await, Disconnect::BAD_REQUEST);

    let world = World::new(LiveLimits {
        connect_timeout: Duration::from_millis(30),
        ..Default::default()
    });
    let late = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    assert_eq!(late.end().await, Disconnect::STALE);
}

#[tokio::test]
async fn frames_may_be_larger_once_connected() {
    let world = World::new(LiveLimits::default());
    let large = |size: usize| {
        format!(
            "{{\"id\":50,\"rpc\":{{\"method\":\"echo\",\"data\":\"{}\"}}}}",
            "x".repeat(size)
        )
    };
    let mut client = world.connected(Encoding::Json).await;
    client.raw(large(20_000).as_bytes());
    assert_eq!(client.next().await.unwrap().rpc.unwrap().data.len(), 20_002);
    client.raw(large(40_000).as_bytes());
    assert_eq!(client.end().await, Disconnect::TOO_BIG);

    let before = world.client(Encoding::Json, None, 10);
    before.raw(large(5_000).as_bytes());
    assert_eq!(before.end().await, Disconnect::TOO_BIG);
}

#[tokio::test]
async fn a_message_that_the_carrier_refuses_ends_the_connection() {
    let world = World::new(LiveLimits::default());
    let client = world.connected(Encoding::Json).await;
    client
        .to_server
        .unbounded_send(Err(CarrierError::Refused(Disconnect::BAD_REQUEST)))
        .unwrap();
    assert_eq!(client.end().await, Disconnect::BAD_REQUEST);
}

#[tokio::test]
async fn too_many_commands_end_the_connection() {
    let world = World::new(LiveLimits {
        command_burst: 5.0,
        channels: 2,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    for _ in 0..20 {
        client.send(|command| command.ping = Some(PingRequest {}));
    }
    assert_eq!(client.end().await, Disconnect::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_channel_limit_counts_only_what_stands() {
    let world = World::new(LiveLimits {
        channels: 1,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(
        code(&client.subscribe("processes/local").await),
        error::LIMIT_EXCEEDED
    );
    client
        .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: CPU.into() }))
        .await;
    assert_eq!(code(&client.subscribe("processes/local").await), 0);
}

#[tokio::test]
async fn a_slow_call_holds_nothing_up_and_calls_are_bounded() {
    let world = World::new(LiveLimits {
        rpcs_in_flight: 1,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    let call = |method: &str| RpcRequest {
        method: method.into(),
        data: Bytes::from_static(b"{\"a\":1}"),
    };
    let slow = client.send(|command| command.rpc = Some(call("slow")));
    let pong = client.ask(|command| command.ping = Some(PingRequest {})).await;
    assert!(pong.ping.is_some());
    let refused = client.ask(|command| command.rpc = Some(call("echo"))).await;
    assert_eq!(code(&refused), error::TOO_MANY_REQUESTS);
    world.rpc.go.notify_one();
    assert_eq!(client.next().await.unwrap().id, slow);
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_let_go_and_a_living_one_stays() {
    let limits = LiveLimits {
        ping_interval: Duration::from_millis(40),
        pong_timeout: Duration::from_millis(500),
        ..Default::default()
    };
    let world = World::new(limits.clone());
    let mut living = world.connected(Encoding::Json).await;
    for _ in 0..5 {
        assert_eq!(living.next().await, Some(Reply::default()), "a ping");
        living.raw(b"{}");
    }
    let silent = world.connected(Encoding::Protobuf).await;
    assert_eq!(silent.end().await, Disconnect::NO_PONG);
}

#[tokio::test]
async fn sign_out_and_role_changes_end_connections_within_a_second() {
    for (ending, reason) in [
        (Ending::Proof(Proof::Session("s1".into())), Disconnect::SIGNED_OUT),
        (Ending::User(1), Disconnect::SESSION_ENDED),
    ] {
        let world = World::new(LiveLimits::default());
        let client = world.connected(Encoding::Json).await;
        let start = Instant::now();
        world.gate.endings.send(ending).unwrap();
        assert_eq!(client.end().await, reason);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn shutdown_asks_everybody_to_come_back() {
    let world = World::new(LiveLimits {
        drain_spread: Duration::from_millis(50),
        ..Default::default()
    });
    let clients = [
        world.connected(Encoding::Json).await,
        world.connected(Encoding::Protobuf).await,
    ];
    world.live.shutdown.cancel();
    for client in clients {
        assert_eq!(client.end().await, Disconnect::SHUTDOWN);
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_is_let_go() {
    let world = World::new(LiveLimits {
        write_stall: Duration::from_millis(50),
        farewell: Duration::from_millis(50),
        ..Default::default()
    });
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 0);
    client.send(|command| command.connect = Some(ConnectRequest::default()));
    for _ in 0..3 {
        client.send(|command| command.ping = Some(PingRequest {}));
    }
    // Its side of the carrier stays open and full.
    let reason = timeout(PATIENCE, &mut client.task).await.unwrap().unwrap();
    assert_eq!(reason, Disconnect::SLOW);
}

#[tokio::test]
async fn a_reader_that_falls_behind_with_metrics_subscribes_again_and_recovers() {
    let world = World::new(LiveLimits {
        queue_bytes: 16 * 1024,
        ..Default::default()
    });
    let mut client = world.client(Encoding::Protobuf, Some(identity(Role::Operator)), 0);
    client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    world.frame(2, 100);
    let result = client.subscribe(CPU).await.subscribe.unwrap();
    let mut last = result.offset;
    // 800 bytes each: far more than the queue holds while nobody reads.
    for t_ms in 3..200 {
        world.frame(t_ms, 100);
    }
    loop {
        let push = client.next().await.unwrap().push.unwrap();
        if let Some(unsubscribe) = push.unsubscribe {
            assert_eq!((unsubscribe.code, push.channel.as_str()), (2500, CPU));
            break;
        }
        let offset = push.publication.unwrap().offset;
        assert_eq!(offset, last + 1, "no hole before the push");
        last = offset;
    }
    let again = client
        .ask(|command| {
            command.subscribe = Some(SubscribeRequest {
                channel: CPU.into(),
                recover: true,
                epoch: result.epoch.clone(),
                offset: last,
                ..Default::default()
            });
        })
        .await
        .subscribe
        .unwrap();
    assert!(again.recovered);
    let offsets: Vec<u64> = again
        .publications
        .iter()
        .map(|publication| publication.offset)
        .collect();
    assert_eq!(offsets, (last + 1..=again.offset).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_is_due_in_one_tick_leaves_in_one_message() {
    let world = World::new(LiveLimits {
        coalesce: Duration::from_millis(200),
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    client.subscribe(CPU).await;
    client.subscribe("processes/local").await;
    world.frame(2, 1);
    Outlet::processes(&*world.live.hub, 2, Vec::new());
    let Some(Outbound::Message(message)) = client.from_server.next().await else {
        panic!("a message");
    };
    assert_eq!(codec::decode_replies(Encoding::Json, &message).unwrap().len(), 2);
}

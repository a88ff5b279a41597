//! What each command answers.

use super::*;

#[tokio::test]
async fn connect_subscribe_publication_unsubscribe() {
    for encoding in BOTH {
        let world = World::new(LiveLimits::default());
        let mut client = world.connected(encoding).await;
        let result = client.subscribe(CPU).await.subscribe.unwrap();
        assert!(!result.data.is_empty());
        world.frame(2, 1);
        let push = client.next().await.unwrap().push.unwrap();
        assert_eq!(push.publication.unwrap().offset, result.offset + 1);
        let gone = client
            .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: CPU.into() }))
            .await;
        assert!(gone.unsubscribe.is_some());
        world.frame(3, 1);
        let pong = client.ask(|command| command.ping = Some(PingRequest {})).await;
        assert!(pong.ping.is_some());
        drop(client.to_server);
        assert_eq!(client.task.await.unwrap(), Disconnect::CONNECTION_CLOSED);
        assert_eq!(world.live.registry.len(), 0, "the seat is free");
    }
}

#[tokio::test]
async fn channels_may_be_asked_for_in_connect() {
    let world = World::new(LiveLimits::default());
    let mut client = world.client(Encoding::Json, Some(identity(Role::Viewer)), 10);
    *world.gate.now.lock().unwrap() = Some(identity(Role::Viewer));
    let subs = [CPU, "runs/r1", "no channel"]
        .map(|name| (name.to_owned(), SubscribeRequest::default()))
        .into();
    let reply = client
        .ask(|command| {
            command.connect = Some(ConnectRequest {
                subs,
                ..Default::default()
            })
        })
        .await;
    let result = reply.connect.unwrap();
    assert_eq!((result.ping, result.pong), (25, true));
    assert_eq!(result.subs.keys().collect::<Vec<_>>(), [CPU]);
    world.frame(2, 1);
    assert_eq!(client.next().await.unwrap().push.unwrap().channel, CPU);
}

#[tokio::test]
async fn only_clients_that_can_read_numbers_get_them() {
    let world = World::new(LiveLimits::default());
    for (encoding, name, numbered) in [
        (Encoding::Json, "js", true),
        (Encoding::Protobuf, "js", false),
        (Encoding::Protobuf, "farol", true),
    ] {
        let mut client = world.client(encoding, Some(identity(Role::Operator)), 10);
        client
            .ask(|command| {
                command.connect = Some(ConnectRequest {
                    name: name.into(),
                    ..Default::default()
                });
            })
            .await;
        let reply = client
            .ask(|command| {
                command.subscribe = Some(SubscribeRequest {
                    channel: CPU.into(),
                    flag: 1,
                    ..Default::default()
                });
            })
            .await;
        assert_eq!(reply.subscribe.unwrap().id > 0, numbered, "{encoding:?} {name}");
    }
}

#[tokio::test]
async fn a_token_in_connect_proves_who_it_is_and_a_bad_one_ends_the_connection() {
    let world = World::new(LiveLimits::default());
    let with = |token: &str| ConnectRequest {
        token: token.into(),
        ..Default::default()
    };
    let mut client = world.client(Encoding::Protobuf, None, 10);
    let reply = client.ask(|command| command.connect = Some(with("good"))).await;
    assert!(reply.connect.is_some());

    let mut client = world.client(Encoding::Protobuf, None, 10);
    client.send(|command| command.connect = Some(with("bad")));
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);

    let mut client = world.client(Encoding::Protobuf, None, 10);
    let reply = client.ask(|command| command.connect = Some(with(""))).await;
    assert_eq!(code(&reply), error::UNAUTHORIZED);
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);
}

#[tokio::test]
async fn refresh_takes_a_token_of_the_same_user_only() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    let refresh = |token: &str| RefreshRequest { token: token.into() };
    let reply = client
        .ask(|command| command.refresh = Some(refresh("good")))
        .await;
    assert!(reply.refresh.is_some());
    client.send(|command| command.refresh = Some(refresh("other")));
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);
}

#[tokio::test]
async fn a_proof_that_ended_meanwhile_is_seen_at_connect_and_at_every_resume() {
    let world = World::new(LiveLimits::default());
    *world.gate.now.lock().unwrap() = None;
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    client.send(|command| command.connect = Some(ConnectRequest::default()));
    assert_eq!(client.end().await, Disconnect::SIGNED_OUT);

    *world.gate.now.lock().unwrap() = Some(identity(Role::Operator));
    let mut client = world.connected(Encoding::Json).await;
    *world.gate.now.lock().unwrap() = None;
    client.send(|command| {
        command.subscribe = Some(SubscribeRequest {
            channel: CPU.into(),
            recover: true,
            ..Default::default()
        });
    });
    assert_eq!(client.end().await, Disconnect::SIGNED_OUT);
}

#[tokio::test]
async fn a_gate_that_fails_is_a_temporary_error_and_lets_nobody_in() {
    let world = World::new(LiveLimits::default());
    world.gate.fails.store(true, Ordering::SeqCst);
    let mut client = world.client(Encoding::Json, Some(identity(Role::Operator)), 10);
    let reply = client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    let error = reply.error.unwrap();
    assert_eq!((error.code, error.temporary), (error::INTERNAL, true));
    world.gate.fails.store(false, Ordering::SeqCst);
    let reply = client
        .ask(|command| command.connect = Some(ConnectRequest::default()))
        .await;
    assert!(reply.connect.is_some(), "trying again helps");
}

#[tokio::test]
async fn refusals_have_the_published_codes() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(
        code(&client.subscribe("no/such/thing/here").await),
        error::UNKNOWN_CHANNEL
    );
    assert_eq!(
        code(&client.subscribe("runs/unknown").await),
        error::UNKNOWN_CHANNEL
    );
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(code(&client.subscribe(CPU).await), error::ALREADY_SUBSCRIBED);
    let bad_options = client
        .ask(|command| {
            command.subscribe = Some(SubscribeRequest {
                channel: "processes/local".into(),
                data: Bytes::from_static(b"{\"every_ms\":\"x\"}"),
                ..Default::default()
            });
        })
        .await;
    assert_eq!(code(&bad_options), error::BAD_REQUEST);
    let publish = client
        .ask(|command| {
            command.publish = Some(PublishRequest {
                channel: CPU.into(),
                ..Default::default()
            })
        })
        .await;
    assert_eq!(code(&publish), error::NOT_AVAILABLE);
    let presence = client
        .ask(|command| command.presence = Some(PresenceRequest::default()))
        .await;
    assert_eq!(code(&presence), error::UNKNOWN_CHANNEL);
    let not_subscribed = client
        .ask(|command| {
            command.sub_refresh = Some(SubRefreshRequest {
                channel: "metrics/local/memory".into(),
                ..Default::default()
            })
        })
        .await;
    assert_eq!(code(&not_subscribed), error::BAD_REQUEST);
    assert_eq!(code(&client.ask(|_| {}).await), error::METHOD_NOT_FOUND);
    let unknown = client
        .ask(|command| command.rpc = Some(RpcRequest::default()))
        .await;
    assert_eq!(code(&unknown), 404);
    let broken = client
        .ask(|command| {
            command.rpc = Some(RpcRequest {
                method: "broken".into(),
                ..Default::default()
            });
        })
        .await;
    assert_eq!(code(&broken), error::INTERNAL);
    client.send(|command| {
        command.id = 0;
        command.send = Some(SendRequest::default());
    });
    assert!(
        client
            .ask(|command| command.ping = Some(PingRequest {}))
            .await
            .ping
            .is_some(),
        "send is ignored"
    );
}

#[tokio::test]
async fn a_viewer_may_watch_but_not_see_runs() {
    let world = World::new(LiveLimits::default());
    *world.gate.now.lock().unwrap() = Some(identity(Role::Viewer));
    world
        .live
        .hub
        .event("r1", &farol_model::action::RunEvent::Truncated { limit_bytes: 1 });
    // The role that counts is the one of now, not of the upgrade.
    let mut client = world.connected(Encoding::Json).await;
    assert_eq!(code(&client.subscribe(CPU).await), 0);
    assert_eq!(code(&client.subscribe("runs/r1").await), error::PERMISSION_DENIED);
}

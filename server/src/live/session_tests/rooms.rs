//! Rooms, presence, and what else goes from client to client or comes unasked.

use super::*;

const ROOM: &str = "room/night-shift";

impl Client {
    async fn enter(&mut self, channel: &str) {
        let reply = self
            .ask(|command| {
                command.subscribe = Some(SubscribeRequest {
                    channel: channel.into(),
                    join_leave: true,
                    ..Default::default()
                });
            })
            .await;
        assert!(reply.subscribe.is_some(), "{reply:?}");
    }

    async fn say(&mut self, channel: &str, data: &str) -> Reply {
        self.ask(|command| {
            command.publish = Some(PublishRequest {
                channel: channel.into(),
                data: data.to_owned().into(),
            });
        })
        .await
    }

    async fn push(&mut self) -> farol_model::wire::Push {
        self.next()
            .await
            .expect("the connection ended")
            .push
            .expect("a push")
    }

    async fn history(&mut self, since: u64, limit: i32) -> Vec<(u64, Bytes)> {
        let reply = self
            .ask(|command| {
                command.history = Some(HistoryRequest {
                    channel: ROOM.into(),
                    limit,
                    since: Some(StreamPosition {
                        offset: since,
                        epoch: String::new(),
                    }),
                    ..Default::default()
                });
            })
            .await;
        let found = reply.history.expect("history").publications.into_iter();
        found.map(|said| (said.offset, said.data)).collect()
    }
}

#[tokio::test]
async fn what_one_says_all_in_the_room_hear_with_the_name_of_the_speaker() {
    for encoding in BOTH {
        let world = World::new(LiveLimits::default());
        let (mut one, mut two) = (world.connected(encoding).await, world.connected(encoding).await);
        one.subscribe(ROOM).await;
        two.subscribe(ROOM).await;
        assert!(
            two.say(ROOM, r#"{"text":"disk is full"}"#)
                .await
                .publish
                .is_some()
        );
        let heard = one.push().await.publication.unwrap();
        assert_eq!(
            (heard.offset, &heard.data[..]),
            (1, &br#"{"text":"disk is full"}"#[..])
        );
        assert!(heard.time > 1_700_000_000_000);
        let by = heard.info.unwrap();
        assert_eq!(
            (by.user.as_str(), &by.conn_info[..]),
            ("1", &br#"{"name":"ana"}"#[..])
        );
        assert_eq!(by.client.len(), 32);
    }
}

#[tokio::test]
async fn what_others_could_not_hold_is_not_said() {
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    for encoding in BOTH {
        let world = World::new(LiveLimits::default());
        let mut client = world.connected(encoding).await;
        for data in ["1e999", r#"{"x":-1e400}"#, &deep] {
            let reply = client.say(ROOM, data).await;
            assert_eq!(
                reply.error.map(|error| error.code),
                Some(error::BAD_REQUEST),
                "{data}"
            );
        }
        assert!(client.say(ROOM, "1e300").await.publish.is_some());
    }
}

#[tokio::test]
async fn a_room_is_recovered_whole_and_its_history_is_read_in_pages() {
    let world = World::new(LiveLimits {
        history_publications: 2,
        room_messages: 4,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Json).await;
    let first = client.subscribe(ROOM).await.subscribe.unwrap();
    client
        .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: ROOM.into() }))
        .await;
    for n in 1..=5 {
        assert!(client.say(ROOM, &n.to_string()).await.publish.is_some());
    }
    let page = client.history(0, -1).await;
    assert_eq!(
        page,
        [(2, Bytes::from_static(b"2")), (3, Bytes::from_static(b"3"))],
        "1 is held no more"
    );
    assert_eq!(client.history(3, -1).await.len(), 2);
    assert_eq!(client.history(3, 1).await.len(), 1);
    let again = |offset| SubscribeRequest {
        channel: ROOM.into(),
        recover: true,
        epoch: first.epoch.clone(),
        offset,
        ..Default::default()
    };
    let lost = client
        .ask(|command| command.subscribe = Some(again(0)))
        .await
        .subscribe
        .unwrap();
    assert_eq!(
        (lost.recovered, lost.publications.len()),
        (false, 0),
        "never a part"
    );
    client
        .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: ROOM.into() }))
        .await;
    let whole = client
        .ask(|command| command.subscribe = Some(again(1)))
        .await
        .subscribe
        .unwrap();
    assert_eq!((whole.recovered, whole.publications.len()), (true, 4));
    assert!(whole.publications[0].info.is_some());
}

#[tokio::test]
async fn who_comes_and_goes_is_told_to_those_who_asked() {
    let world = World::new(LiveLimits::default());
    let (mut watcher, mut deaf) = (
        world.connected(Encoding::Json).await,
        world.connected(Encoding::Json).await,
    );
    watcher.enter(ROOM).await;
    let own = watcher.push().await.join.unwrap().info.unwrap().client;
    deaf.subscribe(ROOM).await;
    let other = watcher.push().await.join.unwrap().info.unwrap().client;
    assert_ne!(own, other);
    let present = watcher
        .ask(|command| command.presence = Some(PresenceRequest { channel: ROOM.into() }))
        .await
        .presence
        .unwrap()
        .presence;
    assert!(present.contains_key(&own) && present.contains_key(&other) && present.len() == 2);
    let stats = watcher
        .ask(|command| command.presence_stats = Some(PresenceStatsRequest { channel: ROOM.into() }))
        .await
        .presence_stats
        .unwrap();
    assert_eq!((stats.num_clients, stats.num_users), (2, 1));
    // Its connection breaks.
    drop(deaf.to_server);
    assert_eq!(watcher.push().await.leave.unwrap().info.unwrap().client, other);
    assert_eq!(deaf.from_server.next().await, None, "nobody told it anything");
}

#[tokio::test]
async fn rooms_and_what_is_said_in_them_are_bounded() {
    let world = World::new(LiveLimits {
        rooms: 1,
        presence: 1,
        ..Default::default()
    });
    let mut client = world.connected(Encoding::Protobuf).await;
    client.subscribe(ROOM).await;
    assert_eq!(
        code(&client.subscribe("room/second").await),
        error::LIMIT_EXCEEDED
    );
    assert_eq!(code(&client.say("room/second", "1").await), error::LIMIT_EXCEEDED);
    assert_eq!(code(&client.say(ROOM, "{").await), error::BAD_REQUEST);
    assert_eq!(code(&client.say(ROOM, "").await), error::BAD_REQUEST);
    let long = format!("\"{}\"", "x".repeat(4096));
    assert_eq!(code(&client.say(ROOM, &long).await), error::BAD_REQUEST);
    let mut second = world.connected(Encoding::Json).await;
    second.subscribe(ROOM).await;
    let many = client
        .ask(|command| command.presence = Some(PresenceRequest { channel: ROOM.into() }))
        .await;
    assert_eq!(code(&many), error::LIMIT_EXCEEDED);
    // A room that everybody has left gives way.
    for client in [&mut client, &mut second] {
        client
            .ask(|command| command.unsubscribe = Some(UnsubscribeRequest { channel: ROOM.into() }))
            .await;
    }
    assert!(client.subscribe("room/second").await.subscribe.is_some());
    assert!(world.live.hub.channel(ROOM).is_none());
}

#[tokio::test]
async fn a_subscription_is_looked_at_again_when_the_client_asks() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    client.subscribe(CPU).await;
    let again = |token: &str| SubRefreshRequest {
        channel: CPU.into(),
        token: token.into(),
    };
    for token in ["", "good"] {
        let reply = client
            .ask(|command| command.sub_refresh = Some(again(token)))
            .await;
        assert!(!reply.sub_refresh.unwrap().expires);
    }
    client.send(|command| command.sub_refresh = Some(again("other")));
    assert_eq!(client.end().await, Disconnect::INVALID_TOKEN);
}

#[tokio::test]
async fn a_call_may_subscribe_its_caller_before_it_answers() {
    for (channel, follows) in [(CPU, true), ("metrics/local/none", false), ("no channel", false)] {
        let world = World::new(LiveLimits::default());
        let mut client = world.connected(Encoding::Json).await;
        let id = client.send(|command| {
            command.rpc = Some(RpcRequest {
                method: "follow".into(),
                data: format!("\"{channel}\"").into(),
            });
        });
        if follows {
            let push = client.push().await;
            assert_eq!(push.channel, CPU);
            assert!(push.subscribe.unwrap().recoverable);
        }
        let reply = client.next().await.unwrap();
        assert_eq!((reply.id, &reply.rpc.unwrap().data[..]), (id, &b"1"[..]));
        world.frame(2, 1);
        if follows {
            assert_eq!(client.push().await.publication.unwrap().offset, 2);
        }
        assert_eq!(
            world.live.registry.clients()[0].told().channels.len(),
            usize::from(follows)
        );
    }
}

#[tokio::test]
async fn a_client_may_tell_what_its_clock_shows() {
    let world = World::new(LiveLimits::default());
    let mut client = world.connected(Encoding::Json).await;
    let clock_ms = crate::time::now_ms() + 60_000;
    client.send(|command| {
        command.id = 0;
        command.send = Some(SendRequest {
            data: format!("{{\"clock_ms\":{clock_ms}}}").into(),
        });
    });
    client.ask(|command| command.ping = Some(PingRequest {})).await;
    let outbox = world.live.registry.clients()[0].outbox().unwrap();
    let ahead = outbox.counts().clock_ahead_ms.unwrap();
    assert!((0..=60_000).contains(&ahead) && ahead > 30_000, "{ahead}");
}

//! What a log says of connections and commands.

use super::*;
use tracing::{
    Id, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

/// Spans that were opened: name, name of the parent, fields.
#[derive(Debug, Default, Clone)]
struct Seen(Arc<Mutex<Vec<(Id, SpanSeen)>>>);

#[derive(Debug, Default, Clone)]
struct SpanSeen {
    name: &'static str,
    parent: Option<&'static str>,
    fields: Vec<(&'static str, String)>,
}

impl SpanSeen {
    fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, value)| value.as_str())
    }
}

impl Visit for SpanSeen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.push((field.name(), format!("{value:?}")));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut seen = SpanSeen {
            name: span.name(),
            parent: span.parent().map(|parent| parent.name()),
            ..Default::default()
        };
        attributes.record(&mut seen);
        self.0.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut all = self.0.lock().unwrap();
        // Ids are used again; the last of its name is meant.
        let span = all.iter_mut().rev().find(|(known, _)| known == id);
        values.record(&mut span.unwrap().1);
    }
}

#[tokio::test]
async fn connections_and_commands_have_spans_that_name_them_and_hold_no_secrets() {
    let seen = Seen::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    let world = World::new(LiveLimits::default());
    let mut client = world.client(Encoding::Json, None, 100);
    let connect = ConnectRequest {
        token: "good".into(),
        data: Bytes::from_static(br#""a secret of the client""#),
        ..Default::default()
    };
    client.ask(|command| command.connect = Some(connect)).await;
    client.subscribe(CPU).await;
    client
        .subscribe(&format!("no/such\nchannel{}", "x".repeat(1000)))
        .await;
    let call = RpcRequest {
        method: "echo".into(),
        data: Bytes::from_static(br#""a secret of the call""#),
    };
    client.ask(|command| command.rpc = Some(call)).await;
    let name = world.live.registry.clients()[0].name();

    let all = seen.0.lock().unwrap().clone();
    let all: Vec<SpanSeen> = all.into_iter().map(|(_, span)| span).collect();
    let of = |name: &str| {
        all.iter()
            .filter(|span| span.name == name)
            .cloned()
            .collect::<Vec<_>>()
    };
    let connections = of("live_connection");
    assert_eq!(connections.len(), 1, "{all:?}");
    let fields = ["client", "carrier", "user", "address"].map(|field| connections[0].field(field));
    assert_eq!(
        fields.map(|field| field.unwrap().trim_matches('"')),
        [&*name, "websocket", "1", "10.0.0.1"]
    );
    let commands = of("live_command");
    let kinds: Vec<_> = commands.iter().map(|span| span.field("kind").unwrap()).collect();
    assert_eq!(
        kinds,
        ["\"connect\"", "\"subscribe\"", "\"subscribe\"", "\"rpc\""]
    );
    assert!(
        commands.iter().all(|span| span.parent == Some("live_connection")),
        "{all:?}"
    );
    assert_eq!(commands[1].field("channel"), Some("\"metrics/local/cpu\""));
    assert_eq!(commands[1].field("id"), Some("2"));
    let odd = commands[2].field("channel").unwrap();
    assert!(
        odd.starts_with(r#""no/such\nchannel"#) && odd.len() < 150,
        "{odd}"
    );
    assert_eq!(commands[3].field("method"), Some("\"echo\""));
    let said = format!("{all:?}");
    assert!(!said.contains("secret") && !said.contains("good"), "{said}");
}

//! docs/asyncapi.yaml is what the types say, and what AsyncAPI is.

use crate::{common::TestServer, process::node};
use farol::asyncapi;
use farol_model::wire::codes::{Disconnect, error, unsubscribe};
use serde_json::{Value, json};
use std::future::ready;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/asyncapi.yaml");
const PROTOCOL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PROTOCOL.md");

#[test]
fn the_file_is_what_the_types_say() {
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == asyncapi::text(),
        "docs/asyncapi.yaml differs from the types; write it anew: cargo xtask asyncapi"
    );
}

#[test]
fn the_program_prints_it() {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_farol"));
    let output = program.arg("asyncapi").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), asyncapi::text());
}

/// By the JSON schema that the AsyncAPI initiative publishes, after a YAML reader that nobody here wrote.
#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_a_valid_document_of_asyncapi_3() {
    let seen = node("asyncapi.mjs", &[FILE], ready(())).await;
    assert_eq!(seen["errors"], json!([]), "{:#}", seen["errors"]);
    assert_eq!(
        seen["document"],
        asyncapi::document(),
        "what is read is what was written"
    );
    // A broken document is not found to be good.
    assert!(seen["errors_when_broken"].as_u64() > Some(0));
}

/// A document that fits the types but not the wire would be of no use: what a real server says is checked against it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_is_what_the_file_says() {
    let server = TestServer::start().await;
    let token = server.token("viewer").await;
    let address = server.address.to_string();
    let seen = node("conforms.mjs", &[FILE, &address, &token], ready(())).await;
    assert_eq!(seen["wrong"], json!([]), "{:#}", seen["wrong"]);
    for channel in [
        "metrics",
        "processes",
        "collectors",
        "apps",
        "room",
        "long_poll",
        "events",
    ] {
        assert!(seen["checked"][channel].as_u64() > Some(1), "{channel}: {seen}");
    }
    assert!(seen["wrong_when_broken"].as_u64() > Some(0));
    server.stop().await;
}

#[test]
fn every_reference_leads_somewhere() {
    let document = asyncapi::document();
    let mut count = 0;
    check(&document, &document, &mut count);
    assert!(count > 200, "{count}");
}

fn check(value: &Value, document: &Value, count: &mut usize) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
                *count += 1;
            }
            fields.values().for_each(|value| check(value, document, count));
        }
        Value::Array(items) => items.iter().for_each(|value| check(value, document, count)),
        _ => {}
    }
}

#[test]
fn the_protocol_in_words_has_every_code() {
    let words = std::fs::read_to_string(PROTOCOL).unwrap();
    let codes = error::ALL.iter().chain(unsubscribe::ALL);
    let codes = codes.map(|code| format!("| {} | {} |", code.code, code.meaning));
    let disconnects = Disconnect::ALL
        .iter()
        .map(|(disconnect, meaning)| format!("| {} | {} | {meaning} |", disconnect.code, disconnect.reason));
    for row in codes.chain(disconnects) {
        assert!(
            words.contains(&format!("\n{row}\n")),
            "docs/PROTOCOL.md has no row {row}"
        );
    }
}

//! `farol annotate`: what a deploy script says to charts.

use super::{remote::ServerArgs, say};
use crate::client::{Server, rest};
use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Debug, Args)]
pub struct AnnotateArgs {
    /// What happened, in one line: "Deployed 1.4"
    title: String,
    /// A word to find it by; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// When it happened or began, e.g. 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_parser = millis)]
    at: Option<i64>,
    /// When it ended, where it took time
    #[arg(long, value_parser = millis)]
    end: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
}

fn millis(text: &str) -> Result<i64, String> {
    let date = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "write a date as 2026-01-31T12:00:00Z".to_owned())?;
    i64::try_from(date.unix_timestamp_nanos() / 1_000_000).map_err(|error| error.to_string())
}

/// Says it, and prints its number.
pub async fn annotate(args: AnnotateArgs) -> anyhow::Result<()> {
    let server: Server = args.server.into();
    let new = json!({"title": args.title, "tags": args.tags, "at_ms": args.at, "end_ms": args.end});
    let added = rest::post(&server, "/api/v1/annotations", &new, None).await?;
    let id = added.get("id").and_then(Value::as_i64);
    let id = id.context("an answer of another version")?;
    say(&format!("annotation {id}"));
    Ok(())
}

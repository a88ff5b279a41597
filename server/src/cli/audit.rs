//! `farol audit`, as it is typed.

use super::{DataArgs, eprint_line, say};
use crate::{
    audit::{
        cli,
        entry::Head,
        export::{Format, Span, parse_time},
    },
    config::default_data_dir,
    db,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify the chain; names the first entry that is wrong and fails
    Verify(VerifyArgs),
    /// Write the log out
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// An entry that must be there as it was, NUMBER:HASH: from the program's log, a forwarded entry or an earlier
    /// verification. Only one can tell that the end was cut off. May be repeated
    #[arg(long, value_name = "SEQ:HASH")]
    anchor: Vec<Head>,
    /// Verify JSON lines that were exported instead of the database
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// From then on: 2026-01-31 (UTC) or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "1970-01-01")]
    since: i64,
    /// Up to then, which is not in it
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
    /// Into a new file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

/// Does what the command line says.
pub async fn execute(command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Verify(VerifyArgs { anchor, file, data }) => {
            let said = match file {
                Some(file) => tokio::task::spawn_blocking(move || cli::verify_file(&file, &anchor)).await??,
                None => cli::verify(&open(data).await?, &anchor).await?,
            };
            say(&said);
        }
        AuditCommand::Export(args) => {
            let span = Span {
                since_ms: args.since,
                until_ms: args.until.unwrap_or(i64::MAX),
            };
            let pool = open(args.data).await?;
            eprint_line(&cli::export(&pool, span, args.format, args.output).await?);
        }
    }
    Ok(())
}

async fn open(data: DataArgs) -> anyhow::Result<sqlx::SqlitePool> {
    db::open_to_read(&data.data_dir.unwrap_or_else(default_data_dir)).await
}

//! `farol audit`: verify and export, beside a running server or on a copy of its data. Neither writes into the database.

use super::{
    entry::{Entry, Head},
    export::{self, Format, Line, Span},
    verify::{Verifier, advance, forwarded},
};
use anyhow::{Context, bail, ensure};
use sqlx::SqlitePool;
use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter},
    path::{Path, PathBuf},
};

/// Verifies what is stored. What to say when it holds.
pub async fn verify(pool: &SqlitePool, anchors: &[Head]) -> anyhow::Result<String> {
    is_chain(pool).await?;
    let mut all = forwarded(pool).await?;
    // What the person gave goes before what the database says of itself.
    all.extend(anchors);
    let mut verifier = Verifier::new(&all);
    while advance(pool, &mut verifier, u64::MAX).await?? {}
    verifier.finish()?;
    Ok(holds(&verifier))
}

/// Verifies exported JSON lines. A part of the log begins after an entry that is believed.
pub fn verify_file(file: &Path, anchors: &[Head]) -> anyhow::Result<String> {
    let lines = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
    let mut verifier: Option<Verifier> = None;
    for (index, line) in lines.lines().enumerate() {
        let place = || format!("{}, line {}", file.display(), index + 1);
        let line: Line = serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        let entry: Entry = line.entry().with_context(place)?;
        verifier
            .get_or_insert_with(|| {
                let before = Head {
                    seq: entry.seq - 1,
                    hash: entry.prev,
                };
                match before.seq {
                    ..=0 => Verifier::new(anchors),
                    _ => Verifier::after(before, anchors),
                }
            })
            .take(&entry)
            .with_context(place)?;
    }
    let verifier = verifier.with_context(|| format!("{} has no entries", file.display()))?;
    verifier.finish()?;
    Ok(holds(&verifier))
}

fn holds(verifier: &Verifier) -> String {
    match verifier.count() {
        0 => "the audit log is empty".to_owned(),
        count => format!(
            "{count} entries, and the chain holds; keep the last one elsewhere as an anchor:\n{}",
            verifier.last()
        ),
    }
}

/// Writes the log into a file, or to standard output. What to say to the person, beside what is written.
pub async fn export(
    pool: &SqlitePool,
    span: Span,
    format: Format,
    output: Option<PathBuf>,
) -> anyhow::Result<String> {
    is_chain(pool).await?;
    ensure!(
        span.since_ms < span.until_ms,
        "--since must be before --until; nothing would be between them"
    );
    let (count, last) = match output {
        None => export::write(pool, span, format, std::io::stdout()).await?,
        Some(path) => {
            // Nothing that is there is overwritten: it may be the only copy of something.
            let file = File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))?;
            export::write(pool, span, format, BufWriter::new(file)).await?
        }
    };
    Ok(match last {
        Some(head) => format!("{count} entries; the last one is {head}"),
        None => "no entries in this time".to_owned(),
    })
}

/// A database that has not been brought up to date has no chain yet.
async fn is_chain(pool: &SqlitePool) -> anyhow::Result<()> {
    let columns: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pragma_table_info('audit') WHERE name = 'hash' \
         AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'audit_before_chain')",
    )
    .fetch_one(pool)
    .await?;
    if columns == 0 {
        bail!("this database is of an earlier Farol and has no chain yet; start Farol on it once");
    }
    Ok(())
}

//! The SQLite database in the data directory. One file, write-ahead log, schema by migrations.

use anyhow::Context;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::{path::Path, time::Duration};

/// Name of the database inside the data directory.
pub const FILE_NAME: &str = "farol.db";

/// Opens or creates the database and brings its schema up to date. Works beside a running server: writers wait up to
/// five seconds for each other.
pub async fn open(data_dir: &Path) -> anyhow::Result<SqlitePool> {
    let path = data_dir.join(FILE_NAME);
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    migrate(&pool).await?;
    Ok(pool)
}

/// Opens a database that is there, to be looked at only: nothing is made and nothing brought up to date.
pub async fn open_to_read(data_dir: &Path) -> anyhow::Result<SqlitePool> {
    let path = data_dir.join(FILE_NAME);
    anyhow::ensure!(
        path.is_file(),
        "there is no database {}; say where it is with --data-dir",
        path.display()
    );
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .with_context(|| format!("cannot read the database {}", path.display()))
}

/// A database that lives as long as the pool. For tests of rooms that need one.
pub async fn open_in_memory() -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    // One connection: each further one would be a database of its own.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &SqlitePool) -> anyhow::Result<()> {
    sqlx::migrate!()
        .run(pool)
        .await
        .context("cannot bring the database schema up to date")?;
    crate::audit::adopt::adopt(pool)
        .await
        .context("cannot take the audit log into its chain")
}

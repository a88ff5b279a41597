//! The SQLite database in the data directory. One file, write-ahead log, schema by migrations.

use anyhow::Context;
use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

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
    SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(to_read(&path))
        .await
        .with_context(|| format!("cannot read the database {}", path.display()))
}

fn to_read(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(5))
}

/// Tells whether anybody has written: this process, or another beside it. It asks SQLite's own count of what other connections have
/// committed (`PRAGMA data_version`), on a connection of its own that never writes, which costs a look at the head of the log.
#[derive(Debug)]
pub struct Commits {
    /// None: a database in memory, which nobody can ask from beside.
    path: Option<PathBuf>,
    connection: Option<SqliteConnection>,
    seen: Option<i64>,
}

impl Commits {
    pub fn of(pool: &SqlitePool) -> Self {
        let path = pool.connect_options().get_filename().to_owned();
        Commits {
            path: path.is_file().then_some(path),
            connection: None,
            seen: None,
        }
    }

    /// Whether anybody has written since it was asked last; true the first time, and where it cannot be known.
    pub async fn any(&mut self) -> Result<bool, sqlx::Error> {
        let Some(path) = &self.path else {
            return Ok(true);
        };
        // Where asking fails the connection is dropped, and the next one counts anew.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.seen = None;
                to_read(path).connect().await?
            }
        };
        let now: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await?;
        self.connection = Some(connection);
        Ok(self.seen.replace(now) != Some(now))
    }

    /// What was written is as good as not seen: the next answer is that there is something.
    pub fn forget(&mut self) {
        self.seen = None;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_anybody_wrote_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let pool = open(dir.path()).await.unwrap();
        let beside = open(dir.path()).await.unwrap();
        let mut commits = Commits::of(&pool);
        assert!(commits.any().await.unwrap(), "at first everything is new");
        assert!(!commits.any().await.unwrap());
        for writer in [&pool, &beside] {
            let write = "INSERT INTO users (name, password, role, created_ms) VALUES (?, 'x', 'viewer', 0)";
            let name = format!("u{}", rand::random::<u32>());
            sqlx::query(write).bind(name).execute(writer).await.unwrap();
            assert!(commits.any().await.unwrap());
            assert!(!commits.any().await.unwrap());
        }
        commits.forget();
        assert!(commits.any().await.unwrap());
        sqlx::query("DELETE FROM users WHERE name = 'nobody'")
            .execute(&pool)
            .await
            .unwrap();
        assert!(!commits.any().await.unwrap(), "nothing was written");
    }

    #[tokio::test]
    async fn of_a_database_in_memory_nothing_is_known() {
        let mut commits = Commits::of(&open_in_memory().await.unwrap());
        assert!(commits.any().await.unwrap() && commits.any().await.unwrap());
    }
}

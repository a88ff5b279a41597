//! Boards that are kept: who sees which, who changes them, and the board that somebody opens Farol with.
//!
//! | file | owns |
//! |---|---|
//! | [`store`] | reading: what a viewer may see |
//! | [`changes`] | each change, one transaction with its entry in the audit log |
//! | [`mod@file`] | a board as TOML, which is also how it is kept |
//! | [`forms`] | the addresses: forms of the pages, the download, the start page |
//!
//! A board is of one user. Others see it once it is shared; it is changed by its owner and by administrators. You get it wrong when
//! you tell somebody that a board is there which they may not see: to them there is none.

pub mod changes;
pub mod file;
pub mod forms;
pub mod store;

pub use changes::{BoardError, By};
pub use forms::{routes, start_page};

use crate::{access::said::Sayings, audit::AuditLog};
use sqlx::SqlitePool;
use std::sync::Arc;

/// Boards of one user.
pub const OF_A_USER: i64 = 100;
/// Boards of others that are listed, the last changed first.
pub const LISTED: i64 = 200;

/// All boards. Cheap to clone.
#[derive(Clone)]
pub struct Boards {
    pool: SqlitePool,
    audit: AuditLog,
    /// What forms have to say on the page that they lead to.
    sayings: Arc<Sayings>,
}

impl Boards {
    pub fn new(pool: SqlitePool, audit: AuditLog) -> Self {
        Boards {
            pool,
            audit,
            sayings: Arc::default(),
        }
    }
}

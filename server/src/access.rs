//! Who is asking: users, sessions, API tokens, tickets, and what slows down guessing.
//!
//! Sessions are axum-login over tower-sessions in the same SQLite file. [`identify`] turns a request's proof into an
//! [`Identity`]; [`gate`] does it for the live plane; [`watch`] notices what other processes (the command line) changed and
//! ends connections. It must not decide what somebody may do: that is asked of `Viewer` where it is done.

pub mod address;
pub mod backend;
pub mod changes;
pub mod cli;
pub mod forms;
pub mod gate;
pub mod identify;
pub mod matrix;
pub mod oidc;
pub mod password;
pub mod proof;
pub mod roles;
pub mod said;
pub mod sessions;
pub mod settings;
mod settings_forms;
pub mod setup;
pub mod throttle;
pub mod tickets;
pub mod tokens;
pub mod users;
pub mod watch;

pub use crate::live::Identity;

use crate::{audit::AuditLog, live::Ending};
use axum::Router;
use axum_login::AuthManagerLayerBuilder;
use backend::Backend;
use changes::Changes;
use ipnet::IpNet;
use oidc::Oidc;
use password::Hasher;
use proof::Proofs;
use roles::Roles;
use said::Sayings;
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use setup::Setup;
use sqlx::SqlitePool;
use std::sync::Arc;
use throttle::Throttle;
use tickets::Tickets;
use tokens::Tokens;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};
use tower_sessions_sqlx_store::SqliteStore;
use users::Users;

/// Name of the session cookie. The prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis).
pub const COOKIE: &str = "__Host-farol";
/// Endings that a slow listener may lag behind; above it, it checks everybody again.
const ENDINGS_HELD: usize = 256;

/// `[access]`: how long sessions last.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u32,
    /// Hours after sign-in at which a session ends whatever happens.
    pub absolute_hours: u32,
    /// Minutes for which a proof counts where something dangerous is done; after it the person is asked again.
    pub proof_minutes: u32,
}

impl Default for AccessConfig {
    fn default() -> Self {
        AccessConfig {
            idle_minutes: 12 * 60,
            absolute_hours: 7 * 24,
            proof_minutes: 10,
        }
    }
}

impl AccessConfig {
    /// Key and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (key, value) in [
            ("idle_minutes", self.idle_minutes),
            ("absolute_hours", self.absolute_hours),
            ("proof_minutes", self.proof_minutes),
        ] {
            if !(1..=525_600).contains(&value) {
                problems.push((key.to_owned(), "must be from 1 to 525600".to_owned()));
            }
        }
        problems
    }
}

/// Everything about access. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    pub users: Users,
    pub tokens: Tokens,
    pub sessions: Sessions,
    pub roles: Roles,
    pub changes: Changes,
    pub tickets: Arc<Tickets>,
    pub setup: Arc<Setup>,
    pub audit: AuditLog,
    pub proofs: Proofs,
    /// Sign-in by a provider, where one is configured.
    pub oidc: Option<Arc<Oidc>>,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    sayings: Arc<Sayings>,
    store: SqliteStore,
    pool: SqlitePool,
    endings: broadcast::Sender<Ending>,
    config: Arc<AccessConfig>,
    trusted_proxies: Arc<[IpNet]>,
}

impl Access {
    /// Prepares the session table and starts the watch, which ends with `shutdown`.
    pub async fn start(
        pool: SqlitePool,
        audit: AuditLog,
        config: AccessConfig,
        roles: Roles,
        trusted_proxies: &[IpNet],
        shutdown: CancellationToken,
    ) -> anyhow::Result<Access> {
        let hasher = Hasher::default();
        let store = SqliteStore::new(pool.clone());
        store.migrate().await?;
        let access = Access {
            users: Users::new(pool.clone()),
            tokens: Tokens::new(pool.clone()),
            sessions: Sessions::new(pool.clone()),
            roles,
            changes: Changes::new(audit.clone(), hasher.clone()),
            tickets: Arc::default(),
            setup: Arc::default(),
            audit,
            proofs: Proofs::open(&pool)?,
            oidc: None,
            hasher,
            throttle: Arc::default(),
            sayings: Arc::default(),
            store,
            pool,
            endings: broadcast::channel(ENDINGS_HELD).0,
            config: Arc::new(config),
            trusted_proxies: trusted_proxies.into(),
        };
        tokio::spawn(watch::watch(access.clone(), shutdown));
        Ok(access)
    }

    /// The same with sign-in by a provider.
    pub fn with_provider(self, oidc: Option<Oidc>) -> Access {
        Access {
            oidc: oidc.map(Arc::new),
            ..self
        }
    }

    /// Wraps routes so that every request knows its peer's address and who is asking.
    pub fn around<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        let idle = time::Duration::minutes(self.config.idle_minutes.into());
        let sessions = SessionManagerLayer::new(self.store.clone())
            .with_name(COOKIE)
            .with_secure(true)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
            .with_expiry(Expiry::OnInactivity(idle));
        let backend = Backend {
            users: self.users.clone(),
            hasher: self.hasher.clone(),
        };
        routes
            .layer(axum::middleware::from_fn_with_state(
                self.clone(),
                identify::identify,
            ))
            .layer(AuthManagerLayerBuilder::new(backend, sessions).build())
            .layer(axum::middleware::from_fn(proof::browsers::set))
            .layer(axum::middleware::from_fn_with_state(
                self.trusted_proxies.clone(),
                address::place,
            ))
    }

    /// Tells listeners that connections must end. Nobody listening is fine.
    fn ended(&self, ending: Ending) {
        let _ = self.endings.send(ending);
    }
}

/// Sign-in, sign-out, setup, tickets.
pub fn routes(access: Access) -> Router {
    forms::routes(access)
}

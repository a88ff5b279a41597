//! What axum-login asks: is this the right password, and who is this id.

use super::{
    password::{HashError, Hasher},
    users::{User, Users},
};
use axum_login::{AuthUser, AuthnBackend};
use std::fmt;

/// See the module.
#[derive(Clone)]
pub struct Backend {
    pub users: Users,
    pub hasher: Hasher,
}

/// What a person typed.
#[derive(Clone)]
pub struct Credentials {
    pub name: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .field("password", &"[redacted]")
            .finish()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
}

/// A session of this user.
pub type AuthSession = axum_login::AuthSession<Backend>;

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.auth_hash
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = BackendError;

    /// An unknown name, a disabled user and a wrong password are the same answer after the same work.
    async fn authenticate(&self, typed: Credentials) -> Result<Option<User>, BackendError> {
        let user = self
            .users
            .by_name(&typed.name)
            .await?
            .filter(|user| !user.disabled);
        let hash = user.as_ref().map(|user| user.password.clone());
        let fits = self.hasher.verify(typed.password, hash).await?;
        Ok(user.filter(|_| fits))
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, BackendError> {
        Ok(self.users.by_id(*id).await?.filter(|user| !user.disabled))
    }
}

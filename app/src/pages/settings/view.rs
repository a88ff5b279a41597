//! What the settings are drawn from. The server fills it for one viewer; nothing in it is more than that viewer may see.

use farol_model::{Grants, Viewer};

/// What is asked for, as the address has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Empty for the first one that the viewer may open.
    pub section: String,
    /// The user, on the page of one.
    pub name: String,
    /// Part of a name.
    pub text: String,
    /// From 0.
    pub page: u32,
    /// Of all users and not only one's own.
    pub everybody: bool,
    /// Key of what a form has to say.
    pub said: String,
}

/// One page of the settings.
#[derive(Debug, Clone)]
pub struct SettingsView {
    pub viewer: Viewer,
    /// The server's clock.
    pub now_ms: i64,
    pub said: Option<Said>,
    pub body: Body,
}

/// How the form ended that led here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub good: bool,
    pub text: String,
    /// Shown now and never again.
    pub secret: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Body {
    Users {
        rows: Paged<UserRow>,
        text: String,
        /// Names of the roles that the viewer may give.
        roles: Vec<String>,
    },
    User {
        user: UserRow,
        roles: Vec<String>,
        /// Why the viewer may not change this user; None when they may.
        kept: Option<&'static str>,
        sessions: Paged<SessionRow>,
        tokens: Paged<TokenRow>,
        proofs: ProofsRow,
    },
    Roles {
        roles: Vec<RoleRow>,
    },
    Sessions {
        rows: Paged<SessionRow>,
        everybody: bool,
    },
    Tokens {
        rows: Paged<TokenRow>,
        everybody: bool,
    },
}

/// Rows of one page out of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    pub rows: Vec<T>,
    /// From 0.
    pub page: u32,
    pub total: u64,
    /// Rows of a full page.
    pub size: u32,
}

impl<T> Paged<T> {
    pub fn pages(&self) -> u32 {
        u32::try_from(self.total.div_ceil(u64::from(self.size.max(1)))).unwrap_or(u32::MAX)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    pub name: String,
    pub role: String,
    /// The role is one of the configuration that is not there any more: it allows nothing.
    pub role_is_gone: bool,
    pub disabled: bool,
    /// The viewer's own.
    pub own: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    pub name: String,
    pub grants: Grants,
    /// Of the configuration.
    pub own: bool,
    pub users: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: i64,
    pub user: String,
    pub since_ms: i64,
    pub seen_ms: i64,
    pub address: String,
    pub device: String,
    /// The one that asks.
    pub current: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: i64,
    pub user: String,
    pub name: String,
    pub created_ms: i64,
    pub last_used_ms: Option<i64>,
    pub expires_ms: Option<i64>,
    pub grants: Option<Grants>,
    pub revoked: bool,
    /// It may run what people must prove themselves for.
    pub trusted: bool,
    /// Whether the viewer may say so of it.
    pub may_trust: bool,
}

/// What a user proves themselves by, beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofsRow {
    pub app: bool,
    /// Recovery codes that are left.
    pub codes: u64,
    pub passkeys: u64,
}

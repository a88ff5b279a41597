//! What the page shows. It never crosses to the browser but as HTML, so nothing here is read from JSON.

/// All about one account, for its owner.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountView {
    pub name: String,
    pub role: String,
    /// Whether the proof of this session is fresh enough to change anything here.
    pub fresh: bool,
    pub app: AppCodes,
    /// Recovery codes that were not used.
    pub recovery_left: i64,
    /// New recovery codes. Shown once.
    pub recovery_codes: Option<Vec<String>>,
    /// The newest first.
    pub passkeys: Vec<PasskeyRow>,
    /// Why none can be made under this address.
    pub passkey_problem: Option<&'static str>,
    /// The provider that signs this account in, if one does.
    pub provider: Option<String>,
    /// The newest first.
    pub attempts: Vec<AttemptRow>,
}

/// The authenticator app of an account.
#[derive(Clone, PartialEq)]
pub enum AppCodes {
    Off,
    /// Being set up: the secret to type, and as a picture.
    Enrolling {
        secret: String,
        qr: String,
    },
    On {
        since_ms: i64,
    },
}

impl std::fmt::Debug for AppCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AppCodes::Off => "Off",
            AppCodes::Enrolling { .. } => "Enrolling([redacted])",
            AppCodes::On { .. } => "On",
        })
    }
}

/// One passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRow {
    pub id: i64,
    pub name: String,
    /// The host that it works under.
    pub host: String,
    pub created_ms: i64,
    pub last_used_ms: Option<i64>,
}

/// One attempt to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    pub at_ms: i64,
    pub from: String,
    /// What the browser called itself.
    pub agent: String,
    pub way: String,
    pub outcome: String,
    pub good: bool,
}

/// By what somebody who is signed in can prove again who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    pub name: String,
    pub password: bool,
    pub code: bool,
    pub passkey: bool,
    /// What the provider is called, where it signs this account in.
    pub provider: Option<String>,
}

//! Sign-in by a provider of identities (OpenID Connect Core 1.0): authorization code flow with PKCE, state and nonce, by the
//! openidconnect library. The provider says who somebody is; the configuration says who of them may be here, and as what.
//!
//! | file | owns |
//! |---|---|
//! | [`config`] | `[oidc]` |
//! | [`provider`] | what the provider says of itself and its keys; the requests to it, each bounded |
//! | [`flights`] | sign-ins that are at the provider right now |
//! | [`claims`] | from what the provider vouches for to a name and a role, or a refusal |
//! | [`accounts`] | which account a subject is here |
//! | [`flow`] | the two routes |
//!
//! It must not believe anything that the token's signature does not cover.

pub mod accounts;
pub mod claims;
pub mod config;
pub mod flights;
pub mod flow;
pub mod provider;

use config::OidcConfig;
use flights::Flights;
use provider::Provider;

/// Sign-in by the configured provider.
pub struct Oidc {
    config: OidcConfig,
    provider: Provider,
    flights: Flights,
    /// Where browsers come back to, where the configuration knows: scheme and host.
    origin: Option<String>,
    /// Whether we speak TLS ourselves.
    tls: bool,
}

impl Oidc {
    /// None where no provider is configured. `public_origin` is where a proxy in front serves our pages.
    pub fn new(config: &OidcConfig, public_origin: Option<&str>, tls: bool) -> anyhow::Result<Option<Oidc>> {
        if !config.is_on() {
            return Ok(None);
        }
        Ok(Some(Oidc {
            provider: Provider::new(config)?,
            config: config.clone(),
            flights: Flights::default(),
            origin: public_origin.map(|origin| origin.trim_end_matches('/').to_owned()),
            tls,
        }))
    }

    /// What people know the provider as.
    pub fn title(&self) -> &str {
        &self.config.title
    }

    /// The address that the provider sends browsers back to; it must be registered there.
    fn redirect_uri(&self, host: &str) -> String {
        let path = "/api/auth/oidc/callback";
        match &self.origin {
            Some(origin) => format!("{origin}{path}"),
            None if self.tls => format!("https://{host}{path}"),
            None => format!("http://{host}{path}"),
        }
    }
}

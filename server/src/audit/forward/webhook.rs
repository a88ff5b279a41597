//! Posts entries as JSON, signed as the Standard Webhooks specification has it (standardwebhooks.com), so that who gets them
//! can use a library that there is. What is answered with 2xx was taken; anything else is posted again.

use super::Target;
use crate::{
    audit::{config::secret_bytes, entry::Entry, export::Line},
    outbound::http::Connection,
    time::now_ms,
};
use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use hmac::{Hmac, Mac};
use http::{Request, Uri, header};
use sha2::Sha256;
use std::path::PathBuf;

/// See the module.
pub struct Webhook {
    uri: Uri,
    key: Vec<u8>,
    ca: Option<PathBuf>,
}

impl Webhook {
    pub fn new(url: &str, secret: &str, ca: Option<PathBuf>) -> anyhow::Result<Self> {
        Ok(Webhook {
            uri: url.parse().context("audit.webhook is no address")?,
            key: secret_bytes(secret).context("audit.webhook_secret is none")?,
            ca,
        })
    }

    async fn post(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let lines: Vec<Line> = entries.iter().map(Line::from).collect();
        let body = serde_json::json!({"type": "audit.entries", "entries": lines}).to_string();
        // The same entries have the same id however often they are posted.
        let id = format!("audit_{}_{}", first.seq, last.seq);
        let at = (now_ms() / 1000).to_string();
        let request = Request::post(&self.uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("farol/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &id)
            .header("webhook-timestamp", &at)
            .header("webhook-signature", self.sign(&id, &at, &body)?)
            .body(body)?;
        let mut connection = Connection::open(&self.uri, self.ca.as_deref()).await?;
        let (status, _) = connection.ask(request).await?;
        ensure!(status.is_success(), "{} answered {status}", self.name());
        Ok(())
    }

    fn sign(&self, id: &str, at: &str, body: &str) -> anyhow::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)?;
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl Target for Webhook {
    /// Without path and query: they may be a secret.
    fn name(&self) -> String {
        let host = self.uri.authority().map(ToString::to_string).unwrap_or_default();
        format!("webhook {}://{host}", self.uri.scheme_str().unwrap_or_default())
    }

    fn tell<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            self.post(entries).await?;
            Ok(entries.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let webhook = Webhook::new("https://example.org/x", secret, None).unwrap();
        let signed = webhook
            .sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "1614265330",
                r#"{"test": 2432232314}"#,
            )
            .unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}

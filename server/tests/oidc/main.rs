//! Single sign-on, against a real small provider on loopback that signs real tokens, good ones and others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod provider;

use common::{PASSWORD, TestServer};
use farol::{access::oidc::config::Secret, config::Config};
use provider::{Provider, SECRET, Script};
use reqwest::{Client, header};
use serde_json::{Value, json};
use std::sync::Arc;

fn config(provider: &Provider) -> Config {
    let mut config = Config::default();
    config.oidc.issuer = Some(provider.issuer.clone());
    config.oidc.client_id = "farol".into();
    config.oidc.client_secret = Some(Secret(SECRET.into()));
    config.oidc.title = "Example ID".into();
    config.oidc.roles.insert("ops".into(), "operator".into());
    config
}

/// One browser: its cookies by name.
struct Browser<'a> {
    server: &'a TestServer,
    client: Client,
    cookies: std::cell::RefCell<std::collections::BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a TestServer) -> Self {
        Browser {
            server,
            client: server.anonymous(),
            cookies: Default::default(),
        }
    }

    /// Status, where it leads, and the text.
    async fn get(&self, address: &str) -> (u16, String, String) {
        let ours = address.starts_with('/');
        let url = if ours {
            self.server.url(address)
        } else {
            address.to_owned()
        };
        let pairs: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.get(url);
        if ours || address.starts_with(&self.server.url("")) {
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let answer = request.send().await.unwrap();
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies
                .borrow_mut()
                .insert(name.to_owned(), value.to_owned());
        }
        let to = answer.headers().get(header::LOCATION);
        let to = to.map_or_else(String::new, |to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), to, answer.text().await.unwrap())
    }

    /// To the provider and back, up to the address that comes back to Farol.
    async fn go(&self) -> String {
        let (status, away, _) = self.get("/api/auth/oidc/begin?next=/host").await;
        assert_eq!(status, 303);
        assert!(away.contains("code_challenge="), "{away}");
        let (status, back, said) = self.get(&away).await;
        assert_eq!(status, 303, "{said}");
        back
    }

    /// All the way; where Farol leads in the end.
    async fn sign_in(&self) -> String {
        let back = self.go().await;
        self.get(&back).await.1
    }

    async fn status(&self, path: &str) -> u16 {
        self.get(path).await.0
    }
}

async fn world() -> (Arc<Provider>, TestServer) {
    let provider = Provider::start().await;
    let server = TestServer::start_with(config(&provider)).await;
    (provider, server)
}

fn claims(claims: Value) -> Script {
    Script {
        claims,
        ..Script::default()
    }
}

#[tokio::test]
async fn somebody_with_a_role_comes_in_by_either_kind_of_signature_and_with_rotated_keys() {
    let (provider, server) = world().await;
    let browser = Browser::new(&server);
    let (_, _, form) = browser.get("/sign-in?next=/host").await;
    assert!(form.contains("Sign in with Example ID"), "{form}");
    assert_eq!(browser.sign_in().await, "/host");
    assert_eq!(browser.status("/audit").await, 200, "an operator reads the log");
    let (_, _, audit) = browser.get("/audit").await;
    assert!(audit.contains("Added ana as operator") && audit.contains("by single sign-on"));
    let (_, _, account) = browser.get("/account").await;
    assert!(account.contains("You sign in with Example ID"));

    provider.script(Script {
        elliptic: true,
        ..claims(json!({ "groups": [], "sub": "subject-1" }))
    });
    let refused = Browser::new(&server).sign_in().await;
    assert!(
        refused.contains("fault=stranger"),
        "no group, no default role: {refused}"
    );
    provider.script(Script {
        elliptic: true,
        ..Script::default()
    });
    assert_eq!(Browser::new(&server).sign_in().await, "/host", "ES256");

    let looks = *provider.looks.lock().unwrap();
    provider.rotate();
    provider.script(Script::default());
    // The description is younger than ten seconds perhaps; then the new key is found at a later try.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while Browser::new(&server).sign_in().await != "/host" {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the new key is never found"
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert!(*provider.looks.lock().unwrap() > looks);
    server.stop().await;
}

#[tokio::test]
async fn no_token_is_believed_that_does_not_hold_in_every_part() {
    let (provider, server) = world().await;
    let now = farol::time::now_ms() / 1000;
    let bad = [
        ("a wrong nonce", claims(json!({ "nonce": "another" }))),
        ("no nonce", claims(json!({ "nonce": null }))),
        ("a wrong audience", claims(json!({ "aud": "somebody else" }))),
        (
            "a second audience",
            claims(json!({ "aud": ["farol", "somebody else"] })),
        ),
        ("expired", claims(json!({ "exp": now - 60 }))),
        ("another issuer", claims(json!({ "iss": "https://evil.example" }))),
        (
            "another access token",
            claims(json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })),
        ),
        (
            "forged",
            Script {
                forged: true,
                ..Script::default()
            },
        ),
        (
            "forged ES256",
            Script {
                forged: true,
                elliptic: true,
                ..Script::default()
            },
        ),
        (
            "unsigned",
            Script {
                unsigned: true,
                ..Script::default()
            },
        ),
        (
            "symmetric",
            Script {
                symmetric: true,
                ..Script::default()
            },
        ),
        (
            "damaged",
            Script {
                damaged: true,
                ..Script::default()
            },
        ),
    ];
    for (what, script) in bad {
        provider.script(script);
        let browser = Browser::new(&server);
        let led = browser.sign_in().await;
        assert_eq!(led, "/sign-in?fault=provider&next=/host", "{what}");
        assert_eq!(browser.status("/host").await, 302, "{what}: nobody is signed in");
    }
    provider.script(Script::default());
    assert_eq!(
        Browser::new(&server).sign_in().await,
        "/host",
        "the good one still is"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_state_is_good_once_and_in_the_browser_that_began() {
    let (_provider, server) = world().await;
    let mine = Browser::new(&server);
    let back = mine.go().await;
    // Somebody else is lured into my sign-in.
    let victim = Browser::new(&server);
    let (_, led, _) = victim.get(&back).await;
    assert!(led.contains("fault=provider"), "{led}");
    let back = mine.go().await;
    assert_eq!(mine.get(&back).await.1, "/host");
    let (_, replayed, _) = mine.get(&back).await;
    assert!(replayed.contains("fault=provider"), "{replayed}");
    let (_, invented, _) = mine
        .get("/api/auth/oidc/callback?code=code-0&state=invented")
        .await;
    assert!(invented.contains("fault=provider"), "{invented}");
    let back = mine.go().await;
    let denied = format!("{}&error=access_denied", back.replace("code=", "other="));
    let (_, led, _) = mine.get(&denied).await;
    assert!(led.contains("fault=provider"), "{led}");
    // A new page says what happened, in words.
    let (_, _, words) = mine.get("/sign-in?fault=provider").await;
    assert!(words.contains("Single sign-on did not work"));
    server.stop().await;
}

#[tokio::test]
async fn an_account_that_was_made_here_is_taken_over_by_nobody_of_its_name() {
    let (provider, server) = world().await;
    provider.script(claims(
        json!({ "sub": "subject-2", "preferred_username": "admin" }),
    ));
    let browser = Browser::new(&server);
    assert!(browser.sign_in().await.contains("fault=taken"));
    assert_eq!(browser.status("/host").await, 302);
    assert_eq!(server.post_sign_in("admin", PASSWORD).await.status(), 303);
    server.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_away_or_silent_holds_nobody_up_for_good() {
    let (provider, server) = world().await;
    let browser = Browser::new(&server);
    let back = browser.go().await;
    provider.script(Script {
        silent: true,
        ..Script::default()
    });
    let begun = tokio::time::Instant::now();
    assert!(browser.get(&back).await.1.contains("fault=unreachable"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(25));
    server.stop().await;

    let mut away = config(&provider);
    // A port that was free a moment ago: nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    away.oidc.issuer = Some(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let server = TestServer::start_with(away).await;
    let browser = Browser::new(&server);
    let (_, led, _) = browser.get("/api/auth/oidc/begin?next=/host").await;
    assert_eq!(led, "/sign-in?fault=unreachable&next=/host");
    server.stop().await;
}

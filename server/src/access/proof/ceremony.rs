//! The two ceremonies of WebAuthn (level 3, section 7), by webauthn-rs: making a passkey and showing one.
//!
//! The RP id is the host of the page, so a passkey belongs to the name under which Farol is opened. A browser takes a domain name
//! or `localhost` only, never an IP address, and runs none of it without TLS except on `localhost`.
//!
//! What a ceremony must remember between its two halves stays here, in memory, for five minutes and for one use.

use crate::access::tokens::random_hex;
use farol_model::Fault;
use http::{HeaderMap, header};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use url::Url;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{DiscoverableAuthentication, PasskeyAuthentication, PasskeyRegistration},
};

const LASTS: Duration = Duration::from_secs(300);
/// Ceremonies at once; above it the oldest goes.
const MOST: usize = 1024;
/// Ceremonies of one session or address at once; above it its oldest goes, so that nobody crowds out the others.
const MOST_OF_ONE: usize = 8;

/// Where a page of ours is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The host without port.
    pub rp_id: String,
    origin: Url,
}

impl Site {
    /// The site of a request that says its `Origin`; the layer around all routes has found it to be ours.
    pub fn of(headers: &HeaderMap) -> Result<Site, Fault> {
        let origin = headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok());
        let origin = origin.and_then(|origin| Url::parse(origin).ok());
        let host = origin.as_ref().and_then(Url::host_str).map(str::to_owned);
        let (Some(origin), Some(rp_id)) = (origin, host) else {
            return Err(Fault::invalid(
                "origin",
                "The browser did not say which page asks.",
            ));
        };
        if let Some(problem) = unfit(&rp_id) {
            return Err(Fault::unavailable(problem));
        }
        Ok(Site { rp_id, origin })
    }

    /// Checks with this host and origin.
    pub fn relying_party(&self) -> Result<Webauthn, Fault> {
        WebauthnBuilder::new(&self.rp_id, &self.origin)
            .and_then(|builder| builder.rp_name("Farol").timeout(LASTS).build())
            .map_err(|error| {
                tracing::warn!(%error, rp_id = self.rp_id, "passkeys cannot be used here");
                Fault::unavailable("Passkeys cannot be used under this address.")
            })
    }
}

/// Why no passkey can be made or used under this host, if so.
pub fn unfit(host: &str) -> Option<&'static str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok().then_some(
        "Browsers tie a passkey to a name and take no IP address. Open Farol by its name: http://localhost on this machine, else a domain name with TLS.",
    )
}

/// What the second half of a ceremony needs.
pub enum Begun {
    Register(PasskeyRegistration),
    SignIn(Box<DiscoverableAuthentication>),
    Prove(PasskeyAuthentication),
}

struct Held {
    begun: Begun,
    rp_id: String,
    /// The session or the address that began it.
    by: String,
    until: Instant,
}

/// Ceremonies under way.
#[derive(Default)]
pub struct Ceremonies {
    open: Mutex<HashMap<String, Held>>,
}

impl Ceremonies {
    /// Remembers; the answer is what the second half must show.
    pub fn begin(&self, begun: Begun, site: &Site, by: &str, now: Instant) -> String {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, held| held.until > now);
        if open.values().filter(|held| held.by == by).count() >= MOST_OF_ONE {
            drop_oldest(&mut open, |held| held.by == by);
        }
        if open.len() >= MOST {
            drop_oldest(&mut open, |_| true);
        }
        let id = random_hex();
        let held = Held {
            begun,
            rp_id: site.rp_id.clone(),
            by: by.to_owned(),
            until: now + LASTS,
        };
        open.insert(id.clone(), held);
        id
    }

    /// What was begun there by the same; it is gone afterwards.
    pub fn finish(&self, id: &str, site: &Site, by: &str, now: Instant) -> Option<Begun> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.remove(id)?;
        (held.until > now && held.rp_id == site.rp_id && held.by == by).then_some(held.begun)
    }
}

fn drop_oldest(open: &mut HashMap<String, Held>, of: impl Fn(&Held) -> bool) {
    let oldest = open
        .iter()
        .filter(|(_, held)| of(held))
        .min_by_key(|(_, held)| held.until)
        .map(|(id, _)| id.clone());
    if let Some(oldest) = oldest {
        open.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(origin: &str) -> Result<Site, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        Site::of(&headers)
    }

    #[test]
    fn a_name_is_a_site_and_an_address_is_refused_with_what_to_do() {
        assert_eq!(site("http://localhost:3000").unwrap().rp_id, "localhost");
        let named = site("https://farol.example.org").unwrap();
        assert!(named.relying_party().is_ok());
        for address in ["http://127.0.0.1:3000", "http://[::1]:3000", "https://192.0.2.7"] {
            let fault = site(address).unwrap_err();
            assert!(fault.message.contains("localhost"), "{address}: {fault}");
        }
        assert!(Site::of(&HeaderMap::new()).is_err());
        assert!(site("null").is_err());
    }

    #[test]
    fn a_ceremony_ends_once_in_time_where_and_by_whom_it_was_begun() {
        let (ceremonies, now) = (Ceremonies::default(), Instant::now());
        let here = site("http://localhost:1").unwrap();
        let there = site("https://farol.example.org").unwrap();
        let begin = |by: &str| {
            let (_, state) = here
                .relying_party()
                .unwrap()
                .start_discoverable_authentication()
                .unwrap();
            ceremonies.begin(Begun::SignIn(Box::new(state)), &here, by, now)
        };
        let id = begin("a");
        assert!(ceremonies.finish(&id, &here, "a", now).is_some());
        assert!(ceremonies.finish(&id, &here, "a", now).is_none(), "used");
        assert!(ceremonies.finish(&begin("a"), &here, "b", now).is_none());
        assert!(ceremonies.finish(&begin("a"), &there, "a", now).is_none());
        assert!(ceremonies.finish(&begin("a"), &here, "a", now + LASTS).is_none());
        let other = begin("other");
        let first = begin("crowd");
        for _ in 0..MOST_OF_ONE {
            begin("crowd");
        }
        assert!(ceremonies.open.lock().unwrap().len() <= MOST_OF_ONE + 1);
        assert!(ceremonies.finish(&other, &here, "other", now).is_some());
        drop(first);
    }
}

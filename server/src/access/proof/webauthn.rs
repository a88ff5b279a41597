//! Passkeys over HTTP: JSON that `public/account/passkey.js` carries between the browser's authenticator and here. Making one,
//! signing in with one, proving again with one.
//!
//! A passkey is both factors at once, because user verification (a PIN, a finger, a face) is demanded each time; so a sign-in
//! with one asks for no code.

use super::{
    account::{Elsewhere, Owner, audited, done, failed, not_done},
    again::person,
    attempts::{Origin, Way},
    ceremony::{Begun, Site},
    passkeys::{MAX_NAME_CHARS, PasskeyFault},
};
use crate::{
    access::{
        Access,
        backend::AuthSession,
        forms::safe_next,
        throttle::{Try, Verdict},
        users::User,
    },
    error::Refusal,
    live::{Identity, PeerAddress},
};
use axum::{
    Extension, Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use farol_model::{Fault, FaultCode};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableKey, Passkey, PublicKeyCredential, RegisterPublicKeyCredential, Uuid,
    WebauthnError,
};

pub fn routes() -> Router<Access> {
    Router::new()
        .route("/api/account/passkeys/begin", post(register_begin))
        .route("/api/account/passkeys/finish", post(register_finish))
        .route("/api/auth/passkey/begin", post(show_begin))
        .route("/api/auth/passkey/finish", post(show_finish))
}

/// A passkey that was made.
#[derive(Deserialize)]
struct Made {
    id: String,
    #[serde(default)]
    name: String,
    credential: RegisterPublicKeyCredential,
}

/// A passkey that is shown.
#[derive(Deserialize)]
struct Shown {
    id: String,
    #[serde(default)]
    next: String,
    credential: PublicKeyCredential,
}

type Answer = Result<Response, Refusal>;

async fn register_begin(
    State(access): State<Access>,
    owner: Result<Owner, Elsewhere>,
    headers: HeaderMap,
) -> Answer {
    let owner = owner.map_err(elsewhere)?;
    let site = Site::of(&headers).map_err(Refusal)?;
    let mine = access.proofs.passkeys.of(owner.user.id, &site.rp_id).await;
    let mine = mine.map_err(|error| Refusal(kept(&error)))?;
    let known = mine.iter().map(|passkey| passkey.cred_id().clone()).collect();
    // A handle of its own for each, so that Farols that share a host name (localhost) do not replace each other's passkeys.
    let begun = site.relying_party().map_err(Refusal)?.start_passkey_registration(
        Uuid::from_bytes(rand::random()),
        &owner.user.name,
        &owner.user.name,
        Some(known),
    );
    let (options, state) = begun.map_err(|error| Refusal(refused(&error)))?;
    let mut options = serde_json::to_value(options).map_err(|_| Refusal(Fault::internal()))?;
    if let Some(chosen) = options.pointer_mut("/publicKey/authenticatorSelection") {
        // To sign in without a name the authenticator has to remember whose it is.
        chosen["residentKey"] = json!("required");
        chosen["requireResidentKey"] = json!(true);
    }
    let id = access
        .proofs
        .ceremonies
        .begin(Begun::Register(state), &site, &owner.session, Instant::now());
    Ok(Json(json!({ "id": id, "publicKey": options["publicKey"] })).into_response())
}

async fn register_finish(
    State(access): State<Access>,
    owner: Result<Owner, Elsewhere>,
    headers: HeaderMap,
    made: Result<Json<Made>, JsonRejection>,
) -> Answer {
    let owner = owner.map_err(elsewhere)?;
    let Json(made) = made.map_err(|error| Refusal(Fault::invalid("credential", error.body_text())))?;
    let site = Site::of(&headers).map_err(Refusal)?;
    let begun = access
        .proofs
        .ceremonies
        .finish(&made.id, &site, &owner.session, Instant::now());
    let Some(Begun::Register(state)) = begun else {
        return Err(Refusal(over()));
    };
    let name = named(&made.name);
    let work = async {
        let party = site.relying_party().map_err(failed)?;
        let Ok(passkey) = party.finish_passkey_registration(&made.credential, &state) else {
            return not_done("passkey_bad", "The authenticator's answer does not hold.");
        };
        match access
            .proofs
            .passkeys
            .add(owner.user.id, &site.rp_id, &name, &passkey)
            .await
        {
            Ok(()) => done("passkey_on", "Added a passkey."),
            Err(PasskeyFault::TooMany) => not_done("passkey_many", "There are too many passkeys."),
            Err(PasskeyFault::Taken) => not_done("passkey_bad", "The passkey is in use already."),
            Err(error) => Err(failed(error)),
        }
    };
    let word = audited(&access, &owner, "account.passkey_add", work).await;
    Ok(Json(json!({ "next": format!("/account?told={word}") })).into_response())
}

/// For somebody who is signed in, their own passkeys; for a stranger whatever the browser has.
async fn show_begin(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    session: AuthSession,
) -> Answer {
    let site = Site::of(&headers).map_err(Refusal)?;
    let party = site.relying_party().map_err(Refusal)?;
    let (options, begun) = match person(identity.as_deref(), &session) {
        Some(user) => {
            let mine = access.proofs.passkeys.of(user.id, &site.rp_id).await;
            let mine = mine.map_err(|error| Refusal(kept(&error)))?;
            if mine.is_empty() {
                let message = "This account has no passkey for this address. Show your password or a code.";
                return Err(Refusal(Fault::not_found(message)));
            }
            let (options, state) = party
                .start_passkey_authentication(&mine)
                .map_err(|error| Refusal(refused(&error)))?;
            (options, Begun::Prove(state))
        }
        None => {
            let (options, state) = party
                .start_discoverable_authentication()
                .map_err(|error| Refusal(refused(&error)))?;
            (options, Begun::SignIn(Box::new(state)))
        }
    };
    let by = by(&session, identity.is_some(), address);
    let id = access.proofs.ceremonies.begin(begun, &site, &by, Instant::now());
    Ok(Json(json!({ "id": id, "publicKey": options.public_key })).into_response())
}

async fn show_finish(
    State(access): State<Access>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    session: AuthSession,
    Json(shown): Json<Shown>,
) -> Answer {
    let next = safe_next(&shown.next);
    let tried = Try::of_address(address);
    if let Verdict::Wait { left, .. } = access.throttle.attempt(&tried, Instant::now()) {
        let secs = u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX);
        return Err(Refusal(Fault::limited(
            "Too many tries from here. Wait, then try again.",
            secs,
        )));
    }
    let site = Site::of(&headers).map_err(Refusal)?;
    let by = by(&session, identity.is_some(), address);
    let begun = access
        .proofs
        .ceremonies
        .finish(&shown.id, &site, &by, Instant::now());
    let from = Origin::new(address, &headers);
    let response = match (begun, person(identity.as_deref(), &session)) {
        (Some(Begun::Prove(state)), Some(user)) => {
            let party = site.relying_party().map_err(Refusal)?;
            let (owner, passkey) = found(&access, &shown.credential, &site).await?;
            let checked = party.finish_passkey_authentication(&shown.credential, &state);
            let checked = checked.ok().filter(|_| owner.id == user.id);
            let Some(checked) = checked else {
                access
                    .refused(&user, &from, Way::Passkey, "The passkey does not hold.")
                    .await;
                return Err(Refusal(wrong()));
            };
            used(&access, passkey, &checked).await?;
            if !access.proven(&session, &user, &from, Way::Passkey).await {
                return Err(Refusal(Fault::internal()));
            }
            Json(json!({ "next": next })).into_response()
        }
        (Some(Begun::SignIn(state)), None) => {
            let party = site.relying_party().map_err(Refusal)?;
            let (user, passkey) = found(&access, &shown.credential, &site).await?;
            let key = DiscoverableKey::from(&passkey);
            let checked = party.finish_discoverable_authentication_v2(&shown.credential, *state, &key);
            let Some(checked) = checked.ok().filter(|_| !user.disabled) else {
                access
                    .refused(&user, &from, Way::Passkey, "The passkey does not hold.")
                    .await;
                return Err(Refusal(wrong()));
            };
            used(&access, passkey, &checked).await?;
            let let_in = access
                .let_in(session, &user, &from, &headers, Way::Passkey, &next)
                .await;
            in_words(let_in)
        }
        _ => return Err(Refusal(over())),
    };
    access.throttle.succeeded(&tried);
    Ok(response)
}

/// The passkey that the browser names, and whose it is.
async fn found(
    access: &Access,
    shown: &PublicKeyCredential,
    site: &Site,
) -> Result<(User, Passkey), Refusal> {
    let found = access
        .proofs
        .passkeys
        .find(shown.raw_id.as_ref(), &site.rp_id)
        .await;
    let found = found.map_err(|error| Refusal(kept(&error)))?;
    let Some((user_id, passkey)) = found else {
        metrics::counter!("farol_sign_ins_total", "result" => "bad").increment(1);
        return Err(Refusal(Fault::not_found(
            "Farol does not know this passkey. It was removed here, or made for another Farol under the same name.",
        )));
    };
    match access.users.by_id(user_id).await {
        Ok(Some(user)) => Ok((user, passkey)),
        Ok(None) => Err(Refusal(wrong())),
        Err(error) => Err(Refusal(kept(&error.into()))),
    }
}

async fn used(access: &Access, mut passkey: Passkey, checked: &AuthenticationResult) -> Result<(), Refusal> {
    passkey.update_credential(checked);
    let written = access.proofs.passkeys.used(&passkey).await;
    written.map_err(|error| Refusal(kept(&error)))
}

/// Who began a ceremony: the session of somebody who is signed in, else the address.
fn by(session: &AuthSession, signed_in: bool, address: std::net::IpAddr) -> String {
    match session.session.id().filter(|_| signed_in) {
        Some(id) => id.to_string(),
        None => address.to_string(),
    }
}

/// A redirect as the script understands it, with what waits on it.
fn in_words(mut redirect: Response) -> Response {
    let next = redirect.headers().get(header::LOCATION);
    let next = next.and_then(|next| next.to_str().ok()).unwrap_or("/").to_owned();
    let mut response = Json(json!({ "next": next })).into_response();
    std::mem::swap(response.extensions_mut(), redirect.extensions_mut());
    response
}

fn named(name: &str) -> String {
    let name: String = name
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME_CHARS)
        .collect();
    if name.is_empty() {
        "Passkey".to_owned()
    } else {
        name
    }
}

/// A form would be sent elsewhere; a script is told why.
fn elsewhere(Elsewhere(path): Elsewhere) -> Refusal {
    Refusal(match path {
        path if path.starts_with("/prove") => Fault::new(
            FaultCode::ProofNeeded,
            "Prove that it is you first, then add the passkey.",
        ),
        path if path.starts_with("/sign-in") => Fault::unauthenticated(),
        _ => Fault::internal(),
    })
}

fn over() -> Fault {
    Fault::conflict("This took too long, or was begun on another page. Try again.")
}

fn wrong() -> Fault {
    Fault::forbidden("The passkey does not hold. Try again, or sign in another way.")
}

fn refused(error: &WebauthnError) -> Fault {
    tracing::warn!(%error, "a passkey ceremony cannot begin");
    Fault::unavailable("Passkeys cannot be used right now.")
}

fn kept(error: &PasskeyFault) -> Fault {
    tracing::error!(%error, "passkeys cannot be read or written");
    Fault::internal()
}

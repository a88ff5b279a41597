//! What the pages about one's own account are drawn from.

use super::{ceremony::unfit, totp::TotpFault};
use crate::{
    access::{Access, oidc::accounts::provided},
    live::{Identity, Proof},
};
use farol_app::pages::account::{AccountView, AppCodes, Ways};
use farol_model::Fault;
use std::time::Instant;

/// `/account`. For people: behind an API token sits nobody.
pub async fn account(access: &Access, identity: &Identity, host: &str) -> Result<AccountView, Fault> {
    let Proof::Session(session) = &identity.proof else {
        return Err(Fault::forbidden("An API token has no page of its own account."));
    };
    let viewer = &identity.viewer;
    let fresh = access.still_fresh(access.proven_ms(session).await?);
    let proofs = &access.proofs;
    let provided = provided(&access.pool, viewer.user_id).await.map_err(broken)?;
    Ok(AccountView {
        name: viewer.name.clone(),
        role: viewer.role.to_string(),
        fresh,
        app: app(access, viewer.user_id, &viewer.name, fresh).await?,
        recovery_left: proofs.recovery.left(viewer.user_id).await.map_err(broken)?,
        recovery_codes: proofs.shown_once.take(session, Instant::now()),
        passkeys: proofs.passkeys.rows(viewer.user_id).await.map_err(broken)?,
        passkey_problem: unfit(host),
        provider: provided.then(|| title(access)),
        attempts: proofs.attempts.of(viewer.user_id).await.map_err(broken)?,
    })
}

/// A secret that is being set up is shown to somebody who has just proved who they are, and to nobody else.
async fn app(access: &Access, user_id: i64, name: &str, fresh: bool) -> Result<AppCodes, Fault> {
    let totp = &access.proofs.totp;
    if let Some(since_ms) = totp.since_ms(user_id).await.map_err(broken)? {
        return Ok(AppCodes::On { since_ms });
    }
    if !fresh {
        return Ok(AppCodes::Off);
    }
    let enrolment = match totp.enrolment(user_id, name).await {
        Ok(enrolment) => enrolment,
        // Sealed under a key that is gone: it can be begun anew.
        Err(TotpFault::Unreadable(_)) => None,
        Err(error) => return Err(broken(error)),
    };
    Ok(enrolment.map_or(AppCodes::Off, |enrolment| AppCodes::Enrolling {
        secret: enrolment.secret,
        qr: enrolment.qr,
    }))
}

/// `/prove`.
pub async fn ways(access: &Access, identity: Option<&Identity>, host: &str) -> Result<Ways, Fault> {
    let identity = identity.ok_or_else(Fault::unauthenticated)?;
    let user_id = identity.viewer.user_id;
    let code = access.proofs.has_second_step(user_id).await.map_err(broken)?;
    let provided = provided(&access.pool, user_id).await.map_err(broken)?;
    let passkeys = access.proofs.passkeys.of(user_id, host).await.map_err(broken)?;
    Ok(Ways {
        name: identity.viewer.name.clone(),
        password: !code && !provided,
        code,
        passkey: !passkeys.is_empty(),
        provider: provided.then(|| title(access)),
    })
}

fn title(access: &Access) -> String {
    let oidc = access.oidc.as_ref();
    oidc.map_or_else(|| "single sign-on".to_owned(), |oidc| oidc.title().to_owned())
}

fn broken(error: impl std::fmt::Display) -> Fault {
    tracing::error!(%error, "an account cannot be read");
    Fault::internal()
}

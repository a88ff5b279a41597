//! What administrators do to users.

use super::{Person, told, user_page};
use crate::{
    access::{Access, changes::ChangeError},
    time::now_ms,
};
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use farol_model::{Fault, Permission};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct AddUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(flatten)]
    password: NewPassword,
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeat: String,
}

impl NewPassword {
    fn text(self) -> Result<String, Fault> {
        match self.password == self.repeat {
            true => Ok(self.password),
            false => Err(Fault::invalid(
                "repeat",
                "The two passwords differ; type the same twice.",
            )),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct SetRole {
    #[serde(default)]
    role: String,
}

#[derive(Deserialize)]
pub(super) struct SetDisabled {
    disabled: bool,
}

pub(super) async fn add_user(
    State(access): State<Access>,
    person: Person,
    Form(typed): Form<AddUser>,
) -> Response {
    let made = async {
        person.viewer.require(Permission::ManageUsers)?;
        access.may_be_given(&person.viewer, &typed.role)?;
        let password = typed.password.text()?;
        let (name, role) = (typed.name.trim(), &typed.role);
        let added = access.changes.add_user(&person.by, name, role, password).await;
        added.map_err(|error| told(&error))?;
        Ok(format!("Added {name} as {role}. Tell them the password by another way.").into())
    };
    let made = made.await;
    access.answer(&person, "user.add", "/settings/users", made).await
}

pub(super) async fn set_role(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<SetRole>,
) -> Response {
    let set = async {
        let user = access.to_change(&person, &name).await?;
        access.may_be_given(&person.viewer, &typed.role)?;
        let set = access.changes.set_role(&person.by, &user.name, &typed.role).await;
        Ok(match set.map_err(|error| told(&error))? {
            true => format!("{} is {} now. Their sessions have ended.", user.name, typed.role),
            false => format!("{} was {} already.", user.name, typed.role),
        }
        .into())
    };
    let set = set.await;
    access.answer(&person, "user.role", &user_page(&name), set).await
}

pub(super) async fn set_password(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<NewPassword>,
) -> Response {
    let set = async {
        let user = access.to_change(&person, &name).await?;
        let set = access
            .changes
            .set_password(&person.by, &user.name, typed.text()?)
            .await;
        set.map_err(|error| told(&error))?;
        Ok(format!("{} has a new password. Their sessions have ended.", user.name).into())
    };
    let set = set.await;
    access
        .answer(&person, "user.passwd", &user_page(&name), set)
        .await
}

pub(super) async fn set_disabled(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
    Form(typed): Form<SetDisabled>,
) -> Response {
    let what = if typed.disabled {
        "user.disable"
    } else {
        "user.enable"
    };
    let set = async {
        let user = access.to_change(&person, &name).await?;
        let set = access
            .changes
            .set_disabled(&person.by, &user.name, typed.disabled)
            .await;
        set.map_err(|error| told(&error))?;
        Ok(match typed.disabled {
            true => format!("{} is disabled and signed out everywhere.", user.name),
            false => format!("{} may sign in again.", user.name),
        }
        .into())
    };
    let set = set.await;
    access.answer(&person, what, &user_page(&name), set).await
}

/// Somebody has lost what they prove themselves by. Never oneself: that would be a way around the proof for who has a session.
pub(super) async fn reset_proofs(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
) -> Response {
    let reset = async {
        let user = access.to_change(&person, &name).await?;
        access.proven_lately(&person).await?;
        let reset = access.changes.reset_proofs(&person.by, &user).await;
        reset.map_err(|error| told(&error))?;
        Ok(format!(
            "{} signs in with the password alone from now on. Their sessions have ended.",
            user.name
        )
        .into())
    };
    let reset = reset.await;
    access
        .answer(&person, "user.reset_proofs", &user_page(&name), reset)
        .await
}

/// A trusted token does without a proof what people must prove themselves for. So nobody trusts their own: a session with one fresh
/// proof would become one for good.
pub(super) async fn trust_token(
    State(access): State<Access>,
    person: Person,
    Path(id): Path<i64>,
) -> Response {
    let mut back = "/settings/tokens".to_owned();
    let trusted = async {
        person.viewer.require(Permission::ManageUsers)?;
        let found = access.tokens.info(id).await;
        let found = found.map_err(|error| told(&error.into()))?;
        let token = found.ok_or_else(|| told(&ChangeError::NoToken(id)))?;
        back = user_page(&token.user);
        if token.user_id == person.viewer.user_id {
            return Err(Fault::conflict(
                "This token is your own. Nobody trusts their own tokens; ask another administrator.",
            ));
        }
        access.reached(&person, token.user_id).await?;
        if !token.holds(now_ms()) {
            return Err(Fault::conflict(
                "This token is revoked or expired, so it may do nothing.",
            ));
        }
        access.proven_lately(&person).await?;
        let trusted = access.changes.trust_token(&person.by, &token, true).await;
        trusted.map_err(|error| told(&error))?;
        Ok(format!("{} may run dangerous actions from now on.", token.name).into())
    };
    let trusted = trusted.await;
    access.answer(&person, "token.trust", &back, trusted).await
}

pub(super) async fn sign_out(
    State(access): State<Access>,
    person: Person,
    Path(name): Path<String>,
) -> Response {
    let ended = async {
        let user = access.to_change(&person, &name).await?;
        let ended = access.changes.end_sessions(&person.by, &user, None).await;
        let ended = ended.map_err(|error| told(&error))?;
        access.sessions_ended(&ended);
        Ok(format!("{} is signed out of {} sessions.", user.name, ended.len()).into())
    };
    let ended = ended.await;
    access
        .answer(&person, "session.revoke_all", &user_page(&name), ended)
        .await
}

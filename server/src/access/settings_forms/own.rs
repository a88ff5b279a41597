//! What everybody does to their own sessions and tokens, and administrators to those of others.

use super::{Done, Person, sentence, told, user_page};
use crate::{
    access::{Access, changes::ChangeError, tokens::NewToken},
    live::{Ending, Proof},
    time::now_ms,
};
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use farol_model::{Fault, Grants, Permission};

/// Most days that a token may be made for; more is until it is revoked.
const MAX_DAYS: u32 = 3650;

pub(super) async fn end_others(State(access): State<Access>, person: Person) -> Response {
    let ended = async {
        let user = access.user_of(person.viewer.user_id).await?;
        let ended = access
            .changes
            .end_sessions(&person.by, &user, Some(&person.session))
            .await;
        let ended = ended.map_err(|error| told(&error))?;
        access.sessions_ended(&ended);
        Ok(format!("Signed out of {} other sessions.", ended.len()).into())
    };
    let ended = ended.await;
    access
        .answer(&person, "session.revoke_all", "/settings/sessions", ended)
        .await
}

pub(super) async fn end_session(
    State(access): State<Access>,
    person: Person,
    Path(id): Path<i64>,
) -> Response {
    let mut back = "/settings/sessions".to_owned();
    let ended = async {
        let found = access
            .sessions
            .by_id(id)
            .await
            .map_err(|error| told(&error.into()))?;
        let session = found.ok_or_else(|| told(&ChangeError::NoSession(id)))?;
        if session.user_id != person.viewer.user_id {
            person.viewer.require(Permission::ManageUsers)?;
            access.reached(&person, session.user_id).await?;
            back = user_page(&session.user);
        }
        let ended = access.changes.end_session(&person.by, &session).await;
        ended.map_err(|error| told(&error))?;
        access.sessions_ended(std::slice::from_ref(&session.session));
        Ok(format!("That session of {} has ended.", session.user).into())
    };
    let ended = ended.await;
    access.answer(&person, "session.revoke", &back, ended).await
}

pub(super) async fn create_token(
    State(access): State<Access>,
    person: Person,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let made = async {
        let new = new_token(&fields)?;
        let user = access.user_of(person.viewer.user_id).await?;
        let made = access.changes.create_token(&person.by, &user, &new).await;
        let (id, text) = made.map_err(|error| told(&error))?;
        Ok(Done {
            text: format!("Made token {id}, {}.", new.name),
            secret: Some(text),
        })
    };
    let made = made.await;
    access
        .answer(&person, "token.create", "/settings/tokens", made)
        .await
}

pub(super) async fn revoke_token(
    State(access): State<Access>,
    person: Person,
    Path(id): Path<i64>,
) -> Response {
    let mut back = "/settings/tokens".to_owned();
    let revoked = async {
        let found = access
            .tokens
            .info(id)
            .await
            .map_err(|error| told(&error.into()))?;
        let token = found.ok_or_else(|| told(&ChangeError::NoToken(id)))?;
        if token.user_id != person.viewer.user_id {
            person.viewer.require(Permission::ManageUsers)?;
            access.reached(&person, token.user_id).await?;
            back = user_page(&token.user);
        }
        let revoked = access.changes.revoke_token(&person.by, &token).await;
        revoked.map_err(|error| told(&error))?;
        access.ended(Ending::Proof(Proof::Token(id)));
        Ok(format!("{} is revoked. What used it is cut off.", token.name).into())
    };
    let revoked = revoked.await;
    access.answer(&person, "token.revoke", &back, revoked).await
}

/// Takes away only, so it asks for no proof.
pub(super) async fn distrust_token(
    State(access): State<Access>,
    person: Person,
    Path(id): Path<i64>,
) -> Response {
    let mut back = "/settings/tokens".to_owned();
    let distrusted = async {
        let found = access.tokens.info(id).await;
        let found = found.map_err(|error| told(&error.into()))?;
        let token = found.ok_or_else(|| told(&ChangeError::NoToken(id)))?;
        if token.user_id != person.viewer.user_id {
            person.viewer.require(Permission::ManageUsers)?;
            access.reached(&person, token.user_id).await?;
            back = user_page(&token.user);
        }
        let distrusted = access.changes.trust_token(&person.by, &token, false).await;
        distrusted.map_err(|error| told(&error))?;
        Ok(format!("{} may run no dangerous action any more.", token.name).into())
    };
    let distrusted = distrusted.await;
    access.answer(&person, "token.distrust", &back, distrusted).await
}

/// What was typed: a name, days, and either `all` or the permissions that are ticked with the actions that are named.
fn new_token(fields: &[(String, String)]) -> Result<NewToken, Fault> {
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let days: u32 = match field("days").parse() {
        Ok(days) if days <= MAX_DAYS => days,
        _ => {
            return Err(Fault::invalid(
                "days",
                format!("A token holds for 1 to {MAX_DAYS} days, or 0 for no end."),
            ));
        }
    };
    let grants = match field("all") {
        "true" => None,
        _ => {
            let ticked = fields
                .iter()
                .filter(|(name, value)| value == "true" && Permission::parse(name).is_some());
            let mut words: Vec<&str> = ticked.map(|(name, _)| name.as_str()).collect();
            let scopes: Vec<&str> = field("scopes")
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            if let Some(other) = scopes.iter().find(|line| !line.starts_with("run:")) {
                let shown: String = other.chars().take(80).collect();
                return Err(Fault::invalid(
                    "scopes",
                    format!("`{shown}` does not begin with run: as in run:service.restart on web-*."),
                ));
            }
            if !scopes.is_empty() {
                // The box says all actions; the lines say which of them.
                words.retain(|word| *word != Permission::RunActions.as_str());
                words.extend(scopes);
            }
            Some(
                Grants::parse(&words)
                    .map_err(|error| Fault::invalid("permissions", sentence(&error.to_string())))?,
            )
        }
    };
    Ok(NewToken {
        name: field("name").trim().to_owned(),
        grants,
        expires_ms: (days > 0).then(|| now_ms() + i64::from(days) * 86_400_000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_token_is_what_was_ticked_and_named() {
        let typed = fields(&[
            ("name", " ci "),
            ("days", "7"),
            ("view_runs", "true"),
            ("run_actions", "true"),
            (
                "scopes",
                "run:service.restart on web-*\r\n\r\n run:runbook.* \r\n",
            ),
        ]);
        let new = new_token(&typed).unwrap();
        assert_eq!(new.name, "ci");
        assert_eq!(
            new.grants.unwrap().words(),
            ["view_runs", "run:service.restart on web-*", "run:runbook.*"]
        );
        assert!(new.expires_ms.unwrap() > now_ms() + 6 * 86_400_000);
        let all = new_token(&fields(&[("name", "ci"), ("days", "0"), ("all", "true")])).unwrap();
        assert_eq!((all.grants, all.expires_ms), (None, None));
    }

    #[test]
    fn what_cannot_be_a_token_says_why() {
        let refused = |pairs: &[(&str, &str)]| new_token(&fields(pairs)).unwrap_err().message;
        assert!(refused(&[("days", "7")]).contains("Nothing is granted"));
        assert!(refused(&[("days", "x")]).contains("3650"));
        assert!(refused(&[("days", "9999")]).contains("3650"));
        assert!(
            refused(&[("days", "7"), ("scopes", "service.restart")]).contains("run:service.restart on web-*")
        );
        assert!(refused(&[("days", "7"), ("scopes", "run:a b")]).contains("run:ACTION on HOST"));
    }
}

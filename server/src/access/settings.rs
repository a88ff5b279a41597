//! What the Settings pages show: of users, roles, sessions and tokens what this viewer may see. What the forms on them do is
//! [`settings_forms`](super::settings_forms)'.

use super::{Access, Identity, sessions::SessionInfo, tokens::TokenInfo, users::User};
use crate::{live::Proof, time::now_ms};
use farol_app::pages::settings::view::{
    Ask, Body, Paged, ProofsRow, RoleRow, SessionRow, SettingsView, TokenRow, UserRow,
};
use farol_model::{Fault, Permission, Viewer};
use sqlx::Row;
use std::time::Instant;

/// Rows of one page.
const PAGE_SIZE: u32 = 25;

/// Why somebody cannot change a user, in words.
const ONESELF: &str = "This is you. Nobody changes their own role or access, so that nobody locks themselves out; ask another administrator.";
const ABOVE: &str = "This user may do things that you may not, so somebody else has to change them.";

impl Access {
    /// One page of the settings.
    pub async fn settings(&self, identity: &Identity, ask: Ask) -> Result<SettingsView, Fault> {
        let viewer = &identity.viewer;
        let manages = viewer.may(Permission::ManageUsers);
        let section = match ask.section.as_str() {
            "" if manages => "users",
            "" => "sessions",
            named => named,
        };
        if section == "users" || ask.everybody {
            viewer.require(Permission::ManageUsers)?;
        }
        let whose = (!ask.everybody).then_some(viewer.user_id);
        let body = match section {
            "users" if ask.name.is_empty() => self.users_page(viewer, &ask).await?,
            "users" => self.user_page(identity, &ask.name).await?,
            "roles" => self.roles_page().await?,
            "sessions" => Body::Sessions {
                rows: self.sessions_of(identity, whose, ask.page).await?,
                everybody: ask.everybody,
            },
            "tokens" => Body::Tokens {
                rows: self.tokens_of(viewer, whose, ask.page).await?,
                everybody: ask.everybody,
            },
            _ => return Err(Fault::not_found("There are no settings of this name.")),
        };
        Ok(SettingsView {
            viewer: viewer.clone(),
            now_ms: now_ms(),
            said: self.sayings.take(viewer.user_id, &ask.said, Instant::now()),
            body,
        })
    }

    /// Whether this viewer may change that user, or why not.
    pub(super) fn kept(&self, viewer: &Viewer, user: &User) -> Option<&'static str> {
        if user.id == viewer.user_id {
            return Some(ONESELF);
        }
        (!self.reaches(viewer, user)).then_some(ABOVE)
    }

    /// Whether all that the user may the viewer may as well.
    pub(super) fn reaches(&self, viewer: &Viewer, user: &User) -> bool {
        self.roles
            .grants(&user.role)
            .is_none_or(|grants| viewer.covers(&grants))
    }

    async fn users_page(&self, viewer: &Viewer, ask: &Ask) -> Result<Body, Fault> {
        let text: String = ask.text.chars().take(64).collect();
        let (users, total) = (
            self.users
                .page(&text, skip(ask.page), PAGE_SIZE.into())
                .await
                .map_err(broken)?,
            self.users.count(&text).await.map_err(broken)?,
        );
        let rows = users.iter().map(|user| self.user_row(viewer, user)).collect();
        Ok(Body::Users {
            rows: paged(rows, ask.page, total),
            text,
            roles: self.may_give(viewer),
        })
    }

    async fn user_page(&self, identity: &Identity, name: &str) -> Result<Body, Fault> {
        let viewer = &identity.viewer;
        let user = self.users.by_name(name).await.map_err(broken)?;
        let user = user.ok_or_else(|| Fault::not_found("There is no user of this name."))?;
        Ok(Body::User {
            user: self.user_row(viewer, &user),
            roles: self.may_give(viewer),
            kept: self.kept(viewer, &user),
            sessions: self.sessions_of(identity, Some(user.id), 0).await?,
            tokens: self.tokens_of(viewer, Some(user.id), 0).await?,
            proofs: self.proofs_of(user.id).await?,
        })
    }

    async fn proofs_of(&self, user_id: i64) -> Result<ProofsRow, Fault> {
        let (app, codes, passkeys) = self.proofs.kept(user_id).await.map_err(broken)?;
        Ok(ProofsRow {
            app,
            codes: u64::try_from(codes).unwrap_or_default(),
            passkeys: u64::try_from(passkeys).unwrap_or_default(),
        })
    }

    async fn roles_page(&self) -> Result<Body, Fault> {
        let counts = sqlx::query("SELECT role, count(*) FROM users GROUP BY role")
            .fetch_all(&self.pool)
            .await
            .map_err(broken)?;
        let users = |name: &str| {
            let row = counts
                .iter()
                .find(|row| row.try_get::<String, _>(0).is_ok_and(|role| role == name))?;
            row.try_get::<i64, _>(1).ok()?.try_into().ok()
        };
        let row = |(name, grants): &(String, farol_model::Grants)| RoleRow {
            name: name.clone(),
            grants: grants.clone(),
            own: farol_model::Role::parse(name).is_none(),
            users: users(name).unwrap_or_default(),
        };
        Ok(Body::Roles {
            roles: self.roles.all().iter().map(row).collect(),
        })
    }

    async fn sessions_of(
        &self,
        identity: &Identity,
        whose: Option<i64>,
        page: u32,
    ) -> Result<Paged<SessionRow>, Fault> {
        let (sessions, total) = (
            self.sessions
                .page(whose, skip(page), PAGE_SIZE.into())
                .await
                .map_err(broken)?,
            self.sessions.count(whose).await.map_err(broken)?,
        );
        let row = |session: SessionInfo| SessionRow {
            current: Proof::Session(session.session) == identity.proof,
            id: session.id,
            user: session.user,
            since_ms: session.since_ms,
            seen_ms: session.seen_ms,
            address: session.address,
            device: session.device,
        };
        Ok(paged(sessions.into_iter().map(row).collect(), page, total))
    }

    async fn tokens_of(
        &self,
        viewer: &Viewer,
        whose: Option<i64>,
        page: u32,
    ) -> Result<Paged<TokenRow>, Fault> {
        let manages = viewer.may(Permission::ManageUsers);
        let (tokens, total) = (
            self.tokens
                .page(whose, skip(page), PAGE_SIZE.into())
                .await
                .map_err(broken)?,
            self.tokens.count(whose).await.map_err(broken)?,
        );
        let row = |token: TokenInfo| TokenRow {
            id: token.id,
            user: token.user,
            name: token.name,
            created_ms: token.created_ms,
            last_used_ms: token.last_used_ms,
            expires_ms: token.expires_ms,
            grants: token.grants,
            revoked: token.revoked,
            trusted: token.trusted,
            may_trust: manages && token.user_id != viewer.user_id,
        };
        Ok(paged(tokens.into_iter().map(row).collect(), page, total))
    }

    fn user_row(&self, viewer: &Viewer, user: &User) -> UserRow {
        UserRow {
            name: user.name.clone(),
            role: user.role.clone(),
            role_is_gone: self.roles.grants(&user.role).is_none(),
            disabled: user.disabled,
            own: user.id == viewer.user_id,
        }
    }

    /// Names of the roles that hold nothing which the viewer does not.
    fn may_give(&self, viewer: &Viewer) -> Vec<String> {
        let all = self.roles.all();
        let given = all.iter().filter(|(_, grants)| viewer.covers(grants));
        given.map(|(name, _)| name.clone()).collect()
    }
}

fn skip(page: u32) -> i64 {
    i64::from(page) * i64::from(PAGE_SIZE)
}

fn paged<T>(rows: Vec<T>, page: u32, total: i64) -> Paged<T> {
    Paged {
        rows,
        page,
        total: u64::try_from(total).unwrap_or_default(),
        size: PAGE_SIZE,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` wants")]
fn broken(error: sqlx::Error) -> Fault {
    tracing::error!(%error, "the settings cannot be read");
    Fault::internal()
}

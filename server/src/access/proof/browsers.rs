//! Browsers that have signed in to an account before, known by a cookie of their own (OWASP, "Slow Down Online Guessing Attacks
//! with Device Cookies"). The throttle counts their tries apart: whoever guesses at an account from elsewhere cannot keep its
//! owner out, and a stolen cookie buys no more tries than any other browser has.

use crate::{
    access::tokens::{digest, random_hex},
    time::now_ms,
};
use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, header};
use sqlx::SqlitePool;

/// Name of the cookie; see [`COOKIE`](crate::access::COOKIE) for the prefix.
pub const COOKIE: &str = "__Host-farol-known";
/// How long a browser is known after its last sign-in.
const LASTS_SECS: i64 = 180 * 24 * 3600;
/// Browsers known per account; the one unused for longest goes.
const MOST: i64 = 20;

/// A cookie that waits on a response: [`set`] writes it behind that of the session.
#[derive(Debug, Clone)]
pub struct Known(pub HeaderValue);

/// Layer, outside of the session's.
pub async fn set(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(Known(cookie)) = response.extensions_mut().remove() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Access to the known browsers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Browsers {
    pool: SqlitePool,
}

impl Browsers {
    pub fn new(pool: SqlitePool) -> Self {
        Browsers { pool }
    }

    /// The digest of the request's cookie, when somebody has signed in to this account with it.
    pub async fn known(&self, user_id: i64, headers: &HeaderMap) -> Option<Vec<u8>> {
        let hash = digest(cookie(headers)?);
        let known = sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT 1 FROM known_browsers WHERE hash = ? AND user_id = ? AND last_used_ms > ?)",
        )
        .bind(&hash)
        .bind(user_id)
        .bind(now_ms() - LASTS_SECS * 1000)
        .fetch_one(&self.pool)
        .await;
        match known {
            Ok(known) => known.then_some(hash),
            Err(error) => {
                tracing::error!(%error, "known browsers cannot be looked up");
                None
            }
        }
    }

    /// Knows this browser from now on. The cookie to set: a new one at each sign-in.
    pub async fn remember(&self, user_id: i64, headers: &HeaderMap) -> Option<HeaderValue> {
        let text = random_hex();
        if let Err(error) = self.write(user_id, headers, &text).await {
            tracing::error!(%error, "a browser cannot be remembered");
            return None;
        }
        let set = format!("{COOKIE}={text}; Path=/; Max-Age={LASTS_SECS}; HttpOnly; Secure; SameSite=Lax");
        HeaderValue::from_str(&set).ok()
    }

    async fn write(&self, user_id: i64, headers: &HeaderMap, text: &str) -> Result<(), sqlx::Error> {
        let mut change = self.pool.begin().await?;
        if let Some(before) = cookie(headers) {
            sqlx::query("DELETE FROM known_browsers WHERE hash = ? AND user_id = ?")
                .bind(digest(before))
                .bind(user_id)
                .execute(&mut *change)
                .await?;
        }
        sqlx::query(
            // Never the same time twice, so that it is known which is the oldest.
            "INSERT INTO known_browsers (hash, user_id, last_used_ms) SELECT ?1, ?2, \
             max(?3, 1 + coalesce(max(last_used_ms), 0)) FROM known_browsers WHERE user_id = ?2",
        )
        .bind(digest(text))
        .bind(user_id)
        .bind(now_ms())
        .execute(&mut *change)
        .await?;
        sqlx::query(
            "DELETE FROM known_browsers WHERE user_id = ?1 AND hash NOT IN \
             (SELECT hash FROM known_browsers WHERE user_id = ?1 ORDER BY last_used_ms DESC LIMIT ?2)",
        )
        .bind(user_id)
        .bind(MOST)
        .execute(&mut *change)
        .await?;
        change.commit().await
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|text| text.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::users::Users, db};
    use farol_model::Role;

    fn with(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("a=b; {pair}").parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn a_browser_is_known_to_the_account_that_signed_in_with_it_and_to_no_other() {
        let pool = db::open_in_memory().await.unwrap();
        for name in ["ana", "ben"] {
            Users::new(pool.clone())
                .add(name, Role::Viewer, "h")
                .await
                .unwrap();
        }
        let browsers = Browsers::new(pool.clone());
        let set = browsers.remember(1, &HeaderMap::new()).await.unwrap();
        let headers = with(&set);
        assert!(browsers.known(1, &headers).await.is_some());
        assert!(browsers.known(2, &headers).await.is_none());
        assert!(browsers.known(1, &HeaderMap::new()).await.is_none());
        let next = browsers.remember(1, &headers).await.unwrap();
        assert!(
            browsers.known(1, &headers).await.is_none(),
            "a new one at each sign-in"
        );
        for _ in 0..MOST {
            browsers.remember(1, &HeaderMap::new()).await.unwrap();
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM known_browsers")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(count, MOST);
        assert!(browsers.known(1, &with(&next)).await.is_none(), "the oldest went");
    }
}

//! Who we are, for those whom Farol asks or sends to: a bearer token, or a name and a password, from the configuration or from a file
//! that is read each time, so that a new secret needs no restart.

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use std::path::Path;

/// Largest file with a secret, bytes.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// As a table of the configuration has it.
#[derive(Clone, Copy, Default)]
pub struct Proof<'a> {
    pub bearer_token: Option<&'a str>,
    pub bearer_token_file: Option<&'a Path>,
    pub basic_user: Option<&'a str>,
    pub basic_password: Option<&'a str>,
    pub basic_password_file: Option<&'a Path>,
}

impl Proof<'_> {
    /// Key and reason of what is wrong.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let password = [self.basic_password.is_some(), self.basic_password_file.is_some()];
        let ways = [
            self.bearer_token.is_some(),
            self.bearer_token_file.is_some(),
            self.basic_user.is_some() || password.contains(&true),
        ];
        if ways.iter().filter(|way| **way).count() > 1 {
            let reason = "is one way too many: take one of bearer_token, bearer_token_file and basic_user";
            return Some(("bearer_token", reason.to_owned()));
        }
        if password == [true, true] {
            let reason = "is one too many: take basic_password or basic_password_file";
            return Some(("basic_password", reason.to_owned()));
        }
        if self.basic_user.is_some() != password.contains(&true) {
            let reason = "goes together with basic_password or basic_password_file";
            return Some(("basic_user", reason.to_owned()));
        }
        None
    }

    /// Says it in the header `Authorization`, if there is anything to say.
    pub async fn put(&self, headers: &mut HeaderMap) -> anyhow::Result<()> {
        let value = match self {
            Proof {
                bearer_token: Some(token),
                ..
            } => format!("Bearer {token}"),
            Proof {
                bearer_token_file: Some(file),
                ..
            } => format!("Bearer {}", secret_in(file).await?),
            Proof {
                basic_user: Some(user),
                ..
            } => {
                let password = match self.basic_password_file {
                    Some(file) => secret_in(file).await?,
                    None => self.basic_password.unwrap_or_default().to_owned(),
                };
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            _ => return Ok(()),
        };
        let mut value =
            HeaderValue::from_str(&value).context("the token has characters that no header takes")?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }
}

async fn secret_in(file: &Path) -> anyhow::Result<String> {
    let told = || format!("{} cannot be read", file.display());
    let size = tokio::fs::metadata(file).await.with_context(told)?.len();
    ensure!(
        size <= MAX_SECRET_BYTES,
        "{} is too large to be a secret",
        file.display()
    );
    let secret = tokio::fs::read_to_string(file).await.with_context(told)?;
    Ok(secret.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_is_taken_and_a_name_has_its_password() {
        let file = Some(Path::new("/f"));
        let none = Proof::default();
        let user = Some("u");
        for (proof, key) in [
            (none, None),
            (
                Proof {
                    bearer_token: user,
                    ..none
                },
                None,
            ),
            (
                Proof {
                    basic_user: user,
                    basic_password_file: file,
                    ..none
                },
                None,
            ),
            (
                Proof {
                    basic_user: user,
                    ..none
                },
                Some("basic_user"),
            ),
            (
                Proof {
                    basic_password: user,
                    ..none
                },
                Some("basic_user"),
            ),
            (
                Proof {
                    bearer_token: user,
                    bearer_token_file: file,
                    ..none
                },
                Some("bearer_token"),
            ),
            (
                Proof {
                    basic_user: user,
                    basic_password: user,
                    basic_password_file: file,
                    ..none
                },
                Some("basic_password"),
            ),
        ] {
            assert_eq!(proof.problem().map(|(key, _)| key), key);
        }
    }

    #[tokio::test]
    async fn secrets_of_files_are_read_each_time_without_their_line_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "one\n").unwrap();
        let said = async |proof: Proof<'_>| {
            let mut headers = HeaderMap::new();
            proof.put(&mut headers).await.unwrap();
            headers.remove(header::AUTHORIZATION).map(|value| {
                assert!(value.is_sensitive());
                value.to_str().unwrap().to_owned()
            })
        };
        let bearer = Proof {
            bearer_token_file: Some(&file),
            ..Proof::default()
        };
        let basic = Proof {
            basic_user: Some("ana"),
            basic_password_file: Some(&file),
            ..Proof::default()
        };
        assert_eq!(said(bearer).await.as_deref(), Some("Bearer one"));
        std::fs::write(&file, "two").unwrap();
        assert_eq!(said(bearer).await.as_deref(), Some("Bearer two"));
        assert_eq!(said(basic).await.as_deref(), Some("Basic YW5hOnR3bw=="));
        assert_eq!(said(Proof::default()).await, None);
        std::fs::remove_file(&file).unwrap();
        let mut headers = HeaderMap::new();
        let error = format!("{:#}", bearer.put(&mut headers).await.unwrap_err());
        assert!(error.contains("secret cannot be read"), "{error}");
    }
}

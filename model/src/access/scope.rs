//! Which actions on which hosts: `run:service.restart on web-*`. Each half is a glob: `*` is any text, `?` any one
//! character. It is matched against the whole id of the action and the whole name of the host.

use super::Grants;
use crate::{
    host::LOCAL_HOST,
    json::{Json, Mismatch},
};
use std::{fmt, sync::Arc};

/// Longest glob, bytes.
const MAX_GLOB_BYTES: usize = 128;

/// Actions and hosts. An action is covered when both globs match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    action: String,
    host: String,
}

impl Scope {
    /// From what stands after `run:`. The reason when it is no scope.
    pub fn parse(text: &str) -> Result<Scope, &'static str> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (action, host) = match words.as_slice() {
            [action] => (*action, "*"),
            [action, "on", host] => (*action, *host),
            _ => return Err("write run:ACTION or run:ACTION on HOST"),
        };
        for glob in [action, host] {
            if glob.len() > MAX_GLOB_BYTES {
                return Err("an action or host pattern has at most 128 characters");
            }
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*?:".contains(&byte);
            if !glob.bytes().all(fits) {
                return Err("patterns are letters, digits, `.`, `_`, `-`, `:` and the wildcards `*` and `?`");
            }
        }
        Ok(Scope {
            action: action.to_owned(),
            host: host.to_owned(),
        })
    }

    fn covers(&self, action: &str, host: &str) -> bool {
        glob(&self.action, action) && glob(&self.host, host)
    }

    /// Whether all that the other covers is surely covered by this one. A pattern with wildcards is only known to be inside
    /// of one that matches its text, which is enough: `*` and `?` stand for themselves there.
    fn contains(&self, other: &Scope) -> bool {
        let inside =
            |outer: &str, inner: &str| outer == inner || (!outer.contains('?') && glob(outer, inner));
        inside(&self.action, &other.action) && inside(&self.host, &other.host)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str() {
            "*" => write!(f, "run:{}", self.action),
            host => write!(f, "run:{} on {host}", self.action),
        }
    }
}

/// On what somebody may act: every part must allow it, the role's and the token's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// What `local` is called by.
    here: Arc<str>,
    /// One of each must cover the action.
    within: Arc<[Arc<[Scope]>]>,
}

impl Reach {
    /// All actions on all hosts.
    pub fn everywhere() -> Self {
        Reach::default()
    }

    /// What all of these grants allow, on a Farol whose machine has this name.
    pub fn new<'a>(here: &str, grants: impl IntoIterator<Item = &'a Grants>) -> Self {
        let narrow = grants
            .into_iter()
            .map(Grants::scopes)
            .filter(|scopes| !scopes.is_empty());
        Reach {
            here: here.into(),
            within: narrow.map(|scopes| scopes.into()).collect(),
        }
    }

    /// What a viewer in the browser has, who asks the server: nothing.
    pub fn untold(_: Json) -> Result<Self, Mismatch> {
        Ok(Reach {
            here: "".into(),
            within: [Vec::new().into()].into(),
        })
    }

    /// The name of the host that a request means.
    pub fn host<'a>(&'a self, asked: &'a str) -> &'a str {
        match asked {
            "" | LOCAL_HOST if !self.here.is_empty() => &self.here,
            "" => LOCAL_HOST,
            other => other,
        }
    }

    pub fn covers(&self, action: &str, host: &str) -> bool {
        let one_covers = |scopes: &Arc<[Scope]>| scopes.iter().any(|scope| scope.covers(action, host));
        self.within.iter().all(one_covers)
    }

    /// Whether there may be a host on which the action is covered.
    pub fn covers_somewhere(&self, action: &str) -> bool {
        let one_covers = |scopes: &Arc<[Scope]>| scopes.iter().any(|scope| glob(&scope.action, action));
        self.within.iter().all(one_covers)
    }

    /// Whether all that these scopes cover is covered; none are all actions.
    pub fn covers_scopes(&self, asked: &[Scope]) -> bool {
        let inside = |scopes: &Arc<[Scope]>, asked: &Scope| scopes.iter().any(|scope| scope.contains(asked));
        self.within
            .iter()
            .all(|scopes| !asked.is_empty() && asked.iter().all(|asked| inside(scopes, asked)))
    }
}

/// Whether the whole text matches. Goes back to the last `*` only, so it takes at most pattern times text steps.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_the_whole_text() {
        for (pattern, text, matches) in [
            ("web-*", "web-1", true),
            ("web-*", "web-", true),
            ("web-*", "my-web-1", false),
            ("*", "", true),
            ("web-?", "web-1", true),
            ("web-?", "web-10", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("service.restart", "service.restart", true),
            ("service.restart", "serviceXrestart", false),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_it_must() {
        let pattern = "*a".repeat(60);
        assert!(!glob(&pattern, &"a".repeat(50_000).replace('a', "ab")));
    }

    #[test]
    fn what_is_no_scope_says_why() {
        for (text, reason) in [
            ("", "write run:"),
            ("a on ", "write run:"),
            ("a b", "write run:"),
            ("a;rm", "patterns are"),
            (&*"a".repeat(129), "128"),
        ] {
            assert!(Scope::parse(text).unwrap_err().contains(reason), "{text}");
        }
        assert_eq!(
            Scope::parse("service.* on web-*").unwrap().to_string(),
            "run:service.* on web-*"
        );
        assert_eq!(Scope::parse("service.*").unwrap().to_string(), "run:service.*");
    }

    #[test]
    fn inside_is_never_guessed() {
        let scope = |text| Scope::parse(text).unwrap();
        assert!(scope("service.*").contains(&scope("service.restart on web-1")));
        assert!(scope("*").contains(&scope("service.?")));
        assert!(
            !scope("a?").contains(&scope("a*")),
            "one character is not any text"
        );
        assert!(!scope("service.restart").contains(&scope("service.*")));
    }
}

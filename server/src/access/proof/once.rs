//! What is shown once: kept in memory from the form that made it to the page that shows it, for the session that made it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A page that was not opened by then never shows it.
const LASTS: Duration = Duration::from_secs(120);
/// Sessions at once; above it the oldest goes.
const MOST: usize = 256;

/// Lines by session id.
#[derive(Default)]
pub struct ShownOnce {
    waiting: Mutex<HashMap<String, (Vec<String>, Instant)>>,
}

impl ShownOnce {
    pub fn put(&self, session: &str, lines: Vec<String>, now: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (_, until)| *until > now);
        if waiting.len() >= MOST {
            let oldest = waiting.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
                waiting.remove(&oldest);
            }
        }
        waiting.insert(session.to_owned(), (lines, now + LASTS));
    }

    /// Gone afterwards.
    pub fn take(&self, session: &str, now: Instant) -> Option<Vec<String>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, until) = waiting.remove(session)?;
        (until > now).then_some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_once_in_time_to_its_session_and_bounded() {
        let (once, now) = (ShownOnce::default(), Instant::now());
        once.put("a", vec!["x".into()], now);
        assert_eq!(once.take("b", now), None);
        assert_eq!(once.take("a", now), Some(vec!["x".to_owned()]));
        assert_eq!(once.take("a", now), None);
        once.put("a", vec!["x".into()], now);
        assert_eq!(once.take("a", now + LASTS), None);
        once.put("first", Vec::new(), now);
        for index in 0..MOST {
            once.put(&index.to_string(), Vec::new(), now + Duration::from_secs(1));
        }
        assert_eq!(once.take("first", now), None);
        assert!(once.waiting.lock().unwrap().len() <= MOST);
    }
}

//! Annotations: what happened and when, as marks on charts. Deploys and the like are told by people and programs; that Farol began and
//! that a health check failed or is well again is noted by Farol itself, and of those fewer are kept, so that a check that flaps does not
//! push deploys out.
//!
//! What is told is a change and has its entry in the audit log, in one transaction. [`store`] is the table.

pub mod store;

use crate::{
    audit::{AuditLog, NewEntry},
    live::Identity,
    time::now_ms,
};
use farol_model::{Fault, Permission, action::Mark, audit::AuditOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::SqlitePool;
use std::sync::Arc;
use store::Store;

/// Told annotations that are kept.
pub const MAX_TOLD: i64 = 10_000;
/// Of Farol's own.
pub const MAX_OWN: i64 = 2_000;
/// How long any is kept: as long as the coarsest history, milliseconds.
pub const KEEP_MS: i64 = 396 * 86_400_000;
/// How far ahead one may lie: what is planned.
const AHEAD_MS: i64 = 366 * 86_400_000;
/// How far back live charts reach.
const LATELY_MS: i64 = 600_000;
/// Annotations on a live chart (and as many that come next), and on one of the past, at most; the newest.
const MARKS: (u32, u32) = (64, 500);
/// Longest title, characters.
pub const MAX_TITLE: usize = 200;
/// Tags of one at most, and characters of a tag.
pub const MAX_TAGS: usize = 16;
pub const MAX_TAG: usize = 64;

/// Where marks of lately go. Never waits.
pub trait Outlet: Send + Sync + 'static {
    /// All that there are now, oldest first.
    fn annotated(&self, marks: Vec<Mark>);
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Annotation {
    pub id: i64,
    /// When, or when it began; milliseconds since the epoch.
    pub at_ms: i64,
    /// When it ended, where it took time.
    pub end_ms: Option<i64>,
    pub title: String,
    pub tags: Vec<String>,
    /// Who told it; `farol` for what Farol noted itself.
    pub who: String,
}

/// What is to be annotated.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnnotation {
    /// One line: `Deployed 1.4`.
    #[schemars(
        length(min = 1, max = 200),
        regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")
    )]
    pub title: String,
    /// When, or when it began; milliseconds since the epoch. Now when left out.
    #[serde(default, deserialize_with = "crate::rest::whole")]
    #[schemars(range(min = 0, max = 253_402_300_799_000_i64))]
    pub at_ms: Option<i64>,
    /// When it ended.
    #[serde(default, deserialize_with = "crate::rest::whole")]
    #[schemars(range(min = 0, max = 253_402_300_799_000_i64))]
    pub end_ms: Option<i64>,
    /// E.g. `deploy`. 16 at most, of 64 letters, digits, `.`, `_`, `:`, `/` and `-` at most.
    #[serde(default)]
    #[schemars(extend("maxItems" = 16, "items" = {"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,64}$"}))]
    pub tags: Vec<String>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Annotations {
    store: Store,
    audit: AuditLog,
    outlet: Arc<dyn Outlet>,
}

/// Which are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those that touch the time from here
    pub from_ms: i64,
    /// until here.
    pub to_ms: i64,
    pub tag: Option<String>,
    pub limit: u32,
}

impl Annotations {
    /// Opens what is kept, tells what is of lately, and notes that Farol begins.
    pub async fn start(pool: SqlitePool, audit: AuditLog, outlet: Arc<dyn Outlet>) -> Annotations {
        let annotations = Annotations {
            store: Store::new(pool),
            audit,
            outlet,
        };
        annotations.note("Farol started", "farol", now_ms()).await;
        annotations
    }

    /// Those that are asked for, the newest first.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Annotation>, Fault> {
        self.store.list(wanted).await.map_err(unreadable)
    }

    /// Takes one. Whoever tells it may send metrics.
    pub async fn add(&self, by: &Identity, from: &str, new: NewAnnotation) -> Result<Annotation, Fault> {
        by.viewer.require(Permission::PushMetrics)?;
        let new = checked(new, now_ms())?;
        let params = json!({"title": new.title, "at_ms": new.at_ms, "end_ms": new.end_ms, "tags": new.tags});
        let mut both = self.audit.together().await.map_err(unwritten)?;
        let at_ms = new.at_ms.unwrap_or_default();
        let added = Annotation {
            id: 0,
            at_ms,
            end_ms: new.end_ms,
            title: new.title,
            tags: new.tags,
            who: by.viewer.name.clone(),
        };
        let id = store::insert(both.connection(), &added, false)
            .await
            .map_err(unwritten)?;
        let entry = entry(by, from, "annotation.add", params.to_string());
        both.commit(entry).await.map_err(unwritten)?;
        self.tell().await;
        Ok(Annotation { id, ..added })
    }

    /// Takes one away.
    pub async fn remove(&self, by: &Identity, from: &str, id: i64) -> Result<(), Fault> {
        by.viewer.require(Permission::PushMetrics)?;
        let mut both = self.audit.together().await.map_err(unwritten)?;
        let title = store::delete(both.connection(), id).await.map_err(unwritten)?;
        let title = title.ok_or_else(|| Fault::not_found("There is no such annotation."))?;
        let params = json!({"id": id, "title": title}).to_string();
        both.commit(entry(by, from, "annotation.remove", params))
            .await
            .map_err(unwritten)?;
        self.tell().await;
        Ok(())
    }

    /// Notes what Farol saw itself. What cannot be written is logged and nothing more: it is no change of anything.
    pub async fn note(&self, title: &str, tag: &str, at_ms: i64) {
        let own = Annotation {
            id: 0,
            at_ms,
            end_ms: None,
            title: title.chars().take(MAX_TITLE).collect(),
            tags: vec![tag.to_owned()],
            who: "farol".to_owned(),
        };
        if let Err(error) = self.store.note(&own).await {
            tracing::warn!(%error, title, "a mark for charts could not be written down");
        }
        self.tell().await;
    }

    /// Marks of a time that is over, oldest first.
    pub async fn marks(&self, from_ms: i64, to_ms: i64) -> Vec<Mark> {
        all_marks(self.newest(from_ms, to_ms, MARKS.1).await)
    }

    async fn newest(&self, from_ms: i64, to_ms: i64, limit: u32) -> Result<Vec<Annotation>, sqlx::Error> {
        let wanted = Wanted {
            from_ms,
            to_ms,
            tag: None,
            limit,
        };
        self.store.list(&wanted).await
    }

    /// Hands the marks of lately to live charts, and those that come next, which are there when their time comes.
    async fn tell(&self) {
        // What is of this very millisecond has happened.
        let next = now_ms() + 1;
        let mut marks = all_marks(self.newest(next - LATELY_MS, next, MARKS.0).await);
        marks.extend(all_marks(self.store.ahead(next, MARKS.0).await));
        self.outlet.annotated(marks);
    }
}

/// Marks of what was found, oldest first. Charts are there without them.
fn all_marks(found: Result<Vec<Annotation>, sqlx::Error>) -> Vec<Mark> {
    let found = found.unwrap_or_else(|error| {
        tracing::error!(%error, "annotations cannot be read");
        Vec::new()
    });
    let mut marks: Vec<Mark> = found.iter().flat_map(marks_of).collect();
    marks.sort_by_key(|mark| mark.at_ms);
    marks
}

/// One mark, or one for each end.
fn marks_of(annotation: &Annotation) -> Vec<Mark> {
    let Annotation {
        at_ms,
        end_ms,
        title,
        who,
        ..
    } = annotation;
    let by = match who.as_str() {
        "farol" => String::new(),
        who => format!(" ({who})"),
    };
    let mark = |at_ms: i64, word: &str| Mark {
        at_ms,
        title: format!("{title}{word}{by}"),
    };
    match end_ms {
        None => vec![mark(*at_ms, "")],
        Some(end_ms) => vec![mark(*at_ms, " began"), mark(*end_ms, " ended")],
    }
}

/// As it is kept, with its time, or what is wrong with it.
fn checked(new: NewAnnotation, now_ms: i64) -> Result<NewAnnotation, Fault> {
    let title = new.title.trim().to_owned();
    let length = title.chars().count();
    if length == 0 || length > MAX_TITLE || title.chars().any(char::is_control) {
        let words = format!("title must be one line of 1 to {MAX_TITLE} characters.");
        return Err(Fault::invalid("title", words));
    }
    let at_ms = new.at_ms.unwrap_or(now_ms);
    if !(now_ms - KEEP_MS..=now_ms + AHEAD_MS).contains(&at_ms) {
        let words = "at_ms must be within the last 396 and the next 366 days: milliseconds since the epoch.";
        return Err(Fault::invalid("at_ms", words));
    }
    if new
        .end_ms
        .is_some_and(|end_ms| end_ms < at_ms || end_ms > now_ms + AHEAD_MS)
    {
        let words = "end_ms must not be before at_ms, and within the next 366 days.";
        return Err(Fault::invalid("end_ms", words));
    }
    let good = |tag: &String| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        (1..=MAX_TAG).contains(&tag.len()) && tag.chars().all(fits)
    };
    if new.tags.len() > MAX_TAGS || !new.tags.iter().all(good) {
        let words = format!(
            "tags must be {MAX_TAGS} at most, each 1 to {MAX_TAG} of letters, digits, `.`, `_`, `:`, `/` and `-`."
        );
        return Err(Fault::invalid("tags", words));
    }
    Ok(NewAnnotation {
        title,
        at_ms: Some(at_ms),
        ..new
    })
}

fn entry(by: &Identity, from: &str, what: &str, params: String) -> NewEntry {
    NewEntry {
        who: by.viewer.name.clone(),
        from: from.to_owned(),
        what: what.to_owned(),
        params,
        run: None,
        outcome: AuditOutcome::Succeeded,
        detail: String::new(),
    }
}

fn unwritten(error: sqlx::Error) -> Fault {
    tracing::error!(%error, "an annotation cannot be written");
    Fault::unavailable(
        "It could not be written down, so nothing has changed. Try again; if it stays, look at the server's log.",
    )
}

fn unreadable(error: sqlx::Error) -> Fault {
    tracing::error!(%error, "annotations cannot be read");
    Fault::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn new(title: &str) -> NewAnnotation {
        NewAnnotation {
            title: title.into(),
            at_ms: None,
            end_ms: None,
            tags: Vec::new(),
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let good = checked(new("  Deployed 1.4 "), NOW).unwrap();
        assert_eq!((good.title.as_str(), good.at_ms), ("Deployed 1.4", Some(NOW)));
        for (wrong, field) in [
            (new(" "), "title"),
            (new("two\nlines"), "title"),
            (new(&"x".repeat(201)), "title"),
            (
                NewAnnotation {
                    at_ms: Some(0),
                    ..new("x")
                },
                "at_ms",
            ),
            (
                NewAnnotation {
                    end_ms: Some(NOW - 1),
                    ..new("x")
                },
                "end_ms",
            ),
            (
                NewAnnotation {
                    end_ms: Some(i64::MAX),
                    ..new("x")
                },
                "end_ms",
            ),
            (
                NewAnnotation {
                    tags: vec!["a b".into()],
                    ..new("x")
                },
                "tags",
            ),
            (
                NewAnnotation {
                    tags: vec!["a".into(); 17],
                    ..new("x")
                },
                "tags",
            ),
        ] {
            let fault = checked(wrong.clone(), NOW).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(field), "{wrong:?}");
        }
    }

    /// The marks that were handed out last.
    #[derive(Default)]
    struct Told(std::sync::Mutex<Vec<String>>);

    impl Outlet for Told {
        fn annotated(&self, marks: Vec<Mark>) {
            *self.0.lock().unwrap() = marks.into_iter().map(|mark| mark.title).collect();
        }
    }

    #[tokio::test]
    async fn what_is_planned_never_hides_what_has_happened_on_live_charts() {
        let pool = crate::db::open_in_memory().await.unwrap();
        let told = Arc::new(Told::default());
        let store = Store::new(pool.clone());
        for day in 1..100 {
            let planned = Annotation {
                id: 0,
                at_ms: now_ms() + day * 86_400_000,
                end_ms: None,
                title: format!("Window {day}"),
                tags: Vec::new(),
                who: "olga".into(),
            };
            store.note(&planned).await.unwrap();
        }
        Annotations::start(pool.clone(), AuditLog::new(pool), told.clone()).await;
        let marks = told.0.lock().unwrap().clone();
        assert_eq!(marks.len(), 1 + MARKS.0 as usize);
        assert_eq!(
            marks[..2],
            ["Farol started", "Window 1 (olga)"],
            "and the next ones first"
        );
    }

    #[test]
    fn what_took_time_is_marked_at_both_ends_and_farol_is_not_named() {
        let told = |who: &str, end_ms| {
            let annotation = Annotation {
                id: 1,
                at_ms: 5,
                end_ms,
                title: "Backup".into(),
                tags: Vec::new(),
                who: who.into(),
            };
            let marks = marks_of(&annotation).into_iter();
            marks.map(|mark| (mark.at_ms, mark.title)).collect::<Vec<_>>()
        };
        assert_eq!(told("farol", None), [(5, "Backup".to_owned())]);
        assert_eq!(
            told("olga", Some(9)),
            [
                (5, "Backup began (olga)".to_owned()),
                (9, "Backup ended (olga)".to_owned())
            ]
        );
    }
}

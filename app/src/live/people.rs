//! Who else is on a page: what its room says of those who come and go. Pure: no socket, no clock, no signals.
//!
//! The server is asked who is there and tells of changes meanwhile, so its answer may be older than what it has told
//! already: whoever left before the answer came is not taken from it.

use super::{
    apply::Applied,
    sink::{Attendance, Feed},
};
use crate::json;
use farol_model::{
    Fault,
    action::Params,
    wire::{ClientInfo, Publication, SubscribeResult},
};

/// Those who are in one room, by connection.
#[derive(Debug, Default, PartialEq)]
pub struct People {
    present: Vec<Present>,
    /// Connections that left while the answer is awaited.
    left: Vec<String>,
    /// Subscribed, and the server has not yet said who is there.
    waiting: bool,
}

#[derive(Debug, PartialEq)]
struct Present {
    client: String,
    user: String,
    name: String,
}

impl People {
    /// Names of everybody but this user, sorted. Who has several tabs open counts once.
    pub fn others(&self, me: &str) -> Vec<String> {
        let mut others: Vec<&Present> = Vec::new();
        for one in &self.present {
            if one.user != me && others.iter().all(|known| known.user != one.user) {
                others.push(one);
            }
        }
        let mut order: Vec<usize> = (0..others.len()).collect();
        crate::order::sort(&mut order, |a, b| others[a].name.cmp(&others[b].name));
        order.into_iter().map(|at| others[at].name.clone()).collect()
    }

    fn came(&mut self, info: &ClientInfo) {
        if self.present.iter().any(|one| one.client == info.client) {
            return;
        }
        let told: Params = json::read(&info.conn_info).unwrap_or_default();
        self.present.push(Present {
            client: info.client.clone(),
            user: info.user.clone(),
            name: told.get("name").unwrap_or(&info.user).clone(),
        });
    }

    fn went(&mut self, client: &str) {
        self.present.retain(|one| one.client != client);
        if self.waiting {
            self.left.push(client.to_owned());
        }
    }
}

impl Feed for People {
    fn start(&mut self, _: &SubscribeResult) -> Applied {
        *self = People {
            waiting: true,
            ..Default::default()
        };
        Applied::Values
    }

    fn publication(&mut self, _: &Publication) -> Applied {
        Applied::Nothing
    }

    fn refused(&mut self, _: &Fault) -> Applied {
        *self = People::default();
        Applied::Values
    }

    fn attendance(&mut self, news: &Attendance<'_>) -> Applied {
        match news {
            Attendance::Came(info) => self.came(info),
            Attendance::Went(info) => self.went(&info.client),
            Attendance::All(all) if self.waiting => {
                self.waiting = false;
                let left = std::mem::take(&mut self.left);
                for info in all.presence.values().filter(|info| !left.contains(&info.client)) {
                    self.came(info);
                }
            }
            Attendance::All(_) => return Applied::Nothing,
        }
        Applied::Values
    }
}

/// The room of a page. Each run has its own.
pub fn room_of(path: &str) -> String {
    let name: String = path
        .trim_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(64)
        .collect();
    let name = if name.is_empty() { "overview" } else { &name };
    format!("room/{name}")
}

/// People who get a mark of their own; the rest is a number.
const MARKED: usize = 3;

/// The marks of those who are there: the first letters of their names.
pub fn marks(others: &[String]) -> Vec<String> {
    let mut marks: Vec<String> = others
        .iter()
        .take(MARKED)
        .map(|name| name.chars().take(2).collect())
        .collect();
    if others.len() > MARKED {
        marks.push(format!("+{}", others.len() - MARKED));
    }
    marks
}

/// Those who are there, in one sentence; nothing when nobody is.
pub fn told(others: &[String]) -> String {
    match others.is_empty() {
        true => String::new(),
        false => format!("Also on this page: {}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{channel::Channel, wire::PresenceResult};

    fn info(client: &str, user: &str, name: &str) -> ClientInfo {
        ClientInfo {
            user: user.into(),
            client: client.into(),
            conn_info: format!(r#"{{"name":"{name}"}}"#).into(),
        }
    }

    fn all(infos: &[ClientInfo]) -> PresenceResult {
        PresenceResult {
            presence: infos
                .iter()
                .map(|info| (info.client.clone(), info.clone()))
                .collect(),
        }
    }

    fn subscribed() -> People {
        let mut people = People::default();
        people.start(&SubscribeResult::default());
        people
    }

    #[test]
    fn everybody_else_is_named_once_in_order() {
        let mut people = subscribed();
        people.attendance(&Attendance::All(&all(&[
            info("a", "1", "olga"),
            info("b", "2", "vera"),
            info("c", "2", "vera"),
            info("d", "3", "ana"),
        ])));
        assert_eq!(people.others("1"), ["ana", "vera"]);
        people.attendance(&Attendance::Went(&info("b", "2", "vera")));
        assert_eq!(people.others("1"), ["ana", "vera"], "another tab is still there");
        people.attendance(&Attendance::Went(&info("c", "2", "vera")));
        people.attendance(&Attendance::Came(&info("e", "4", "Bea")));
        people.attendance(&Attendance::Came(&info("e", "4", "Bea")));
        assert_eq!(people.others("1"), ["Bea", "ana"]);
        assert_eq!(people.others("3"), ["Bea", "olga"]);
    }

    #[test]
    fn an_answer_that_is_older_than_the_news_brings_nobody_back() {
        let mut people = subscribed();
        people.attendance(&Attendance::Came(&info("b", "2", "vera")));
        people.attendance(&Attendance::Went(&info("b", "2", "vera")));
        people.attendance(&Attendance::Went(&info("c", "3", "ana")));
        people.attendance(&Attendance::Came(&info("c", "3", "ana")));
        people.attendance(&Attendance::All(&all(&[
            info("b", "2", "vera"),
            info("c", "3", "ana"),
        ])));
        assert_eq!(people.others("1"), ["ana"]);
    }

    #[test]
    fn a_new_subscription_starts_from_nobody_and_an_answer_without_one_is_not_taken() {
        let mut people = subscribed();
        let someone = all(&[info("b", "2", "vera")]);
        people.attendance(&Attendance::All(&someone));
        people.start(&SubscribeResult::default());
        assert!(people.others("1").is_empty());
        people.refused(&Fault::unavailable("full"));
        assert_eq!(people.attendance(&Attendance::All(&someone)), Applied::Nothing);
        assert!(people.others("1").is_empty());
    }

    #[test]
    fn who_gave_no_name_goes_by_the_number() {
        let mut people = subscribed();
        let mut nameless = info("b", "2", "");
        nameless.conn_info = "[".into();
        people.attendance(&Attendance::Came(&nameless));
        assert_eq!(people.others("1"), ["2"]);
    }

    #[test]
    fn every_address_has_a_room_that_the_server_takes() {
        for (path, room) in [
            ("/", "room/overview"),
            ("/processes", "room/processes"),
            ("/controls/runs/01J", "room/controls-runs-01J"),
            ("/ü b/", "room/--b"),
        ] {
            assert_eq!(room_of(path), room);
            assert!(Channel::parse(&room_of(path)).is_some());
        }
        assert!(Channel::parse(&room_of(&"x".repeat(300))).is_some());
    }

    #[test]
    fn the_words_name_all_and_say_nothing_of_nobody() {
        assert_eq!(told(&[]), "");
        assert_eq!(
            told(&["ana".into(), "vera".into()]),
            "Also on this page: ana, vera"
        );
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(marks(&names(&["été", "x"])), ["ét", "x"]);
        assert_eq!(
            marks(&names(&["ana", "bea", "cis", "dom", "eva"])),
            ["an", "be", "ci", "+2"]
        );
    }
}

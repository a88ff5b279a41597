//! What is known of each service. Pure: what systemd says goes in, rows come out.
//!
//! Answers and signals cross on their way. Each signal takes a number, and an answer names the number that was current when
//! it was asked for: what a signal has changed since is newer than the answer and stays.

use super::{
    bus::{Listed, Props},
    name::is_template,
};
use farol_model::service::{
    MAX_SERVICE_ROWS, ServicePage, ServiceQuery, ServiceRow, ServiceSort, ServiceState, ServicesState,
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};
use zbus::zvariant::{OwnedValue, Value};

/// Services that are looked at; further ones are told of, and left out.
pub const MAX_SERVICES: usize = 10_000;
/// Names in [`ServicesState::failed_names`].
const MAX_FAILED_NAMES: usize = 50;
/// What systemd says of a number that it does not know (org.freedesktop.systemd1(5)).
const UNKNOWN: u64 = u64::MAX;

/// See the module.
#[derive(Debug, Default)]
pub struct Table {
    units: BTreeMap<String, Unit>,
    /// Names by object path, of those that systemd has in memory.
    paths: HashMap<String, String>,
    revision: u64,
    /// Why nothing is known.
    unavailable: Option<String>,
    cut: bool,
}

#[derive(Debug, Default)]
struct Unit {
    row: ServiceRow,
    /// Where systemd has it in memory; None when there is only a file.
    path: Option<String>,
    file: String,
    /// Active enter, active exit, inactive enter, inactive exit; microseconds since the epoch, 0 for never.
    times: [u64; 4],
    /// All that does not come with the list has been read.
    known: bool,
    /// The number of the last signal about it.
    told: u64,
    /// Time and processor time of the reading before, milliseconds and nanoseconds.
    usage: Option<(i64, u64)>,
}

const TIMES: [&str; 4] = [
    "ActiveEnterTimestamp",
    "ActiveExitTimestamp",
    "InactiveEnterTimestamp",
    "InactiveExitTimestamp",
];

impl Table {
    pub fn new() -> Self {
        Table {
            unavailable: Some("Farol has just started and has not asked systemd yet.".to_owned()),
            ..Default::default()
        }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Nothing is known any more, and why.
    pub fn lose(&mut self, why: String) -> bool {
        if self.unavailable.as_ref() == Some(&why) {
            return false;
        }
        *self = Table {
            unavailable: Some(why),
            revision: self.revision + 1,
            ..Default::default()
        };
        true
    }

    /// The services that systemd has in memory, and the files that there are, as asked for when `since` was current.
    pub fn take_list(&mut self, listed: Vec<Listed>, files: &[(String, String)], since: u64) {
        self.unavailable = None;
        self.revision += 1;
        let mut before = std::mem::take(&mut self.units);
        self.paths.clear();
        self.cut = false;
        for (name, description, load, active, sub, _, path, ..) in listed {
            let mut unit = before.remove(&name).unwrap_or_default();
            if unit.told <= since {
                let state = state_of(&active);
                unit.known &= unit.row.state == state && unit.row.sub == sub && unit.path.is_some();
                (unit.row.state, unit.row.sub) = (state, sub);
            }
            (unit.row.description, unit.row.load) = (description, load);
            unit.path = Some(path.as_str().to_owned());
            self.insert(name, unit);
        }
        for (path, enabled) in files {
            let name = path.rsplit('/').next().unwrap_or_default();
            if is_template(name) {
                continue;
            }
            if !self.units.contains_key(name) {
                let mut unit = before.remove(name).unwrap_or_default();
                match unit.told > since {
                    true => {}
                    false => unit.forget(),
                }
                self.insert(name.to_owned(), unit);
            }
            if let Some(unit) = self.units.get_mut(name) {
                enabled.clone_into(&mut unit.row.enabled);
                path.clone_into(&mut unit.file);
            }
        }
        // What a signal told of after the list was asked for is not in it.
        for (name, unit) in before {
            if unit.told > since && unit.path.is_some() {
                self.insert(name, unit);
            }
        }
    }

    fn insert(&mut self, name: String, mut unit: Unit) {
        if self.units.len() >= MAX_SERVICES {
            self.cut = true;
            return;
        }
        if let Some(path) = &unit.path {
            self.paths.insert(path.clone(), name.clone());
        }
        name.clone_into(&mut unit.row.name);
        self.units.insert(name, unit);
    }

    /// systemd took a unit into memory.
    pub fn appeared(&mut self, name: &str, path: &str) {
        if !name.ends_with(".service") {
            return;
        }
        self.revision += 1;
        let mut unit = self.units.remove(name).unwrap_or_default();
        unit.path = Some(path.to_owned());
        unit.known = false;
        unit.told = self.revision;
        self.insert(name.to_owned(), unit);
    }

    /// systemd let a unit go. If there is a file, it can be started again.
    pub fn removed(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        self.revision += 1;
        unit.told = self.revision;
        if let Some(path) = unit.path.take() {
            self.paths.remove(&path);
        }
        match unit.file.is_empty() {
            true => drop(self.units.remove(name)),
            false => unit.forget(),
        }
    }

    /// Properties of a unit have changed. False when it is no service that is looked at.
    pub fn changed(&mut self, path: &str, props: &Props) -> bool {
        let Some(unit) = self.paths.get(path).and_then(|name| self.units.get_mut(name)) else {
            return false;
        };
        self.revision += 1;
        unit.told = self.revision;
        unit.take(props);
        true
    }

    /// Properties of a service, as asked for when `since` was current.
    pub fn take_facts(&mut self, name: &str, props: &Props, since: u64, t_ms: i64) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        unit.usage(props, t_ms);
        if unit.told > since {
            return;
        }
        let before = unit.row.clone();
        unit.take(props);
        unit.known = true;
        if unit.row != before {
            self.revision += 1;
        }
    }

    /// It cannot be asked about; it will be gone from the next list.
    pub fn give_up(&mut self, name: &str) {
        if let Some(unit) = self.units.get_mut(name) {
            unit.known = true;
        }
    }

    /// Memory, processor time and tasks.
    pub fn take_usage(&mut self, name: &str, props: &Props, t_ms: i64) {
        if let Some(unit) = self.units.get_mut(name) {
            unit.usage(props, t_ms);
        }
    }

    /// Names and paths of those of which not all is known, those that run first.
    pub fn unknown(&self, most: usize) -> Vec<(String, String)> {
        let unknown = |(name, unit): (&String, &Unit)| {
            let path = unit.path.clone().filter(|_| !unit.known)?;
            Some((unit.row.state, name.clone(), path))
        };
        let mut found: Vec<_> = self.units.iter().filter_map(unknown).collect();
        found.sort();
        let found = found.into_iter().take(most);
        found.map(|(_, name, path)| (name, path)).collect()
    }

    /// Names and paths of those that run, after the name `after`, then from the first one on again.
    pub fn running(&self, after: &str, most: usize) -> Vec<(String, String)> {
        let running = |(name, unit): (&String, &Unit)| {
            let runs = !matches!(unit.row.state, ServiceState::Inactive | ServiceState::Failed);
            Some((name.clone(), unit.path.clone().filter(|_| runs)?))
        };
        let later = self
            .units
            .range::<str, _>((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        let first = self
            .units
            .range::<str, _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(after)));
        later.chain(first).filter_map(running).take(most).collect()
    }

    pub fn path(&self, name: &str) -> Option<String> {
        self.units.get(name)?.path.clone()
    }

    /// The row of a service and the file it is made from.
    pub fn one(&self, name: &str) -> Option<(ServiceRow, String)> {
        let unit = self.units.get(name)?;
        Some((unit.row.clone(), unit.file.clone()))
    }

    /// How all of them stand.
    pub fn state(&self, t_ms: i64) -> ServicesState {
        let count = |state: ServiceState| {
            let of = self.units.values().filter(|unit| unit.row.state == state).count();
            u32::try_from(of).unwrap_or(u32::MAX)
        };
        let failed = self
            .units
            .values()
            .filter(|unit| unit.row.state == ServiceState::Failed);
        ServicesState {
            t_ms,
            revision: self.revision,
            unavailable: self.unavailable.clone(),
            total: u32::try_from(self.units.len()).unwrap_or(u32::MAX),
            active: count(ServiceState::Active),
            failed: count(ServiceState::Failed),
            failed_names: failed
                .take(MAX_FAILED_NAMES)
                .map(|unit| unit.row.name.clone())
                .collect(),
            cut: self.cut,
        }
    }

    /// Keeps what matches, sorts, cuts.
    pub fn page(&self, query: &ServiceQuery, t_ms: i64) -> ServicePage {
        let text = query.text.trim().to_lowercase();
        let rows = self.units.values().map(|unit| &unit.row);
        let mut rows: Vec<&ServiceRow> = rows.filter(|row| matches(row, &text)).collect();
        rows.sort_by(|a, b| {
            let order = compare(a, b, query.sort);
            let order = if query.descending { order.reverse() } else { order };
            order.then_with(|| a.name.cmp(&b.name))
        });
        let limit = query.limit.min(MAX_SERVICE_ROWS) as usize;
        ServicePage {
            state: self.state(t_ms),
            matching: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            rows: rows
                .into_iter()
                .skip(query.offset as usize)
                .take(limit)
                .cloned()
                .collect(),
        }
    }
}

impl Unit {
    /// systemd has it no more in memory: nothing runs.
    fn forget(&mut self) {
        let row = &mut self.row;
        (row.state, row.sub) = (ServiceState::Inactive, "dead".to_owned());
        (row.since_ms, row.pid) = (None, None);
        (row.memory_bytes, row.cpu_percent, row.cpu_ns, row.tasks) = (None, None, None, None);
        self.path = None;
        self.usage = None;
    }

    fn take(&mut self, props: &Props) {
        let row = &mut self.row;
        let set = |name: &str, to: &mut String| {
            if let Some(text) = text(props, name) {
                text.clone_into(to);
            }
        };
        set("Description", &mut row.description);
        set("LoadState", &mut row.load);
        set("SubState", &mut row.sub);
        set("Result", &mut row.result);
        if row.enabled.is_empty() {
            set("UnitFileState", &mut row.enabled);
        }
        if let Some(state) = text(props, "ActiveState") {
            row.state = state_of(state);
        }
        if let Some(pid) = number(props, "MainPID") {
            row.pid = u32::try_from(pid).ok().filter(|pid| *pid != 0);
        }
        if let Some(status) = props
            .get("ExecMainStatus")
            .and_then(|value| i32::try_from(value).ok())
        {
            row.exit_status = Some(status);
        }
        for (time, name) in self.times.iter_mut().zip(TIMES) {
            *time = number(props, name).unwrap_or(*time);
        }
        let [active_enter, active_exit, inactive_enter, inactive_exit] = self.times;
        // As systemctl(1) says it.
        let since = match row.state {
            ServiceState::Active | ServiceState::Reloading => active_enter,
            ServiceState::Starting => inactive_exit,
            ServiceState::Stopping => active_exit,
            _ => inactive_enter,
        };
        row.since_ms = i64::try_from(since / 1000).ok().filter(|ms| *ms != 0);
        if row.state == ServiceState::Inactive || row.state == ServiceState::Failed {
            (row.memory_bytes, row.cpu_percent, row.tasks) = (None, None, None);
        }
    }

    fn usage(&mut self, props: &Props, t_ms: i64) {
        let known = |name: &str| number(props, name).filter(|number| *number != UNKNOWN);
        let row = &mut self.row;
        row.memory_bytes = known("MemoryCurrent");
        row.tasks = known("TasksCurrent");
        row.cpu_ns = known("CPUUsageNSec");
        let Some(now) = row.cpu_ns else {
            (self.usage, row.cpu_percent) = (None, None);
            return;
        };
        match self.usage {
            // Two looks that are close together say little, and leave the base as it is.
            Some((at_ms, _)) if t_ms - at_ms < 900 => {}
            Some((at_ms, before)) => {
                let elapsed_ns = (t_ms - at_ms) as f64 * 1e6;
                row.cpu_percent = Some(now.saturating_sub(before) as f64 / elapsed_ns * 100.0);
                self.usage = Some((t_ms, now));
            }
            None => self.usage = Some((t_ms, now)),
        }
    }
}

fn state_of(word: &str) -> ServiceState {
    ServiceState::parse(word).unwrap_or_default()
}

fn text<'a>(props: &'a Props, name: &str) -> Option<&'a str> {
    props.get(name).and_then(|value| <&str>::try_from(value).ok())
}

fn number(props: &Props, name: &str) -> Option<u64> {
    let value: &OwnedValue = props.get(name)?;
    match &**value {
        Value::U64(number) => Some(*number),
        Value::U32(number) => Some((*number).into()),
        _ => None,
    }
}

/// Whether a row has the text, given in lower case.
fn matches(row: &ServiceRow, text: &str) -> bool {
    text.is_empty()
        || [&row.name, &row.description, &row.sub, &row.enabled]
            .into_iter()
            .any(|field| field.to_lowercase().contains(text))
        || row.state.as_str().contains(text)
}

fn compare(a: &ServiceRow, b: &ServiceRow, sort: ServiceSort) -> Ordering {
    match sort {
        ServiceSort::State => a.state.cmp(&b.state),
        ServiceSort::Name => a.name.cmp(&b.name),
        ServiceSort::Description => a.description.cmp(&b.description),
        ServiceSort::Enabled => a.enabled.cmp(&b.enabled),
        ServiceSort::Since => a.since_ms.cmp(&b.since_ms),
        ServiceSort::Pid => a.pid.cmp(&b.pid),
        ServiceSort::Memory => a.memory_bytes.cmp(&b.memory_bytes),
        ServiceSort::Cpu => a
            .cpu_percent
            .unwrap_or(-1.0)
            .total_cmp(&b.cpu_percent.unwrap_or(-1.0)),
        ServiceSort::Tasks => a.tasks.cmp(&b.tasks),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;

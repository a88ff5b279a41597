//! What processes use together, by a name that they share. A bounded number of names is told: those that are told stay until
//! they have been gone for a minute, free places go to those that use most memory, and the others are counted.

use super::{Reading, metric::Metric};
use std::collections::HashMap;

/// Readings from one choice to the next: a program that runs for a moment is not worth a series.
const CHOOSE_EVERY: u32 = 10;
/// Readings after which one that is gone loses its place.
const GONE_AFTER: u32 = 60;
/// Names that are known; above it those that are gone are forgotten at once.
const MAX_KNOWN: usize = 10_000;

/// What one process uses.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu_percent: f64,
    pub memory_bytes: u64,
    pub threads: u32,
    /// Page faults per second, and those that had to wait for a disk. None where it is not known.
    pub faults: Option<(f64, f64)>,
    /// Bytes read and written per second. None where it is not known.
    pub traffic: Option<(f64, f64)>,
}

#[derive(Debug, Default)]
struct Sum {
    name: String,
    /// Its turn among those that are told.
    is_told: bool,
    /// Readings since it was last there.
    gone: u32,
    processes: u32,
    threads: u64,
    cpu_percent: f64,
    memory_bytes: u64,
    faults: Option<(f64, f64)>,
    traffic: Option<(f64, f64)>,
}

/// See the module.
#[derive(Debug)]
pub struct Tally {
    /// Most that are told.
    most: usize,
    sums: Vec<Sum>,
    places: HashMap<String, usize>,
    /// Places of those that are told, in the order in which they came.
    told: Vec<usize>,
    left_out: usize,
    readings: u32,
}

impl Tally {
    pub fn new(most: usize) -> Self {
        Tally {
            most,
            sums: Vec::new(),
            places: HashMap::new(),
            told: Vec::new(),
            left_out: 0,
            readings: 0,
        }
    }

    /// The place of a name. It is good as long as some process of the name is added at each reading.
    pub fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let unused = match self.sums.len() >= MAX_KNOWN {
            true => self.sums.iter().position(|sum| sum.gone > 1 && !sum.is_told),
            false => None,
        };
        let sum = Sum {
            name: name.to_owned(),
            ..Default::default()
        };
        let place = match unused {
            Some(place) => {
                let old = std::mem::replace(&mut self.sums[place], sum);
                self.places.remove(&old.name);
                place
            }
            None => {
                self.sums.push(sum);
                self.sums.len() - 1
            }
        };
        self.places.insert(name.to_owned(), place);
        place
    }

    /// Begins a reading.
    pub fn begin(&mut self) {
        for sum in &mut self.sums {
            sum.gone = sum.gone.saturating_add(1);
            (sum.processes, sum.threads, sum.cpu_percent, sum.memory_bytes) = (0, 0, 0.0, 0);
            (sum.faults, sum.traffic) = (None, None);
        }
    }

    /// Adds what a process uses.
    pub fn add(&mut self, place: usize, usage: &Usage) {
        let Some(sum) = self.sums.get_mut(place) else {
            return;
        };
        sum.gone = 0;
        sum.processes += 1;
        sum.threads += u64::from(usage.threads);
        sum.cpu_percent += usage.cpu_percent;
        sum.memory_bytes = sum.memory_bytes.saturating_add(usage.memory_bytes);
        for (sum, more) in [(&mut sum.faults, usage.faults), (&mut sum.traffic, usage.traffic)] {
            if let Some((first, second)) = more {
                let (before_first, before_second) = sum.unwrap_or_default();
                *sum = Some((before_first + first, before_second + second));
            }
        }
    }

    /// Ends a reading: now and then, who is told is chosen anew.
    pub fn end(&mut self) {
        if self.readings.is_multiple_of(CHOOSE_EVERY) {
            let sums = &mut self.sums;
            self.told.retain(|place| {
                sums[*place].is_told = sums[*place].gone < GONE_AFTER;
                sums[*place].is_told
            });
            let mut new: Vec<usize> = (0..sums.len())
                .filter(|at| !sums[*at].is_told && sums[*at].gone == 0)
                .collect();
            new.sort_by(|a, b| {
                (sums[*b].memory_bytes, &sums[*a].name).cmp(&(sums[*a].memory_bytes, &sums[*b].name))
            });
            let places = self.most.saturating_sub(self.told.len());
            self.left_out = new.len().saturating_sub(places);
            for place in new.into_iter().take(places) {
                sums[place].is_told = true;
                self.told.push(place);
            }
        }
        self.readings = self.readings.wrapping_add(1);
    }

    /// Says them: processor, memory, processes, threads, faults, major faults, bytes read and bytes written of each, and how many
    /// are left out.
    pub fn say(
        &self,
        metrics: &'static [&'static Metric; 8],
        left_out: &'static Metric,
        reading: &mut Reading,
    ) {
        let [cpu, memory, processes, threads, faults, major, read, written] = *metrics;
        for sum in self.told.iter().filter_map(|place| self.sums.get(*place)) {
            let label = [sum.name.as_str()];
            // What is gone uses nothing that could be told; that there are none of it is a number.
            let there = sum.processes > 0;
            let of = |value: f64| if there { value } else { f64::NAN };
            let traffic = sum.traffic.unwrap_or((f64::NAN, f64::NAN));
            reading.value(cpu, &label, of(sum.cpu_percent));
            reading.value(memory, &label, of(sum.memory_bytes as f64));
            reading.value(processes, &label, f64::from(sum.processes));
            reading.value(threads, &label, of(sum.threads as f64));
            let fault_rates = sum.faults.unwrap_or((f64::NAN, f64::NAN));
            reading.value(faults, &label, fault_rates.0);
            reading.value(major, &label, fault_rates.1);
            reading.value(read, &label, traffic.0);
            reading.value(written, &label, traffic.1);
        }
        reading.value(left_out, &[], self.left_out as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage {
        cpu_percent: 10.0,
        memory_bytes: 100,
        threads: 2,
        faults: None,
        traffic: None,
    };

    fn told(tally: &Tally) -> Vec<&str> {
        tally
            .told
            .iter()
            .map(|place| tally.sums[*place].name.as_str())
            .collect()
    }

    fn reading(tally: &mut Tally, names: &[(&str, u64)]) {
        tally.begin();
        for (name, memory_bytes) in names {
            let place = tally.place(name);
            tally.add(
                place,
                &Usage {
                    memory_bytes: *memory_bytes,
                    ..USAGE
                },
            );
        }
        tally.end();
    }

    #[test]
    fn what_processes_use_is_summed_up_by_name() {
        let mut tally = Tally::new(5);
        tally.begin();
        for traffic in [None, Some((1.0, 2.0)), Some((3.0, 4.0))] {
            let place = tally.place("a");
            tally.add(place, &Usage { traffic, ..USAGE });
        }
        let sum = &tally.sums[0];
        assert_eq!(
            (sum.processes, sum.threads, sum.cpu_percent, sum.memory_bytes),
            (3, 6, 30.0, 300)
        );
        assert_eq!(sum.traffic, Some((4.0, 6.0)));
    }

    #[test]
    fn the_largest_are_told_they_stay_and_the_others_are_counted() {
        let mut tally = Tally::new(2);
        reading(&mut tally, &[("small", 1), ("large", 9), ("middle", 5)]);
        assert_eq!((told(&tally), tally.left_out), (vec!["large", "middle"], 1));
        for _ in 0..CHOOSE_EVERY {
            reading(&mut tally, &[("small", 99), ("large", 9), ("middle", 5)]);
        }
        assert_eq!(told(&tally), ["large", "middle"], "a place is not taken away");
        for _ in 0..=GONE_AFTER + CHOOSE_EVERY {
            reading(&mut tally, &[("small", 99), ("large", 9)]);
        }
        assert_eq!((told(&tally), tally.left_out), (vec!["large", "small"], 0));
    }

    #[test]
    fn names_that_come_and_go_do_not_pile_up() {
        let mut tally = Tally::new(2);
        for number in 0..MAX_KNOWN + 500 {
            reading(&mut tally, &[(&format!("p{number}"), 1)]);
        }
        assert!(tally.sums.len() <= MAX_KNOWN + 2 && tally.places.len() == tally.sums.len());
    }
}

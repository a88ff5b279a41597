//! Pressure stall information: the share of time in which tasks had to wait for processor, memory or disk
//! (Documentation/accounting/psi.rst). `some` is at least one task, `full` all of them at once.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, decimal, lines, number},
    metric::{Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

const RESOURCES: [(&str, &str); 4] = [
    ("cpu", "/proc/pressure/cpu"),
    ("memory", "/proc/pressure/memory"),
    ("io", "/proc/pressure/io"),
    ("irq", "/proc/pressure/irq"),
];

metrics! {
    STALLED = rate("pressure_stalled_percent", Unit::Percent, "Stalled", "{} {1}", "Share of the last interval in which {1} tasks waited for {}.").labels(&["resource", "kind"]).scale(1e-4);
    AVG10 = gauge("pressure_10s_percent", Unit::Percent, "Stalled, mean of 10 s", "{} {1}", "Share of time in which {1} tasks waited for {}, as the kernel smooths it over 10 s.").labels(&["resource", "kind"]);
    AVG60 = gauge("pressure_60s_percent", Unit::Percent, "Stalled, mean of 60 s", "{} {1}", "Share of time in which {1} tasks waited for {}, as the kernel smooths it over 60 s.").labels(&["resource", "kind"]);
    AVG300 = gauge("pressure_300s_percent", Unit::Percent, "Stalled, mean of 5 min", "{} {1}", "Share of time in which {1} tasks waited for {}, as the kernel smooths it over 300 s.").labels(&["resource", "kind"]);
}

/// See the module.
pub struct Pressure {
    files: [(&'static str, KernelFile); 4],
    buffer: Buffer,
}

impl Default for Pressure {
    fn default() -> Self {
        Pressure {
            files: RESOURCES.map(|(resource, path)| (resource, KernelFile::new(path))),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Pressure {
    fn name(&self) -> &'static str {
        "pressure"
    }

    fn title(&self) -> &'static str {
        "Pressure"
    }

    fn source(&self) -> &'static str {
        "`/proc/pressure/*` (Documentation/accounting/psi.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let mut found = false;
        for (resource, file) in &mut self.files {
            // What this kernel does not tell of has no series.
            if let Ok(text) = file.read_record(&mut self.buffer) {
                said(text, resource, reading);
                found = true;
            }
        }
        if found {
            return Ok(());
        }
        Err(CollectError::Unavailable(
            "This kernel tells no pressure: it has no /proc/pressure, or was booted with psi=0.".into(),
        ))
    }
}

/// What a file says.
pub fn said(text: &[u8], resource: &str, reading: &mut Reading) {
    for line in lines(text) {
        let mut words = Words(line);
        let Some(kind) = words.text() else {
            continue;
        };
        // Of the processor as a whole `full` has no meaning, says the kernel, and is always zero.
        if (resource, kind) == ("cpu", "full") {
            continue;
        }
        for word in words {
            let Some((name, value)) = cut(word, b'=') else {
                continue;
            };
            let metric = match name {
                b"avg10" => &AVG10,
                b"avg60" => &AVG60,
                b"avg300" => &AVG300,
                b"total" => {
                    reading.count(&STALLED, &[resource, kind], number(value));
                    continue;
                }
                _ => continue,
            };
            reading.value(metric, &[resource, kind], decimal(value).unwrap_or(f64::NAN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn stall_time_becomes_a_share_and_the_processor_has_no_full() {
        let reading = between(
            b"some avg10=1.50 avg60=0.00 avg300=0.00 total=1000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            b"some avg10=2.50 avg60=x avg300=0.00 total=1250000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\nodd\n",
            |text, reading| said(text, "cpu", reading),
        );
        assert_eq!(reading.value_of("pressure_stalled_percent"), Some(25.0));
        assert_eq!(reading.value_of("pressure_10s_percent"), Some(2.5));
        assert!(reading.value_of("pressure_60s_percent").unwrap().is_nan());
        assert_eq!(reading.schema().len(), 4);
    }
}

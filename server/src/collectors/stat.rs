//! Lines of `/proc/stat` (proc_stat(5)) that two collectors read: what each core did with its time.

use super::kernel::{Words, lines};

/// Modes in the order of the file. The last two are contained in the first two.
pub const MODES: [&str; 10] = [
    "user",
    "nice",
    "system",
    "idle",
    "iowait",
    "irq",
    "softirq",
    "steal",
    "guest",
    "guest_nice",
];
const IDLE: usize = 3;
const IOWAIT: usize = 4;
/// How many of the modes make up the whole time.
const WHOLE: usize = 8;
/// Cores that are told; a larger machine is told as a whole and by its first ones.
pub const MAX_CORES: usize = 128;

/// Time of a core since boot, by mode.
type Times = [Option<u64>; MODES.len()];

/// What one core, or all together, did since the reading before.
#[derive(Debug)]
pub struct Core {
    /// Its number; empty for all together.
    pub name: String,
    last: Times,
    /// Percent of the time by mode. NaN where it cannot be known.
    pub shares: [f64; MODES.len()],
}

/// All cores, the sum first.
#[derive(Debug, Default)]
pub struct Cores(Vec<Core>);

impl Core {
    /// Percent of the time that it was busy.
    pub fn busy(&self) -> f64 {
        let idle = self.shares[IDLE]
            + if self.shares[IOWAIT].is_nan() {
                0.0
            } else {
                self.shares[IOWAIT]
            };
        (100.0 - idle).clamp(0.0, 100.0)
    }

    fn take(&mut self, times: Times) {
        let before = std::mem::replace(&mut self.last, times);
        // iowait may shrink, proc_stat(5) says; then nothing is known of it.
        let grown = |mode: usize| times[mode]?.checked_sub(before[mode]?);
        let whole: u64 = (0..WHOLE).filter_map(grown).fold(0, u64::saturating_add);
        for (mode, share) in self.shares.iter_mut().enumerate() {
            *share = match grown(mode) {
                Some(grown) if whole > 0 => (100.0 * grown as f64 / whole as f64).min(100.0),
                _ => f64::NAN,
            };
        }
    }
}

impl Cores {
    /// Takes what the file says now. Cores that it does not name any more are forgotten.
    pub fn read(&mut self, stat: &[u8]) -> &[Core] {
        let mut at = 0;
        for line in lines(stat) {
            let Some(name) = line.strip_prefix(b"cpu") else {
                break;
            };
            let mut words = Words(name);
            // `cpu` itself is all together.
            let name = if name.first().is_some_and(u8::is_ascii_digit) {
                words.text()
            } else {
                Some("")
            };
            let Some(name) = name.filter(|_| at <= MAX_CORES) else {
                continue;
            };
            let times = std::array::from_fn(|_| words.number());
            if self.0.get(at).is_none_or(|core| core.name != name) {
                self.0.truncate(at);
                self.0.push(Core {
                    name: name.to_owned(),
                    last: [None; MODES.len()],
                    shares: [f64::NAN; MODES.len()],
                });
            }
            self.0[at].take(times);
            at += 1;
        }
        self.0.truncate(at);
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_time_that_passed_and_need_two_readings() {
        let mut cores = Cores::default();
        let first = cores.read(b"cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr 5\n");
        assert!(first.len() == 2 && first[0].busy().is_nan());
        let second = cores.read(b"cpu  30 0 20 40 10 0 0 0 5 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n");
        assert_eq!(second[0].shares[..5], [30.0, 0.0, 20.0, 40.0, 10.0]);
        assert_eq!((second[0].busy(), second[0].shares[8]), (50.0, 5.0));
        assert!(second[1].shares[0].is_nan(), "no time has passed on it");
    }

    #[test]
    fn a_mode_that_shrank_or_is_missing_is_not_known_and_the_others_are() {
        let mut cores = Cores::default();
        cores.read(b"cpu 10 0 0 0 50\n");
        let core = &cores.read(b"cpu 20 0 0 10 40\n")[0];
        assert_eq!((core.shares[0], core.shares[3], core.busy()), (50.0, 50.0, 50.0));
        assert!(core.shares[4].is_nan() && core.shares[7].is_nan());
    }

    #[test]
    fn a_core_that_goes_and_comes_starts_anew() {
        let mut cores = Cores::default();
        cores.read(b"cpu 1 0 0 0\ncpu0 1 0 0 0\ncpu1 1 0 0 0\n");
        let left = cores.read(b"cpu 2 0 0 0\ncpu1 2 0 0 0\n");
        assert_eq!((left.len(), left[1].name.as_str()), (2, "1"));
        assert!(left[1].shares[0].is_nan());
        assert!(cores.read(b"").is_empty());
        assert!(cores.read(b"cpu\n\xff\ncpux 1\n").len() <= 2);
    }
}

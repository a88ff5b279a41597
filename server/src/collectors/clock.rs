//! The clock: whether something keeps it right and how far off it is (adjtimex(2)). What keeps it right is not known here.

use super::{
    CollectError, Collector, Place, Reading,
    metric::{Metric, gauge, metrics},
};
use farol_model::metric::Unit;

metrics! {
    SYNCED = gauge("clock_synchronised", Unit::None, "Clock", "synchronised", "1 when a program keeps the clock right, 0 when none does or it has given up.");
    OFFSET = gauge("clock_offset_seconds", Unit::Seconds, "Clock offset", "offset", "How far the clock is off, as the program that keeps it last told the kernel. Negative when it is ahead.");
    ESTIMATED = gauge("clock_estimated_error_seconds", Unit::Seconds, "Clock error", "estimated", "Error of the clock as that program estimates it.");
    MAXIMUM = gauge("clock_maximum_error_seconds", Unit::Seconds, "Clock error, at most", "at most", "Error of the clock at most; grows while nobody keeps it.");
    FREQUENCY = gauge("clock_frequency_adjustment_ppm", Unit::None, "Clock speed", "adjustment", "By how many millionths the clock is made to run faster, or slower when negative.");
    STATE = gauge("clock_state", Unit::None, "Clock state", "state", "0 when all is well, 1 to 4 around a leap second, 5 when the clock is not synchronised.");
    TAI = gauge("clock_tai_offset_seconds", Unit::Seconds, "Leap seconds", "TAI", "Atomic time less UTC; 0 when nobody told the kernel.");
}

/// See the module.
pub struct Clock;

impl Collector for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn title(&self) -> &'static str {
        "Clock"
    }

    fn source(&self) -> &'static str {
        "adjtimex(2)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let (told, state) = kernel_clock().map_err(|error| match error.raw_os_error() {
            // A sandbox may forbid the call.
            Some(libc::EPERM | libc::ENOSYS) => {
                CollectError::Unavailable(format!("The kernel does not tell of its clock: {error}."))
            }
            _ => CollectError::Failed(format!("The kernel does not tell of its clock: {error}")),
        })?;
        let fraction = if told.status & libc::STA_NANO != 0 {
            1e-9
        } else {
            1e-6
        };
        reading.value(
            &SYNCED,
            &[],
            f64::from(u8::from(told.status & libc::STA_UNSYNC == 0)),
        );
        reading.value(&OFFSET, &[], told.offset as f64 * fraction);
        reading.value(&ESTIMATED, &[], told.esterror as f64 * 1e-6);
        reading.value(&MAXIMUM, &[], told.maxerror as f64 * 1e-6);
        reading.value(&FREQUENCY, &[], told.freq as f64 / 65_536.0);
        reading.value(&STATE, &[], f64::from(state));
        reading.value(&TAI, &[], f64::from(told.tai));
        Ok(())
    }
}

/// Asks, and changes nothing: `modes` is 0.
#[allow(
    unsafe_code,
    reason = "no crate that is kept well has this call; it fills a struct that we give it and keeps nothing"
)]
fn kernel_clock() -> std::io::Result<(libc::timex, i32)> {
    // SAFETY: all zeroes is a value of this struct of numbers, and the call writes to nothing else.
    let (state, told) = unsafe {
        let mut told: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut told), told)
    };
    match state {
        -1 => Err(std::io::Error::last_os_error()),
        state => Ok((told, state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_told_and_left_as_it_is() {
        let mut reading = Reading::default();
        reading.begin(std::time::Instant::now());
        match Clock.collect(&mut reading) {
            Ok(()) => reading.end(),
            Err(CollectError::Unavailable(_)) => return,
            Err(error) => panic!("{error}"),
        }
        assert!(reading.value_of("clock_maximum_error_seconds").unwrap() >= 0.0);
        let synchronised = reading.value_of("clock_synchronised").unwrap();
        assert!(synchronised == 0.0 || synchronised == 1.0);
    }
}

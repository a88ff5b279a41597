//! From when until when a certificate holds (RFC 5280 section 4.1.2.5). Nothing else of it is looked at: the libraries that
//! do check certificates do not say these two times.

use ::time::{Date, Month};

/// Both ends, seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from_secs: i64,
    pub until_secs: i64,
}

/// Tags of DER that are met on the way (X.690).
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl Validity {
    /// Of a certificate in DER; None when it is none.
    pub fn of(certificate: &[u8]) -> Option<Validity> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut fields, _) = element(certificate)?;
        if fields.first() == Some(&VERSION) {
            fields = element(fields)?.2;
        }
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            fields = element(fields)?.2;
        }
        let (_, validity, _) = element(fields)?;
        let (from_kind, from, rest) = element(validity)?;
        let (until_kind, until, _) = element(rest)?;
        Some(Validity {
            from_secs: seconds(from_kind, from)?,
            until_secs: seconds(until_kind, until)?,
        })
    }

    pub fn expires_in_secs(&self, now_secs: i64) -> i64 {
        self.until_secs - now_secs
    }
}

/// The first element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (size, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let size = bytes.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
            (size, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(size)?;
    Some((tag, content, rest))
}

/// `YYMMDDhhmmssZ`, where years from 50 on are of the last century, or `YYYYMMDDhhmmssZ`.
fn seconds(kind: u8, text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (year + if year < 50 { 2000 } else { 1900 }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let field = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let month = Month::try_from(field(0)?).ok()?;
    let date = Date::from_calendar_date(year, month, field(2)?).ok()?;
    let moment = date.with_hms(field(4)?, field(6)?, field(8)?).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(from: &str, until: &str) -> Vec<u8> {
        use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = OffsetDateTime::parse(from, &Rfc3339).unwrap();
        params.not_after = OffsetDateTime::parse(until, &Rfc3339).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        let der = made("2026-02-28T23:59:59Z", "2051-01-01T00:00:00Z");
        let validity = Validity::of(&der).unwrap();
        assert_eq!(validity.from_secs, 1_772_323_199);
        assert_eq!(validity.until_secs, 2_556_144_000);
        assert_eq!(validity.expires_in_secs(2_556_143_990), 10);
        assert_eq!(seconds(UTC_TIME, b"991231235959Z"), Some(946_684_799));
    }

    #[test]
    fn what_is_no_certificate_has_no_validity_and_nothing_panics() {
        let der = made("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        for size in 0..der.len() {
            let _ = Validity::of(&der[..size]);
            let mut odd = der.clone();
            odd[size] ^= 0xff;
            let _ = Validity::of(&odd);
        }
        assert_eq!(Validity::of(b""), None);
        assert_eq!(Validity::of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        for odd in [
            "2613010000000Z",
            "261301000000Z",
            "26010100000Z",
            "26010100000aZ",
            "260101000000",
        ] {
            assert_eq!(seconds(UTC_TIME, odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(seconds(0x04, b"260101000000Z"), None);
    }
}

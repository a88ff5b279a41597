//! Records in a file that only grows: a mark, a length, a check sum, the payload. A record that is torn or has a wrong byte is
//! passed over, and reading goes on at the next mark: it costs itself only.

/// Begins every record. Bytes that look like it inside a payload do no harm: the check sum would have to fit as well.
const MARK: [u8; 4] = [0xF5, b'R', b'E', b'C'];
/// Bytes before the payload.
pub const HEAD_BYTES: usize = 12;
/// Bytes of one payload at most: a length above is a wrong byte.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// Appends a record whose payload `write` adds.
pub fn put_record(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[0; 8]);
    write(out);
    let payload = &out[at + HEAD_BYTES..];
    let (length, sum) = (payload.len() as u32, crc32fast::hash(payload));
    out[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
    out[at + 8..at + HEAD_BYTES].copy_from_slice(&sum.to_le_bytes());
}

/// How long the payload is that a head announces; None when it is no head.
pub fn payload_len(head: &[u8; HEAD_BYTES]) -> Option<usize> {
    let length = word(head, 4)? as usize;
    (head[..4] == MARK && length <= MAX_PAYLOAD).then_some(length)
}

fn word(head: &[u8; HEAD_BYTES], from: usize) -> Option<u32> {
    head[from..from + 4].try_into().map(u32::from_le_bytes).ok()
}

/// The payloads of a file in order, and what was passed over.
#[derive(Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Stretches between records that were none.
    pub broken: u32,
    /// The file ends with something that is no record, as a write that was cut short leaves it.
    pub torn: bool,
    /// Where the last whole record ended.
    pub good_until: usize,
}

impl<'a> Records<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Records {
            bytes,
            at: 0,
            broken: 0,
            torn: false,
            good_until: 0,
        }
    }

    fn whole_at(&self, at: usize) -> Option<&'a [u8]> {
        let head = self.bytes.get(at..)?.first_chunk::<HEAD_BYTES>()?;
        let length = payload_len(head)?;
        let payload = self.bytes.get(at + HEAD_BYTES..at + HEAD_BYTES + length)?;
        (word(head, 8)? == crc32fast::hash(payload)).then_some(payload)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let from = self.at;
        while self.at < self.bytes.len() {
            if let Some(payload) = self.whole_at(self.at) {
                self.broken += u32::from(self.at > from);
                self.at += HEAD_BYTES + payload.len();
                self.good_until = self.at;
                return Some(payload);
            }
            let rest = &self.bytes[self.at + 1..];
            self.at += 1 + rest
                .windows(MARK.len())
                .position(|four| four == MARK)
                .unwrap_or(rest.len());
        }
        self.torn |= self.at > from;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_byte_costs_the_record_that_it_is_in_and_a_torn_end_only_itself() {
        let mut bytes = Vec::new();
        let payloads: Vec<Vec<u8>> = (0..5_u8).map(|n| vec![n; 3 + usize::from(n) * 7]).collect();
        for payload in &payloads {
            put_record(&mut bytes, |out| out.extend_from_slice(payload));
        }
        let all: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        assert_eq!(Records::new(&bytes).collect::<Vec<_>>(), all);
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x10;
            let mut records = Records::new(&wrong);
            let left: Vec<&[u8]> = records.by_ref().collect();
            let told = records.broken + u32::from(records.torn);
            assert_eq!((left.len(), told), (4, 1), "byte {at}");
            assert!(left.iter().all(|payload| all.contains(payload)));
            let mut torn = Records::new(&bytes[..at]);
            let left: Vec<&[u8]> = torn.by_ref().collect();
            assert_eq!(left, all[..left.len()], "torn at {at}");
            assert_eq!((torn.broken, torn.torn), (0, torn.good_until != at));
        }
    }
}

//! Files of the kernel, kept open and read again from their beginning into a buffer that is used again, and a parser of
//! their words that makes nothing. It takes any bytes: what is no number is None, and a number too large is none either.

use std::{
    fs::File,
    io::{Error, ErrorKind, Result},
    os::unix::fs::FileExt,
};

/// What a file may have; more is an error.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// A file of one record that gives less than this in one go has nothing more.
const SHORT_BYTES: usize = 2048;

/// Where a file is read into.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

/// A file by its path.
#[derive(Debug)]
pub struct KernelFile {
    path: std::borrow::Cow<'static, str>,
    /// Open since the last reading that went well.
    file: Option<File>,
    /// Whether it stays open.
    kept: bool,
}

/// Open files from which on many may be kept open; a service of systemd has 1024 as a rule.
const PLENTY_OF_FILES: u64 = 4096;

/// Whether this process may have so many files open that one can be kept for each of many things.
pub fn may_keep_many() -> bool {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.is_none_or(|files| files >= PLENTY_OF_FILES)
}

impl KernelFile {
    pub const fn new(path: &'static str) -> Self {
        KernelFile {
            path: std::borrow::Cow::Borrowed(path),
            file: None,
            kept: true,
        }
    }

    pub fn at(path: String) -> Self {
        KernelFile {
            path: path.into(),
            file: None,
            kept: true,
        }
    }

    /// The same file, which is closed after each reading when `kept` is false.
    pub fn kept(self, kept: bool) -> Self {
        KernelFile { kept, ..self }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole file as it is now. After an error it is opened anew.
    pub fn read<'a>(&mut self, buffer: &'a mut Buffer) -> Result<&'a [u8]> {
        self.read_to(buffer, 0)
    }

    /// The same for a file that the kernel writes in one go, which is known to be whole without asking again.
    pub fn read_record<'a>(&mut self, buffer: &'a mut Buffer) -> Result<&'a [u8]> {
        self.read_to(buffer, SHORT_BYTES)
    }

    fn read_to<'a>(&mut self, buffer: &'a mut Buffer, short_bytes: usize) -> Result<&'a [u8]> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&*self.path)?,
        };
        let length = buffer.fill(&file, short_bytes)?;
        self.file = self.kept.then_some(file);
        Ok(&buffer.0[..length])
    }

    /// The one number that the file holds.
    pub fn number(&mut self, buffer: &mut Buffer) -> Option<u64> {
        Words(self.read_record(buffer).ok()?).number()
    }

    /// The one number that the file holds, which may be negative.
    pub fn signed(&mut self, buffer: &mut Buffer) -> Option<i64> {
        Words(self.read_record(buffer).ok()?).signed()
    }
}

impl Buffer {
    /// What was read last, of this length.
    pub fn text(&self, length: usize) -> &[u8] {
        &self.0[..length.min(self.0.len())]
    }

    fn fill(&mut self, file: &File, short_bytes: usize) -> Result<usize> {
        if self.0.is_empty() {
            self.0.resize(4096, 0);
        }
        let mut length = 0;
        loop {
            if length == self.0.len() {
                if length >= MAX_BYTES {
                    return Err(Error::new(ErrorKind::InvalidData, "it is longer than 8 MiB"));
                }
                self.0.resize(2 * length, 0);
            }
            let got = match file.read_at(&mut self.0[length..], length as u64) {
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let first = length == 0;
            length += got;
            if got == 0 || (first && got < short_bytes) {
                return Ok(length);
            }
        }
    }
}

/// The lines that are not empty.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// Words of a line, parted by white space.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a>(pub &'a [u8]);

impl<'a> Words<'a> {
    /// The next one, if it is a number.
    pub fn number(&mut self) -> Option<u64> {
        number(self.next()?)
    }

    /// The next one, if it is a number that may be negative.
    pub fn signed(&mut self) -> Option<i64> {
        let word = self.next()?;
        match word.strip_prefix(b"-") {
            Some(digits) => 0_i64.checked_sub_unsigned(number(digits)?),
            None => i64::try_from(number(word)?).ok(),
        }
    }

    /// The next one, if it is text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.next()?).ok()
    }

    /// What is left, without the white space around it.
    pub fn rest(&self) -> &'a [u8] {
        self.0.trim_ascii()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let from = self.0.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = &self.0[from..];
        let end = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        self.0 = &rest[end..];
        Some(&rest[..end])
    }
}

/// A number of digits alone that fits.
pub fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A hexadecimal number that fits.
pub fn hexadecimal(word: &[u8]) -> Option<u64> {
    match word.first() {
        Some(b'+') | None => None,
        Some(_) => u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok(),
    }
}

/// A number with a fraction that is finite.
pub fn decimal(word: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// What stands before and after the first `at`.
pub fn cut(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn numbers_are_digits_that_fit_and_nothing_else() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for odd in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"1.5",
            b"x",
            b"1x",
            b"\xff",
            b"+1",
        ] {
            assert_eq!(number(odd), None, "{odd:?}");
        }
        assert_eq!(Words(b"-9223372036854775808").signed(), Some(i64::MIN));
        assert_eq!(Words(b"9223372036854775808").signed(), None);
        assert_eq!(decimal(b"81.51"), Some(81.51));
        assert_eq!(decimal(b"1e999"), None);
        assert_eq!(decimal(b"nan"), None);
    }

    #[test]
    fn words_are_parted_by_any_white_space() {
        let mut words = Words(b"  cpu0\t12  x\n");
        assert_eq!(
            (words.text(), words.number(), words.number()),
            (Some("cpu0"), Some(12), None)
        );
        assert_eq!(words.next(), None);
        assert_eq!(lines(b"\na\n\nb").count(), 2);
        assert_eq!(cut(b"a:b:c", b':'), Some((&b"a"[..], &b"b:c"[..])));
        assert_eq!(cut(b"abc", b':'), None);
    }

    #[test]
    fn a_file_is_read_again_from_its_beginning_however_long_it_has_become() {
        let mut kept = tempfile::NamedTempFile::new().unwrap();
        let mut file = KernelFile::at(kept.path().display().to_string());
        let mut buffer = Buffer::default();
        kept.write_all(b"7\n").unwrap();
        assert_eq!(file.number(&mut buffer), Some(7));
        kept.write_all(&[b'x'; 20_000]).unwrap();
        assert_eq!(file.read(&mut buffer).unwrap().len(), 20_002);
        kept.as_file().set_len(2).unwrap();
        assert_eq!(file.read(&mut buffer).unwrap(), b"7\n");
    }

    #[test]
    fn the_files_of_this_kernel_are_read_whole() {
        let mut buffer = Buffer::default();
        for path in [
            "/proc/stat",
            "/proc/vmstat",
            "/proc/interrupts",
            "/proc/self/mountinfo",
            "/proc/net/netstat",
        ] {
            let mut file = KernelFile::new(path);
            for _ in 0..2 {
                let lines = lines(file.read(&mut buffer).unwrap()).count();
                assert_eq!(
                    lines,
                    std::fs::read_to_string(path).unwrap().lines().count(),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_each_time() {
        let mut file = KernelFile::new("/proc/no/such/file");
        for _ in 0..2 {
            assert_eq!(
                file.read(&mut Buffer::default()).unwrap_err().kind(),
                ErrorKind::NotFound
            );
        }
    }
}

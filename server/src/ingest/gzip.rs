//! Unpacking what comes packed, to a bound: a few bytes may stand for very many.

use flate2::read::MultiGzDecoder;
use std::io::Read;

/// Why it cannot be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpack {
    #[error("it is larger than {0} bytes when it is unpacked")]
    Large(usize),
    #[error("it is no gzip: {0}")]
    Bad(String),
}

/// At most `most` bytes.
pub fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, Unpack> {
    let mut plain = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(bound)
        .read_to_end(&mut plain)
        .map_err(|error| Unpack::Bad(error.to_string()))?;
    if plain.len() > most {
        return Err(Unpack::Large(most));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn a_bomb_ends_at_the_bound_and_rubbish_is_told() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&vec![b'a'; 1_000_000]).unwrap();
        let bomb = packer.finish().unwrap();
        assert!(bomb.len() < 2_000);
        assert_eq!(unpack(&bomb, 1_000), Err(Unpack::Large(1_000)));
        assert_eq!(unpack(&bomb, 1_000_000).unwrap().len(), 1_000_000);
        assert!(matches!(
            unpack(&bomb[..bomb.len() - 9], 1_000_000),
            Err(Unpack::Bad(_))
        ));
        assert!(matches!(unpack(b"hello", 10), Err(Unpack::Bad(_))));
    }
}

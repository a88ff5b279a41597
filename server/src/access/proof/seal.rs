//! What must be read again later, and so cannot be hashed, is sealed: AES-256-GCM under a key of its own file.
//!
//! `proof.key` lies in the data folder beside the database, mode 0600. A copy of the database alone (a backup, a support bundle)
//! gives nothing away; who has both files, or the account that Farol runs as, has the secrets. Without the file what it sealed
//! is lost: people enrol again, their recovery codes still work.

use anyhow::{Context, bail};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sqlx::SqlitePool;
use std::{
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Name of the key file in the data folder.
pub const FILE_NAME: &str = "proof.key";
const KEY_LEN: usize = 32;

/// See the module.
pub struct Seal(LessSafeKey);

/// It was sealed under another key, for somebody else, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be opened with the key in {FILE_NAME}")]
pub struct Unreadable;

impl Seal {
    /// The key that lies beside the file of this database; a database in memory gets one that lives as long.
    pub fn beside(pool: &SqlitePool) -> anyhow::Result<Seal> {
        let options = pool.connect_options();
        let database = options.get_filename();
        match database.parent().filter(|_| database.is_file()) {
            Some(dir) => Self::of(&read_or_make(&dir.join(FILE_NAME))?),
            None => Self::of(&rand::random::<[u8; KEY_LEN]>()),
        }
    }

    fn of(key: &[u8]) -> anyhow::Result<Seal> {
        let key = UnboundKey::new(&AES_256_GCM, key)
            .map_err(|_| anyhow::anyhow!("the key must have {KEY_LEN} bytes"))?;
        Ok(Seal(LessSafeKey::new(key)))
    }

    /// Seals for one owner; what is sealed for another does not open.
    pub fn seal(&self, owner: i64, open: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = open.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.to_be_bytes()),
                &mut sealed,
            )
            .map_err(|_| Unreadable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, owner: i64, sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unreadable)?;
        let mut rest = rest.to_vec();
        let open = self
            .0
            .open_in_place(nonce, Aad::from(owner.to_be_bytes()), &mut rest)
            .map_err(|_| Unreadable)?;
        Ok(open.to_vec())
    }
}

/// Two that start at once agree: the file is made whole under another name and linked in place.
fn read_or_make(path: &Path) -> anyhow::Result<Vec<u8>> {
    if !path.exists() {
        make(path).with_context(|| format!("cannot make the key {}", path.display()))?;
    }
    let key = std::fs::read(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "{} can be read by others; run: chmod 600 {}",
            path.display(),
            path.display()
        );
    }
    if key.len() != KEY_LEN {
        bail!(
            "{} is damaged: it has {} bytes instead of {KEY_LEN}. Bring it back from a backup, or take it away: then those who use an authenticator app must enrol again",
            path.display(),
            key.len()
        );
    }
    Ok(key)
}

fn make(path: &Path) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&rand::random::<[u8; KEY_LEN]>())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db;

    #[test]
    fn what_is_sealed_opens_for_its_owner_only_and_never_twice_the_same() {
        let seal = Seal::of(&[7; KEY_LEN]).unwrap();
        let sealed = seal.seal(1, b"secret").unwrap();
        assert_eq!(seal.open(1, &sealed).unwrap(), b"secret");
        assert_eq!(seal.open(2, &sealed), Err(Unreadable));
        assert_ne!(seal.seal(1, b"secret").unwrap(), sealed);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let other = Seal::of(&[8; KEY_LEN]).unwrap();
        assert_eq!(other.open(1, &sealed), Err(Unreadable));
        for length in 0..sealed.len() {
            assert_eq!(seal.open(1, &sealed[..length]), Err(Unreadable), "{length}");
        }
    }

    #[tokio::test]
    async fn the_key_is_made_once_for_its_owner_alone_and_a_bad_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let pool = db::open(dir.path()).await.unwrap();
        let sealed = Seal::beside(&pool).unwrap().seal(1, b"secret").unwrap();
        assert_eq!(Seal::beside(&pool).unwrap().open(1, &sealed).unwrap(), b"secret");
        let path = dir.path().join(FILE_NAME);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let complaint = || Seal::beside(&pool).err().unwrap().to_string();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(complaint().contains("chmod 600"), "{}", complaint());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, b"short").unwrap();
        assert!(complaint().contains("damaged"), "{}", complaint());
        pool.close().await;
    }
}

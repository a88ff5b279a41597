//! Files in PEM in, a key that can sign out. What is wrong with them names the file and what to do.

use super::validity::Validity;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

/// Bytes of a file at most: no chain is this long.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where a certificate lies.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate and its chain in PEM, the server's own first.
    pub cert: PathBuf,
    /// Its private key in PEM: PKCS#8, SEC1 or PKCS#1.
    pub key: PathBuf,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct BadFile {
    pub file: PathBuf,
    pub reason: String,
}

impl BadFile {
    pub fn new(file: &Path, reason: impl Into<String>) -> Self {
        BadFile {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }
}

/// What both files hold.
pub struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate with its chain and its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub key: Arc<CertifiedKey>,
    pub validity: Validity,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
}

impl Files {
    /// Reads both. Blocks.
    pub fn read(&self) -> Result<Contents, BadFile> {
        Ok(Contents {
            cert: read(&self.cert)?,
            key: read(&self.key)?,
        })
    }
}

impl Contents {
    /// Tells one content from another without keeping the key.
    pub fn digest(&self) -> [u8; 32] {
        let digest = Sha256::new().chain_update(self.cert.len().to_be_bytes());
        digest
            .chain_update(&self.cert)
            .chain_update(&self.key)
            .finalize()
            .into()
    }
}

impl Certificate {
    /// Reads and checks both files. Blocks.
    pub fn load(files: &Files) -> Result<Certificate, BadFile> {
        Certificate::check(files, &files.read()?)
    }

    /// Checks what both files hold: a chain, a key that we can sign with, and that they belong together.
    pub fn check(files: &Files, contents: &Contents) -> Result<Certificate, BadFile> {
        let chain = chain(files, &contents.cert)?;
        let wrong_cert = |reason: &str| BadFile::new(&files.cert, reason);
        let own = chain.first().ok_or_else(|| wrong_cert(NO_CERTIFICATE))?;
        let validity =
            Validity::of(own).ok_or_else(|| wrong_cert("its first certificate is no X.509 certificate"))?;
        let fingerprint = fingerprint(own);
        let key = private_key(files, &contents.key)?;
        let key = ring::default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| {
                let reason = format!(
                    "this kind of key is not supported: use ECDSA P-256 or P-384, Ed25519, or RSA ({error})"
                );
                BadFile::new(&files.key, reason)
            })?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            // A key that does not say its public half cannot be compared.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                let reason = format!(
                    "this key does not belong to the certificate in {}; the server's own certificate must come first there",
                    files.cert.display()
                );
                return Err(BadFile::new(&files.key, reason));
            }
            Err(error) => return Err(BadFile::new(&files.cert, error.to_string())),
        }
        Ok(Certificate {
            key: Arc::new(key),
            validity,
            fingerprint,
        })
    }
}

const NO_CERTIFICATE: &str = "holds no certificate: there is no `-----BEGIN CERTIFICATE-----` in it";
const NO_KEY: &str =
    "holds no private key that can be read: it must be PKCS#8, SEC1 or PKCS#1 in PEM, without a password";

fn chain(files: &Files, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| BadFile::new(&files.cert, bad_pem(error, NO_CERTIFICATE)))
}

fn private_key(files: &Files, pem: &[u8]) -> Result<PrivateKeyDer<'static>, BadFile> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| BadFile::new(&files.key, bad_pem(error, NO_KEY)))
}

/// Says what is wrong without repeating what stands in the file: it may be a key.
fn bad_pem(error: pem::Error, none: &str) -> String {
    match error {
        pem::Error::NoItemsFound => none.to_owned(),
        pem::Error::MissingSectionEnd { .. } => "is cut off: a `-----BEGIN` has no `-----END`".to_owned(),
        _ => "is no PEM".to_owned(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, BadFile> {
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|opened| opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    opened.map_err(|error| BadFile::new(file, format!("cannot be read: {error}")))?;
    match bytes.len() as u64 > MAX_FILE_BYTES {
        true => Err(BadFile::new(file, "is larger than 1 MiB: it is no certificate")),
        false => Ok(bytes),
    }
}

fn fingerprint(der: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(der) {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a string does not fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;

//! A certificate of our own making, for a first try: it encrypts, but nobody vouches for it, so that a browser warns and a
//! person compares the fingerprint. It is kept in the data folder and made anew when it nears its end, or when the names
//! that it should hold have changed.

use super::certificate::{BadFile, Certificate, Files};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use tokio_rustls::rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};

const DAY_SECS: i64 = 24 * 60 * 60;
/// How long one lasts.
const LASTS_SECS: i64 = 90 * DAY_SECS;
/// With less than this left it is made anew.
pub const RENEWED_SECS: i64 = 14 * DAY_SECS;
/// Clocks of others may be behind ours by so much.
const SKEW_SECS: i64 = DAY_SECS;

/// Makes and finds it.
#[derive(Debug, Clone)]
pub struct SelfSigned {
    /// Its folder.
    dir: PathBuf,
    /// What it stands for: names and addresses.
    names: Vec<String>,
}

impl SelfSigned {
    /// For loopback, the listen address, this machine's name and the configured names.
    pub fn new(data_dir: &Path, listen: SocketAddr, hosts: &[String]) -> Self {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        if !listen.ip().is_unspecified() {
            names.push(listen.ip().to_string());
        }
        names.extend(sysinfo::System::host_name());
        names.extend(hosts.iter().cloned());
        for name in &mut names {
            name.make_ascii_lowercase();
        }
        // What is no name in the sense of certificates cannot stand in one.
        names.retain(|name| ServerName::try_from(name.as_str()).is_ok());
        let mut seen = Vec::new();
        names.retain(|name| {
            let fresh = !seen.contains(name);
            seen.push(name.clone());
            fresh
        });
        SelfSigned {
            dir: data_dir.join("tls"),
            names,
        }
    }

    /// The files, made when there are none that will do. Blocks.
    pub fn ensure(&self, now_secs: i64) -> Result<Files, BadFile> {
        let files = Files {
            cert: self.dir.join("self-signed.pem"),
            key: self.dir.join("self-signed-key.pem"),
        };
        let will_do = Certificate::load(&files).is_ok_and(|certificate| {
            certificate.validity.expires_in_secs(now_secs) > RENEWED_SECS
                && certificate.key.cert.first().is_some_and(|own| self.fits(own))
        });
        if !will_do {
            self.make(&files, now_secs)?;
        }
        Ok(files)
    }

    /// Whether a certificate holds all names.
    fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(parsed) = ParsedCertificate::try_from(certificate) else {
            return false;
        };
        let holds = |name: &String| {
            ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
        };
        self.names.iter().all(holds)
    }

    fn make(&self, files: &Files, now_secs: i64) -> Result<(), BadFile> {
        let (cert, key) = self
            .sign(now_secs)
            .map_err(|error| BadFile::new(&files.cert, format!("cannot be made: {error}")))?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(|error| BadFile::new(&self.dir, format!("cannot be made: {error}")))?;
        for (file, text) in [(&files.key, key), (&files.cert, cert)] {
            replace(file, &text)
                .map_err(|error| BadFile::new(file, format!("cannot be written: {error}")))?;
        }
        Ok(())
    }

    fn sign(&self, now_secs: i64) -> anyhow::Result<(String, String)> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "Farol, self-signed");
        params.not_before = ::time::OffsetDateTime::from_unix_timestamp(now_secs - SKEW_SECS)?;
        params.not_after = ::time::OffsetDateTime::from_unix_timestamp(now_secs + LASTS_SECS)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// Puts a file in the place of another, whole or not at all, for nobody else to read.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension("new");
    // One that a crash left behind may have other rights.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    let mut opened = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW_SECS: i64 = 1_800_000_000;

    fn fingerprint(files: &Files) -> String {
        Certificate::load(files).unwrap().fingerprint
    }

    #[test]
    fn it_is_made_once_for_all_names_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = ["Farol.lan".to_owned(), "no name".to_owned()];
        let maker = SelfSigned::new(dir.path(), "192.0.2.7:3000".parse().unwrap(), &hosts);
        let files = maker.ensure(NOW_SECS).unwrap();
        for file in [&files.cert, &files.key] {
            let mode = fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        let certificate = Certificate::load(&files).unwrap();
        assert!(maker.fits(&certificate.key.cert[0]));
        for name in ["localhost", "::1", "192.0.2.7", "farol.lan"] {
            assert!(maker.names.contains(&name.to_owned()), "{name}");
        }
        let first = fingerprint(&files);
        assert_eq!(first.len(), 32 * 3 - 1);
        maker.ensure(NOW_SECS + 70 * DAY_SECS).unwrap();
        assert_eq!(fingerprint(&files), first, "it is used again");
    }

    #[test]
    fn it_is_made_anew_near_its_end_for_other_names_and_when_it_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:3000".parse().unwrap();
        let maker = SelfSigned::new(dir.path(), listen, &[]);
        let files = maker.ensure(NOW_SECS).unwrap();
        let mut before = fingerprint(&files);
        let mut is_new = |what: &str| {
            let now = fingerprint(&files);
            assert_ne!(std::mem::replace(&mut before, now.clone()), now, "{what}");
        };
        maker.ensure(NOW_SECS + LASTS_SECS - RENEWED_SECS + 1).unwrap();
        is_new("near its end");
        let other = SelfSigned::new(dir.path(), listen, &["farol.example.org".to_owned()]);
        other.ensure(NOW_SECS).unwrap();
        is_new("another name");
        fs::write(&files.key, "no key").unwrap();
        other.ensure(NOW_SECS).unwrap();
        is_new("a broken key");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("tls"), "in the way").unwrap();
        let maker = SelfSigned::new(dir.path(), "127.0.0.1:3000".parse().unwrap(), &[]);
        let error = maker.ensure(NOW_SECS).unwrap_err().to_string();
        assert!(error.contains("tls"), "{error}");
    }
}

//! Looks whether the files of the certificate have changed, and shows what they hold now. What cannot be used is logged
//! once and changes nothing: who has a certificate that holds keeps it.
//!
//! The content is compared, not the time of the file: a link that now leads elsewhere, and a file that was put back with its
//! old time, are seen too.

use super::{
    Source, Tls,
    certificate::{BadFile, Certificate},
    now_secs,
    validity::Validity,
};
use std::time::Duration;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// Distance of the looks. A SIGHUP makes one at once.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What is shown, and what was looked at last.
pub struct Watched {
    tls: Tls,
    source: Source,
    validity: Validity,
    looked_at: Looked,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Looked {
    Nothing,
    Content([u8; 32]),
    Unreadable(BadFile),
}

/// What a look brought.
#[derive(Debug)]
pub enum Found {
    /// The same as before.
    Same,
    Shown {
        fingerprint: String,
    },
    Refused(BadFile),
}

impl Watched {
    pub fn new(tls: Tls, source: Source, first: &Certificate) -> Self {
        Watched {
            tls,
            source,
            validity: first.validity,
            looked_at: Looked::Nothing,
        }
    }

    /// Looks until `stop`.
    pub async fn watch(mut self, stop: CancellationToken) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = match signal(SignalKind::hangup()) {
            Ok(asked) => Some(asked),
            Err(error) => {
                tracing::warn!(%error, "SIGHUP cannot be heard; certificates are looked at every few seconds");
                None
            }
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => {}
                Some(()) = async { asked.as_mut()?.recv().await } => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                let found = self.look(now_secs());
                (self, found)
            });
            match looked.await {
                Ok((back, found)) => {
                    self = back;
                    self.tell(&found);
                }
                Err(error) => {
                    tracing::error!(%error, "certificates are no longer looked at");
                    return;
                }
            }
        }
    }

    /// Blocks.
    pub fn look(&mut self, now_secs: i64) -> Found {
        let contents = self.source.files().and_then(|files| Ok((files.read()?, files)));
        let looked = match &contents {
            Ok((contents, _)) => Looked::Content(contents.digest()),
            Err(bad) => Looked::Unreadable(bad.clone()),
        };
        if self.looked_at == looked {
            return Found::Same;
        }
        let first = std::mem::replace(&mut self.looked_at, looked) == Looked::Nothing;
        let checked = contents.and_then(|(contents, files)| {
            let certificate = Certificate::check(&files, &contents)?;
            match certificate.validity.expires_in_secs(now_secs) > 0 || first {
                true => Ok(certificate),
                false => Err(BadFile::new(&files.cert, "this certificate has expired")),
            }
        });
        match checked {
            Ok(certificate) => {
                self.validity = certificate.validity;
                self.tls.show(certificate.key);
                match first {
                    true => Found::Same,
                    false => Found::Shown {
                        fingerprint: certificate.fingerprint,
                    },
                }
            }
            Err(bad) => Found::Refused(bad),
        }
    }

    fn tell(&self, found: &Found) {
        match found {
            Found::Same => {}
            Found::Shown { fingerprint } => {
                tracing::info!(fingerprint, "another certificate is shown from now on")
            }
            Found::Refused(BadFile { file, reason }) => {
                metrics::counter!("farol_tls_reload_failures_total").increment(1);
                let file = file.display();
                tracing::error!(%file, reason, "the new certificate is not used; the one before stays");
            }
        }
        metrics::gauge!("farol_tls_certificate_expires_seconds")
            .set(self.validity.expires_in_secs(now_secs()) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::certificate::Files;
    use rcgen::{CertificateParams, KeyPair};
    use std::fs;

    const NOW_SECS: i64 = 1_800_000_000;

    /// A certificate that lasts until so long after now, and its key.
    fn made(lasts_secs: i64) -> (String, String) {
        let moment = |secs| ::time::OffsetDateTime::from_unix_timestamp(secs).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = moment(NOW_SECS - 1_000_000);
        params.not_after = moment(NOW_SECS + lasts_secs);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_change_is_seen_once_and_what_is_bad_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files {
            cert: dir.path().join("cert.pem"),
            key: dir.path().join("key.pem"),
        };
        let write = |(cert, key): &(String, String)| {
            fs::write(&files.cert, cert).unwrap();
            fs::write(&files.key, key).unwrap();
        };
        let first = made(1000);
        write(&first);
        let begun = Certificate::load(&files).unwrap();
        let tls = Tls::new(begun.key.clone()).unwrap();
        let shown = tls.shown.clone();
        let shown = || shown.0.read().unwrap().cert[0].clone();
        let mut watched = Watched::new(tls, Source::Files(files.clone()), &begun);
        let mut look = || watched.look(NOW_SECS);
        assert!(matches!(look(), Found::Same));
        let before = shown();

        let second = made(2000);
        fs::write(&files.cert, &second.0).unwrap();
        let refused = look();
        assert!(
            matches!(&refused, Found::Refused(bad) if bad.file == files.key && bad.reason.contains("does not belong")),
            "the certificate is here and its key is not yet: {refused:?}"
        );
        assert!(matches!(look(), Found::Same), "told once");
        assert_eq!(shown(), before);
        write(&second);
        assert!(matches!(look(), Found::Shown { .. }));
        assert_ne!(shown(), before);

        let before = shown();
        write(&made(-1));
        assert!(matches!(&look(), Found::Refused(bad) if bad.reason.contains("expired")));
        fs::remove_file(&files.cert).unwrap();
        assert!(matches!(&look(), Found::Refused(bad) if bad.reason.contains("cannot be read")));
        assert!(matches!(look(), Found::Same));
        assert_eq!(shown(), before);
        write(&second);
        assert!(
            matches!(look(), Found::Shown { .. }),
            "it is as before, and was not meanwhile"
        );
    }
}

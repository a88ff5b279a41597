//! TLS to whoever is checked. It looks at the certificate that is shown, trusted or not, so that one that has ended is told with
//! its end.

use crate::{
    outbound::line::{self, Duplex},
    time::now_ms,
    tls::validity::Validity,
};
use anyhow::Context;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

/// A line, and when the certificate ends, seconds from now.
pub struct Opened {
    pub line: anyhow::Result<Box<dyn Duplex>>,
    pub expiry_secs: Option<i64>,
}

/// Speaks TLS over a stream. The certificate is looked at even when it is refused.
pub async fn open(stream: TcpStream, host: &str, verify: bool, ca: Option<PathBuf>) -> Opened {
    let look = match tokio::task::spawn_blocking(move || Look::new(verify, ca)).await {
        Ok(Ok(look)) => Arc::new(look),
        Ok(Err(error)) => return failed(error),
        Err(error) => return failed(error.into()),
    };
    let line = connect(stream, host, look.clone()).await;
    let seen = *look.seen.lock().unwrap_or_else(PoisonError::into_inner);
    Opened {
        line,
        expiry_secs: seen.map(|validity| validity.expires_in_secs(now_ms() / 1000)),
    }
}

fn failed(error: anyhow::Error) -> Opened {
    Opened {
        line: Err(error),
        expiry_secs: None,
    }
}

async fn connect(stream: TcpStream, host: &str, look: Arc<Look>) -> anyhow::Result<Box<dyn Duplex>> {
    let config = ClientConfig::builder_with_provider(look.provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(look)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).context("the host has no name for TLS")?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let line = connecting.await.map_err(|error| {
        let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match refused {
            Some(Error::InvalidCertificate(reason)) => {
                anyhow::anyhow!("the certificate is not trusted: {reason}")
            }
            _ => anyhow::anyhow!("TLS cannot be spoken: {error}"),
        }
    })?;
    Ok(Box::new(line))
}

/// Remembers what was shown, then judges as always, or not at all.
#[derive(Debug)]
struct Look {
    provider: Arc<CryptoProvider>,
    judge: Option<Arc<WebPkiServerVerifier>>,
    seen: Mutex<Option<Validity>>,
}

impl Look {
    /// Reads files.
    fn new(verify: bool, ca: Option<PathBuf>) -> anyhow::Result<Look> {
        let provider = Arc::new(ring::default_provider());
        let judge = match verify {
            true => {
                let roots = Arc::new(line::roots(ca.as_deref())?);
                let judge = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
                Some(
                    judge
                        .build()
                        .context("there is nobody to trust on this machine")?,
                )
            }
            false => None,
        };
        Ok(Look {
            provider,
            judge,
            seen: Mutex::default(),
        })
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Validity::of(end_entity);
        match &self.judge {
            Some(judge) => {
                judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

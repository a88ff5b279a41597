//! The bytes of a connection of ours: TCP, with TLS where the address says `https`.

use super::{Final, shown};
use anyhow::{Context, anyhow};
use http::Uri;
use std::{io, path::Path, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, Error, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Connects to where an address leads. `ca` is a file of certificates that are trusted instead of the machine's.
pub async fn open(url: &Uri, ca: Option<&Path>) -> anyhow::Result<Box<dyn Duplex>> {
    let wrong = || Final("The address must begin with http:// or https:// and name a host.".to_owned());
    let host = url.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    // IPv6 stands in brackets in an address, and nowhere else.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (encrypted, usual_port) = match url.scheme_str() {
        Some("http") => (false, 80),
        Some("https") => (true, 443),
        _ => return Err(wrong().into()),
    };
    let trust = match encrypted {
        // It reads files.
        true => {
            let ca = ca.map(Path::to_owned);
            Some(tokio::task::spawn_blocking(move || trust(ca.as_deref())).await??)
        }
        false => None,
    };
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(usual_port)))
        .await
        .with_context(|| format!("cannot reach {}", shown(&url.to_string())))?;
    stream.set_nodelay(true)?;
    let Some(trust) = trust else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| Final(error.to_string()))?;
    match TlsConnector::from(trust).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(not_trusted(url, error)),
    }
}

/// Whom to trust: certificates of a file, or the machine's. Reads files.
pub fn roots(ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            let unusable = |reason: String| Final(format!("{}: {reason}", file.display()));
            let pem = std::fs::read(file).map_err(|error| unusable(format!("cannot be read: {error}")))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
                added.map_err(unusable)?;
            }
            if roots.is_empty() {
                return Err(unusable("holds no certificate in PEM".to_owned()).into());
            }
        }
        // Those that cannot be read are not trusted; the error of the handshake says so.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

fn trust(ca: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    let roots = roots(ca)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn not_trusted(url: &Uri, error: io::Error) -> anyhow::Error {
    let url = shown(&url.to_string());
    let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match refused {
        Some(Error::InvalidCertificate(reason)) => Final(format!(
            "{url} shows a certificate that is not trusted here: {reason}. If it is yours, give it with --ca FILE."
        ))
        .into(),
        _ => anyhow!(error).context(format!("{url} does not speak TLS as we do")),
    }
}

//! TLS by rustls: whom to trust, who we are, and what a failed handshake means.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error as TlsError, InvalidMessage,
    RootCertStore, StreamOwned,
};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::fault::Fault;
use super::verify::{Nobody, Trust};
use crate::config::Config;
use crate::error::{Code, Error as OurError, Result};

/// The TLS settings of a client. Reads the files that the settings name, or the system's trusted certificates.
///
/// # Errors
/// [`Code::Config`] that names the file and the reason.
pub(crate) fn client_config(config: &Config) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| OurError::new(Code::Internal, format!("TLS cannot be set up: {e}")))?
        .dangerous();
    let builder = if config.get_verify() {
        builder.with_custom_certificate_verifier(Arc::new(trust(config, provider)?))
    } else {
        log::warn!(
            "certificates are not verified (verify is off): whoever is on the way to {} can read the password; \
             prefer ca_file",
            config.server()
        );
        builder.with_custom_certificate_verifier(Arc::new(Nobody(provider)))
    };
    let Some((cert, key)) = config.get_client_cert() else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let chain = certificates("client_cert", cert)?;
    let pem = read("client_cert (key)", key)?;
    let key_der = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| {
        unusable(
            "client_cert (key)",
            key,
            format!("it holds no private key in PEM form ({e}); an encrypted one will not do"),
        )
    })?;
    let config = builder
        .with_client_auth_cert(chain, key_der)
        .map_err(|e| unusable("client_cert", cert, format!("it does not fit the key in {}: {e}", key.display())))?;
    Ok(Arc::new(config))
}

fn trust(config: &Config, provider: Arc<CryptoProvider>) -> Result<Trust> {
    let mut roots = RootCertStore::empty();
    let pinned = match config.get_ca_file() {
        Some(path) => {
            let certificates = certificates("ca_file", path)?;
            let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
            if added == 0 {
                return Err(unusable("ca_file", path, "none of its certificates can be used"));
            }
            certificates
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
                return Err(OurError::new(
                    Code::Config,
                    format!("the system's trusted certificates cannot be used ({why}); set ca_file"),
                ));
            }
            Vec::new()
        }
    };
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| OurError::new(Code::Config, format!("the trusted certificates cannot be used: {e}")))?;
    Ok(Trust { inner, pinned })
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(setting, path)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(setting, path, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")),
        Err(e) => Err(unusable(setting, path, format!("it is not valid PEM: {e}"))),
    }
}

fn read(setting: &str, path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    std::fs::read(path).map(Into::into).map_err(|e| unusable(setting, path, e.to_string()))
}

fn unusable(setting: &str, path: &Path, why: impl fmt::Display) -> OurError {
    OurError::new(Code::Config, format!("{setting}: the file {} cannot be used: {why}", path.display()))
}

/// Wraps a connection in TLS where the URL says `https`.
pub(super) struct Wrap(pub(super) Option<Arc<ClientConfig>>);

impl<In: Transport> Connector<In> for Wrap {
    type Out = Either<In, Tls<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> std::result::Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let Some(config) = &self.0 else { return Err(Error::TlsRequired) };
        let mut sock = TransportAdapter::new(transport, details.current_time.clone());
        sock.set_timeout(super::socket::remaining(details));
        let conn = handshake(config, details.uri.host().unwrap_or_default(), &mut sock)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Tls { buffers, stream: StreamOwned::new(conn, sock) })))
    }
}

/// Speaks TLS to `host`, a name or an address, over a connection.
pub(super) fn handshake(
    config: &Arc<ClientConfig>,
    host: &str,
    sock: &mut (impl Read + Write),
) -> std::result::Result<ClientConnection, Error> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| Fault::Tls(format!("{bare} is not a name that a certificate can have")))?;
    let mut conn = ClientConnection::new(config.clone(), name).map_err(|e| Fault::Tls(reason(&e)))?;
    if let Err(e) = conn.complete_io(sock) {
        return Err(match e.kind() {
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => Fault::Cut.into(),
            _ => translate(e),
        });
    }
    Ok(conn)
}

/// A connection inside TLS.
pub(super) struct Tls<In: Transport> {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter<In>>,
}

impl<In: Transport> Transport for Tls<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> std::result::Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        // rustls keeps what it could not write; only the flush tells of a failure.
        self.stream.write_all(output).and_then(|()| self.stream.flush()).map_err(translate)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf()).map_err(translate)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl<In: Transport> fmt::Debug for Tls<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl fmt::Debug for Wrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrap")
    }
}

/// Finds what is inside an I/O error: our own, ureq's, or one of TLS.
fn translate(e: io::Error) -> Error {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(tls) => Fault::Tls(reason(tls)).into(),
        None => Error::from(e),
    }
}

const TRUST_IT: &str = "to trust it, save its certificate, or that of the CA that signed it, as a PEM file and set \
                        ca_file to it (verify(false) trusts everyone and is for tests alone)";

/// Why a handshake failed, and what to do.
fn reason(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired; renew it on the server".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet; check the clocks of both machines".to_owned()
            }
            CertificateError::NotValidForName => "the server's certificate is for another host".to_owned(),
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                format!("the server's certificate names no host in its subjectAltName; {TRUST_IT}")
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let hosts = super::fault::clean(&presented.join(", "));
                format!("the server's certificate is for another host: {hosts}; use that name in the URL")
            }
            CertificateError::UnknownIssuer => {
                format!("the server's certificate is self-signed, or signed by a CA that is not trusted; {TRUST_IT}")
            }
            CertificateError::BadSignature => format!(
                "the server's certificate is signed by another key than that of the trusted certificate with the same \
                 name; if it was replaced, {TRUST_IT}"
            ),
            other if super::verify::is_ca(other) => {
                format!("the server's certificate is itself that of a CA; {TRUST_IT}")
            }
            other => format!("the server's certificate cannot be used ({other}); {TRUST_IT}"),
        },
        TlsError::AlertReceived(AlertDescription::ProtocolVersion) | TlsError::PeerIncompatible(_) => format!(
            "the server offers no version or method of TLS that is still safe ({error}); TLS 1.2 or newer is needed"
        ),
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied,
        ) => format!("the server does not accept who we are ({error}); it wants a client certificate (client_cert)"),
        TlsError::AlertReceived(AlertDescription::HandshakeFailure) => {
            format!(
                "the server refuses the handshake ({error}): too old, or it wants a client certificate (client_cert)"
            )
        }
        TlsError::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => "what answers there does not speak TLS; use http:// (port 58080 by default), or the port for TLS (55050 \
              by default)"
            .to_owned(),
        other => super::fault::clean(&other.to_string()),
    }
}

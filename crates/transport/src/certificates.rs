//! Which server certificates TLS accepts: those that lead to the roots compiled in or to the user's
//! own, else to the system's store (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set). The
//! store is read only when it is needed: that takes milliseconds of every start.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier as SystemVerifier;

use crate::SettingError;

/// The system's store, read once per process; `None` if it has no certificates.
static SYSTEM: OnceLock<Option<SystemVerifier>> = OnceLock::new();

/// The settings of TLS, with these roots besides the usual ones.
pub(crate) fn tls(own: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in own {
        roots.add(root.clone()).map_err(|error| format!("a root certificate cannot be used ({error})"))?;
    }
    let unusable = |error: &dyn std::fmt::Display| format!("encryption cannot be set up ({error})");
    let provider = Arc::new(ring::default_provider());
    let known = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let verifier =
        Verifier { known: known.build().map_err(|error| unusable(&error))?, provider: Arc::clone(&provider) };
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|config| {
            let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            config.with_no_client_auth()
        })
        .map_err(|error| unusable(&error))
}

/// Asks the roots that are known without reading a file, then those of the system.
#[derive(Debug)]
struct Verifier {
    known: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let known = self.known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if !matches!(known, Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) {
            return known;
        }
        match SYSTEM.get_or_init(|| SystemVerifier::new(Arc::clone(&self.provider)).ok()) {
            Some(system) => {
                system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => known,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.known.supported_verify_schemes()
    }
}

/// The certificates of a PEM text, each one that can be trusted.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingError> {
    let unusable = |why: String| SettingError(format!("the root certificate cannot be used: {why}"));
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    found.iter().try_for_each(|root| roots.add(root.clone())).map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("there is none in it; it must be PEM".to_owned())) } else { Ok(found) }
}

//! From the errors of the HTTP library to ours: the reason, without URLs, and whether any of the
//! body may have been sent.
//!
//! The library's own sorting was measured (reqwest 0.13.5): refused connections, unknown hosts and
//! failed handshakes are "connect" errors; resets before and after the server read the request are
//! indistinguishable; a TLS timeout is both "connect" and "timeout", so "connect" is asked first.

use std::{error::Error, io};

use ark_video_protocol::{SendError, SendErrorKind, SendStage};

use crate::{
    send_body::{Progress, Stage},
    ssrf::OutOfReach,
};

type Cause<'e> = Option<&'e (dyn Error + 'static)>;

/// Translates a failure; the message names `host` and the proxy that leads to it (`through`);
/// `progress` is that of the request's body.
pub(crate) fn translate(
    error: &reqwest::Error,
    host: &str,
    through: &str,
    progress: Option<&Progress>,
) -> SendError {
    // Below the outermost layer, whose text may hold the URL.
    let cause = error.source();
    let kind = kind(error);
    let unconnected = error.is_connect() || error.is_builder();
    if let Some(failure) = progress.and_then(Progress::failure) {
        // Whatever else is said about the connection, it ended because we could not go on.
        return SendError::new(stage(false, progress), SendErrorKind::Invalid, failure.to_string());
    }
    if any(cause, |cause| cause.is::<OutOfReach>()) {
        return SendError::not_sent(SendErrorKind::Invalid, out_of_reach(host));
    }
    let root = tls_reason(cause).unwrap_or_else(|| root(cause));
    let message = match kind {
        SendErrorKind::Invalid => format!("the request to {host} cannot be sent ({root})"),
        SendErrorKind::Dns => format!("the host {host} was not found ({root})"),
        SendErrorKind::Connect => format!("no connection to {host}{through} ({root})"),
        SendErrorKind::Tls => format!("no encrypted connection to {host}{through} ({root})"),
        SendErrorKind::Timeout if unconnected => format!("no connection to {host}{through} in time"),
        SendErrorKind::Timeout => format!("no answer from {host} in time"),
        SendErrorKind::Closed => format!("{host} closed the connection before it answered ({root})"),
        SendErrorKind::Body => format!("the answer of {host} broke off or is not HTTP ({root})"),
        _ => format!("the request to {host} failed ({root})"),
    };
    SendError::new(stage(unconnected, progress), kind, message)
}

/// A storage host that must not be asked.
pub(crate) fn out_of_reach(host: &str) -> String {
    format!("{host} is not asked: {OutOfReach}")
}

/// Not sent means: the body was never asked for, or, without a body, there never was a connection.
pub(crate) fn stage(never_connected: bool, progress: Option<&Progress>) -> SendStage {
    let untouched = match progress {
        Some(progress) => progress.stage() == Stage::Waiting,
        None => never_connected,
    };
    if untouched { SendStage::NotSent } else { SendStage::MaybeSent }
}

fn kind(error: &reqwest::Error) -> SendErrorKind {
    if error.is_builder() {
        return SendErrorKind::Invalid;
    }
    if error.is_redirect() {
        return SendErrorKind::Redirected;
    }
    if error.is_connect() {
        return if error.is_dns() {
            SendErrorKind::Dns
        } else if any(error.source(), is_tls) {
            SendErrorKind::Tls
        } else if error.is_timeout() {
            SendErrorKind::Timeout
        } else {
            SendErrorKind::Connect
        };
    }
    if error.is_timeout() {
        return SendErrorKind::Timeout;
    }
    if error.is_body()
        || error.is_decode()
        || any(error.source(), |cause| is_hyper(cause, hyper::Error::is_parse))
    {
        return SendErrorKind::Body;
    }
    if error.is_request() { SendErrorKind::Closed } else { SendErrorKind::Other }
}

fn is_hyper(cause: &(dyn Error + 'static), is: fn(&hyper::Error) -> bool) -> bool {
    cause.downcast_ref::<hyper::Error>().is_some_and(is)
}

/// Handshake errors come as an I/O error inside another, which `source` steps over.
fn tls_error<'e>(cause: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let Some(outer) = cause.downcast_ref::<io::Error>() else { return cause.downcast_ref() };
    tls_error(outer.get_ref()?)
}

fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    tls_error(cause).is_some()
}

/// The one failed handshake that has a usual fix, in plain terms.
fn tls_reason(mut cause: Cause<'_>) -> Option<String> {
    use rustls::{CertificateError::UnknownIssuer, Error::InvalidCertificate};
    while let Some(current) = cause {
        if matches!(tls_error(current), Some(InvalidCertificate(UnknownIssuer))) {
            return Some("its certificate is from an authority that is not trusted here".to_owned());
        }
        cause = current.source();
    }
    None
}

fn any(mut cause: Cause<'_>, is: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    while let Some(current) = cause {
        if is(current) {
            return true;
        }
        cause = current.source();
    }
    false
}

/// The innermost cause. Unlike the outer layers it never holds the URL.
fn root(mut cause: Cause<'_>) -> String {
    let mut text = "no further cause".to_owned();
    while let Some(current) = cause {
        text = current.to_string();
        cause = current.source();
    }
    text
}

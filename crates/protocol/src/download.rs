//! May this link be fetched, is this answer the file, is the file whole, and until when does the link live?
//!
//! Decisions only; the transport moves the bytes.

use http::{HeaderMap, StatusCode, Uri, header};

use crate::{base_url::is_loopback_host, path};

/// Redirects followed for one file.
pub const MAX_REDIRECTS: u32 = 3;

/// Where a file may come over plain `http`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PlainHttp {
    /// Nowhere.
    #[default]
    Never,
    /// From this machine: right when the API itself is on this machine.
    Loopback,
    /// From anywhere: right only when the user has allowed an insecure API address.
    Anywhere,
}

/// Reads a link and refuses what must not be fetched.
///
/// # Errors
/// Not a link, another scheme, or plain `http` where it is not allowed.
pub fn check_link(link: &str, plain: PlainHttp) -> Result<Uri, DownloadRefusal> {
    let refuse = |why| Err(DownloadRefusal::Link { why });
    let Ok(uri) = link.trim().parse::<Uri>() else { return refuse("it cannot be read as a URL") };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return refuse("it names no host") };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return refuse("it holds a user name");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") => match plain {
            PlainHttp::Anywhere => Ok(uri),
            PlainHttp::Loopback if is_loopback_host(host) => Ok(uri),
            _ => refuse("it is plain http://, which anybody on the way could replace"),
        },
        _ => refuse("it is neither https:// nor http://"),
    }
}

/// When a signed link dies, in seconds since 1970: `X-Tos-Date` plus `X-Tos-Expires` from its query.
///
/// `None` when the link does not say (the vendor's links live 24 hours from their signing; result page, 2026-10).
#[must_use]
pub fn expires_at(link: &str) -> Option<i64> {
    let query = link.split_once('?')?.1;
    let query = query.split('#').next()?;
    let pairs = path::pairs(query).ok()?;
    let find = |name: &str| {
        pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", find("X-Tos-Date")?).ok()?;
    let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let lives: i64 = find("X-Tos-Expires")?.parse().ok().filter(|lives| *lives >= 0)?;
    signed.checked_add(lives)
}

/// What the head of an answer means for a download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Head {
    /// The file follows.
    File(Expected),
    /// The file is elsewhere; the target is checked like any link.
    Redirect(String),
}

/// What the head promises about the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// Length in bytes. `None` only for a chunked answer, whose end marks itself.
    pub length: Option<u64>,
    /// Media type, as sent.
    pub content_type: Option<String>,
}

/// Judges the head of an answer. `max_bytes` is the largest file to take.
///
/// # Errors
/// Anything but a whole, unencoded file of a known and acceptable length.
pub fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Uri,
    max_bytes: u64,
) -> Result<Head, DownloadRefusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match status.as_u16() {
        200 => {}
        301 | 302 | 303 | 307 | 308 => {
            let to = text(header::LOCATION).ok_or(DownloadRefusal::Status { status: status.as_u16() })?;
            return Ok(Head::Redirect(absolute(to, from)));
        }
        403 | 404 | 410 => return Err(DownloadRefusal::DeadLink { status: status.as_u16() }),
        status => return Err(DownloadRefusal::Status { status }),
    }
    if let Some(coding) =
        text(header::CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Err(DownloadRefusal::Encoded { coding: coding.chars().take(40).collect() });
    }
    let content_type = text(header::CONTENT_TYPE).map(str::to_owned);
    let essence = content_type
        .as_deref()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    if essence.starts_with("text/") || matches!(essence.as_str(), "application/json" | "application/xml") {
        return Err(DownloadRefusal::NotMedia { content_type: essence });
    }
    let chunked =
        text(header::TRANSFER_ENCODING).is_some_and(|coding| coding.to_lowercase().contains("chunked"));
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    match length {
        Some(0) => Err(DownloadRefusal::Empty),
        Some(length) if length > max_bytes => Err(DownloadRefusal::TooLarge { length, max_bytes }),
        None if !chunked => Err(DownloadRefusal::NoLength),
        length => Ok(Head::File(Expected { length, content_type })),
    }
}

/// Judges a body that ended after `got` bytes.
///
/// # Errors
/// It is not as long as promised, or empty.
pub fn whole(expected: &Expected, got: u64) -> Result<(), DownloadRefusal> {
    match expected.length {
        Some(length) if length != got => Err(DownloadRefusal::WrongLength { length, got }),
        _ if got == 0 => Err(DownloadRefusal::Empty),
        _ => Ok(()),
    }
}

/// A path-only `Location` belongs to the host that sent it.
fn absolute(to: &str, from: &Uri) -> String {
    match (from.scheme_str(), from.authority()) {
        (Some(scheme), Some(authority)) if to.starts_with('/') && !to.starts_with("//") => {
            format!("{scheme}://{authority}{to}")
        }
        _ => to.to_owned(),
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadRefusal {
    /// The link itself must not be used.
    #[error("the link is not fetched: {why}")]
    Link {
        /// Why, in words.
        why: &'static str,
    },
    /// 403, 404 or 410: expired, used up, or deleted.
    #[error(
        "the storage answers {status}: the link has expired or was used too often; asking for the task gives a fresh one"
    )]
    DeadLink {
        /// HTTP status.
        status: u16,
    },
    /// Another status than success.
    #[error("the storage answers {status} instead of the file")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// More redirects than are followed.
    #[error("the link was redirected more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// The answer is compressed although that was not asked for, so its length proves nothing.
    #[error("the file comes with the encoding {coding:?}, so its length could not be checked")]
    Encoded {
        /// `Content-Encoding` as sent.
        coding: String,
    },
    /// A page or a message instead of a picture or a film.
    #[error("the storage sends {content_type} instead of a picture or a film")]
    NotMedia {
        /// Media type as sent.
        content_type: String,
    },
    /// Nobody could tell whether the file is whole.
    #[error("the storage does not say how long the file is, so nobody could tell whether it is whole")]
    NoLength,
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Larger than what the caller takes.
    #[error("the file has {length} bytes, more than the {max_bytes} allowed")]
    TooLarge {
        /// Length in bytes.
        length: u64,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// Cut short, or too long.
    #[error("the file ended after {got} of {length} bytes")]
    WrongLength {
        /// Promised length in bytes.
        length: u64,
        /// Bytes that came.
        got: u64,
    },
}

impl DownloadRefusal {
    /// Whether another try may bring the file, with a fresh link.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::DeadLink { .. } | Self::WrongLength { .. } | Self::Empty => true,
            Self::Status { status } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;

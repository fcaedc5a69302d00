//! The head of an answer: the file, the rest of it, or something else that must not be taken for it.

use http::{HeaderMap, StatusCode, Uri, header};

use super::{DownloadRefusal, Kept};

/// The storage's own sum over a whole object, as a decimal number (TOS SDKs, 2026-10).
const CRC64: &str = "x-tos-hash-crc64ecma";

/// What the head of an answer means for a download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Head {
    /// The file follows, from its start. What was kept of it is void.
    File(Expected),
    /// What follows goes on where the kept bytes end.
    Rest(Expected),
    /// Nothing follows: every byte is there already.
    Nothing,
    /// The file is elsewhere; the target is checked like any link.
    Redirect(String),
}

/// What the head promises about the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// Length of the whole file in bytes. `None` only for a chunked answer, whose end marks itself.
    pub length: Option<u64>,
    /// Media type, as sent.
    pub content_type: Option<String>,
    /// Strong entity tag: a file with the same one is the same file, byte by byte.
    pub etag: Option<String>,
    /// CRC-64 of the whole file (`x-tos-hash-crc64ecma`). Only an answer with the whole file is believed about it.
    pub crc64: Option<u64>,
}

/// Judges the head of an answer. `max_bytes` is the largest file to take, `kept` what the request was to go on from.
///
/// # Errors
/// Anything but an unencoded file of a known and acceptable length, or the rest of it.
pub fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Uri,
    max_bytes: u64,
    kept: Option<&Kept>,
) -> Result<Head, DownloadRefusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match (status.as_u16(), kept) {
        (200, _) | (206, Some(_)) => {}
        (301 | 302 | 303 | 307 | 308, _) => {
            let to = text(header::LOCATION).ok_or(DownloadRefusal::Status { status: status.as_u16() })?;
            return Ok(Head::Redirect(absolute(to, from)));
        }
        (416, Some(kept)) => {
            let all =
                text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes */")?.parse().ok());
            let whole = kept.bytes == kept.length && all.is_none_or(|all: u64| all == kept.length);
            return if whole { Ok(Head::Nothing) } else { Err(DownloadRefusal::Changed) };
        }
        (412, Some(_)) => return Err(DownloadRefusal::Changed),
        (status @ (400 | 403 | 404 | 410), _) => return Err(DownloadRefusal::DeadLink { status }),
        (status, _) => return Err(DownloadRefusal::Status { status }),
    }
    if let Some(coding) =
        text(header::CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Err(DownloadRefusal::Encoded { coding: coding.chars().take(40).collect() });
    }
    let content_type = text(header::CONTENT_TYPE).map(str::to_owned);
    let essence = content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_lowercase();
    // A range in pieces would be an answer to a question that was not asked.
    if essence.starts_with("text/")
        || essence.starts_with("multipart/")
        || matches!(essence.as_str(), "application/json" | "application/xml")
    {
        return Err(DownloadRefusal::NotMedia { content_type: essence });
    }
    let etag = text(header::ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned);
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let chunked =
        text(header::TRANSFER_ENCODING).is_some_and(|coding| coding.to_lowercase().contains("chunked"));
    if let (206, Some(kept)) = (status.as_u16(), kept) {
        let range = text(header::CONTENT_RANGE).and_then(content_range);
        let fits = range == Some((kept.bytes, kept.length))
            && length.is_none_or(|length| length == kept.length - kept.bytes)
            && (etag.is_none() || kept.etag.is_none() || etag == kept.etag);
        if !fits {
            return Err(DownloadRefusal::Changed);
        }
        let etag = etag.or_else(|| kept.etag.clone());
        return Ok(Head::Rest(Expected { length: Some(kept.length), content_type, etag, crc64: None }));
    }
    let crc64 = headers.get(CRC64).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match length {
        Some(0) => Err(DownloadRefusal::Empty),
        Some(length) if length > max_bytes => Err(DownloadRefusal::TooLarge { length, max_bytes }),
        None if !chunked => Err(DownloadRefusal::NoLength),
        length => Ok(Head::File(Expected { length, content_type, etag, crc64 })),
    }
}

/// Start and total of `bytes 5-9/10`, if it reaches to the end.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end, total): (u64, u64, u64) = (start.parse().ok()?, end.parse().ok()?, total.parse().ok()?);
    (end.checked_add(1) == Some(total) && start <= end).then_some((start, total))
}

/// Judges a body that ended after `got` bytes in all.
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

/// Whether the first bytes of a file are those of a web page or an error message, whatever it was declared as.
#[must_use]
pub fn looks_like_page(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    [b"<!doctype".as_slice(), b"<html", b"<?xml", b"{\""]
        .iter()
        .any(|page| start.get(..page.len()).is_some_and(|found| found.eq_ignore_ascii_case(page)))
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

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;

//! The head of an answer: the file, the rest of it, or something else that must not be taken for
//! it.

use http::{HeaderMap, StatusCode, Uri, header};

use super::{DownloadRefusal, Kept};

/// The storage's own sum over a whole object, as a decimal number (TOS SDKs, 2026-10).
const CRC64: &str = "x-tos-hash-crc64ecma";

/// What the head of an answer means for a download.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// The file follows, from its start. What was kept of it is void.
    File(Expected),
    /// What follows begins at [`Kept::from`].
    Rest(Expected),
    /// The file is elsewhere; the target is checked like any link.
    Redirect(String),
}

/// What the head promises about the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Expected {
    /// Length of the whole file in bytes, if it was announced.
    pub length: Option<u64>,
    /// Whether the body marks its own end, so that a connection that breaks off is noticed without
    /// a length.
    pub marks_end: bool,
    /// How the body says it is encoded, although that was not asked for (`gzip`). Its length is
    /// then not the file's.
    pub coding: Option<String>,
    /// Media type, as sent.
    pub content_type: Option<String>,
    /// Strong entity tag: a file with the same one is the same file, byte by byte.
    pub etag: Option<String>,
    /// CRC-64 of the whole file (`x-tos-hash-crc64ecma`). Only an answer with the whole file is
    /// believed about it.
    pub crc64: Option<u64>,
}

/// Judges the head of an answer. `max_bytes` is the largest file to take, `kept` what the request
/// was to go on from.
///
/// Labels decide nothing about what the bytes are: storages and gateways name a video `text/plain`,
/// or not at all.
///
/// # Errors
/// Anything but a file that may be taken, or the rest of it.
pub fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Uri,
    max_bytes: u64,
    kept: Option<&Kept>,
) -> Result<Head, DownloadRefusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match (status.as_u16(), kept) {
        // 203: something in between changed the answer, perhaps only its head.
        (200 | 201 | 203 | 206, _) => {}
        (301 | 302 | 303 | 307 | 308, _) => {
            let to = text(header::LOCATION).ok_or(DownloadRefusal::Status { status: status.as_u16() })?;
            return Ok(Head::Redirect(absolute(to, from)));
        }
        (412 | 416, Some(_)) => return Err(DownloadRefusal::Changed),
        (status @ (400 | 403 | 404 | 410), _) => return Err(DownloadRefusal::DeadLink { status }),
        (status, _) => return Err(DownloadRefusal::Status { status }),
    }
    let content_type = text(header::CONTENT_TYPE).map(str::to_owned);
    // A range in pieces would answer a request that was not made.
    if let Some(multipart) = content_type.as_deref().filter(|text| text.trim().starts_with("multipart/")) {
        return Err(DownloadRefusal::NotMedia { content_type: multipart.chars().take(80).collect() });
    }
    let coding = text(header::CONTENT_ENCODING)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .map(|coding| coding.chars().take(40).collect::<String>());
    let etag = text(header::ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned);
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let range = text(header::CONTENT_RANGE).and_then(content_range);
    let fits = |(start, end, _): &(u64, u64, u64)| announced.is_none_or(|length| length == end - start);
    if let (206, Some(kept)) = (status.as_u16(), kept) {
        let same = etag.is_none() || kept.etag.is_none() || etag == kept.etag;
        let rest =
            range.filter(fits).filter(|(start, _, total)| (*start, *total) == (kept.from(), kept.length));
        if rest.is_none() || !same || coding.is_some() {
            return Err(DownloadRefusal::Changed);
        }
        let etag = etag.or_else(|| kept.etag.clone());
        let length = Some(kept.length);
        return Ok(Head::Rest(Expected { length, content_type, etag, ..Expected::default() }));
    }
    // A range that was not asked for is as good as the file if it begins where the file begins.
    // Where it does not say how long the file is, the bytes have to show it.
    let (length, is_whole) = match (status.as_u16(), range.filter(fits)) {
        (206, Some((0, _, total))) if coding.is_none() => (Some(total), true),
        (206, _) if text(header::CONTENT_RANGE).is_some_and(|range| !range.starts_with("bytes 0-")) => {
            return Err(DownloadRefusal::Status { status: 206 });
        }
        (206, _) => (announced, false),
        _ => (announced, true),
    };
    match length {
        Some(0) => return Err(DownloadRefusal::Empty),
        Some(length) if length > max_bytes => return Err(DownloadRefusal::TooLarge { length, max_bytes }),
        _ => {}
    }
    let chunked =
        text(header::TRANSFER_ENCODING).is_some_and(|coding| coding.to_lowercase().contains("chunked"));
    let crc64 = headers.get(CRC64).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(Head::File(Expected {
        length: length.filter(|_| is_whole && coding.is_none()),
        marks_end: is_whole && (chunked || announced.is_some()),
        // The sum may be that of the encoded or of the decoded file.
        crc64: crc64.filter(|_| coding.is_none()),
        coding,
        content_type,
        etag,
    }))
}

/// Start, end (the first byte behind it) and total of `bytes 5-9/10`.
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (start, last) = range.split_once('-')?;
    let (start, last, total): (u64, u64, u64) =
        (start.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    (start <= last && last < total).then_some((start, last + 1, total))
}

/// How many bytes an encoded body may become of which so many have come. A video hardly gets
/// smaller by encoding; what becomes very much larger is no video, but fills disks.
#[must_use]
pub fn decoded_limit(received: u64, max_bytes: u64) -> u64 {
    (64_u64 << 20).saturating_add(received.saturating_mul(16)).min(max_bytes)
}

/// Judges a body that ended after `got` bytes in all.
///
/// # Errors
/// It is not as long as announced, or empty.
pub fn whole(expected: &Expected, got: u64) -> Result<(), DownloadRefusal> {
    match expected.length {
        Some(length) if length != got => Err(DownloadRefusal::WrongLength { length, got }),
        _ if got == 0 => Err(DownloadRefusal::Empty),
        _ => Ok(()),
    }
}

/// Whether the first bytes of a file are those of a web page or an error message, whatever it was
/// declared as.
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
mod tests;

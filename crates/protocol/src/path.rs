//! Paths and queries: one identifier is one path segment, whatever it holds.
//!
//! Knows nothing of endpoints; [`crate::route`] does.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::RequestError;

/// Everything but RFC 3986 "unreserved" is escaped, so no server or proxy can read a separator into
/// a value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes `id` so that it stays one path segment.
///
/// # Errors
/// An empty id would address the collection. `.` and `..` cannot be written at all: every URL
/// library takes `%2E%2E` for `..` as well, and walks up.
pub fn segment(id: &str) -> Result<String, RequestError> {
    match id {
        "" => Err(RequestError::EmptyId),
        "." | ".." => Err(RequestError::DotId(id.to_owned())),
        _ => Ok(utf8_percent_encode(id, VALUE).to_string()),
    }
}

/// Longest id of a task that is used, in bytes; the vendor's have about 25.
pub const MAX_ID: usize = 1024;

/// Whether an id that came from a service can be put into a path, a file name and a terminal as it
/// is.
///
/// Not: an empty one, `.` and `..`, slashes (proxies unescape them), control characters, and more
/// than [`MAX_ID`] bytes.
#[must_use]
pub fn is_usable(id: &str) -> bool {
    let outlandish = |c: char| c.is_control() || matches!(c, '/' | '\\');
    !id.trim().is_empty() && !matches!(id, "." | "..") && id.len() <= MAX_ID && !id.contains(outlandish)
}

/// An id from elsewhere as a message shows it: in quotes, escaped, and not at any length.
#[must_use]
pub fn shown(id: &str) -> String {
    const LONGEST: usize = 80;
    let start: String = id.chars().take(LONGEST).collect();
    let cut = if start.len() < id.len() { format!("… ({} bytes)", id.len()) } else { String::new() };
    format!("{start:?}{cut}")
}

/// Reads one escaped path segment; `None` where it is not one segment of UTF-8.
#[must_use]
pub fn unsegment(segment: &str) -> Option<String> {
    if segment.is_empty() || segment.contains('/') {
        return None;
    }
    percent_decode_str(segment).decode_utf8().ok().map(|id| id.into_owned())
}

/// Writes `name=value` pairs as a query string, without the leading `?`; empty when there are none.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend(utf8_percent_encode(name, VALUE));
        out.push('=');
        out.extend(utf8_percent_encode(value, VALUE));
    }
    out
}

/// Reads a query string. `+` is a space, as HTML forms and most libraries write it.
///
/// The error is the pair that is not UTF-8.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
    let text = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| part.to_owned())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text(name)?, text(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_with_separators_stays_one_segment() {
        assert_eq!(segment("../x").unwrap(), "..%2Fx");
        assert_eq!(segment("a/b?c#d").unwrap(), "a%2Fb%3Fc%23d");
        assert_eq!(segment("%2e").unwrap(), "%252e");
        assert_eq!(segment("cgt-20261122101530-a1b2c").unwrap(), "cgt-20261122101530-a1b2c");
    }

    #[test]
    fn ids_that_no_path_can_hold_are_refused() {
        assert_eq!(segment(""), Err(RequestError::EmptyId));
        assert_eq!(segment("."), Err(RequestError::DotId(".".into())));
        assert_eq!(segment(".."), Err(RequestError::DotId("..".into())));
    }

    #[test]
    fn a_segment_that_is_not_one_segment_is_not_read() {
        assert_eq!(unsegment(""), None);
        assert_eq!(unsegment("a/b"), None);
        assert_eq!(unsegment("%ff"), None);
    }

    #[test]
    fn a_plus_in_a_query_is_a_space_and_an_escaped_plus_is_a_plus() {
        assert_eq!(
            pairs("a=x+y&b=x%2By&&c").unwrap(),
            [
                ("a".to_owned(), "x y".to_owned()),
                ("b".to_owned(), "x+y".to_owned()),
                ("c".to_owned(), String::new()),
            ]
        );
        assert_eq!(pairs("a=%ff"), Err("%ff".to_owned()));
    }

    proptest! {
        #[test]
        fn every_id_comes_back_from_its_segment(id in "\\PC{1,40}") {
            prop_assume!(id != "." && id != "..");
            let escaped = segment(&id).unwrap();
            prop_assert!(!escaped.contains(['/', '?', '#']));
            prop_assert_eq!(unsegment(&escaped), Some(id));
        }

        #[test]
        fn every_query_comes_back(given in proptest::collection::vec((".{1,8}", ".{0,8}"), 0..5)) {
            let written = query(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            prop_assert_eq!(pairs(&written).unwrap(), given);
        }
    }
}

//! Text as people's editors and shells write it: UTF-8, or the UTF-16 of PowerShell; and JSON with
//! comments or a comma too many. Where nothing has to be guessed it is read; else it is named.
//! Reads no file.

use std::borrow::Cow;
use std::fmt;

/// Why bytes are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotText {
    /// The byte that belongs to no character, from 1.
    pub byte: usize,
    /// Whether they resemble GBK, which older Chinese editors write.
    pub maybe_gbk: bool,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not UTF-8: byte {} belongs to no character of a text", self.byte)
    }
}

impl std::error::Error for NotText {}

impl NotText {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        if self.maybe_gbk {
            "it may be GBK: save it as UTF-8, for example with `iconv -f GBK -t UTF-8`"
        } else {
            "save it as UTF-8"
        }
    }
}

/// The text of a file: UTF-8 or UTF-16, with or without a byte order mark, which is left out.
///
/// # Errors
/// [`NotText`]: the bytes are neither.
pub fn decode_text(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    /// How two bytes make a UTF-16 unit.
    type Unit = fn([u8; 2]) -> u16;
    let wide: Option<(&[u8], Unit)> = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes)),
        // No text holds a zero, and a list or a request begins with a sign of one byte.
        [first, 0, ..] if *first != 0 => Some((bytes, u16::from_le_bytes)),
        [0, second, ..] if *second != 0 => Some((bytes, u16::from_be_bytes)),
        _ => None,
    };
    if let Some((bytes, unit)) = wide {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
        return match text {
            Ok(text) if rest.is_empty() && !text.contains('\0') => Ok(Cow::Owned(text)),
            _ => Err(NotText { byte: bytes.len(), maybe_gbk: false }),
        };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => match gbk_run(text) {
            Some(at) => Err(NotText { byte: at + 1, maybe_gbk: true }),
            None => Ok(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text))),
        },
        Err(error) => Err(NotText { byte: error.valid_up_to() + 1, maybe_gbk: is_gbk(bytes) }),
    }
}

/// Whether all that is not ASCII comes in pairs that GBK has.
fn is_gbk(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let second = if byte.is_ascii() { continue } else { rest.next() };
        if !(0x81..=0xfe).contains(byte) || !second.is_some_and(|byte| (0x40..=0xfe).contains(byte)) {
            return false;
        }
    }
    true
}

/// JSON without comments (`// …`, `/* … */`) and without commas before a closing bracket: blanks
/// stand there instead, so that every other byte stays where it is. `None` where there is neither.
#[must_use]
pub fn plain_json(text: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = false;
    // The last comma, if nothing but blanks and comments came since, and whether a value stands
    // before it.
    let (mut comma, mut value) = (None, false);
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => {
                (comma, value) = (None, true);
                at += string_length(&bytes[at..]);
                continue;
            }
            (b'/', Some(b'/' | b'*')) => {
                let end = at + comment_length(&bytes[at..]);
                let blank = |byte: &mut u8| *byte = if matches!(*byte, b'\n' | b'\r') { *byte } else { b' ' };
                bytes[at..end].iter_mut().for_each(blank);
                changed = true;
                at = end;
                continue;
            }
            (b',', _) => (comma, value) = (value.then_some(at), false),
            (b']' | b'}', _) => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                    changed = true;
                }
                value = true;
            }
            (byte, _) if byte.is_ascii_whitespace() => {}
            (byte, _) => (comma, value) = (None, !b"[{:".contains(&byte)),
        }
        at += 1;
    }
    if changed { String::from_utf8(bytes).ok() } else { None }
}

/// Where short GBK text begins that happens to be UTF-8 too: letters of several scripts within one
/// word, each of them a Chinese character in GBK.
fn gbk_run(text: &str) -> Option<usize> {
    if text.is_ascii() || text.chars().any(|c| c.len_utf8() > 2) {
        return None;
    }
    let mut start = 0;
    for run in text.split(|c: char| c.is_ascii()) {
        let chinese =
            run.as_bytes().as_chunks::<2>().0.iter().all(|[a, b]| (0xb0..=0xf7).contains(a) && *b >= 0xa1);
        let mut scripts: Vec<u8> = run.chars().filter_map(script).collect();
        scripts.dedup();
        if chinese && scripts.len() > 1 {
            return Some(start);
        }
        start += run.len() + 1;
    }
    None
}

/// The script of a letter, as far as two bytes of UTF-8 reach; signs and marks go with any.
fn script(c: char) -> Option<u8> {
    match c {
        '\u{c0}'..='\u{24f}' if !matches!(c, '×' | '÷') => Some(0),
        '\u{370}'..='\u{3ff}' => Some(1),
        '\u{400}'..='\u{52f}' => Some(2),
        '\u{530}'..='\u{58f}' => Some(3),
        '\u{590}'..='\u{5ff}' => Some(4),
        '\u{600}'..='\u{7ff}' => Some(5),
        _ => None,
    }
}

/// Bytes of a text in quotes, both quotes counted.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Bytes of a comment; one in a line ends before the line does.
fn comment_length(bytes: &[u8]) -> usize {
    let text = &bytes[2..];
    let found = match bytes[1] {
        b'/' => text.iter().position(|byte| *byte == b'\n'),
        _ => text.windows(2).position(|pair| pair == b"*/").map(|at| at + 2),
    };
    found.map_or(bytes.len(), |length| length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let text = if mark { format!("\u{feff}{text}") } else { text.to_owned() };
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn what_shells_and_editors_write_is_read() {
        let text = "{\"text\": \"一只猫 👍\"}\r\n";
        assert_eq!(decode_text(text.as_bytes()).unwrap(), text);
        assert_eq!(decode_text(format!("\u{feff}{text}").as_bytes()).unwrap(), text);
        for mark in [true, false] {
            assert_eq!(decode_text(&wide(text, mark, u16::to_le_bytes)).unwrap(), text);
            assert_eq!(decode_text(&wide(text, mark, u16::to_be_bytes)).unwrap(), text);
        }
        assert_eq!(decode_text(b"").unwrap(), "");
    }

    #[test]
    fn what_is_neither_is_named() {
        let gbk = b"{\"text\":\"\xd2\xbb\xd6\xbb\xc3\xa8\"}";
        let error = decode_text(gbk).unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8: byte 10 belongs to no character of a text");
        assert!(error.advice().contains("GBK"));
        assert!(decode_text(b"\xc4\xe3\xba\xc3").unwrap_err().maybe_gbk);
        for text in ["Äpfel, garçon", "«Привет»", "שלום", "Ελληνικά × 2", "naïve café", "e\u{301}é"]
        {
            assert_eq!(decode_text(text.as_bytes()).unwrap(), text);
        }
        assert_eq!(decode_text(b"{\"a\": \"\xff\"}").unwrap_err().advice(), "save it as UTF-8");
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfea\0\0\0", b"a\0b", b"\xff\xfe\0\xd8"] {
            assert!(decode_text(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn comments_and_last_commas_become_blanks() {
        for (text, plain) in [
            ("{\"a\": 1, // é, \"b\"\n \"c\": [1,2,],}", Some("{\"a\": 1,           \n \"c\": [1,2 ] }")),
            ("{/* \n */\"a\": 1, /* x */ }", Some("{   \n   \"a\": 1          }")),
            ("{\"a\": \"// no \\\" /* , ]\"}", None),
            ("[\"a,\",\"\\\\\"]", None),
            ("[1, \"]\"]", None),
            ("[1] // end", Some("[1]       ")),
            ("[1] /* open", Some("[1]        ")),
            ("[\"open", None),
            ("[,]", None),
            ("[1,,]", None),
            ("{\"a\":,}", None),
            ("", None),
        ] {
            assert_eq!(plain_json(text).as_deref(), plain, "{text}");
        }
    }
}

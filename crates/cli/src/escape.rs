//! Escapes external text for a terminal, for one line, for JSON, and for a shell. Writes nothing.

use std::borrow::Cow;

use ark_video_batch::{acts_on_screen, visible};

/// The most characters of an external text that are printed.
const MOST: usize = 2_000;
/// The longest id that can be the service's.
const LONGEST_ID: usize = 128;

/// For a terminal: control characters are escaped; line breaks stay.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    visible(text)
}

/// For one line of a terminal: line breaks are removed, as they could forge a line, and long text
/// is cut.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
    shortened(&visible(&text), MOST)
}

/// At most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// For serialized JSON: the same document, with control characters escaped.
pub(crate) fn json(document: &str) -> Cow<'_, str> {
    if !document.contains(acts_on_screen) {
        return Cow::Borrowed(document);
    }
    let mut out = String::with_capacity(document.len() + 16);
    for c in document.chars() {
        if acts_on_screen(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Quotes an argument for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A task id as an argument of a command. One that would be parsed as a flag or is not a valid id
/// is replaced by a placeholder.
pub(crate) fn id(id: &str) -> String {
    let usable =
        !id.is_empty() && !id.starts_with('-') && id.len() <= LONGEST_ID && !id.contains(char::is_control);
    if usable { quoted(id) } else { "ID".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\0\u{feff}\u{e0041}\r\nerror: b\tc";

    #[test]
    fn nothing_acts_on_a_screen() {
        for shown in [terminal(HOSTILE).into_owned(), one_line(HOSTILE), json(HOSTILE).into_owned()] {
            assert!(!shown.contains(acts_on_screen), "{shown:?}");
        }
        assert_eq!(terminal("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\nc");
        assert_eq!(one_line("a\r\nerror: b\tc"), "a error: b c");
        assert_eq!(one_line(&"x".repeat(5_000)).chars().count(), MOST + 1);
        assert_eq!(terminal("👨\u{200d}👩 שלום 一只猫"), "👨\u{200d}👩 שלום 一只猫");
    }

    #[test]
    fn json_stays_the_same_document() {
        let document = serde_json::json!({ HOSTILE: [HOSTILE, "\u{7f}\u{2028}"] });
        let written = serde_json::to_string(&document).unwrap();
        assert!(written.contains(acts_on_screen));
        let safe = json(&written);
        assert!(!safe.contains(acts_on_screen));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), document);
    }

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("https://h:1/v3"), "https://h:1/v3");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!((quoted(""), quoted("~root")), ("''".to_owned(), "'~root'".to_owned()));
        assert_eq!(id("cgt-1; touch x"), "'cgt-1; touch x'");
        for odd in ["", "--base-url=http://h", "a\nb", &"x".repeat(5_000)] {
            assert_eq!(id(odd), "ID");
        }
    }
}

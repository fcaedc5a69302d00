//! Keys that must not be shown: detects possible keys, and removes known ones from a text. Reads no
//! file and no environment.

use std::borrow::Cow;

/// Shorter keys may be ordinary text.
const LEAST: usize = 8;
/// The replacement of a key.
const HIDDEN: &str = "[API key]";

/// Whether a text may be a misplaced key: `sk-…`, or the hexadecimal form of Ark's keys.
pub(crate) fn may_be_key(word: &str) -> bool {
    let word = word.trim();
    let digits = word.bytes().any(|byte| byte.is_ascii_digit());
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let marked = ["sk-", "ak-", "ark-", "AKLT", "AKIA"].iter().any(|head| word.starts_with(head));
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    let hexadecimal = groups == [8, 4, 4, 4, 12] && word.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    hexadecimal || (plain && digits && marked && word.len() >= 16)
}

/// Removes these keys, and what follows `sk-` or `Bearer`.
pub(crate) fn hidden<'t>(text: &'t str, keys: &[String]) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for key in keys
        .iter()
        .filter(|key| key.len() >= LEAST && text.contains(key.as_str()))
        .cloned()
        .collect::<Vec<_>>()
    {
        text = Cow::Owned(text.replace(&key, HIDDEN));
    }
    for mark in ["sk-", "Bearer "] {
        if text.contains(mark) {
            text = Cow::Owned(without_marked(&text, mark));
        }
    }
    text
}

/// Hides each text after a prefix that is long enough to be a key.
fn without_marked(text: &str, mark: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, found) = rest.split_at(at);
        let end = found[mark.len()..].find(|c| !inside(c)).map_or(found.len(), |end| end + mark.len());
        let (word, after) = found.split_at(end);
        out.push_str(before);
        let alone = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
        let digits = word.bytes().any(|byte| byte.is_ascii_digit());
        out.push_str(if alone && digits && word.len() >= mark.len() + 16 { HIDDEN } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_may_be_keys() {
        for word in [
            "sk-SECRETKEY-0123456789abcdef",
            "ark-1a2b3c4d-5e6f-7a8b",
            "0f9e8d7c-1a2b-3c4d-5e6f-0123456789ab",
            "AKLTNzExYzE1MDk4",
        ] {
            assert!(may_be_key(word), "{word}");
        }
        for word in
            ["cat", "sk-ateboard", "ark-video", "doubao-seedance-2-0-260128", "cgt-20261129120000-abcde"]
        {
            assert!(!may_be_key(word), "{word}");
        }
    }

    #[test]
    fn a_known_key_and_a_marked_one_are_hidden() {
        let keys = ["hunter2hunter2".to_owned(), "a".to_owned()];
        assert_eq!(hidden("a cat hunter2hunter2.", &keys), "a cat [API key].");
        assert_eq!(hidden("key sk-SECRETKEY-0123456789abcdef no", &[]), "key [API key] no");
        assert_eq!(
            hidden("risk-taking-0123456789abcdef sk-i sk-1", &[]),
            "risk-taking-0123456789abcdef sk-i sk-1"
        );
        assert_eq!(hidden("{\"h\":\"Bearer abcdef0123456789abcdef\"}", &[]), "{\"h\":\"[API key]\"}");
        assert!(matches!(hidden("nothing here", &keys), Cow::Borrowed(_)));
    }
}

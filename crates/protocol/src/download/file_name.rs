//! A file name for a task's result: from its id, never from its link.

/// Longest stem, in bytes: with an ending, `.part` and `.ark-video.json` it fits into the 255 of
/// every file system.
const LONGEST: usize = 150;
/// Names that Windows gives to devices, whatever ending they have.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// An id as a file name without its ending: letters, digits, `-` and `_` stay, all else becomes
/// `_`; at most 150 bytes; not empty, not hidden, no option, no device of Windows.
///
/// Ids are the service's, names are ours.
#[must_use]
pub fn file_stem(id: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let mut stem: String = id.chars().map(kept).take(LONGEST).collect();
    if stem.is_empty() {
        return "video".to_owned();
    }
    if stem.starts_with('-') || is_device(&stem) {
        stem.insert(0, '_');
        stem.truncate(LONGEST);
    }
    stem
}

fn is_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    let (name, number) = lower.split_at(lower.len().min(3));
    let numbered = matches!(name, "com" | "lpt");
    DEVICES.contains(&name)
        && if numbered { matches!(number.as_bytes(), [b'0'..=b'9']) } else { number.is_empty() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stem_is_safe_everywhere() {
        let cases = [
            ("cgt-20261122101530-abcde", "cgt-20261122101530-abcde"),
            ("../evil/.id", "___evil__id"),
            (".hidden", "_hidden"),
            ("", "video"),
            ("CON", "_CON"),
            ("lpt1", "_lpt1"),
            ("com", "com"),
            ("com10", "com10"),
            ("console", "console"),
            ("-rf", "_-rf"),
            ("片", "_"),
        ];
        for (id, stem) in cases {
            assert_eq!(file_stem(id), stem, "{id}");
        }
        assert_eq!(file_stem(&"x".repeat(999)).len(), LONGEST);
    }

    proptest! {
        #[test]
        fn no_id_makes_a_stem_that_hurts(id in any::<String>()) {
            let stem = file_stem(&id);
            prop_assert!((1..=LONGEST).contains(&stem.len()) && !is_device(&stem));
            prop_assert!(stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert!(!stem.starts_with('-') && file_stem(&stem) == stem);
        }
    }
}

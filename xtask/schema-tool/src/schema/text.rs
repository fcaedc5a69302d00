//! Texts of documents as messages show them: short, on one line.

/// The beginning of a text that is longer than `most` characters.
pub(crate) fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Text of a document on one line, without bidirectional and control characters.
pub(crate) fn one_line(text: &str) -> String {
    let plain = |c: char| {
        !c.is_control()
            && !('\u{200b}'..='\u{200f}').contains(&c)
            && !('\u{202a}'..='\u{202e}').contains(&c)
            && !('\u{2066}'..='\u{2069}').contains(&c)
            && c != '\u{feff}'
    };
    text.split_whitespace()
        .map(|word| word.chars().filter(|c| plain(*c)).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

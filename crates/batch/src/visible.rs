//! Text from elsewhere made safe to show: characters that rewrite a screen, turn the reading
//! direction or hide text are written out. Changes nothing else, and knows no output format but
//! this.

use std::borrow::Cow;

/// Whether a character acts on the reader's screen instead of being seen: control characters, those
/// that turn or isolate a direction, separators of lines that no keyboard has, and tags. Line feeds
/// and tabs are not among them, and neither are the joiners that scripts and emoji need.
#[must_use]
pub fn acts_on_screen(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with each such character written as `\u{1b}`.
///
/// ```
/// assert_eq!(ark_video_batch::visible("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
/// assert_eq!(ark_video_batch::visible("一只猫\n"), "一只猫\n");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts_on_screen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts_on_screen(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

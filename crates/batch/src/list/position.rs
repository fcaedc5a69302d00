//! Where something is in the text of a list. Knows no format.

/// A line and a column in it, in characters, both from 1.
pub(super) type Position = (usize, usize);

/// The position of an offset.
pub(super) fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Something that keeps the text from being read.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) at: Option<Position>,
    pub(super) message: String,
}

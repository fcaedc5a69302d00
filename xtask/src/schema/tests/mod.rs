//! The prepared edits against their table, and the guide's chapter word for word.

mod edits;
mod guide;

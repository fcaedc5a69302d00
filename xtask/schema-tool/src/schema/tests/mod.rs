//! The prepared edits against their table, and the guide's chapter word for word.

mod documents;
mod edits;
mod guide;
mod operations;

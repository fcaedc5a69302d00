//! One file per family of verbs. Each takes the session and its arguments and says, at most once, what came of it.

pub(crate) mod about;
pub(crate) mod generate;
pub(crate) mod result;
pub(crate) mod simulate;
pub(crate) mod tasks;

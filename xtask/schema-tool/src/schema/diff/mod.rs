//! `cargo xtask schema diff`: what changed between two resolved schemas, each change once, classed
//! for requests, answers and Rust. A change counts as compatible only where that is proved; what
//! the algebra cannot decide is called unproved.

mod compare;
mod operations;
mod proof;
mod report;
pub(crate) mod surface;
mod versions;

use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use report::{changelog, json, tally, text};
pub(crate) use versions::{Bump, Member, members};

/// What a change means for those on the other side of it. In the order of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// Only its description changed.
    DocsOnly,
    /// Proved: what worked goes on working.
    Compatible,
    /// Neither proved nor disproved: needs review.
    Unproved,
    /// Something that worked stops working.
    Breaking,
}

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::DocsOnly => "docs only",
            Self::Compatible => "compatible",
            Self::Unproved => "unproved",
            Self::Breaking => "breaking",
        }
    }
}

/// The heading of the changelog that a change belongs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Added,
    Changed,
    Removed,
}

/// One change between two resolved schemas.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change {
    /// JSON pointer into the resolved schema (of the old one for what was removed).
    pub(crate) pointer: String,
    pub(crate) kind: Kind,
    /// One sentence without a full stop.
    pub(crate) what: String,
    /// Old and new values of what changed inside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
    /// For those who write requests; absent where requests do not hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<Class>,
    /// For those who read answers; absent where answers do not hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Class>,
    /// For those who compile against the types.
    pub(crate) rust: Class,
    /// Why it is unproved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remark: Option<String>,
}

impl Change {
    /// The gravest of its classes.
    pub(crate) fn worst(&self) -> Class {
        [self.request, self.response, Some(self.rust)].into_iter().flatten().max().unwrap_or(Class::DocsOnly)
    }

    /// The change as one of descriptions only; a changed signature stays one.
    fn docs_only(mut self) -> Self {
        for class in [&mut self.request, &mut self.response].into_iter().flatten() {
            *class = Class::DocsOnly;
        }
        if self.rust == Class::Compatible {
            self.rust = Class::DocsOnly;
        }
        self
    }
}

/// Whether two schemas take the same values, however each is written; `false` where that is not
/// proved.
pub(crate) fn same_meaning(
    one: &Value,
    one_types: &Map<String, Value>,
    other: &Value,
    other_types: &Map<String, Value>,
) -> bool {
    let (one, other) = (proof::plain(one, one_types), proof::plain(other, other_types));
    one == other
        || (proof::covers(&one, &other) == proof::Answer::Yes
            && proof::covers(&other, &one) == proof::Answer::Yes)
}

/// Every change, in the order of the new document.
pub(crate) fn compare(old: &Value, new: &Value) -> Vec<Change> {
    let empty = Map::new();
    fn definitions(document: &Value) -> Option<&Map<String, Value>> {
        document.get("$defs").and_then(Value::as_object)
    }
    let (before, after) = (definitions(old).unwrap_or(&empty), definitions(new).unwrap_or(&empty));
    let surfaces = (surface::Surface::of(old), surface::Surface::of(new));
    let mut changes = compare::Comparison::new(before, after, &surfaces).changes();
    changes.extend(operations::changes(old.get("x-api"), new.get("x-api")));
    changes
}

#[cfg(test)]
mod tests;

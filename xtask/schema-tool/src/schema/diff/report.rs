//! The changes for people (text), for a changelog (Markdown) and for programs (JSON). Each names
//! every change once.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Bump, Change, Class, Kind, Member};

/// For the terminal: a line per change with its classes, then what it means for versions.
pub(crate) fn text(changes: &[Change], members: &[Member]) -> String {
    if changes.is_empty() {
        return "no change of the resolved schema\n".to_owned();
    }
    let mut out = String::new();
    for change in changes {
        let class =
            |name: &str, class: Option<Class>| class.map(|class| format!("{name}: {}", class.as_str()));
        let classes: Vec<String> = [
            class("requests", change.request),
            class("answers", change.response),
            class("Rust", Some(change.rust)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let _ = writeln!(out, "{}\n    {}\n    at {}", change.what, classes.join(", "), change.pointer);
        for detail in &change.details {
            let _ = writeln!(out, "    {detail}");
        }
        if let Some(remark) = &change.remark {
            let _ = writeln!(out, "    unproved, because {remark}");
        }
    }
    let _ = writeln!(out, "\n{} change(s): {}", changes.len(), tally(changes));
    for member in members.iter().filter(|member| member.bump(changes) != Bump::None) {
        let bump = member.bump(changes);
        let _ = writeln!(
            out,
            "    {:<22} {:<6} {} -> {}",
            member.name,
            bump.as_str(),
            member.version,
            bump.apply(&member.version)
        );
    }
    out
}

/// How many there are of each class.
pub(crate) fn tally(changes: &[Change]) -> String {
    [Class::Breaking, Class::Unproved, Class::Compatible, Class::DocsOnly]
        .map(|class| {
            let count = changes.iter().filter(|change| change.worst() == class).count();
            format!("{count} {}", class.as_str())
        })
        .join(", ")
}

/// A piece of CHANGELOG.md, to be put under `[Unreleased]`.
pub(crate) fn changelog(changes: &[Change]) -> String {
    let mut out = String::new();
    for (kind, heading) in [(Kind::Added, "Added"), (Kind::Changed, "Changed"), (Kind::Removed, "Removed")] {
        let of: Vec<&Change> = changes.iter().filter(|change| change.kind == kind).collect();
        if of.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}### {heading}\n", if out.is_empty() { "" } else { "\n" });
        for change in of {
            let mark = match change.worst() {
                Class::Breaking => " **Breaking**",
                Class::Unproved => " **Compatibility unproved**",
                Class::Compatible | Class::DocsOnly => "",
            };
            let whom: Vec<&str> =
                [("requests", change.request), ("answers", change.response), ("Rust", Some(change.rust))]
                    .into_iter()
                    .filter(|(_, class)| *class == Some(change.worst()) && change.worst() > Class::Compatible)
                    .map(|(whom, _)| whom)
                    .collect();
            let whom = if whom.is_empty() { String::new() } else { format!(" ({})", whom.join(", ")) };
            let _ = writeln!(
                out,
                "- API:{mark}{whom}{} {}.",
                if mark.is_empty() { "" } else { ":" },
                change.what
            );
        }
    }
    out
}

/// For programs.
pub(crate) fn json(changes: &[Change], members: &[Member]) -> Value {
    json!({
        "changes": changes,
        "crates": members.iter().map(|member| {
            let bump = member.bump(changes);
            json!({ "name": member.name, "version": member.version, "bump": bump, "suggested": bump.apply(&member.version) })
        }).collect::<Vec<_>>(),
        "changelog": changelog(changes),
    })
}

//! One statement beside the document: whether it still holds, and what contradicts it that did not
//! before.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::compare::{Addition, Comparison, Contradiction, Side, compare};
use super::statement::{Action, File, Found, Statement, fields_spoken_of};
use super::types;
use crate::codegen::definitions::Role;
use crate::schema::diff::same_meaning;
use crate::schema::import::REQUEST;
use crate::schema::import::normal::{reached, references};
use crate::schema::text::{cut, one_line};

/// How a statement, or a whole overlay, stands to the document. In the order of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// The document still has the value that we correct, perhaps with other text.
    Applies,
    /// The document no longer describes what we say; we go on saying it.
    Kept,
    /// The document moved, to what we say or to something that ours narrows.
    Confirmed,
    /// The document says all that we do: the overlay can be retired.
    Adopted,
    /// The document contradicts us.
    Question,
    /// What we add to is gone.
    Stale,
    /// The file itself is not finished.
    Faulty,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::Kept => "kept",
            Self::Confirmed => "confirmed",
            Self::Adopted => "adopted",
            Self::Question => "question",
            Self::Stale => "stale",
            Self::Faulty => "faulty",
        }
    }
}

/// What a place of a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointerKind {
    /// A schema.
    Schema,
    /// A note that constrains nothing.
    Note,
    /// `required` of an object.
    Required,
    /// Another keyword of a schema, or something outside of schemas.
    Keyword,
}

impl PointerKind {
    pub(crate) fn of(at: &str) -> Self {
        let tokens: Vec<&str> = at.split('/').skip(1).collect();
        let [.., before, last] = tokens.as_slice() else { return Self::Keyword };
        // Which of the tokens are names of fields and types, not keywords.
        let named = |token: &str| ["properties", "$defs"].contains(&token);
        let before_is_name = tokens.len() > 2 && named(tokens[tokens.len() - 3]);
        if named(before) && !before_is_name {
            return Self::Schema;
        }
        match *last {
            "items" | "not" | "if" | "then" | "else" | "contains" => Self::Schema,
            "required" => Self::Required,
            "description" | "title" | "discriminator" => Self::Note,
            last if last.starts_with("x-") => Self::Note,
            _ if ["oneOf", "anyOf", "allOf", "prefixItems"].contains(before) => Self::Schema,
            _ => Self::Keyword,
        }
    }
}

pub(super) fn is_description(at: &str) -> bool {
    PointerKind::of(at) == PointerKind::Note && at.ends_with("/description")
}

/// A judged statement.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// Contradictions that were not there before.
    pub(super) contradictions: Vec<Contradiction>,
    /// All contradictions, those too that were answered before.
    pub(super) standing: Vec<Contradiction>,
    pub(super) additions: Vec<Addition>,
    pub(super) notes: Vec<String>,
}

impl Judged {
    fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            contradictions: Vec::new(),
            standing: Vec::new(),
            additions: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// The three documents that a statement is judged by.
pub(super) struct Judge<'a> {
    before: Map<String, Value>,
    after: Map<String, Value>,
    merged: &'a Value,
    /// The merged document as codegen completes it: responses take digits for integers.
    completed: Value,
    ours: Map<String, Value>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(before: &Value, after: &Value, merged: &'a Value) -> Self {
        let mut completed = merged.clone();
        crate::codegen::complete(&mut completed);
        let ours = types(&completed);
        Self { before: types(before), after: types(after), merged, completed, ours }
    }

    pub(super) fn is_required_list(&self, statement: &Statement) -> bool {
        PointerKind::of(&statement.at) == PointerKind::Required
    }

    pub(super) fn statement(&self, statement: &Statement, found: &Found) -> Judged {
        let at = &statement.at;
        let document = match found {
            Found::NoPlace => {
                let mut judged = Judged::of(Verdict::Stale);
                judged.notes.push(format!("at {at}: what it adds to is not described any more; delete the overlay, or aim it at where the thing went"));
                return judged;
            }
            Found::Nothing => None,
            Found::Value(value) => Some(value),
        };
        let unchanged = document == statement.base.as_ref();
        match (PointerKind::of(at), document) {
            (PointerKind::Required, document) => self.required(statement, document),
            (_, None) if unchanged => Judged::of(Verdict::Applies),
            (_, None) => {
                let mut judged = Judged::of(if PointerKind::of(at) == PointerKind::Note {
                    Verdict::Applies
                } else {
                    Verdict::Kept
                });
                if judged.verdict == Verdict::Kept {
                    judged
                        .notes
                        .push(format!("at {at}: the document does not describe it any more; ours stays"));
                }
                judged
            }
            (PointerKind::Note, Some(_)) => Judged::of(Verdict::Applies),
            (PointerKind::Schema, Some(document)) => self.schema(statement, document, unchanged),
            (PointerKind::Keyword, Some(document)) => self.keyword(statement, document, unchanged),
        }
    }

    fn schema(&self, statement: &Statement, document: &Value, unchanged: bool) -> Judged {
        let at = &statement.at;
        let nothing = Value::Bool(true);
        let ours = match statement.action {
            Action::Remove => &nothing,
            _ => self.completed.pointer(at).unwrap_or(&nothing),
        };
        let role = role(self.merged, at);
        let beside = |schema: &Value, types: &Map<String, Value>| -> Comparison {
            let ours = Side { schema: ours, at, types: &self.ours };
            compare(Side { schema, at, types }, ours, role)
        };
        let now = beside(document, &self.after);
        let mut judged = Judged::of(Verdict::Applies);
        judged.standing = now.contradictions.clone();
        // The same text may refer to a type that moved.
        if unchanged && references(document).is_empty() {
            return judged;
        }
        if let Some(description) = new_description(statement.base.as_ref(), document) {
            judged.notes.push(format!("at {at}: its description changed: {description}"));
        }
        let base = statement.base.as_ref();
        if base.is_some_and(|base| same_meaning(base, &self.before, document, &self.after)) {
            return judged;
        }
        let then = base.map(|base| beside(base, &self.before)).unwrap_or_default();
        let known: BTreeSet<String> = then.additions.iter().map(|addition| addition.place.clone()).collect();
        judged.contradictions =
            now.contradictions.into_iter().filter(|one| !then.contradictions.contains(one)).collect();
        judged.additions = now.additions.into_iter().filter(|one| !known.contains(&one.place)).collect();
        judged.notes.extend(
            now.notes
                .into_iter()
                .filter(|note| !then.notes.contains(note))
                .map(|note| format!("at {at}: {note}")),
        );
        judged.verdict = Verdict::Confirmed;
        judged
    }

    /// A keyword of ours beside the document's.
    fn keyword(&self, statement: &Statement, document: &Value, unchanged: bool) -> Judged {
        let at = &statement.at;
        let ours = self.merged.pointer(at);
        let mut judged = Judged::of(if unchanged { Verdict::Applies } else { Verdict::Confirmed });
        let key = at.rsplit('/').next().unwrap_or("");
        let open = |value: Option<&Value>| value.is_none_or(|value| *value != Value::Bool(false));
        let agrees = match key {
            // To be silent about other fields and to take them is the same.
            "additionalProperties" => open(Some(document)) == open(ours),
            _ => Some(document) == ours,
        };
        if !agrees && at.starts_with("/$defs/") {
            let (kind, said) = match key {
                "additionalProperties" => ("closed".to_owned(), "no other fields".to_owned()),
                key => (key.to_owned(), format!("{key} {document}")),
            };
            let ours = ours.map_or("nothing".to_owned(), Value::to_string);
            judged.standing.push(Contradiction { place: String::new(), kind, document: said, ours });
        }
        if !unchanged {
            judged.contradictions = judged.standing.clone();
        }
        judged
    }

    /// Which fields must be there: new fields are the document's to require, the others are ours.
    fn required(&self, statement: &Statement, document: Option<&Value>) -> Judged {
        let ours: BTreeSet<String> = names(self.merged.pointer(&statement.at)).into_iter().collect();
        let base: BTreeSet<String> = names(statement.base.as_ref()).into_iter().collect();
        let mut judged = Judged::of(match document == statement.base.as_ref() {
            true => Verdict::Applies,
            false => Verdict::Confirmed,
        });
        if role(self.merged, &statement.at) == Role::Response {
            return judged;
        }
        for name in names(document).into_iter().filter(|name| !ours.contains(name)) {
            let one = Contradiction {
                place: name.clone(),
                kind: "required".to_owned(),
                document: "required".to_owned(),
                ours: "not always required".to_owned(),
            };
            if !base.contains(&name) {
                judged.contradictions.push(one.clone());
            }
            judged.standing.push(one);
        }
        judged
    }
}

fn names(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The list that `required` becomes: ours, and what the document requires of fields that nobody
/// spoke of before. `None` where the statement is about something else.
pub(super) fn required(
    statement: &Statement,
    found: &Found,
    before: &Value,
    files: &[File],
) -> Option<Vec<String>> {
    if PointerKind::of(&statement.at) != PointerKind::Required || *found == Found::NoPlace {
        return None;
    }
    let kind = statement.at.strip_suffix("/required")?;
    let mut known = fields_spoken_of(files, kind);
    let described = before.pointer(&format!("{kind}/properties")).and_then(Value::as_object);
    known.extend(described.into_iter().flatten().map(|(name, _)| name.clone()));
    let mut list = match &statement.action {
        Action::Say(value) => names(Some(value)),
        Action::Rely => names(statement.base.as_ref()),
        Action::Remove => return None,
    };
    for name in names(found.value()) {
        if !known.contains(&name) && !list.contains(&name) {
            list.push(name);
        }
    }
    Some(list)
}

/// Who writes the value at a place: our user, or the service.
pub(super) fn role(document: &Value, at: &str) -> Role {
    let name = at.split('/').nth(2).unwrap_or("");
    let types = &document["$defs"];
    let mut named = name.to_owned();
    for _ in 0..8 {
        match types[named.as_str()]["x-role"].as_str() {
            Some("response") => return Role::Response,
            Some(_) => return Role::Request,
            None => match crate::schema::import::normal::reference(&types[named.as_str()]) {
                Some(next) => named = next,
                None => break,
            },
        }
    }
    let none = Map::new();
    let seen = reached([REQUEST.to_owned()], types.as_object().unwrap_or(&none));
    if seen.contains(name) { Role::Request } else { Role::Response }
}

/// The description where it is another one.
fn new_description(base: Option<&Value>, document: &Value) -> Option<String> {
    let of = |value: &Value| value.get("description").and_then(Value::as_str).map(str::to_owned);
    let description = of(document)?;
    if base.and_then(of).as_ref() == Some(&description) {
        return None;
    }
    Some(cut(one_line(&description), 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_recognised() {
        for (at, place) in [
            ("/$defs/Task", PointerKind::Schema),
            ("/$defs/Task/properties/id", PointerKind::Schema),
            ("/$defs/Task/properties/items", PointerKind::Schema),
            ("/$defs/Task/properties/description", PointerKind::Schema),
            ("/$defs/Task/properties/required", PointerKind::Schema),
            ("/$defs/Task/properties/properties/description", PointerKind::Note),
            ("/$defs/Task/properties/items/items", PointerKind::Schema),
            ("/$defs/ContentItem/oneOf/-", PointerKind::Schema),
            ("/$defs/Task/description", PointerKind::Note),
            ("/$defs/Task/x-role", PointerKind::Note),
            ("/$defs/Task/required", PointerKind::Required),
            ("/$defs/Task/additionalProperties", PointerKind::Keyword),
            ("/$defs/Task/properties/content/allOf", PointerKind::Keyword),
            ("/x-api", PointerKind::Keyword),
        ] {
            assert_eq!(PointerKind::of(at), place, "{at}");
        }
    }
}

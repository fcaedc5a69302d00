//! `cargo xtask schema lint`: faults of a vendor's document itself, each with its place in the
//! normal form, what to do about it, and the overlay that answers it already. Judges the document
//! alone: never our corrections, never the service.

mod against;
mod rules;

use std::fmt;

use serde_json::Value;

use super::import::{Imported, RESPONSE};
use crate::codegen::overlay::Overlay;

/// A fault of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// JSON pointer into the normal form.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) advice: &'static str,
    /// The overlay that corrects this place.
    pub(crate) answered_by: Option<String>,
}

impl Finding {
    fn new(
        rule: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self { rule, pointer: pointer.into(), message: message.into(), advice, answered_by: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]\n  {}", self.pointer, self.rule, self.message)?;
        match &self.answered_by {
            Some(overlay) => write!(f, "\n  answered by schema/overlay/{overlay}"),
            None => write!(f, "\n  advice: {}", self.advice),
        }
    }
}

/// What a document is held against.
#[derive(Default)]
pub(crate) struct Context<'a> {
    /// The resolved schema.
    pub(crate) resolved: Option<&'a Value>,
    /// Other documents, each with what people call it.
    pub(crate) others: &'a [(String, Imported)],
}

/// Every fault, in the order of the document within each rule.
pub(crate) fn lint(
    imported: &Imported,
    overlays: &[(String, Overlay)],
    context: &Context<'_>,
) -> Vec<Finding> {
    let mut findings = rules::all(imported);
    findings.extend(against::all(imported, context));
    for finding in &mut findings {
        finding.answered_by =
            overlays.iter().find(|(_, overlay)| answers(overlay, finding)).map(|(file, _)| file.clone());
    }
    findings
}

/// Whether an operation of the overlay works on the finding's place or on what it lies in.
fn answers(overlay: &Overlay, finding: &Finding) -> bool {
    overlay.places().any(|place| match finding.rule {
        "only-success" => place.starts_with("/$defs/Error"),
        // A replaced property is described by its replacement; a lint of a single field is answered
        // by that field only.
        _ => {
            let inside = finding.pointer.strip_prefix(place.as_str());
            inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || (finding.rule == "empty-response" && place.starts_with(&format!("/$defs/{RESPONSE}")))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::import;

    const PAGE: &str = include_str!("../../../fixtures/first-edition.txt");

    fn found(document: &Value) -> Vec<(&'static str, String)> {
        let imported = import::read(document.to_string().as_bytes()).unwrap();
        lint(&imported, &[], &Context::default())
            .into_iter()
            .map(|finding| (finding.rule, finding.pointer))
            .collect()
    }

    fn rules_at(schema: Value, pointer: &str) -> Vec<&'static str> {
        let place = format!("/$defs/CreateTaskRequest{pointer}");
        found(&schema).into_iter().filter(|(_, at)| *at == place).map(|(rule, _)| rule).collect()
    }

    #[test]
    fn the_faults_of_the_page_that_we_were_given() {
        let overlays = crate::codegen::overlays(&crate::root()).unwrap();
        let findings = lint(&import::read(PAGE.as_bytes()).unwrap(), &overlays, &Context::default());
        let of = |rule: &str| findings.iter().filter(|f| f.rule == rule).collect::<Vec<_>>();
        let items = "/$defs/CreateTaskRequest/properties/content/items";

        let rejected = of("example-rejected");
        assert_eq!(rejected.len(), 2, "{rejected:#?}");
        assert!(rejected.iter().all(|f| f.pointer == format!("{items}/required")), "{rejected:#?}");
        assert!(rejected[0].message.contains("/content/0, /content/3, /content/4"), "{}", rejected[0]);
        assert!(rejected[0].message.contains("image_url"), "{}", rejected[0]);
        assert!(
            rejected[1].message.contains("/content/0:") && rejected[1].message.contains("role"),
            "{}",
            rejected[1]
        );

        let level = of("required-level");
        assert_eq!(level.len(), 2, "{level:#?}");
        assert!(
            level[0].message.contains("3 of 5") && level[0].message.contains("`type` is `image_url`"),
            "{}",
            level[0]
        );
        assert_eq!(of("undescribed").len(), 15, "six of the body, six of an item, three addresses");
        assert_eq!(of("empty-response")[0].pointer, "/$defs/CreateTaskResponse");
        assert_eq!(of("unknown-keyword").len(), 0, "hints of a tool are left out on reading");
        assert_eq!(of("only-success").len(), 1);

        // Corrections that the vendor adopts are retired one day; the faults of this edition stay.
        let answered = findings.iter().filter(|finding| finding.answered_by.is_some()).count();
        assert!(findings.len() == 21 && answered > 15, "{answered} of {}", findings.len());
        assert!(
            rejected[0].to_string().ends_with("answered by schema/overlay/020-content-by-type.json"),
            "{}",
            rejected[0]
        );
    }

    #[test]
    fn words_in_prose_and_descriptions_nobody_can_read() {
        let property =
            |schema: Value| json!({ "type": "object", "properties": { "mood": schema }, "examples": [{}] });
        let rules = |schema: Value| rules_at(property(schema), "/properties/mood");
        for prose in [
            "取值范围: calm, wild, epic。",
            "One of `calm`, `wild`.",
            "calm / wild 可选值",
            "枚举值 \"calm\"、\"wild\"",
        ] {
            let found = rules(json!({ "type": "string", "description": prose }));
            assert!(found.contains(&"enum-in-prose"), "{prose}: {found:?}");
        }
        assert_eq!(
            rules(
                json!({ "type": "string", "description": "One of `calm`, `wild`.", "enum": ["calm", "wild"] })
            ),
            [""; 0]
        );
        assert_eq!(rules(json!({ "type": "string", "description": "How the clip feels." })), [""; 0]);
        assert_eq!(rules(json!({ "type": "string", "description": "画面的情绪" })), ["untranslated"]);
        assert_eq!(rules(json!({ "type": "string" })), ["undescribed"]);
    }

    #[test]
    fn required_in_the_wrong_place_and_unknown_keywords() {
        let schema = json!({ "type": "object", "required": ["url", "gone"], "examples": [{}], "properties": {
            "image": { "type": "object", "description": "d", "properties": { "url": { "type": "string", "description": "d", "required": true } } },
            "level": { "type": "integer", "description": "d", "minimun": 3 },
        } });
        let all = found(&schema);
        let at = |pointer: &str| {
            all.iter().filter(|(_, p)| p.ends_with(pointer)).map(|(rule, _)| *rule).collect::<Vec<_>>()
        };
        assert_eq!(at("CreateTaskRequest/required"), ["required-level", "required-level"]);
        assert_eq!(at("properties/url/required"), ["no-schema", "required-level"]);
        assert_eq!(at("properties/level/minimun"), ["unknown-keyword"]);
    }

    #[test]
    fn values_outside_their_own_schema_and_texts_that_are_none() {
        let schema = json!({ "type": "object", "examples": [{ "draft": true, "seed": 3 }], "properties": {
            "mood": { "type": "string", "description": "d", "enum": ["calm"], "default": "wild" },
            "level": { "type": "integer", "description": "d", "maximum": 3, "example": 4 },
            "fine": { "type": "integer", "description": "d", "default": 3, "example": 3 },
            "draft": { "type": "string", "description": "d" },
            "frames": { "type": "string", "description": "d", "example": 29 },
            "seed": { "type": "integer", "description": "d" },
            "ratio": { "type": "string", "description": "d" },
        } });
        let imported = import::read(schema.to_string().as_bytes()).unwrap();
        let get = json!({ "openapi": "3.1.0", "paths": { "/v3/contents/generations/tasks/{id}": { "get": { "responses": { "200": {
            "content": { "application/json": { "schema": { "type": "object", "properties": {
                "seed": { "type": "string" }, "fine": { "type": "integer" } } } } } } } } } } });
        let other = import::read(get.to_string().as_bytes()).unwrap();
        let resolved = json!({ "$defs": { "CreateTaskRequest": { "type": "object", "properties": {
            "draft": { "type": "boolean" }, "ratio": { "$ref": "#/$defs/Ratio" } } }, "Ratio": { "type": "string" } } });
        let others = [("a get page".to_owned(), other)];
        let found = lint(&imported, &[], &Context { resolved: Some(&resolved), others: &others });
        let at = |name: &str| -> Vec<String> {
            let place = format!("/$defs/CreateTaskRequest/properties/{name}");
            let of = found.iter().filter(|one| one.pointer == place);
            of.map(|one| format!("{}: {}", one.rule, one.message)).collect()
        };
        let says = |name: &str, parts: &[&str]| {
            let all = at(name);
            assert!(parts.iter().all(|part| all.iter().any(|one| one.contains(part))), "{name}: {all:#?}");
        };
        says("mood", &["default-outside"]);
        says("level", &["example-outside"]);
        says(
            "draft",
            &["declared-as-text: ", "our schema says boolean; the example of a request has a boolean"],
        );
        says(
            "frames",
            &["declared-as-text: it is declared as text, and its example is 29", "example-outside"],
        );
        says("seed", &["types-differ: `seed` is integer here and string in the get operation of a get page"]);
        assert_eq!((at("fine"), at("ratio")), (vec![], vec![]));
    }

    #[test]
    fn one_name_with_two_types() {
        let schema = json!({ "type": "object", "examples": [{}], "properties": { "seed": { "type": "integer", "description": "d" } },
            "$defs": { "CreateTaskResponse": { "type": "object", "properties": { "seed": { "type": "string", "description": "d" } } } } });
        assert!(
            found(&schema)
                .contains(&("types-differ", "/$defs/CreateTaskResponse/properties/seed".to_owned()))
        );
    }
}

//! JSON and YAML text to a value, with every fault at its line and column. Stricter than the
//! libraries by themselves: a name that stands twice in one object is a fault, not a value that
//! vanishes, and aliases cannot blow a document up.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What is wrong with a text, and where: both count from 1.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl std::error::Error for Fault {}

/// The first JSON value of a text that begins in line `first_line` of its file; what follows it is
/// left alone.
pub(crate) fn first_json(text: &str, first_line: usize) -> Result<Option<Value>, Fault> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
    match values.next() {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value.0)),
        Some(Err(error)) => Err(json_fault(&error, first_line)),
    }
}

/// A text that is one JSON value.
pub(crate) fn json(text: &str, first_line: usize) -> Result<Value, Fault> {
    serde_json::from_str::<Strict>(text).map(|value| value.0).map_err(|error| json_fault(&error, first_line))
}

fn json_fault(error: &serde_json::Error, first_line: usize) -> Fault {
    let full = error.to_string();
    // The library's own line counts from the start of what it was given.
    let reason = full.rsplit_once(" at line ").map_or(full.as_str(), |(reason, _)| reason).to_owned();
    let reason = if error.is_eof() { format!("the text ends too early: {reason}") } else { reason };
    Fault { line: first_line + error.line().max(1) - 1, column: error.column().max(1), reason }
}

/// A text that is one YAML 1.2 document. Anchors and merge keys are followed within limits.
pub(crate) fn yaml(text: &str) -> Result<Value, Fault> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_depth: 120,
            max_documents: 1,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 16,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Strict>(text, options).map(|value| value.0).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or("it is not YAML").trim().to_owned();
        let usize = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
        Fault { line: usize(line), column: usize(column), reason }
    })
}

/// A value none of whose objects has a name twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Strict;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Strict, E> {
                Ok(Strict(Value::Null))
            }
            fn visit_none<E>(self) -> Result<Strict, E> {
                Ok(Strict(Value::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
                Ok(Strict(Value::Bool(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Strict, E> {
                let number =
                    Number::from_f64(value).ok_or_else(|| E::custom("a number that JSON cannot write"))?;
                Ok(Strict(Value::Number(number)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
                Ok(Strict(Value::String(value.to_owned())))
            }
            fn visit_string<E>(self, value: String) -> Result<Strict, E> {
                Ok(Strict(Value::String(value)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Strict(Value::Array(list)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
                let mut object = Map::new();
                while let Some(name) = members.next_key::<String>()? {
                    if object.contains_key(&name) {
                        return Err(A::Error::custom(format!("`{name}` stands twice in one object")));
                    }
                    let Strict(value) = members.next_value()?;
                    object.insert(name, value);
                }
                Ok(Strict(Value::Object(object)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_a_fault_with_its_place() {
        assert_eq!(
            json("{\n  \"a\": 1,\n  \"a\": 2\n}", 10).unwrap_err().to_string(),
            "line 12, column 5: `a` stands twice in one object"
        );
        let fault = yaml("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(fault.line, 3, "{fault}");
        assert!(fault.reason.contains("duplicate"), "{fault}");
        assert_eq!(
            json("{\"a\": {\"b\": 1}, \"c\": {\"b\": 2}}", 1).unwrap(),
            json!({"a": {"b": 1}, "c": {"b": 2}})
        );
    }

    #[test]
    fn a_text_that_ends_too_early_says_so() {
        let fault = json("{\n  \"a\": [1,", 1).unwrap_err().to_string();
        assert!(fault.starts_with("line 2, column 10: the text ends too early"), "{fault}");
        assert!(first_json("  ", 3).unwrap().is_none());
        assert_eq!(first_json("{\"a\": 1} rest", 1).unwrap(), Some(json!({"a": 1})));
    }

    #[test]
    fn yaml_follows_anchors_and_merge_keys_and_keeps_words() {
        let text = "base: &base\n  type: string\nmood:\n  <<: *base\n  maxLength: 3\nagain: *base\ncodes:\n  200: no\n  '404': ~\nversion: 1.0\n";
        let value = yaml(text).unwrap();
        assert_eq!(value["mood"], json!({"type": "string", "maxLength": 3}));
        assert_eq!(value["again"], json!({"type": "string"}));
        assert_eq!(value["codes"], json!({"200": "no", "404": null}));
        assert_eq!(value["version"], json!(1.0));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            let items = vec![before; 9].join(", ");
            text += &format!("a{level}: &a{level} [{items}]\n");
        }
        let fault = yaml(&text).unwrap_err();
        assert!(fault.reason.to_lowercase().contains("alias"), "{fault}");
    }

    #[test]
    fn depth_has_a_limit() {
        assert!(json(&"[".repeat(100_000), 1).is_err());
        assert!(yaml(&"[".repeat(10_000)).is_err());
    }
}

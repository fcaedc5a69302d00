//! Random pairs of a changed document and an overlay, each held against a validator that knows
//! nothing of readings: no verdict but a question where an instance of either side would be refused
//! against what we say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::statement::File;
use super::{Input, Verdict, merge};

const PAIRS: u32 = 10_000;

/// A small generator of its own, so that every run makes the same pairs.
struct Random(u64);

impl Random {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.up_to(of.len() as u64) as usize].clone()
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        let mut chosen: Vec<String> =
            of.iter().filter(|_| self.up_to(2) == 0).map(|w| (*w).to_owned()).collect();
        if chosen.is_empty() {
            chosen.push(of[0].to_owned());
        }
        chosen
    }

    /// A schema of one value. What is written differently is often meant alike.
    fn schema(&mut self, depth: u32) -> Value {
        let mut schema = match self.up_to(if depth == 0 { 9 } else { 6 }) {
            0 => json!({ "type": "string" }),
            1 => {
                let values = self.some(&["a", "b", "c"]);
                match self.up_to(3) {
                    0 => {
                        json!({ "oneOf": values.iter().map(|word| json!({ "const": word })).collect::<Vec<_>>() })
                    }
                    1 => {
                        json!({ "type": ["string", "null"], "enum": values.iter().map(|w| json!(w)).chain([Value::Null]).collect::<Vec<_>>() })
                    }
                    _ => json!({ "type": "string", "enum": values }),
                }
            }
            2 => {
                let least = self.up_to(2);
                json!({ "type": "string", "maxLength": least + self.up_to(3), "minLength": least })
            }
            3 => {
                let low = self.up_to(6) as i64 - 1;
                let high = low + self.up_to(8) as i64;
                match self.up_to(4) {
                    0 => json!({ "type": "integer", "minimum": low }),
                    1 => {
                        json!({ "type": "integer", "anyOf": [{ "const": -1 }, { "minimum": low, "maximum": high }] })
                    }
                    2 => {
                        json!({ "allOf": [{ "type": "integer" }, { "exclusiveMinimum": low - 1 }, { "maximum": high }] })
                    }
                    _ => json!({ "type": "integer", "minimum": low, "maximum": high }),
                }
            }
            4 => json!({ "type": self.one(&["integer", "number", "boolean"]) }),
            5 => json!({ "type": "integer", "enum": [self.up_to(4), 5] }),
            6 => json!({ "type": "array", "items": self.schema(1), "minItems": self.up_to(2) }),
            7 => {
                let (a, b) = (self.schema(1), self.schema(1));
                let required: Vec<&str> = ["a", "b"].into_iter().filter(|_| self.up_to(2) == 0).collect();
                json!({ "type": "object", "properties": { "a": a, "b": b }, "required": required })
            }
            _ => json!({ "$ref": "#/$defs/Named" }),
        };
        if self.up_to(3) == 0 {
            schema["description"] = json!(self.one(&["one", "two"]));
        }
        schema
    }

    /// A document that moved a little, or not at all, or anywhere.
    fn changed(&mut self, schema: &Value) -> Value {
        match self.up_to(5) {
            0 => schema.clone(),
            1 => {
                let mut schema = schema.clone();
                schema["description"] = json!("three");
                schema
            }
            _ => self.schema(0),
        }
    }
}

/// Values near every end that the schemas can have.
fn instances() -> Vec<Value> {
    let scalars: Vec<Value> = (-3..16)
        .map(|n| json!(n))
        .chain([json!(1.5), json!(1_000_000), json!(true), json!(false)])
        .chain(["", "a", "b", "c", "d", "ab", "abc", "abcd", "abcdefgh"].map(|word| json!(word)))
        .collect();
    let few: Vec<&Value> = scalars.iter().filter(|one| **one != 1_000_000 && **one != -3).collect();
    let mut all = scalars.clone();
    all.push(json!([]));
    all.extend(scalars.iter().map(|one| json!([one])));
    all.push(json!({}));
    all.extend(few.iter().flat_map(|one| [json!({ "a": one }), json!({ "b": one })]));
    all.extend(few.iter().flat_map(|one| few.iter().map(move |two| json!({ "a": one, "b": two }))));
    all
}

fn named(values: &[String]) -> Value {
    json!({ "type": "string", "enum": values })
}

/// Which instances a schema takes; the same schema is compiled once.
struct Taken {
    instances: Vec<Value>,
    known: BTreeMap<String, Vec<bool>>,
}

impl Taken {
    fn by(&mut self, schema: &Value, named: &Value) -> Vec<bool> {
        let mut whole = schema.clone();
        whole["$defs"] = json!({ "Named": named });
        let instances = &self.instances;
        self.known
            .entry(whole.to_string())
            .or_insert_with(|| {
                let validator = jsonschema::draft202012::new(&whole).unwrap();
                instances.iter().map(|instance| validator.is_valid(instance)).collect()
            })
            .clone()
    }
}

/// An open string beside a list of values, at any depth: the one difference that is noted and not
/// asked.
fn open_beside_list(document: &Value, ours: &Value, types: (&Value, &Value)) -> bool {
    use crate::schema::reading::Reading;
    let wrap = |named: &Value| json!({ "Named": named }).as_object().cloned().unwrap_or_default();
    let (document_types, our_types) = (wrap(types.0), wrap(types.1));
    fn differs(document: &Reading<'_>, ours: &Reading<'_>) -> bool {
        let list = document.values().is_some_and(|all| !all.is_empty() && all.iter().all(|v| v.is_string()));
        (list && ours.values().is_none())
            || ["a", "b"].iter().any(|name| match (document.field(name), ours.field(name)) {
                (Some(document), Some(ours)) => differs(&document, &ours),
                _ => false,
            })
            || matches!((document.items(), ours.items()), (Some(document), Some(ours)) if differs(&document, &ours))
    }
    differs(&Reading::of(document, "", &document_types), &Reading::of(ours, "", &our_types))
}

#[test]
fn ten_thousand_pairs() {
    let mut random = Random(20_261_129);
    let mut taken = Taken { instances: instances(), known: BTreeMap::new() };
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..PAIRS {
        let (base, ours) = (random.schema(0), random.schema(0));
        let base = (random.up_to(4) > 0).then_some(base);
        let ours = if random.up_to(4) == 0 { base.clone().unwrap_or(ours) } else { ours };
        let document = match &base {
            Some(base) => random.changed(base),
            None => random.schema(0),
        };
        let all = [random.some(&["a", "b"]), random.some(&["a", "b"])];
        let (before_named, after_named) = (named(&all[0]), named(&all[random.up_to(2) as usize]));
        let whole = |field: Option<&Value>, named: &Value| {
            let properties = field.map(|field| json!({ "f": field })).unwrap_or(json!({}));
            json!({ "$defs": {
                "CreateTaskRequest": { "x-role": "request", "type": "object", "properties": properties }, "Named": named,
            } })
        };
        let at = "/$defs/CreateTaskRequest/properties/f";
        let patch = match &base {
            Some(base) => {
                json!([{ "op": "test", "path": at, "value": base }, { "op": "replace", "path": at, "value": ours }])
            }
            None => json!([{ "op": "add", "path": at, "value": ours }]),
        };
        let text = json!({ "id": "f", "reason": "r", "evidence": [{ "document": "d", "date": "2026" }], "page_faults": [], "patch": patch });
        let files = [File::parse("010-f.json", &text.to_string()).unwrap()];
        let (before, after) = (whole(base.as_ref(), &before_named), whole(Some(&document), &after_named));
        let input = Input {
            before: &before,
            after: &after,
            files: &files,
            answers: &[],
            document: "d",
            date: "2026",
        };
        let merged = merge(&input).unwrap();
        let verdict = merged.statuses[0].verdict;
        *counts.entry(verdict.as_str()).or_default() += 1;

        let about = || {
            format!(
                "pair {number}: {}\n base     {base:?} with {before_named}\n document {document} with {after_named}\n ours     {ours}",
                verdict.as_str()
            )
        };
        let theirs = taken.by(&document, &after_named);
        // Our types are those of the document where no overlay says them.
        let we = taken.by(&ours, &after_named);
        let result = taken.by(merged.document.pointer(at).unwrap(), &merged.document["$defs"]["Named"]);
        let narrower = (0..we.len()).find(|at| we[*at] && !theirs[*at]);
        let wider = (0..we.len()).find(|at| theirs[*at] && !we[*at]);
        for instance in 0..we.len() {
            assert!(
                !we[instance] || result[instance],
                "{}\n our instance is refused: {}",
                about(),
                taken.instances[instance]
            );
            assert!(
                !theirs[instance] || result[instance] || !we[instance],
                "{}\n their instance is refused, and we do not refuse it: {}",
                about(),
                taken.instances[instance]
            );
        }
        let lists_differ =
            || merged.questions.iter().flat_map(|one| &one.contradictions).any(|one| one.kind == "values");
        match verdict {
            Verdict::Confirmed | Verdict::Adopted => {
                let before_was = base.as_ref().map(|base| taken.by(base, &before_named));
                // What contradicted us before, and was answered by writing the overlay, is not
                // asked again.
                let known = |at: usize| before_was.as_ref().is_some_and(|was| !was[at]);
                if let Some(at) = narrower.filter(|at| !known(*at)) {
                    assert!(
                        open_beside_list(&document, &ours, (&after_named, &after_named)),
                        "{}\n we take it and the document refuses it: {}",
                        about(),
                        taken.instances[at]
                    );
                }
            }
            Verdict::Question => {
                let takes_nothing = !we.contains(&true);
                assert!(
                    takes_nothing || narrower.is_some() || (wider.is_some() && lists_differ()),
                    "{}\n nothing contradicts",
                    about()
                );
            }
            Verdict::Applies => {
                let was = base.as_ref().map(|base| taken.by(base, &before_named));
                assert!(
                    was.is_none_or(|was| was == theirs),
                    "{}\n the document means something else now",
                    about()
                );
            }
            other => panic!("{}: {other:?}", about()),
        }
    }
    println!("{PAIRS} pairs: {counts:?}, {} schemas compiled", taken.known.len());
    assert!(["applies", "confirmed", "question"].iter().all(|verdict| counts[verdict] > 500), "{counts:?}");
}

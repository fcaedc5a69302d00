//! The typed checks against the schema's own validator: "decodes and has no structural refusal"
//! must mean "is valid".
//!
//! Instances come from the schema at random, and from lists of items that stand together in every
//! way; every second one is damaged at a random place with a value from the edge of something.
//! `cargo xtask differential --cases N` runs as many as one likes.

use std::num::NonZero;
use std::ops::Range;

use ark_video_model::{
    CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, check_json},
};
use jsonschema::Validator;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::schema;

/// Set by `cargo xtask differential`.
const CASES: &str = "ARK_VIDEO_DIFFERENTIAL_CASES";

/// Differences that are meant, with the reason. None is left: add one only with a reason that
/// outlives the day.
const KNOWN: &[Difference] = &[];

/// Why it is meant, and which instances show it.
type Difference = (&'static str, fn(&Value) -> bool);

#[test]
fn typed_checks_and_schema_agree() {
    let cases = std::env::var(CASES)
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or_else(|| ark_video_test_support::times(6_000, 20_000) as u64);
    let seen = run(&Judge::new(schema::validator("CreateTaskRequest")), 0..cases);
    println!(
        "{cases} instances: {} valid, {} refused by both, {} known differences",
        seen.valid, seen.refused, seen.known
    );
    assert!(seen.disagreements.is_empty(), "{}", seen.disagreements.join("\n"));
    // Both verdicts are tried, and neither in a corner.
    assert!(
        seen.valid > cases / 10 && seen.refused > cases / 10,
        "{} valid, {} refused",
        seen.valid,
        seen.refused
    );
}

/// The run can fail: a bound one off, a rule or a word too many in the schema, and it does.
#[test]
fn the_run_notices_a_drift() {
    let fields = "/$defs/CreateTaskRequest/properties";
    for (place, value) in [
        (format!("{fields}/priority/maximum"), json!(10)),
        (format!("{fields}/duration/anyOf/1/minimum"), json!(1)),
        (format!("{fields}/safety_identifier/maxLength"), json!(65)),
        (format!("{fields}/content/minItems"), json!(0)),
        (format!("{fields}/content/allOf/5"), json!({})),
        (
            "/$defs/Ratio/enum".to_owned(),
            json!(["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive", "2:1"]),
        ),
        ("/$defs/MediaUrl/properties/url/minLength".to_owned(), json!(0)),
    ] {
        let mut drifted = schema::schema_of("CreateTaskRequest");
        *drifted.pointer_mut(&place).unwrap_or_else(|| panic!("{place} is gone")) = value;
        let judge = Judge::new(jsonschema::validator_for(&drifted).unwrap());
        let noticed = (0..20).any(|part| !run(&judge, part * 500..(part + 1) * 500).disagreements.is_empty());
        assert!(noticed, "{place}");
    }
}

/// What the run saw.
#[derive(Default)]
struct Seen {
    valid: u64,
    refused: u64,
    known: u64,
    disagreements: Vec<String>,
}

fn run(judge: &Judge, seeds: Range<u64>) -> Seen {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = seeds.clone();
                scope.spawn(move || {
                    let mut seen = Seen::default();
                    seeds
                        .skip(part as usize)
                        .step_by(threads as usize)
                        .for_each(|seed| judge.check(seed, &mut seen));
                    seen
                })
            })
            .collect();
        parts.into_iter().fold(Seen::default(), |mut all, part| {
            let part = part.join().unwrap();
            all.valid += part.valid;
            all.refused += part.refused;
            all.known += part.known;
            all.disagreements.extend(part.disagreements);
            all
        })
    })
}

struct Judge {
    validator: Validator,
    /// The schema without its rules on several items, which the generator of instances does not
    /// know.
    stripped: Value,
}

impl Judge {
    fn new(validator: Validator) -> Self {
        Self { validator, stripped: schema::without_rules("CreateTaskRequest") }
    }

    fn check(&self, seed: u64, seen: &mut Seen) {
        let instance = self.instance(seed);
        let valid = self.validator.is_valid(&instance);
        let typed = serde_json::from_value::<CreateTaskRequest>(instance.clone());
        let report = typed.as_ref().map(CreateTaskRequest::check_structure);
        // What cannot be decoded is explained place by place, and nothing else is.
        let (read, explained) = check_json(&instance, Catalog::builtin(), &Facts::new());
        let reported = explained.findings.iter().any(|finding| matches!(&*finding.rule, "required" | "type"));
        assert!(
            read.is_some() == typed.is_ok() && reported == typed.is_err(),
            "seed {seed}: {instance}\n{explained}"
        );
        assert!(
            explained
                .findings
                .iter()
                .all(|finding| !reported || !finding.pointer.is_empty() || !instance.is_object()),
            "seed {seed}"
        );
        let taken = report.as_ref().is_ok_and(|report| !report.is_refused());
        match (valid, taken) {
            (true, true) => seen.valid += 1,
            (false, false) => seen.refused += 1,
            _ if KNOWN.iter().any(|(_, applies)| applies(&instance)) => seen.known += 1,
            _ if seen.disagreements.len() >= 5 => {}
            _ => {
                let complaints: Vec<String> =
                    self.validator.iter_errors(&instance).map(|error| error.to_string()).collect();
                seen.disagreements.push(format!(
                    "seed {seed}: the schema says {valid}, the types {taken}\n  {instance}\n  schema: {complaints:?}\n  types: {report:?}"
                ));
            }
        }
    }

    fn instance(&self, seed: u64) -> Value {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut instance = match seed % 4 {
            0 | 1 => noson::generate(&self.stripped, &mut rng)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}")),
            _ => combined(&mut rng),
        };
        if seed.is_multiple_of(2) {
            damage(&mut instance, &mut rng);
        }
        instance
    }
}

/// A request whose items stand together as chance has it.
fn combined(rng: &mut StdRng) -> Value {
    let items: Vec<Value> = (0..rng.random_range(0..5)).map(|_| item(rng)).collect();
    let mut body = json!({ "model": "doubao-seedance-2-0-260128", "content": items });
    if rng.random_range(0..16) == 0 {
        body["safety_identifier"] = json!(pick(&["x", "字"], rng).repeat(rng.random_range(63..67)));
    }
    for (name, values) in FIELDS {
        if rng.random_range(0..8) == 0 {
            let values: Value = serde_json::from_str(values).unwrap();
            body[*name] = pick(values.as_array().unwrap(), rng).clone();
        }
    }
    body
}

/// Values for fields, good and bad.
const FIELDS: &[(&str, &str)] = &[
    ("duration", "[-2, -1, 0, 1, 2, 30, 31, 5.0, -1.0, null]"),
    ("frames", "[28, 29, 57, 289, 290, null]"),
    ("seed", "[-2, -1, 0, 2147483647, 4294967295, 4294967296]"),
    ("priority", "[-1, 0, 9, 10]"),
    ("execution_expires_after", "[3599, 3600, 259200, 259201]"),
    ("ratio", r#"["16:9", "adaptive", "2:1", "", null]"#),
    ("resolution", r#"["480p", "4k", "4K", null]"#),
    ("service_tier", r#"["default", "flex", "Flex"]"#),
    ("output_format", r#"["mp4", "mov", "webm"]"#),
    ("omni_reference_task_type", r#"["auto", "edit", "editing"]"#),
    ("tools", r#"[[], [{"type": "web_search"}], [{"type": "search"}], [{}], null]"#),
];

fn pick<'a, T>(from: &'a [T], rng: &mut StdRng) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

fn item(rng: &mut StdRng) -> Value {
    let address =
        json!({ "url": if rng.random_range(0..16) == 0 { "" } else { "https://media.example.com/a" } });
    let role = |rng: &mut StdRng, roles: &[&str]| match rng.random_range(0..8) {
        0 => Some(Value::Null),
        1 => None,
        2 if rng.random_range(0..4) == 0 => Some(json!("mask")),
        _ => Some(json!(pick(roles, rng))),
    };
    let (kind, payload, role) = match rng.random_range(0..14) {
        0..3 => return json!({ "type": "text", "text": "x" }),
        3 => return json!({ "type": "draft_task", "draft_task": { "id": "cgt-1" } }),
        4 if rng.random_range(0..4) == 0 => return json!({ "type": "hologram", "role": "first_frame" }),
        4..6 => ("video_url", address, role(rng, &["reference_video"])),
        6..8 => ("audio_url", address, role(rng, &["reference_audio"])),
        8 => ("image_url", address, role(rng, &["reference_image", "reference_video"])),
        _ => (
            "image_url",
            address,
            role(rng, &["first_frame", "last_frame", "reference_image", "first_frame"]),
        ),
    };
    let mut item = json!({ "type": kind, kind: payload });
    if let Some(role) = role {
        item["role"] = role;
    }
    item
}

/// Changes one place at random: another value, a missing member, one entry twice, another name.
fn damage(instance: &mut Value, rng: &mut StdRng) {
    let mut places = Vec::new();
    walk(instance, String::new(), &mut places);
    let place = pick(&places, rng).clone();
    let Some(value) = instance.pointer_mut(&place) else { return };
    match (rng.random_range(0..6), value) {
        (0, Value::Object(members)) => {
            let names: Vec<String> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.remove(pick(&names, rng));
            }
        }
        (0, Value::Array(items)) => {
            items.pop();
        }
        (1, Value::Array(items)) => {
            let more = items.first().cloned().unwrap_or_else(|| item(rng));
            items.push(more);
        }
        (1, Value::Object(members)) => {
            members.insert("later".into(), edge(rng));
        }
        (2, Value::Array(items)) => items.reverse(),
        (_, value) => *value = edge(rng),
    }
}

fn walk(value: &Value, path: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(path);
}

/// A value from the edge of something.
fn edge(rng: &mut StdRng) -> Value {
    const WHOLE: &[i64] = &[
        -2,
        -1,
        0,
        1,
        2,
        3,
        4,
        9,
        10,
        28,
        29,
        30,
        31,
        289,
        290,
        3599,
        3600,
        259_200,
        259_201,
        2_147_483_647,
        2_147_483_648,
        4_294_967_295,
        4_294_967_296,
        i64::MAX,
        i64::MIN,
    ];
    const FLOAT: &[f64] = &[-1.0, 4.0, 4.5, 30.0, 1e30, -1e30, 9_007_199_254_740_993.0, 0.1];
    const TEXTS: &[&str] = &[
        "",
        "x",
        "text",
        "image_url",
        "video_url",
        "audio_url",
        "draft_task",
        "first_frame",
        "last_frame",
        "reference_image",
        "reference_video",
        "reference_audio",
        "16:9",
        "adaptive",
        "4k",
        "flex",
        "mov",
        "edit",
        "web_search",
        "5",
        "true",
    ];
    match rng.random_range(0..10) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!([]),
        3 => Value::Object(Map::new()),
        4 => json!(pick(FLOAT, rng)),
        5 => json!(u64::MAX),
        6 => json!(pick(&["x", "字"], rng).repeat(rng.random_range(63..67))),
        7 => json!(pick(TEXTS, rng)),
        _ => json!(pick(WHOLE, rng)),
    }
}

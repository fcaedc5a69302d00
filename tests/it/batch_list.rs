//! Shot lists: the examples, the schema for editors and `batch check`, held against each other. No
//! key, no network.

use std::fs;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::cli::{Ran, Shell};
use crate::examples;

const MODEL: &str = "doubao-seedance-2-0-260128";

fn schema() -> Value {
    let text = fs::read_to_string(examples::repository("schema/ark-video.batch.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(name: Option<&str>) -> Validator {
    let mut schema = schema();
    if let Some(name) = name {
        schema = json!({ "$schema": schema["$schema"], "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] });
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn example(name: &str) -> String {
    examples::repository("schema/examples/batches").join(name).display().to_string()
}

fn shown(ran: &Ran) -> String {
    let root = examples::repository("schema/examples/batches").display().to_string();
    let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", ran.code, ran.stdout, ran.stderr);
    text.replace(&root, "EXAMPLES")
}

/// A list of one shot with this member.
fn list(member: &str, value: Value) -> Value {
    let mut shot = json!({ "name": "a", "model": MODEL, "prompt": "x" });
    shot[member] = value;
    json!({ "shots": [shot] })
}

async fn checked(list: &Value) -> Value {
    let text = std::io::Cursor::new(list.to_string());
    let ran = Shell::new().run_with(&["batch", "check", "-"], |env| env.stdin = Box::new(text)).await;
    assert_eq!(ran.code == 4, ran.json()["refused"] == true, "{}", ran.stdout);
    ran.json()
}

#[tokio::test]
async fn people_read_what_a_list_is_and_costs() {
    let ran = Shell::new().run(&["batch", "check", "--text", &example("harbour.toml")]).await;
    insta::assert_snapshot!(shown(&ran));
}

#[tokio::test]
async fn all_forms_of_the_example_fit_the_schema_and_say_the_same() {
    let text = examples::read("batches/harbour.json");
    let whole: Value = serde_json::from_str(&text).unwrap();
    let complaints: Vec<String> =
        validator(None).iter_errors(&whole).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let shot = validator(Some("Shot"));
    for line in examples::read("batches/harbour.jsonl").lines().skip(1) {
        assert!(shot.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
    }
    let mut said = Vec::new();
    for name in ["harbour.toml", "harbour.json", "harbour.jsonl"] {
        let ran = Shell::new().run(&["batch", "check", "--json", &example(name)]).await;
        let report = ran.json();
        assert_eq!((ran.code, &report["refused"]), (0, &json!(false)), "{}", ran.stdout);
        assert_eq!(
            (report["totals"]["jobs"].as_u64(), report["shots"].as_array().unwrap().len()),
            (Some(15), 12)
        );
        said.push(report["totals"].clone());
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_refused_list_names_file_line_and_shot() {
    let shell = Shell::new();
    let text = "[defaults]\nmodel = \"doubao-seedance-2-0-260128\"\n\n[[shots]]\nname = \"a\"\nprompt = \"x\"\nresolution = \"9k\"\n\n[[shots]]\nname = \"b\"\nfirst_frame = \"none.png\"\nafter = { shot = \"A\", link = \"last_frame\" }\n\n[[shots]]\nname = \"nul\"\nduratoin = 5\n";
    fs::write(shell.folder.path().join("shots.toml"), text).unwrap();
    let ran = shell.run(&["batch", "check", "--text", "shots.toml"]).await;
    insta::assert_snapshot!(shown(&ran));
    let quiet = shell.run(&["batch", "check", "-q", "shots.toml"]).await;
    assert_eq!((quiet.code, quiet.stdout.as_str()), (4, ""));
    assert!(quiet.stderr.contains("shots.toml:7:1: refused: a: resolution:"), "{}", quiet.stderr);
}

#[tokio::test]
async fn a_list_has_to_stay_within_what_it_may_cost() {
    let shell = Shell::new();
    let name = example("harbour.toml");
    let run = async |most: &str| shell.run(&["batch", "check", "-q", &name, "--max-cost", most]).await;
    assert_eq!(run("10000CNY").await.code, 0);
    let ran = run("10CNY").await;
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("--max-cost 10.00 CNY: it may cost up to"), "{}", ran.stderr);
    assert_eq!(run("10").await.code, 2);
    let missing = shell.run(&["batch", "check", "none.toml"]).await;
    assert_eq!(missing.code, 5);
    assert!(
        missing.stderr.contains("cannot read the list none.toml: there is no such file"),
        "{}",
        missing.stderr
    );
}

#[tokio::test]
async fn what_is_refused_for_its_form_is_refused_by_the_schema_too() {
    let schema = validator(None);
    let fine = list("tags", json!(["t"]));
    assert!(schema.is_valid(&fine));
    assert_eq!(checked(&fine).await["refused"], false);
    for (member, value) in [
        ("name", json!("a/b")),
        ("name", json!("")),
        ("name", json!(1)),
        ("prompt", json!(1)),
        ("first_frame", json!(["a.png"])),
        ("references", json!("a.png")),
        ("seeds", json!([1, 1])),
        ("seeds", json!([-1])),
        ("seeds", json!([1.5])),
        ("seeds", json!([])),
        ("variants", json!(0)),
        ("variants", json!(20_000)),
        ("after", json!("b")),
        ("after", json!({ "shot": "b" })),
        ("after", json!({ "shot": "b", "link": "next" })),
        ("after", json!({ "shot": "b", "link": "extend", "when": 1 })),
        ("output", json!(1)),
        ("tags", json!("t")),
        ("tags", json!([""])),
        ("extra_body", json!([])),
        ("content", json!([{ "type": "text", "text": "x" }])),
        ("duration", json!("5")),
        ("duration", json!(31)),
        ("watermark", json!("yes")),
        ("ratio", json!("2:1")),
        ("duratoin", json!(5)),
    ] {
        let list = list(member, value);
        assert_eq!(checked(&list).await["refused"], true, "{list}");
        assert!(!schema.is_valid(&list), "the schema takes {list}");
    }
    for list in [
        json!({}),
        json!({ "shots": [] }),
        json!({ "shots": {} }),
        json!({ "shots": [1] }),
        json!({ "shots": [{ "prompt": "x", "model": MODEL }] }),
        json!({ "defaults": { "name": "a" }, "shots": [{ "name": "a", "prompt": "x", "model": MODEL }] }),
        json!({ "caps": { "day": "5" }, "shots": [{ "name": "a", "prompt": "x", "model": MODEL }] }),
        json!({ "caps": { "month": "5CNY" }, "shots": [{ "name": "a", "prompt": "x", "model": MODEL }] }),
        json!({ "shot": [], "shots": [{ "name": "a", "prompt": "x", "model": MODEL }] }),
    ] {
        assert_eq!(checked(&list).await["refused"], true, "{list}");
        assert!(!schema.is_valid(&list), "the schema takes {list}");
    }
}

/// The schema and the reader have the same members: none of the schema's is unknown to the reader.
#[tokio::test]
async fn the_schema_has_the_readers_members() {
    let schema = schema();
    let members = schema["$defs"]["Shot"]["properties"].as_object().unwrap();
    assert!(members.len() > 25);
    for member in members.keys() {
        assert!(!members[member]["description"].as_str().unwrap().is_empty(), "{member}");
        let report = checked(&list(member, json!([[]]))).await;
        let findings = report["findings"].as_array().unwrap();
        assert!(!findings.is_empty(), "{member} takes anything");
        assert!(findings.iter().all(|finding| finding["rule"] != "unknown-member"), "{member}: {report}");
    }
}

/// The guide's lists are lists.
#[tokio::test]
async fn the_chapters_lists_are_not_refused() {
    let text = fs::read_to_string(examples::repository("docs/guide/batch.md")).unwrap();
    let shell = Shell::new();
    let image = fs::read(examples::repository("schema/examples/batches/street.png")).unwrap();
    fs::write(shell.folder.path().join("street.png"), image).unwrap();
    let mut count = 0;
    for (form, ending) in [("```toml\n", "toml"), ("```jsonl\n", "jsonl"), ("```json\n", "json")] {
        for piece in text.split(form).skip(1) {
            let list = piece.split("```").next().unwrap();
            if !list.contains("name") {
                continue;
            }
            let name = format!("list.{ending}");
            fs::write(shell.folder.path().join(&name), list).unwrap();
            let ran = shell.run(&["batch", "check", "--text", &name]).await;
            assert_eq!(ran.code, 0, "{list}\n{}{}", ran.stdout, ran.stderr);
            count += 1;
        }
    }
    assert!(count >= 4, "{count}");
}

/// What is planned, priced and recorded is the id, so that a list means the same in every run.
#[tokio::test]
async fn a_short_model_name_in_a_list_is_the_id_of_the_site() {
    let list = json!({ "defaults": { "model": "mini" }, "shots": [
        { "name": "a", "prompt": "x", "duration": 5 },
        { "name": "b", "prompt": "x", "model": "2.5", "output": "{model}.mp4" },
    ] });
    for (site, ids) in [
        ("", ["doubao-seedance-2-0-mini-260615", "doubao-seedance-2-5-260628"]),
        (
            "https://ark.ap-southeast.bytepluses.com/api/v3",
            ["dreamina-seedance-2-0-mini-260615", "dreamina-seedance-2-5-260628"],
        ),
    ] {
        let text = std::io::Cursor::new(list.to_string());
        let shell = Shell::new().set("ARK_BASE_URL", site);
        let ran = shell.run_with(&["batch", "check", "-"], |env| env.stdin = Box::new(text)).await;
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        let report = ran.json();
        let found = [0, 1].map(|at| report["shots"][at]["model"].as_str().unwrap().to_owned());
        assert_eq!(found, ids);
        let models: Vec<&String> = report["totals"]["models"].as_object().unwrap().keys().collect();
        assert_eq!(models, ids);
        assert_eq!(ran.stderr, format!("model mini is {}\nmodel 2.5 is {}\n", ids[0], ids[1]));
    }
    let refused = checked(&json!({ "shots": [{ "name": "a", "prompt": "x", "model": "fast" }] })).await;
    assert_eq!(refused["findings"][0]["rule"], "model-name", "{refused}");
    assert!(refused["findings"][0]["message"].as_str().unwrap().contains("2.0-fast"), "{refused}");
}

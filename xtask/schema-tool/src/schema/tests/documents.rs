//! Real documents of this API, as other publishers have them: what each asks, and that nothing else
//! stands in its way.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use crate::codegen;
use crate::schema::diff::Class;
use crate::schema::fixtures::Fixture;
use crate::schema::intake::Arrival;
use crate::schema::merge::{Answer, Take};
use crate::schema::update::{self, Options, Update};
use crate::schema::{files, source};

const RECEIVED: &str = "2026-11-29";

fn document(name: &str) -> PathBuf {
    crate::root().join("xtask/schema-tool/fixtures/documents").join(name)
}

fn plan(fixture: &Fixture, file: PathBuf, answers: Vec<Answer>) -> anyhow::Result<Update> {
    let arrival = Arrival { file, received: Some(RECEIVED.to_owned()), ..Arrival::default() };
    update::plan(fixture.root(), &arrival, &Options { answers, ..Options::default() })
}

fn answers(pointers: &[String], take: Take) -> Vec<Answer> {
    pointers.iter().map(|pointer| Answer { pointer: pointer.clone(), take, reason: None }).collect()
}

fn field(name: &str) -> String {
    format!("/$defs/CreateTaskRequest/properties/{name}")
}

fn schema(fixture: &Fixture) -> Value {
    codegen::read_json(fixture.root(), codegen::SCHEMA).unwrap()
}

fn check(fixture: &Fixture) {
    codegen::run(fixture.root(), true).unwrap();
    crate::docs::run(fixture.root(), true).unwrap();
}

#[test]
fn each_asks_its_contradictions_and_nothing_else() {
    let first = Fixture::first(&crate::root()).unwrap();
    for (name, fields, parts) in [
        (
            "302ai.seedance-2.0.apifox.md",
            vec!["draft", "frames", "tools"],
            vec![
                "type: the document says string; we say boolean",
                "type: the document says string; we say integer",
                "type: the document says object; we say array",
                "field `CreateTaskRequest.frames` changed; Rust: breaking",
                "create-task.apifox.txt stays as a second source",
                "`Seedance-2.0 (视频生成)` of 302.ai",
            ],
        ),
        (
            "apiyi.seedance.openapi.yaml",
            vec!["content", "resolution", "omni_reference_task_type"],
            vec![
                "values of `[].type`: the document says \"text\", \"image_url\", \"video_url\", \"audio_url\" (lacks \"draft_task\")",
                "(lacks \"4k\")",
                "(lacks \"reference\")",
                "ours stays open",
            ],
        ),
        (
            "chainhub.create-lite-reference.apifox.md",
            vec![],
            vec!["warning: line 16: repaired", "kept      schema/overlay/034-watermark.json"],
        ),
        (
            "chainhub.list-tasks.apifox.md",
            vec![],
            vec!["schema/vendor/list/chainhub.list-tasks.apifox.md (the list operation"],
        ),
    ] {
        let fixture = first.again().unwrap();
        let before = fixture.contents().unwrap();
        let update =
            plan(&fixture, document(name), Vec::new()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(update.questions, fields.iter().map(|name| field(name)).collect::<Vec<_>>(), "{name}");
        for part in parts {
            assert!(update.report.contains(part), "{name}: `{part}` is missing in\n{}", update.report);
        }
        let last: Vec<&str> = update.report.lines().rev().take(2).collect();
        assert_eq!(last[1], format!("{} questions", fields.len()), "{name}");
        assert_eq!(last[0], "0 changes: 0 breaking, 0 unproved, 0 compatible, 0 docs only", "{name}");
        assert_eq!(update.json["questions"].as_array().unwrap().len(), fields.len(), "{name}");
        assert_eq!(fixture.contents().unwrap(), before, "{name}: planning touched a file");
        assert_eq!(update.files.is_empty(), !fields.is_empty(), "{name}: all files or none");

        let settled = plan(&fixture, document(name), answers(&update.questions, Take::Ours)).unwrap();
        assert_eq!(settled.questions, [""; 0], "{name}");
        let was = schema(&fixture);
        files::commit(fixture.root(), &settled.files).unwrap();
        check(&fixture);
        assert_eq!(
            schema(&fixture).to_string(),
            was.to_string(),
            "{name}: the resolved schema stays, its order too"
        );
        let page = fixture.root().join("schema/vendor/create/create-task.apifox.txt");
        assert_eq!(
            source::sha256(&fs::read(page).unwrap()),
            "a3f112a8b0f08781ec0ea48427958561bebc6a28bd43178d06f7fdca6e8a0a4b"
        );

        let again = plan(&fixture, document(name), Vec::new()).unwrap();
        assert_eq!(
            (again.questions.len(), again.files.len(), again.changes.len()),
            (0, 0, 0),
            "{name}: {:?}",
            again.files.keys()
        );
        assert!(again.report.contains("the document that is there already"), "{name}");
    }
}

#[test]
fn from_document_to_green_check_in_four_commands() {
    let fixture = Fixture::first(&crate::root()).unwrap();
    let start = Instant::now();
    let update = plan(&fixture, document("302ai.seedance-2.0.apifox.md"), Vec::new()).unwrap();
    let settled =
        plan(&fixture, document("302ai.seedance-2.0.apifox.md"), answers(&update.questions, Take::Ours))
            .unwrap();
    files::commit(fixture.root(), &settled.files).unwrap();
    check(&fixture);
    // Two updates, `codegen --check` and `docs --check`.
    println!("4 commands, {:.1} s of machine time without compiling", start.elapsed().as_secs_f64());
}

#[test]
fn an_answer_is_kept_with_its_day_and_reason() {
    let fixture = Fixture::first(&crate::root()).unwrap();
    let name = "302ai.seedance-2.0.apifox.md";
    let mut all = answers(&[field("draft"), field("tools")], Take::Ours);
    all.push(Answer {
        pointer: field("frames"),
        take: Take::Theirs,
        reason: Some("A recorded answer.".to_owned()),
    });
    let update = plan(&fixture, document(name), all).unwrap();
    let [change] = update.changes.as_slice() else { panic!("{:#?}", update.changes) };
    assert_eq!(change.what, "field `CreateTaskRequest.frames` changed");
    assert_eq!((change.rust, change.worst()), (Class::Breaking, Class::Breaking));
    files::commit(fixture.root(), &update.files).unwrap();
    check(&fixture);
    let types = fs::read_to_string(fixture.root().join("crates/model/src/generated/types.rs")).unwrap();
    assert!(types.contains("pub frames: Option<String>"), "the document's reading holds");
    let frames = codegen::read_json(fixture.root(), "schema/overlay/048-frames.json").unwrap();
    let answer = &frames["answers"][0];
    assert_eq!(
        (&answer["at"], &answer["take"], &answer["date"], &answer["reason"]),
        (&json!(field("frames")), &json!("theirs"), &json!(RECEIVED), &json!("A recorded answer."))
    );
    assert!(answer["document"].as_str().unwrap().contains("302.ai"), "{answer}");
    let draft = codegen::read_json(fixture.root(), "schema/overlay/044-draft.json").unwrap();
    assert_eq!(draft["answers"][0]["take"], "ours");

    // The same document asks nothing; a person may still change their mind.
    let again = plan(&fixture, document(name), Vec::new()).unwrap();
    assert_eq!((again.questions.len(), again.files.len()), (0, 0));
    let back = plan(&fixture, document(name), answers(&[field("draft")], Take::Theirs)).unwrap();
    assert_eq!(back.changes[0].what, "field `CreateTaskRequest.draft` changed");
    let none =
        plan(&fixture, document(name), answers(&[field("seed")], Take::Ours)).err().unwrap().to_string();
    assert!(none.contains("there is no question at /$defs/CreateTaskRequest/properties/seed"), "{none}");
}

#[test]
fn a_third_edition_asks_what_is_new_in_it() {
    let fixture = Fixture::first(&crate::root()).unwrap();
    let name = "302ai.seedance-2.0.apifox.md";
    let text = fs::read_to_string(document(name)).unwrap();
    let open = plan(&fixture, document(name), Vec::new()).unwrap().questions;
    let settled = plan(&fixture, document(name), answers(&open, Take::Ours)).unwrap();
    files::commit(fixture.root(), &settled.files).unwrap();
    let property =
        |name: &str, kind: &str| format!("                {name}:\n                  type: {kind}\n");
    let indent = "                  ";
    let values = |values: &[&str]| {
        let list: Vec<String> = values.iter().map(|word| format!("'{word}'")).collect();
        format!("{indent}enum: [{}]\n", list.join(", "))
    };
    let ratios = ["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"];
    let edit = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let ratio = property("ratio", "string");
    let reworded = edit(&text, "填写本次生成任务结果的回调通知地址", "任务状态变化时的回调通知地址");
    let listed = edit(&reworded, &ratio, &(ratio.clone() + &values(&ratios)));
    for (edition, text, expected, said) in [
        (
            "a description reworded",
            reworded.clone(),
            vec![],
            "its description changed: 任务状态变化时的回调通知地址",
        ),
        ("a list that is ours", listed.clone(), vec![], "confirmed schema/overlay/032-ratio.json"),
        (
            "a value added",
            edit(&reworded, &ratio, &(ratio.clone() + &values(&[&ratios[..], &["2:1"]].concat()))),
            vec!["ratio"],
            "(adds \"2:1\")",
        ),
        (
            "a field renamed",
            edit(&text, &property("camera_fixed", "boolean"), &property("camera_locked", "boolean")),
            vec![],
            "new field `CreateTaskRequest.camera_locked`",
        ),
        (
            "a type changed",
            edit(&text, &property("watermark", "boolean"), &property("watermark", "string")),
            vec!["watermark"],
            "we say boolean",
        ),
        (
            "a new type for an answered field",
            edit(&text, &property("draft", "string"), &property("draft", "integer")),
            vec!["draft"],
            "the document says integer",
        ),
        (
            "all of it",
            edit(
                &edit(
                    &edit(&reworded, &ratio, &(ratio.clone() + &values(&[&ratios[..], &["2:1"]].concat()))),
                    &property("camera_fixed", "boolean"),
                    &property("camera_locked", "boolean"),
                ),
                &property("watermark", "boolean"),
                &property("watermark", "string"),
            ),
            vec!["ratio", "watermark"],
            "kept      schema/overlay/045-camera-fixed.json",
        ),
        (
            "a field required",
            edit(
                &text,
                "                - model\n                - content\n              x-",
                "                - model\n                - content\n                - ratio\n              x-",
            ),
            vec!["\u{0}required"],
            "required of `ratio`",
        ),
        (
            "nothing required",
            edit(
                &text,
                "              required:\n                - model\n                - content\n              x-",
                "              x-",
            ),
            vec![],
            "confirmed schema/overlay/010-request-object.json",
        ),
    ] {
        let file = fixture.incoming(&("third.md", text.into_bytes())).unwrap();
        let update = plan(&fixture, file, Vec::new()).unwrap_or_else(|error| panic!("{edition}: {error:#}"));
        let expected: Vec<String> = expected
            .into_iter()
            .map(|name| match name.strip_prefix('\u{0}') {
                Some(keyword) => format!("/$defs/CreateTaskRequest/{keyword}"),
                None => field(name),
            })
            .collect();
        assert_eq!(update.questions, expected, "{edition}:\n{}", update.report);
        assert!(update.report.contains(said), "{edition}: `{said}` is missing in\n{}", update.report);
        let breaking: Vec<&str> = update
            .changes
            .iter()
            .filter(|c| c.worst() > Class::Compatible)
            .map(|c| c.what.as_str())
            .collect();
        assert_eq!(breaking, [""; 0], "{edition}: with ours nothing breaks");
    }
}

#[test]
fn a_list_document_adds_to_the_task_that_our_overlay_says() {
    let fixture = Fixture::first(&crate::root()).unwrap();
    let text = fs::read_to_string(document("chainhub.list-tasks.apifox.md")).unwrap();
    let added = text.replacen(
        "                        created_at:\n",
        "                        queue_position:\n                          type: number\n                        eta:\n                          type: object\n                          properties:\n                            seconds:\n                              type: integer\n                        created_at:\n",
        1,
    );
    assert_ne!(text, added);
    let file = fixture.incoming(&("list.md", added.into_bytes())).unwrap();
    let update = plan(&fixture, file.clone(), Vec::new()).unwrap();
    assert_eq!(update.questions, [""; 0]);
    let said: Vec<&str> = update.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(
        said,
        ["new field `Task.queue_position`", "new field `Task.eta`", "new type `Eta`"],
        "{}",
        update.report
    );
    assert!(update.changes.iter().all(|change| change.worst() == Class::Compatible), "{:#?}", update.changes);
    files::commit(fixture.root(), &update.files).unwrap();
    check(&fixture);
    let again = plan(&fixture, file, Vec::new()).unwrap();
    assert_eq!((again.questions.len(), again.files.len()), (0, 0), "{:?}", again.files.keys());
    let wrong = text.replacen(
        "                          type: integer\n                        updated_at",
        "                          type: boolean\n                        updated_at",
        1,
    );
    assert_ne!(text, wrong);
    let file = fixture.incoming(&("wrong.md", wrong.into_bytes())).unwrap();
    let update = plan(&fixture, file, Vec::new()).unwrap();
    assert_eq!(update.questions, ["/$defs/TaskList"], "{}", update.report);
    assert!(
        update.report.contains("type of `items[].created_at`: the document says boolean"),
        "{}",
        update.report
    );
}

#[test]
fn believing_the_document_everywhere_can_be_generated() {
    let first = Fixture::first(&crate::root()).unwrap();
    for name in ["302ai.seedance-2.0.apifox.md", "apiyi.seedance.openapi.yaml"] {
        let fixture = first.again().unwrap();
        let open = plan(&fixture, document(name), Vec::new()).unwrap().questions;
        let update = plan(&fixture, document(name), answers(&open, Take::Theirs))
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let breaking = update.changes.iter().filter(|change| change.rust == Class::Breaking).count();
        assert!(breaking >= open.len(), "{name}: {:#?}", update.changes);
        files::commit(fixture.root(), &update.files).unwrap();
        check(&fixture);
        let again = plan(&fixture, document(name), Vec::new()).unwrap();
        assert_eq!((again.questions.len(), again.files.len()), (0, 0), "{name}: {:?}", again.files.keys());
    }
}

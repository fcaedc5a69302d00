//! What goes on the wire for every example request, pinned: from its file, and from the builder
//! that makes it.

use std::collections::BTreeSet;

use ark_video_model::{ContentItem, CreateTaskRequest};
use serde_json::Value;

use crate::builders::built;
use crate::examples;

#[test]
fn every_payload() {
    for (file, text) in examples::files("requests") {
        let request: CreateTaskRequest =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let wire = serde_json::to_string_pretty(&request).unwrap();
        let name = file.trim_end_matches(".json").to_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/payloads", omit_expression => true }, {
            insta::assert_snapshot!(name.clone(), wire);
            if let Some(built) = built(&file) {
                insta::assert_snapshot!(name, serde_json::to_string_pretty(&built).unwrap());
            }
        });
        let (sent, given): (Value, Value) =
            (serde_json::from_str(&wire).unwrap(), serde_json::from_str(&text).unwrap());
        assert_eq!(sent, examples::without_nulls(given), "{file}: something was lost or added");
    }
}

/// The index of the examples names each file once, and nothing else. The vendor's own example is
/// cut out of its page.
#[test]
fn the_index_is_whole() {
    let index: Vec<Value> = serde_json::from_str(&examples::read("index.json")).unwrap();
    let listed: BTreeSet<String> =
        index.iter().map(|entry| entry["file"].as_str().unwrap().to_owned()).collect();
    let mut found: BTreeSet<String> = examples::files("requests").map(|(file, _)| file).collect();
    assert!(found.remove("vendor-tea.json"));
    assert_eq!(listed, found);
    assert_eq!(listed.len(), 37);
    for entry in &index {
        let file = entry["file"].as_str().unwrap();
        assert_eq!(entry["builder"].is_null(), built(file).is_none(), "{file}");
    }
}

/// Zero, false and -1 are values (seed 0 and `false` get lost in many clients).
#[test]
fn falsy_values_reach_the_wire() {
    let text = r#"{"model":"m","content":[{"type":"text","text":""}],"generate_audio":false,"watermark":false,"seed":0,"priority":0,"duration":-1,"draft":false,"tools":[]}"#;
    let request: CreateTaskRequest = serde_json::from_str(text).unwrap();
    let (sent, given): (Value, Value) =
        (serde_json::to_value(&request).unwrap(), serde_json::from_str(text).unwrap());
    assert_eq!(sent, given);
}

#[test]
fn unknown_members_words_and_kinds_survive() {
    let text = r#"{"model":"m","content":[{"type":"hologram","depth":{"a":[1,null]}},{"type":"image_url","image_url":{"url":"u","detail":"high"},"role":"mask","weight":0.5}],"ratio":"2:1","optimize_prompt":true,"later":null}"#;
    let request: CreateTaskRequest = serde_json::from_str(text).unwrap();
    assert_eq!(request.ratio.as_ref().map(ark_video_model::Ratio::is_known), Some(false));
    let (sent, given): (Value, Value) =
        (serde_json::to_value(&request).unwrap(), serde_json::from_str(text).unwrap());
    assert_eq!(sent, given);
}

/// A member that has a field wins over one of the same name in `extra`: nothing is written twice.
#[test]
fn extra_never_doubles_a_field() {
    let mut request = CreateTaskRequest::new("m", Vec::new()).ratio("16:9");
    request.extra.insert("ratio".into(), "1:1".into());
    request.extra.insert("duration".into(), 7.into());
    assert_eq!(
        serde_json::to_string(&request).unwrap(),
        r#"{"model":"m","content":[],"ratio":"16:9","duration":7}"#
    );
}

/// Items too: a reader that keeps the last field of each name gets what was checked.
#[test]
fn the_last_of_a_member_that_comes_twice_counts() {
    let item =
        |text: &str| serde_json::to_string(&serde_json::from_str::<ContentItem>(text).unwrap()).unwrap();
    assert_eq!(
        item(r#"{"type":"image_url","text":"a","type":"text","text":"b"}"#),
        r#"{"type":"text","text":"b"}"#
    );
    assert_eq!(item(r#"{"type":"hologram","x":1,"x":2}"#), r#"{"type":"hologram","x":2}"#);
    let none = serde_json::from_str::<ContentItem>(r#"{"type":"text","text":"a","type":null}"#).unwrap_err();
    assert_eq!(none.to_string(), "ContentItem: missing text `type`");
}

#[test]
fn what_is_wrong_is_named() {
    let complaint = |text: &str| serde_json::from_str::<CreateTaskRequest>(text).unwrap_err().to_string();
    insta::assert_snapshot!(complaint(r#"{"model":"m"}"#), @"missing field `content` at line 1 column 13");
    insta::assert_snapshot!(complaint(r#"{"model":"m","content":[{"type":"image_url","image_url":{}}]}"#), @"ContentItem of type `image_url`: missing field `url` at line 1 column 60");
    insta::assert_snapshot!(complaint(r#"{"model":"m","content":[{"text":"x"}]}"#), @"ContentItem: missing text `type` at line 1 column 37");
    insta::assert_snapshot!(complaint(r#"{"model":"m","content":[],"duration":"5"}"#), @"expected an integer, found a string at line 1 column 41");
    insta::assert_snapshot!(complaint(r#"{"model":"m","content":[],"duration":5.5}"#), @"5.5 is not an integer in range at line 1 column 41");
    insta::assert_snapshot!(complaint(r#"{"model":"m","content":[],"ratio":16}"#), @r#"invalid type: integer `16`, expected a string, for example "16:9" at line 1 column 36"#);
    insta::assert_snapshot!(complaint("{\"model\":\"m\",\n\"content\":[}"), @"expected value at line 2 column 12");
}

/// Prompts, media and signatures are for the wire only.
#[test]
fn debug_shows_nothing_private() {
    let text = r#"{"model":"m","content":[{"type":"text","text":"SECRET"},{"type":"image_url","image_url":{"url":"data:image/png;base64,SECRET"}},{"type":"video_url","video_url":{"url":"https://h.example.com/SECRET?SECRET"}},{"type":"new","SECRET_IS_A_NAME_HERE":"SECRET"}],"callback_url":"https://h.example.com/SECRET","later":"SECRET"}"#;
    let request: CreateTaskRequest = serde_json::from_str(text).unwrap();
    let shown = format!("{request:?}").replace("SECRET_IS_A_NAME_HERE", "");
    assert!(!shown.contains("SECRET"), "{shown}");
    insta::assert_snapshot!(format!("{request:#?}"));
}

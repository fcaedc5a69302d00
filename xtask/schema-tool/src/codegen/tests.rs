//! The whole pipeline on the repository's own files, and on copies of them with one thing changed.

use std::path::{Path, PathBuf};

use super::*;
use crate::schema::fixtures::Fixture;

fn repository() -> PathBuf {
    crate::root()
}

/// A copy of what codegen reads and writes, in a folder of its own, with the first edition of the
/// page as its base.
struct Copy(Fixture);

impl Copy {
    fn new() -> Self {
        Self(Fixture::first(&repository()).unwrap())
    }

    fn path(&self) -> &Path {
        self.0.root()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(self.path().join(file), text.replacen(from, to, 1)).unwrap();
    }

    /// The page changes as a new edition would: with its hash.
    fn edit_page(&self, from: &str, to: &str) {
        let file = "schema/vendor/create/create-task.apifox.txt";
        let hash = |text: &str| source::sha256(text.as_bytes());
        let before = hash(&fs::read_to_string(self.path().join(file)).unwrap());
        self.edit(file, from, to);
        let after = hash(&fs::read_to_string(self.path().join(file)).unwrap());
        self.edit("schema/vendor/SOURCE.toml", &before, &after);
    }

    fn check(&self) -> String {
        format!("{:#}", run(self.path(), true).unwrap_err())
    }
}

#[test]
fn the_committed_files_are_up_to_date() {
    run(&repository(), true).unwrap();
    run(Copy::new().path(), true).unwrap();
}

#[test]
fn a_changed_generated_file_is_named_with_the_command() {
    let copy = Copy::new();
    copy.edit("crates/model/src/generated/types.rs", "pub model", "pub modal");
    fs::write(copy.path().join(GENERATED).join("left_over.rs"), "").unwrap();
    let message = copy.check();
    assert!(message.starts_with("stale; run `cargo xtask codegen`"), "{message}");
    assert!(message.contains("crates/model/src/generated/types.rs (differs)"), "{message}");
    assert!(message.contains("crates/model/src/generated/left_over.rs (no longer generated)"), "{message}");
    run(copy.path(), false).unwrap();
    run(copy.path(), true).unwrap();
}

#[test]
fn a_changed_expectation_of_an_overlay_is_named_with_both_values() {
    let copy = Copy::new();
    copy.edit("schema/overlay/033-duration.json", r#""type": "integer""#, r#""type": "intager""#);
    let message = copy.check();
    assert!(message.contains("schema/overlay/…-duration.json"), "{message}");
    assert!(
        message.contains(r#"expected {"type":"intager""#)
            && message.contains(r#"found    {"type":"integer""#),
        "{message}"
    );
}

#[test]
fn a_changed_vendor_page_is_named_with_what_to_do() {
    let copy = Copy::new();
    copy.edit("schema/vendor/create/create-task.apifox.txt", "doubao-2.0", "doubao-2.1");
    let message = copy.check();
    assert!(message.contains("create-task.apifox.txt is not the document that was received"), "{message}");
    assert!(message.contains("run `cargo xtask codegen`"), "{message}");
}

#[test]
fn a_new_edition_flows_through_or_is_loud() {
    let copy = Copy::new();
    copy.edit_page(
        r#""watermark": {"#,
        r#""mood": {"type": "string", "description": "How it feels."}, "watermark": {"#,
    );
    let message = copy.check();
    assert!(
        message.contains("ark-video.schema.json (differs)") && message.contains("types.rs (differs)"),
        "{message}"
    );
    run(copy.path(), false).unwrap();
    let types = fs::read_to_string(copy.path().join(GENERATED).join("types.rs")).unwrap();
    assert!(types.contains("pub mood: Option<String>"), "the new field is in the types");

    let copy = Copy::new();
    copy.edit_page(
        r#""generate_audio": {
        "type": "boolean""#,
        r#""generate_audio": {
        "type": "string""#,
    );
    assert!(copy.check().contains("/$defs/CreateTaskRequest/properties/generate_audio changed upstream"));

    let copy = Copy::new();
    copy.edit_page(
        r#""watermark": {"#,
        r#""mood": {"type": "object", "description": "d", "properties": {}}, "watermark": {"#,
    );
    assert!(copy.check().contains("CreateTaskRequest.mood: move the inline type to $defs"));
}

/// The table of schema/overlay/README.md and the `page_faults` of the overlays say the same.
#[test]
fn every_fault_of_the_page_is_answered() {
    let readme = fs::read_to_string(repository().join("schema/overlay/README.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in readme.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let Ok(number) = cells[0].parse::<u32>() {
            let named: BTreeSet<String> =
                cells[3].split('`').filter(|part| part.ends_with(".json")).map(str::to_owned).collect();
            rows.insert(number, named);
        }
    }
    let most = u32::try_from(rows.len()).unwrap();
    assert!(most >= 23, "{most} rows");
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=most).collect::<Vec<_>>());
    let mut answered: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for (file, overlay) in overlays(&repository()).unwrap() {
        for fault in overlay.page_faults {
            answered.entry(fault).or_default().insert(file.clone());
        }
    }
    for (number, named) in rows {
        let files = answered.remove(&number).unwrap_or_default();
        assert!(
            named.is_subset(&files),
            "fault {number}: the README names {named:?}, the overlays say {files:?}"
        );
        // A row may name one file of many (`and the other fields`), but not none where there is
        // one.
        assert_eq!(named.is_empty(), files.is_empty(), "fault {number}: {files:?}");
    }
}

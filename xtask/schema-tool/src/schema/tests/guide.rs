//! The guide's chapter "A vendor update in ten minutes", followed word for word on a copy of the
//! repository: each command of `cargo xtask schema` is run as it stands there, and says what the
//! chapter says that it says.

use std::fs;

use crate::schema::files;
use crate::schema::fixtures::Fixture;

const CHAPTER: &str = "docs/guide/vendor-update.md";

/// Commands that the chapter names and that take too long, or need a clone; each is a job or a test
/// of its own.
const ELSEWHERE: [&str; 4] = [
    "git diff --stat",
    "cargo xtask ci",
    "cargo xtask schema diff HEAD",
    "cargo xtask schema diff HEAD --json",
];

/// Fenced blocks with their language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => {
                blocks.push((language.to_owned(), String::new()));
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                if let Some((_, body)) = blocks.last_mut() {
                    body.push_str(line);
                    body.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    blocks
}

/// A line of the chapter as arguments; quotes are single quotes around a whole word.
fn parts(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
}

/// Whether a line is what the chapter promises, where `…` stands for anything.
fn says(line: &str, promised: &str) -> bool {
    let mut rest = line;
    let parts: Vec<&str> = promised.split('…').collect();
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || promised.ends_with('…')
}

#[test]
fn the_chapter_does_what_it_says() {
    let root = crate::root();
    let chapter = fs::read_to_string(root.join(CHAPTER)).unwrap();
    // Where the first edition is in place: the chapter must hold after its own advice was followed,
    // too.
    let fixture = Fixture::first(&root).unwrap();
    files::copy(&root.join("xtask/schema-tool/fixtures"), &fixture.root().join("xtask/schema-tool/fixtures"))
        .unwrap();

    let before = fixture.contents().unwrap();
    let (mut said, mut ran) = (String::new(), 0);
    for (language, body) in blocks(&chapter) {
        if language == "sh" {
            said.clear();
            for line in body.lines().filter(|line| !ELSEWHERE.contains(line)) {
                let command = parts(line);
                let untouched = fixture.contents().unwrap();
                if command.get(2).map(String::as_str) == Some("codegen") {
                    fill_in(&fixture);
                }
                said += &run(&fixture, &command).unwrap_or_else(|error| panic!("{line}: {error:#}"));
                ran += 1;
                let reads = ["schema lint ", "schema sources ", "schema source list"];
                if line.ends_with("--dry-run") || reads.iter().any(|command| line.contains(command)) {
                    assert_eq!(fixture.contents().unwrap(), untouched, "{line}: it changes nothing");
                }
            }
        } else if language == "text" {
            let mut lines = said.lines();
            for promised in body.lines() {
                assert!(
                    lines.any(|line| says(line, promised)),
                    "the chapter promises this line, in this place:\n{promised}\nthe command said:\n{said}"
                );
            }
        }
    }
    assert_eq!(ran, 11, "commands of the chapter");
    crate::codegen::run(fixture.root(), true).unwrap();
    crate::docs::run(fixture.root(), true).unwrap();
    let types = fs::read_to_string(fixture.root().join("crates/model/src/generated/types.rs")).unwrap();
    assert!(types.contains("pub negative_prompt: Option<String>"));
    let debugging =
        fs::read_to_string(fixture.root().join("crates/model/src/generated/debugging.rs")).unwrap();
    let shown = debugging.split("\"negative_prompt\"").nth(1).unwrap();
    assert!(
        shown.trim_start_matches([',', ' ', '\n']).starts_with("&crate::redact::Prompt"),
        "the correction holds"
    );
    let changed: Vec<String> = fixture
        .contents()
        .unwrap()
        .into_iter()
        .filter(|(path, bytes)| before.get(path) != Some(bytes))
        .map(|(path, _)| path.strip_prefix(fixture.root()).unwrap().to_string_lossy().replace('\\', "/"))
        .collect();
    let expected = |path: &String| {
        [
            "crates/model/src/generated/",
            "crates/simulator/src/generated/",
            "schema/vendor/",
            "docs/reference/",
            "schema/ark-video.",
            "schema/overlay/",
        ]
        .iter()
        .any(|start| path.starts_with(start))
    };
    assert!(changed.iter().all(expected), "{changed:?}");
}

/// What the chapter asks a person to write into the scaffold.
fn fill_in(fixture: &Fixture) {
    let folder = fs::read_dir(fixture.root().join("schema/overlay")).unwrap();
    let mut files = folder.flatten().map(|entry| entry.path());
    let path = files.find(|path| path.to_string_lossy().ends_with("-negative-prompt.json")).unwrap();
    assert!(
        crate::codegen::run(fixture.root(), true).is_err(),
        "a scaffold is refused until a person has filled it in"
    );
    let mut overlay: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    overlay["reason"] = "The field holds parts of a user, which `Debug` must not show.".into();
    overlay["evidence"] = serde_json::json!([{ "document": "the second edition", "date": "2026-12-01" }]);
    overlay["patch"][1]["value"]["x-private"] = "prompt".into();
    fs::write(&path, overlay.to_string()).unwrap();
}

fn run(fixture: &Fixture, command: &[String]) -> anyhow::Result<String> {
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["cargo", "xtask", "schema", rest @ ..] => {
            let matches = crate::schema::command_line().try_get_matches_from([&["schema"], rest].concat())?;
            crate::schema::run(fixture.root(), &matches).map(|output| output.text)
        }
        ["cargo", "xtask", "codegen"] => crate::codegen::run(fixture.root(), false),
        ["cargo", "xtask", "docs"] => crate::docs::run(fixture.root(), false),
        other => panic!("the chapter names a command that no test follows: {other:?}"),
    }
}

#[test]
fn the_commands_that_are_followed_elsewhere_are_still_in_the_chapter() {
    let chapter = fs::read_to_string(crate::root().join(CHAPTER)).unwrap();
    for command in ELSEWHERE {
        assert!(chapter.contains(&format!("\n{command}\n")), "{command}");
    }
}

#[test]
fn an_overlay_for_a_document_that_is_not_in_yet() {
    let root = crate::root();
    let fixture = Fixture::new(&root).unwrap();
    let mut document = crate::schema::source::document(fixture.root()).unwrap();
    document.request["properties"]["mood"] = serde_json::json!({ "type": "string" });
    let page = crate::schema::fixtures::page(&document);
    let file = fixture.incoming(&("new.txt", page.into_bytes())).unwrap().to_string_lossy().into_owned();
    let run = |parts: &[&str]| {
        run(
            &fixture,
            &[&["cargo", "xtask", "schema"], parts]
                .concat()
                .iter()
                .map(|w| (*w).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let report = run(&["update", &file, "--received", "2026-12-01", "--dry-run"]).unwrap();
    assert!(
        report.contains("-mood.json: makes `CreateTaskRequest.mood` ready to be generated")
            && report.contains("-mood.json was written for `CreateTaskRequest.mood`: review it"),
        "{report}"
    );
    let scaffold =
        run(&["overlay", "new", "mood", "--at", "/$defs/CreateTaskRequest/properties/mood", "--from", &file])
            .unwrap();
    assert!(scaffold.contains("\"value\": {\n        \"type\": \"string\"\n      }"), "{scaffold}");
    let misplaced =
        run(&["overlay", "new", "x", "--at", "/$defs/Gone/properties/mood"]).unwrap_err().to_string();
    assert!(misplaced.contains("what is there is /$defs with CreateTaskRequest"), "{misplaced}");
    for (arguments, part) in [
        (vec!["lint", "nowhere.txt"], "nowhere.txt cannot be read"),
        (vec!["diff", "no-such-commit"], "no-such-commit is no file"),
        (vec!["import", &file, "--received", "yesterday"], "a day as YYYY-MM-DD"),
        (vec!["import", &file, "--as", "a/b"], "a plain file name"),
    ] {
        let message = format!("{:#}", run(&arguments).unwrap_err());
        assert!(message.contains(part), "{message}");
    }
    let before = fixture.contents().unwrap();
    run(&["import", &file, "--as", "renamed.txt", "--received", "2026-12-01", "--origin", "by hand"])
        .unwrap();
    let after = fixture.contents().unwrap();
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(*bytes))
        .map(|(path, _)| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(changed, ["SOURCE.toml", "renamed.txt"], "an import touches the vendor's folder only");
    assert_eq!(after.len(), before.len() + 1, "the former document stays as a second source");
    let source = fs::read_to_string(fixture.root().join(crate::schema::source::FILE)).unwrap();
    assert!(
        source.contains("file = \"create/renamed.txt\"")
            && source.contains("origin = \"by hand\"")
            && source.contains("received = 2026-12-01"),
        "{source}"
    );
}

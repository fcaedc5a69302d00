//! Each prepared edit ends as the table says: accepted with the right classes and version, or
//! refused with file, place and reason and no file touched.

use std::fs;

use serde_json::{Value, json};

use crate::schema::diff::{Bump, Class, members};
use crate::schema::files;
use crate::schema::fixtures::{Case, Fixture, Then, cases};

#[test]
fn every_prepared_edit_ends_as_the_table_says() {
    let root = crate::root();
    let cases = cases(&root).unwrap();
    assert!(cases.len() >= 24, "{}", cases.len());
    let base = Fixture::rich(&root).unwrap();
    let (halves, base) = (cases.len().div_ceil(2), &base);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let half = |half: &'static str, cases: &[Case], base: &Fixture| -> Vec<String> {
            let failed = |case: &Case| {
                check(&base.again().unwrap(), case)
                    .err()
                    .map(|why| format!("--- {} ({half} half): {why}", case.name))
            };
            cases.iter().filter_map(failed).collect()
        };
        let (first, second) = cases.split_at(halves);
        let other = scope.spawn(move || half("second", second, base));
        let mut wrong = half("first", first, base);
        wrong.extend(other.join().unwrap());
        wrong
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn check(fixture: &Fixture, case: &Case) -> Result<(), String> {
    fixture.overlays(&case.overlays).map_err(|error| error.to_string())?;
    let before = fixture.contents().unwrap();
    let old = crate::codegen::read_json(fixture.root(), crate::codegen::SCHEMA).unwrap();
    let result = fixture.update(case, case.retire);
    if fixture.contents().unwrap() != before {
        return Err("planning touched a file".to_owned());
    }
    match (&case.then, result) {
        (Then::Refused(parts), Err(error)) => {
            let message = format!("{error:#}");
            match parts.iter().find(|part| !message.contains(part.as_str())) {
                Some(part) => Err(format!("the refusal does not say `{part}`:\n{message}")),
                None => Ok(()),
            }
        }
        (Then::OpenQuestion(parts), Ok(update)) => {
            if update.questions.is_empty() || !update.files.is_empty() {
                return Err(format!("no question, or files beside it:\n{}", update.report));
            }
            match parts.iter().find(|part| !update.report.contains(part.as_str())) {
                Some(part) => Err(format!("the report does not say `{part}`:\n{}", update.report)),
                None => Ok(()),
            }
        }
        (Then::OpenQuestion(_), Err(error)) => Err(format!("it was refused:\n{error:#}")),
        (Then::Refused(_), Ok(update)) => Err(format!("it was accepted:\n{}", update.report)),
        (Then::Accepted(..), Err(error)) => Err(format!("it was refused:\n{error:#}")),
        (Then::Accepted(expected, bump), Ok(update)) => {
            let said: Vec<String> = update
                .changes
                .iter()
                .map(|c| format!("{} {:?} {:?} {:?}", c.what, c.request, c.response, c.rust))
                .collect();
            let wanted: Vec<String> = expected
                .iter()
                .map(|e| format!("{} {:?} {:?} {:?}", e.what, e.request, e.response, e.rust))
                .collect();
            if said != wanted {
                return Err(format!("changes\n  said   {said:#?}\n  wanted {wanted:#?}"));
            }
            let model =
                members(fixture.root()).unwrap().into_iter().find(|m| m.name == "ark-video-model").unwrap();
            if model.bump(&update.changes) != *bump {
                return Err(format!("the bump is {:?}", model.bump(&update.changes)));
            }
            for change in &update.changes {
                let log = update
                    .report
                    .split("=== for CHANGELOG.md")
                    .nth(1)
                    .unwrap_or("")
                    .split("===")
                    .next()
                    .unwrap_or("");
                if log.matches(&format!(" {}.", change.what)).count() != 1 {
                    return Err(format!("the changelog does not name `{}` once:\n{log}", change.what));
                }
            }
            only_derived(&update.files.keys().map(String::as_str).collect::<Vec<_>>())?;
            files::commit(fixture.root(), &update.files).map_err(|error| error.to_string())?;
            crate::codegen::run(fixture.root(), true)
                .map_err(|error| format!("codegen --check: {error:#}"))?;
            crate::docs::run(fixture.root(), true).map_err(|error| format!("docs --check: {error:#}"))?;
            let new = crate::codegen::read_json(fixture.root(), crate::codegen::SCHEMA).unwrap();
            example(case, &old, &new, &update.changes)
        }
    }
}

/// Nothing but the vendor's folder, what is generated, and overlays whose base moved or that are
/// retired.
fn only_derived(paths: &[&str]) -> Result<(), String> {
    let derived = |path: &&str| {
        [
            "schema/vendor/",
            "schema/ark-video.",
            "crates/model/src/generated/",
            "crates/simulator/src/generated/",
            "docs/reference/",
        ]
        .iter()
        .any(|place| path.starts_with(place))
            || **path == *crate::codegen::EXAMPLE
            || path.starts_with("schema/overlay/")
    };
    match paths.iter().find(|path| !derived(path)) {
        Some(path) => Err(format!("{path} would be changed")),
        None => Ok(()),
    }
}

/// A break on the wire is shown by an instance, with a validator that knows nothing of the algebra.
fn example(
    case: &Case,
    old: &Value,
    new: &Value,
    changes: &[crate::schema::diff::Change],
) -> Result<(), String> {
    let Some((name, instance)) = &case.example else { return Ok(()) };
    let takes = |document: &Value| {
        let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": document["$defs"] });
        jsonschema::draft202012::new(&schema)
            .map(|validator| validator.is_valid(instance))
            .map_err(|e| e.to_string())
    };
    let request = changes.iter().any(|change| change.request == Some(Class::Breaking));
    let (works, breaks) = if request { (takes(old)?, takes(new)?) } else { (takes(new)?, takes(old)?) };
    if works && !breaks { Ok(()) } else { Err(format!("the example shows no break: {works}, {breaks}")) }
}

#[test]
fn an_untranslated_field_and_a_text_that_may_be_private_are_left_to_a_person() {
    let root = crate::root();
    let cases = cases(&root).unwrap();
    let base = Fixture::rich(&root).unwrap();
    let case = cases.iter().find(|case| case.name == "Chinese-only descriptions").unwrap();
    let report = base.update(case, false).unwrap().report;
    let left = report.split("=== what is left for a person").nth(1).unwrap();
    assert!(left.contains("/properties/rehearsed_words [untranslated]"), "{left}");
    assert!(left.contains("`rehearsed_words` is new: say in schema/models.json"), "{left}");
    assert!(left.contains("`rehearsed_words` is a text that users write"), "{left}");
    let case = cases.iter().find(|case| case.name == "new required field").unwrap();
    let report = base.update(case, false).unwrap().report;
    assert!(
        report.contains(
            "schema/examples/requests/p01-text-smallest.json at /: \"purpose\" is a required property"
        ),
        "{report}"
    );
    let case = cases.iter().find(|case| case.name == "branch added").unwrap();
    base.overlays(&case.overlays).unwrap();
    let report = base.update(case, false).unwrap().report;
    assert!(report.contains("`MaskContent` is a new type: export it in crates/model/src/lib.rs"), "{report}");
}

#[test]
fn what_an_update_writes_is_all_or_nothing() {
    let root = crate::root();
    let fixture = Fixture::rich(&root).unwrap();
    let case = &cases(&root).unwrap()[0];
    let update = fixture.update(case, false).unwrap();
    assert_eq!(case.name, "new optional field");
    assert!(matches!(case.then, Then::Accepted(_, Bump::Patch)));
    // The last file of all cannot be replaced.
    let last = fixture.root().join(update.files.keys().next_back().unwrap());
    let _ = fs::remove_file(&last);
    fs::create_dir_all(last.join("in the way")).unwrap();
    let before = fixture.contents().unwrap();
    let error = files::commit(fixture.root(), &update.files).unwrap_err().to_string();
    assert!(error.contains("nothing was changed"), "{error}");
    assert_eq!(fixture.contents().unwrap(), before);
}

//! What may be laid over a catalog, and what is refused with the place named.

use serde_json::json;

use super::super::{Confidence, Decimal, Site, cell::Severity};
use super::*;

fn over(overlay: &Value) -> Catalog {
    Catalog::builtin().overlaid(overlay).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(overlay: &Value) -> String {
    let error = Catalog::builtin().overlaid(overlay).expect_err("is wrong");
    format!("{}: {}", error.pointer, error.reason)
}

#[test]
fn nothing_changes_nothing_and_the_whole_file_fits() {
    let builtin = Catalog::builtin();
    assert_eq!(
        serde_json::to_value(over(&json!({}))).ok().map(drop_overlay),
        serde_json::to_value(builtin).ok()
    );
    let file: Value = serde_json::from_str(include_str!("../../../../../schema/models.json")).expect("JSON");
    assert_eq!(serde_json::to_value(over(&file)).ok().map(drop_overlay), serde_json::to_value(builtin).ok());
    let names =
        |catalog: &Catalog| catalog.families.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&over(&file)), names(builtin));
}

fn drop_overlay(mut catalog: Value) -> Value {
    catalog["sources"].as_object_mut().map(|sources| sources.remove("overlay"));
    catalog
}

#[test]
fn a_cell_gets_a_value_and_loses_what_spoke_of_the_old_one() {
    let catalog = over(
        &json!({ "edition": "2027-01", "families": { "2.5": { "resolution": { "value": ["480p", "8k"] },
        "tools_web_search": { "value": true }, "duration": { "value": { "min": 2, "max": 60, "auto": true, "default": -1 }, "source": "D-25", "note": "n" } } } }),
    );
    let family = catalog.families.get("2.5").expect("still there");
    let resolution = &family.resolution;
    assert!(resolution.value.as_ref().is_some_and(|values| values.contains("8k")));
    assert_eq!((resolution.source.as_ref(), resolution.date.as_ref()), ("overlay", "2027-01"));
    assert_eq!(resolution.confidence, Confidence::Documented);
    let search = &family.tools_web_search;
    assert!(search.holds_on(Site::Byteplus) && search.note.is_none() && search.switch.is_some());
    assert_eq!((family.duration.source.as_ref(), family.duration.note.as_deref()), ("D-25", Some("n")));
    assert_eq!(catalog.families.get("2.0"), Catalog::builtin().families.get("2.0"));
    assert!(catalog.why("2.5", "resolution").is_some_and(|why| why.source.is_some()));
}

#[test]
fn a_switch_is_set_by_its_answer() {
    let catalog =
        over(&json!({ "switches": { "sdk-only-fields": "refuse", "tos-media": { "default": "off" } } }));
    assert_eq!(
        (catalog.strength("sdk-only-fields"), catalog.strength("tos-media")),
        (Severity::Error, Severity::Off)
    );
    assert_eq!(
        refused(&json!({ "switches": { "sdk-only-fields": "maybe" } })),
        "/switches/sdk-only-fields: `maybe` is not a valid answer; choose refuse, warn or off"
    );
    assert!(refused(&json!({ "switches": { "no-such": "warn" } })).starts_with("/switches/no-such: "));
}

#[test]
fn rows_replace_the_row_with_their_keys_or_are_added() {
    let builtin = Catalog::builtin();
    let catalog = over(&json!({
        "models": [{ "id": "doubao-seedance-3-0-270101", "site": "volcengine", "family": "2.5", "name": "doubao-seedance-3-0", "version": "270101", "status": "current" }],
        "prices": [
            { "site": "volcengine", "currency": "CNY", "families": ["2.0-mini"], "resolution": null, "input_video": false, "audio": null, "tier": "default", "per_million_tokens": "9.20" },
            { "site": "volcengine", "currency": "CNY", "families": ["2.5"], "resolution": ["1080p"], "input_video": false, "audio": null, "tier": "flex", "per_million_tokens": "1" }
        ]
    }));
    assert_eq!(
        (catalog.models.len(), catalog.prices.len()),
        (builtin.models.len() + 1, builtin.prices.len() + 1)
    );
    let family = catalog.family_of("doubao-seedance-3-0-270101");
    assert_eq!(family, catalog.families.get("2.5"));
    let mini = catalog
        .prices
        .iter()
        .find(|row| row.families.contains("2.0-mini") && !row.input_video)
        .expect("there");
    assert_eq!(
        (mini.per_million_tokens, mini.source.as_ref()),
        (Decimal::from_millionths(9_200_000), "overlay")
    );
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_taken_over() {
    insta_like(&json!([]), ": a catalog is a JSON object");
    insta_like(&json!({ "familes": {} }), "");
    insta_like(
        &json!({ "families": { "2.5": { "resolution": { "value": "480p" } } } }),
        "/families/2.5/resolution: ",
    );
    insta_like(
        &json!({ "families": { "2.5": { "resolutions": { "value": ["480p"] } } } }),
        "/families/2.5/resolutions: unknown field",
    );
    insta_like(&json!({ "families": { "2.5": { "resolution": ["480p"] } } }), "/families/2.5/resolution: ");
    insta_like(
        &json!({ "families": { "2.5": { "seed": { "switch": "gone" } } } }),
        "/families/2.5/seed/switch: unknown switch `gone`",
    );
    insta_like(
        &json!({ "families": { "2.5": { "duration": { "value": { "min": 9, "max": 4, "auto": true, "default": 5 } } } } }),
        "/families/2.5/duration: ",
    );
    insta_like(
        &json!({ "models": [{ "id": "x", "site": "mars", "family": "2.5", "name": "x", "version": "1", "status": "current" }] }),
        "/models/0: ",
    );
    insta_like(
        &json!({ "models": [{ "id": "x", "site": "byteplus", "family": "9", "name": "x", "version": "1", "status": "current" }] }),
        "/models/19/family: ",
    );
    insta_like(&json!({ "prices": [{ "per_million_tokens": 70 }] }), "/prices/0: ");
    insta_like(&json!({ "prices": { "0": {} } }), "/prices/0: ");
    insta_like(&json!({ "limits": { "body_bytes": { "value": "much" } } }), "/limits/body_bytes: ");
    insta_like(
        &json!({ "billing": { "pixels_per_token": { "value": 0 } } }),
        "/billing/pixels_per_token/value: ",
    );
    insta_like(
        &json!({ "media": { "image": { "formats": [{ "name": "svg" }] } } }),
        "/media/image/formats/0: ",
    );
    insta_like(&json!({ "sources": 5 }), "");
    insta_like(&json!({ "switches": { "a/b~c": { "default": 1 } } }), "/switches/a~1b~0c: ");
}

fn insta_like(overlay: &Value, start: &str) {
    let found = refused(overlay);
    assert!(found.starts_with(start), "{overlay}\n  {found}\n  {start}");
}

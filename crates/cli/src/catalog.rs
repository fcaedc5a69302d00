//! The catalog of models and prices in use: the built-in one with the user's overlay.

use std::borrow::Cow;
use std::path::Path;

use ark_video::model::catalog::Catalog;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::json_input;
use crate::media::read_file;

/// Reads the overlay, if one is given.
pub(crate) fn load(file: Option<&Path>, cwd: &Path) -> Result<Cow<'static, Catalog>, Failure> {
    let Some(file) = file else { return Ok(Cow::Borrowed(Catalog::builtin())) };
    let shown = file.display().to_string();
    let unusable = |mut failure: Failure| {
        failure.exit = Exit::Configuration;
        failure
    };
    let overlay = json_input::object(&read_file("the catalog", &shown, cwd)?, &shown).map_err(unusable)?;
    match Catalog::builtin().overlaid(&Value::Object(overlay)) {
        Ok(catalog) => Ok(Cow::Owned(catalog)),
        Err(error) => Err(Failure::new(Exit::Configuration, format!("{shown}: {error}"))
            .hint("the format is that of schema/models.json; some cells are enough")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Cow<'static, Catalog>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("newer.json"), text).unwrap();
        load(Some(Path::new("newer.json")), folder.path())
    }

    #[test]
    fn a_cell_is_laid_over_the_builtin_catalog() {
        let catalog = loaded(
            r#"{"families": {"2.0": {"duration": {"value": {"min": 4, "max": 20, "auto": true, "default": 5}}}}}"#,
        );
        let catalog = catalog.unwrap();
        let duration = &catalog.families.get("2.0").unwrap().duration;
        assert_eq!((duration.value.max, duration.source.as_ref()), (20, "overlay"));
        assert!(matches!(load(None, Path::new("")), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let said = |text: &str| {
            let failure = loaded(text).unwrap_err();
            format!("{} {}", failure.exit.code(), failure.message)
        };
        insta::assert_snapshot!(said("[]"), @"3 newer.json is a list, but a JSON object was expected");
        insta::assert_snapshot!(said(r#"{"families": {"9.9": {"seed": {"value": true}}}}"#), @"3 newer.json: the catalog overlay was not used: /families/9.9/seed: missing field `text_only`");
        let gone = load(Some(Path::new("none.json")), Path::new("")).unwrap_err();
        assert_eq!(
            (gone.exit, gone.message.as_str()),
            (Exit::Input, "cannot read the catalog none.json: there is no such file")
        );
    }
}

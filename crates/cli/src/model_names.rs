//! Names of models as people type them (`2.5`, `mini`): each is replaced by the id of the site,
//! and reported once. Which names there are is the catalog's to say; sends nothing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ark_video::model::catalog::{Availability, Catalog, Model, Site};

use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Whose models are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModelSite {
    pub(crate) site: Site,
    /// Whether the host is the vendor's, or this machine: others may have the same names for models
    /// of their own, so that only a version such as `2.5` is replaced there.
    pub(crate) is_vendor: bool,
    /// Whether the base URL is that of a subscription plan, which knows dotted names and no ids.
    pub(crate) is_plan: bool,
}

impl ModelSite {
    /// What the `model` field of a request for this model is.
    pub(crate) fn id<'c>(self, model: &'c Model, catalog: &'c Catalog) -> &'c str {
        let mut names = catalog.plan_names.iter();
        let plan = names.find(|plan| self.is_plan && plan.site == self.site && plan.family == model.family);
        plan.map_or(&model.id, |plan| &plan.name)
    }
}

/// The names of one run.
pub(crate) struct ModelNames<'a> {
    catalog: &'a Catalog,
    at: ModelSite,
    output: &'a Output,
    reported: RefCell<BTreeSet<String>>,
}

impl<'a> ModelNames<'a> {
    pub(crate) fn new(catalog: &'a Catalog, at: ModelSite, output: &'a Output) -> Self {
        Self { catalog, at, output, reported: RefCell::default() }
    }

    /// The id for a name; any other text is returned as it is.
    pub(crate) fn id(&self, name: &str) -> Result<String, Failure> {
        let id = id(name, self.catalog, self.at)?.unwrap_or(name);
        if id != name && self.reported.borrow_mut().insert(name.to_owned()) {
            self.output.note(format_args!("model {} is {id}", one_line(name)));
        }
        Ok(id.to_owned())
    }

    /// The same for a request or a list in a file. The API's own names are checked there as the
    /// service does, which takes none without its date.
    pub(crate) fn id_in_file(&self, name: &str) -> Result<String, Failure> {
        if name.to_ascii_lowercase().contains("seedance") { Ok(name.to_owned()) } else { self.id(name) }
    }

    /// The same for a shot: `None` where it is not a name; an error is a finding.
    pub(crate) fn id_in_list(&self, name: &str) -> Result<Option<String>, String> {
        let found = self.id_in_file(name).map_err(|failure| {
            let hint = failure.hints.first().map(String::as_str).unwrap_or_default();
            format!("{}: {hint}.", failure.message.trim_end_matches("; nothing was sent"))
        })?;
        Ok(Some(found).filter(|id| id != name))
    }
}

/// The id that a name stands for; `None` where it is not a name.
pub(crate) fn id<'c>(name: &str, catalog: &'c Catalog, at: ModelSite) -> Result<Option<&'c str>, Failure> {
    let is_version = name.starts_with(|c: char| c.is_ascii_digit());
    if !at.is_vendor && !is_version {
        return Ok(None);
    }
    match catalog.named(name, at.site).as_slice() {
        [model] => Ok(Some(at.id(model, catalog))),
        [] if is_version && at.is_vendor => {
            let known: Vec<&str> = short_names(catalog, at.site).collect();
            Err(usage(format!("{} has no model `{}`", at.site, one_line(name)))
                .hint(format!("models: {}", known.join(", ")))
                .hint("a newer one: give its id, or a newer catalog with --catalog"))
        }
        [] => Ok(None),
        several => {
            let candidates: Vec<String> =
                several.iter().map(|model| format!("{} ({})", model.family, model.id)).collect();
            let message = format!("the model name `{}` is ambiguous", one_line(name));
            Err(usage(message).hint(format!("write one of: {}", candidates.join(", "))))
        }
    }
}

/// The short names of a site's models in use.
pub(crate) fn short_names(catalog: &Catalog, site: Site) -> impl Iterator<Item = &str> {
    in_use(catalog, site).map(|model| model.family.as_ref())
}

/// A site's models that were not shut down.
pub(crate) fn in_use(catalog: &Catalog, site: Site) -> impl Iterator<Item = &Model> {
    catalog.models.iter().filter(move |model| model.site == site && model.status != Availability::Retired)
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, format!("{message}; nothing was sent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, is_vendor: bool) -> String {
        let at = ModelSite { site: Site::Volcengine, is_vendor, is_plan: false };
        match id(name, Catalog::builtin(), at) {
            Ok(found) => found.unwrap_or("as it is").to_owned(),
            Err(failure) => format!("{}: {}", failure.message, failure.hints.join("; ")),
        }
    }

    #[test]
    fn a_plan_takes_its_dotted_names() {
        let at = ModelSite { site: Site::Volcengine, is_vendor: true, is_plan: true };
        let named = |name| id(name, Catalog::builtin(), at).unwrap().unwrap_or("as it is");
        assert_eq!(named("2.0"), "doubao-seedance-2.0");
        assert_eq!(named("mini"), "doubao-seedance-2.0-mini");
        // Not in the plan: the service says so.
        assert_eq!(named("2.5"), "doubao-seedance-2-5-260628");
        assert_eq!(named("doubao-seedance-2.0"), "as it is");
    }

    #[test]
    fn a_name_is_an_id_or_is_refused_with_the_candidates() {
        insta::assert_snapshot!(said("mini", true), @"doubao-seedance-2-0-mini-260615");
        insta::assert_snapshot!(said("fast", true), @"the model name `fast` is ambiguous; nothing was sent: write one of: 2.0-fast (doubao-seedance-2-0-fast-260128), 1.0-pro-fast (doubao-seedance-1-0-pro-fast-251015)");
        insta::assert_snapshot!(said("3.0", true), @"volcengine has no model `3.0`; nothing was sent: models: 2.5, 2.0, 2.0-fast, 2.0-mini, 1.5-pro, 1.0-pro, 1.0-pro-fast; a newer one: give its id, or a newer catalog with --catalog");
        for name in ["ep-20260822154500-vtx3q", "my-model", "doubao-seedance-2-0-261231", ""] {
            assert_eq!(said(name, true), "as it is", "{name}");
        }
    }

    #[test]
    fn another_host_may_have_models_of_these_names() {
        assert_eq!(said("2.0", false), "doubao-seedance-2-0-260128");
        for name in ["fast", "seedance-2.0", "doubao-seedance-2-0", "3.0"] {
            assert_eq!(said(name, false), "as it is", "{name}");
        }
    }
}

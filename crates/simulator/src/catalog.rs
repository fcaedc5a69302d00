//! The simulator's view of the model catalog: models behind ids and endpoints, prices and rate
//! limits.
//!
//! Lookups only; requests are checked in `service/checks.rs`.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use ark_video_model::catalog::{Catalog, Decimal, Family, ModelRules, Rate, Site, StringSet, WhySkipped};

/// The built-in one: for what does not depend on a service's options.
pub(crate) fn catalog() -> &'static Catalog {
    Catalog::builtin()
}

/// Keeps a catalog as long as the program runs, because tasks refer to it; equal ones once.
pub(crate) fn kept(catalog: Cow<'static, Catalog>) -> &'static Catalog {
    static KEPT: Mutex<Vec<&Catalog>> = Mutex::new(Vec::new());
    let catalog = match catalog {
        Cow::Borrowed(catalog) => return catalog,
        Cow::Owned(catalog) => catalog,
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(equal) = kept.iter().find(|known| ***known == catalog) {
        return equal;
    }
    let catalog: &Catalog = Box::leak(Box::new(catalog));
    kept.push(catalog);
    catalog
}

/// What decides a price or a rate, of a task.
pub(crate) struct Facts<'a> {
    pub(crate) family: &'a str,
    pub(crate) site: Site,
    pub(crate) resolution: &'a str,
    pub(crate) flex: bool,
    pub(crate) input_video: bool,
    pub(crate) audio: bool,
}

impl Facts<'_> {
    fn tier(&self) -> &'static str {
        if self.flex { "flex" } else { "default" }
    }
}

fn among(all: Option<&StringSet>, one: &str) -> bool {
    all.is_none_or(|all| all.contains(one))
}

/// A model as a request names it.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    /// The catalog's entry; for an endpoint id the model that stands behind it here.
    pub(crate) entry: &'static ark_video_model::catalog::Model,
    pub(crate) family: &'static Family,
}

impl Model {
    /// Stands in for the model of a task until that is looked up in the service's own catalog.
    pub(crate) fn first() -> Self {
        catalog().known_models().next().expect("the catalog has a model")
    }
}

/// What a `model` text means.
pub(crate) enum Lookup {
    Known(Model),
    /// A dotted name of the subscription endpoints.
    Plan(Model),
    Unknown,
}

/// How often creates are taken, and how many tasks run at a time; `None` is no limit of this kind.
pub(crate) struct CreateRate {
    pub(crate) per_minute: Option<u32>,
    pub(crate) concurrent: Option<u32>,
}

/// What the simulator asks the catalog.
pub(crate) trait Lookups {
    /// Reads a model text. Every endpoint id (`ep-…`) stands for 2.0: the simulator cannot know
    /// more.
    fn look_up(&'static self, requested: &str) -> Lookup;

    /// Every model, with what it can do.
    fn known_models(&'static self) -> impl Iterator<Item = Model>;

    /// Currency, and the price of a million tokens in it; `None` where it is not public.
    fn price(&'static self, task: &Facts<'_>) -> Option<(&'static str, Decimal)>;

    /// The limits of creates like this one, for an account of a kind (`company`, `personal`).
    fn create_rate(&self, task: &Facts<'_>, account: &str) -> Option<CreateRate>;

    /// How often a second an operation other than a create may be called; `None` is as often as you
    /// like.
    fn per_second(&self, operation: &str) -> Option<u32>;

    /// The largest request body in bytes.
    fn body_bytes(&self) -> usize;
}

impl Lookups for Catalog {
    fn look_up(&'static self, requested: &str) -> Lookup {
        let first_of = |name: &str, site: Site| {
            let entry = self.models.iter().find(|entry| entry.family == name && entry.site == site)?;
            Some(Model { entry, family: self.families.get(name)? })
        };
        match self.rules_for(requested) {
            ModelRules::Known { model: entry, family } => Lookup::Known(Model { entry, family }),
            ModelRules::Skipped { why: WhySkipped::PlanName(plan) } => {
                first_of(&plan.family, plan.site).map_or(Lookup::Unknown, Lookup::Plan)
            }
            ModelRules::Skipped { why: WhySkipped::Endpoint } if requested.len() > "ep-".len() => {
                first_of("2.0", Site::Volcengine).map_or(Lookup::Unknown, Lookup::Known)
            }
            _ => Lookup::Unknown,
        }
    }

    fn known_models(&'static self) -> impl Iterator<Item = Model> {
        let model = |entry: &'static ark_video_model::catalog::Model| {
            Some(Model { entry, family: self.families.get(&entry.family)? })
        };
        self.models.iter().filter_map(model)
    }

    fn price(&'static self, task: &Facts<'_>) -> Option<(&'static str, Decimal)> {
        let row = self.prices.iter().rev().find(|row| {
            row.site == task.site
                && row.families.contains(task.family)
                && among(row.resolution.as_ref(), task.resolution)
                && row.input_video == task.input_video
                && row.audio.is_none_or(|with| with == task.audio)
                && row.tier == task.tier()
        })?;
        Some((&row.currency, row.per_million_tokens))
    }

    fn create_rate(&self, task: &Facts<'_>, account: &str) -> Option<CreateRate> {
        let row = self.rates.iter().find(|row: &&Rate| {
            row.operation == "create"
                && among(row.families.as_ref(), task.family)
                && among(row.resolution.as_ref(), task.resolution)
                && row.account.as_deref().is_none_or(|kind| kind == account)
                && row.tier.as_deref().is_none_or(|tier| tier == task.tier())
        })?;
        Some(CreateRate { per_minute: row.per_minute.map(small), concurrent: row.concurrent.map(small) })
    }

    fn per_second(&self, operation: &str) -> Option<u32> {
        self.rates.iter().find(|row| row.operation == operation)?.per_second.map(small)
    }

    fn body_bytes(&self) -> usize {
        usize::try_from(self.limits.body_bytes.value).unwrap_or(usize::MAX)
    }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(family: &'a str, resolution: &'a str) -> Facts<'a> {
        Facts { family, site: Site::Volcengine, resolution, flex: false, input_video: false, audio: true }
    }

    fn cny(amount: &str) -> Option<(&'static str, Decimal)> {
        Some(("CNY", amount.parse().unwrap()))
    }

    #[test]
    fn equal_catalogs_are_kept_once() {
        let newer = |seconds: u64| {
            let overlay = serde_json::json!({"limits": {"result_url_seconds": {"value": seconds}}});
            kept(Cow::Owned(catalog().overlaid(&overlay).unwrap()))
        };
        assert!(std::ptr::eq(newer(60), newer(60)) && !std::ptr::eq(newer(60), newer(61)));
        assert!(std::ptr::eq(kept(Cow::Borrowed(catalog())), catalog()));
    }

    #[test]
    fn prices_and_rates_are_found_by_what_they_depend_on() {
        let price = |family, resolution| catalog().price(&facts(family, resolution));
        assert_eq!(price("2.5", "720p"), cny("70.00"));
        assert_eq!(price("2.5", "1080p"), cny("77.00"));
        assert_eq!(price("2.5-premium", "4k"), None, "not public");
        let silent = Facts { audio: false, ..facts("1.5-pro", "720p") };
        assert_eq!(catalog().price(&silent), cny("8.00"));
        let rate = |family, resolution, account| {
            let row = catalog().create_rate(&facts(family, resolution), account).unwrap();
            (row.per_minute.unwrap(), row.concurrent.unwrap())
        };
        assert_eq!(rate("2.5", "720p", "company"), (600, 10));
        assert_eq!(rate("2.5", "720p", "personal"), (180, 3));
        assert_eq!(rate("2.0", "4k", "company"), (15, 1));
        let flex =
            catalog().create_rate(&Facts { flex: true, ..facts("1.0-pro", "720p") }, "company").unwrap();
        assert_eq!((flex.per_minute, flex.concurrent), (None, None));
        assert_eq!(
            ["get", "list", "delete", "models"].map(|name| catalog().per_second(name)),
            [Some(20), Some(1), Some(20), None]
        );
    }

    #[test]
    fn a_model_text_is_an_id_an_endpoint_a_plan_name_or_unknown() {
        let known = |text| matches!(catalog().look_up(text), Lookup::Known(_));
        assert!(known("doubao-seedance-2-0-260128"));
        assert!(known("ep-20260710120000-abcde"));
        assert!(
            matches!(catalog().look_up("doubao-seedance-2.0-fast"), Lookup::Plan(model) if model.entry.family == "2.0-fast")
        );
        for text in ["doubao-seedance-2-0", "", "ep-", "doubao-seedance-2-0-250428", "gpt-4"] {
            assert!(matches!(catalog().look_up(text), Lookup::Unknown), "{text}");
        }
    }
}

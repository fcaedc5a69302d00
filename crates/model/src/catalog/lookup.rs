//! What a `model` text means: a known id, a name that is none, or something whose rules nobody here
//! knows.

use serde::Serialize;

use super::{Availability, Catalog, Family, MisspelledId, Model, PlanName, Site};

/// Which rules hold for a `model` text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelRules<'a> {
    /// A known id: its own rules.
    Known {
        /// The id's row.
        model: &'a Model,
        /// What the model can do.
        family: &'a Family,
    },
    /// Nothing is known of what stands behind it; the rules that depend on the model are left out.
    Skipped {
        /// Why.
        why: WhySkipped<'a>,
    },
    /// A wrong id that circulates.
    Wrong {
        /// The row that corrects it.
        row: &'a MisspelledId,
    },
    /// A model's name without its version; only plan endpoints take names.
    Unversioned {
        /// A model of that name.
        model: &'a Model,
    },
}

/// Why the rules that depend on the model were left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhySkipped<'a> {
    /// An endpoint id (`ep-…`): which model it runs is the account's own setting.
    Endpoint,
    /// A name of a subscription plan.
    PlanName(&'a PlanName),
    /// An id that the catalog does not have; with the known id that it is almost, if there is one.
    Unknown {
        /// A known id that differs in one or two letters.
        close_to: Option<&'a Model>,
    },
}

impl Catalog {
    /// The row of a model id.
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// What the model of an id can do.
    pub fn family_of(&self, id: &str) -> Option<&Family> {
        self.model(id).and_then(|model| self.families.get(&model.family))
    }

    /// Which rules hold for a `model` text. Exact: nothing is guessed from the shape of an unknown
    /// id.
    ///
    /// ```
    /// use ark_video_model::catalog::{Catalog, ModelRules};
    ///
    /// let catalog = Catalog::builtin();
    /// assert!(matches!(catalog.rules_for("doubao-seedance-2-0-260128"), ModelRules::Known { .. }));
    /// assert!(matches!(catalog.rules_for("ep-20260822154500-vtx3q"), ModelRules::Skipped { .. }));
    /// assert!(matches!(catalog.rules_for("doubao-seedance-2-0"), ModelRules::Unversioned { .. }));
    /// ```
    pub fn rules_for(&self, text: &str) -> ModelRules<'_> {
        if let Some(model) = self.model(text) {
            return match self.families.get(&model.family) {
                Some(family) => ModelRules::Known { model, family },
                None => ModelRules::Skipped { why: WhySkipped::Unknown { close_to: None } },
            };
        }
        if text.starts_with("ep-") {
            return ModelRules::Skipped { why: WhySkipped::Endpoint };
        }
        if let Some(plan) = self.plan_names.iter().find(|plan| plan.name == text) {
            return ModelRules::Skipped { why: WhySkipped::PlanName(plan) };
        }
        if let Some(row) = self.never_offer.iter().find(|row| row.id == text) {
            return ModelRules::Wrong { row };
        }
        if let Some(model) = self.models.iter().find(|model| model.name == text) {
            return ModelRules::Unversioned { model };
        }
        let close_to = self
            .models
            .iter()
            .find(|model| !same_but_for_version(model, text) && almost(&model.id, text))
            .or_else(|| self.written_otherwise(text));
        ModelRules::Skipped { why: WhySkipped::Unknown { close_to } }
    }

    /// The models of a site that a name stands for: `2.5`, `mini`, `2.0-fast`, `seedance-1.5-pro`,
    /// `doubao-seedance-2-0`, or an id of any site, which stands for itself. At most one of each
    /// family, the newest that is in use; several mean that the name is ambiguous. A name of a
    /// whole family stands for that family alone, and models that were shut down count only where
    /// nothing else has the name. Empty for anything else, such as endpoint ids.
    ///
    /// ```
    /// use ark_video_model::catalog::{Catalog, Site};
    ///
    /// let catalog = Catalog::builtin();
    /// let ids = |name| catalog.named(name, Site::Volcengine).into_iter().map(|model| &*model.id).collect::<Vec<_>>();
    /// assert_eq!(ids("2.5"), ["doubao-seedance-2-5-260628"]);
    /// assert_eq!(ids("fast"), ["doubao-seedance-2-0-fast-260128", "doubao-seedance-1-0-pro-fast-251015"]);
    /// assert!(ids("ep-20260822154500-vtx3q").is_empty());
    /// ```
    pub fn named(&self, text: &str, site: Site) -> Vec<&Model> {
        if let Some(model) = self.model(text) {
            return vec![model];
        }
        let is_other = self.plan_names.iter().any(|plan| plan.name == text)
            || self.never_offer.iter().any(|row| row.id == text);
        let Some(wanted) = family_name(text, site).filter(|_| !is_other) else { return Vec::new() };
        let parts: Vec<&str> = wanted.split('-').collect();
        let is_part = |family: &str| {
            family.split('-').collect::<Vec<_>>().windows(parts.len()).any(|some| some == parts)
        };
        let mut found: Vec<&Model> = Vec::new();
        for model in self.models.iter().filter(|model| model.site == site && is_part(&model.family)) {
            let rank = |model: &Model| (model.status != Availability::Retired, model.version.clone());
            match found.iter_mut().find(|other| other.family == model.family) {
                Some(other) if rank(other) < rank(model) => *other = model,
                Some(_) => {}
                None => found.push(model),
            }
        }
        if let Some(whole) = found.iter().position(|model| model.family == wanted) {
            return vec![found.swap_remove(whole)];
        }
        if found.iter().any(|model| model.status != Availability::Retired) {
            found.retain(|model| model.status != Availability::Retired);
        }
        found
    }

    /// The model that other services write in another way: `bytedance/seedance-1-pro`, `Seedance
    /// 2.0 fast`. One that is in service goes before one that is not, and a text with a version of
    /// its own means that version only.
    fn written_otherwise(&self, text: &str) -> Option<&Model> {
        let is_dreamina = |id: &str| id.trim().to_ascii_lowercase().starts_with("dreamina");
        let found = |form: fn(&Model) -> &str| {
            let wanted = plain_name(text);
            let all = self.models.iter().filter(|model| plain_name(form(model)) == wanted);
            all.min_by_key(|model| {
                (is_dreamina(&model.id) != is_dreamina(text), model.status != Availability::Current)
            })
        };
        found(|model| &model.id).or_else(|| found(|model| &model.name))
    }
}

/// A short name as families are called: `seedance-v2-0-fast` and `2.0 Fast` are `2.0-fast`. `None`
/// for what cannot be one: an endpoint id, a name of the other site.
fn family_name(text: &str, site: Site) -> Option<String> {
    let text = text.rsplit('/').next()?.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    let company = match site {
        Site::Volcengine => "doubao-",
        Site::Byteplus => "dreamina-",
    };
    let text = text.strip_prefix(company).or(text.strip_prefix("bytedance-")).unwrap_or(&text);
    let bare = text.strip_prefix("seedance-").unwrap_or(text);
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let bare = bare.strip_prefix('v').filter(|rest| is_digit(rest.chars().next())).unwrap_or(bare);
    if bare.is_empty() || bare.starts_with("ep-") {
        return None;
    }
    let mut letters = bare.chars();
    let Some(major) = letters.next().filter(char::is_ascii_digit) else { return Some(bare.to_owned()) };
    let rest = letters.as_str();
    match rest.strip_prefix(['.', '-']) {
        Some(minor) if is_digit(minor.chars().next()) => Some(format!("{major}.{minor}")),
        _ if rest.is_empty() || rest.starts_with('-') => Some(format!("{major}.0{rest}")),
        _ => None,
    }
}

/// A model's id or name without what services write differently: the company, dots for hyphens, a
/// zero left out.
fn plain_name(text: &str) -> String {
    let text = text.rsplit('/').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = text.replace(['.', '_', ' '], "-");
    let bare =
        text.strip_prefix("doubao-").or(text.strip_prefix("dreamina-")).or(text.strip_prefix("bytedance-"));
    let text = bare.unwrap_or(&text);
    let Some(rest) = text.strip_prefix("seedance-") else { return text.to_owned() };
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    match rest.split_once('-') {
        Some((major, tail)) if major.len() == 1 && !tail.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("seedance-{major}-0-{tail}")
        }
        None if rest.len() == 1 => format!("seedance-{rest}-0"),
        _ => format!("seedance-{rest}"),
    }
}

/// Another version of a known name may be a new one; it is not a slip of the pen.
fn same_but_for_version(model: &Model, text: &str) -> bool {
    text.strip_prefix(model.name.as_ref()).is_some_and(|rest| rest.starts_with('-'))
}

/// Whether one or two letters are missing, added or changed.
pub(crate) fn almost(known: &str, text: &str) -> bool {
    if known.len().abs_diff(text.len()) > 2 || text.len() > 64 {
        return false;
    }
    let text = text.as_bytes();
    let mut row: Vec<usize> = (0..=text.len()).collect();
    for (i, a) in known.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in text.iter().enumerate() {
            let changed = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    (1..=2).contains(&row[text.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_text_is_an_id_a_name_or_unknown() {
        let catalog = Catalog::builtin();
        let family = |text: &str| catalog.model(text).map(|model| model.family.as_ref());
        assert_eq!(family("dreamina-seedance-2-0-mini-260615"), Some("2.0-mini"));
        assert_eq!(family("doubao-seedance-2-0"), None);
        let close = |text: &str| match catalog.rules_for(text) {
            ModelRules::Skipped { why: WhySkipped::Unknown { close_to } } => {
                close_to.map(|model| model.id.as_ref())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(close("doubao-seedence-2-0-260128"), Some("doubao-seedance-2-0-260128"));
        assert_eq!(close("doubao-seedance-2-0-261128"), None);
        assert_eq!(close("my-model"), None);
        for (text, meant) in [
            ("seedance-2.0-fast", "doubao-seedance-2-0-fast-260128"),
            ("bytedance/seedance-1-pro", "doubao-seedance-1-0-pro-250528"),
            ("Seedance 2.0", "doubao-seedance-2-0-260128"),
            ("seedance-v2.5", "doubao-seedance-2-5-260628"),
            ("doubao-seedance-2.0-260128", "doubao-seedance-2-0-260128"),
            ("bytedance/seedance-1.5-pro", "doubao-seedance-1-5-pro-251215"),
            ("dreamina-seedance-2.5", "dreamina-seedance-2-5-260628"),
            ("Dreamina Seedance 2.0 fast", "dreamina-seedance-2-0-fast-260128"),
        ] {
            assert_eq!(close(text), Some(meant), "{text}");
        }
        for text in ["seedance", "seedance-3", "seedance-2-0-261128", "seedance-1-0-pro-fast-x"] {
            assert_eq!(close(text), None, "{text}");
        }
        assert_eq!(close(""), None);
        assert!(matches!(
            catalog.rules_for("doubao-seedance-2.0-fast"),
            ModelRules::Skipped { why: WhySkipped::PlanName(_) }
        ));
        let ModelRules::Wrong { row } = catalog.rules_for("doubao-seedance-2-0-250428") else {
            panic!("circulates")
        };
        assert_eq!(row.instead, "doubao-seedance-2-0-260128");
    }

    #[test]
    fn a_name_stands_for_the_model_of_the_site() {
        let catalog = Catalog::builtin();
        let ids = |name: &str, site| {
            let ids = catalog.named(name, site).into_iter().map(|model| model.id.to_string());
            ids.collect::<Vec<_>>().join(" ")
        };
        for (name, volcengine, byteplus) in [
            ("2.5", "doubao-seedance-2-5-260628", "dreamina-seedance-2-5-260628"),
            ("2.0", "doubao-seedance-2-0-260128", "dreamina-seedance-2-0-260128"),
            ("2", "doubao-seedance-2-0-260128", "dreamina-seedance-2-0-260128"),
            ("2.0-fast", "doubao-seedance-2-0-fast-260128", "dreamina-seedance-2-0-fast-260128"),
            ("2-fast", "doubao-seedance-2-0-fast-260128", "dreamina-seedance-2-0-fast-260128"),
            ("mini", "doubao-seedance-2-0-mini-260615", "dreamina-seedance-2-0-mini-260615"),
            ("1.5-pro", "doubao-seedance-1-5-pro-251215", "seedance-1-5-pro-251215"),
            ("1.5", "doubao-seedance-1-5-pro-251215", "seedance-1-5-pro-251215"),
            ("1-pro", "doubao-seedance-1-0-pro-250528", "seedance-1-0-pro-250528"),
            ("Seedance_2.0 Fast", "doubao-seedance-2-0-fast-260128", "dreamina-seedance-2-0-fast-260128"),
            ("bytedance/seedance-v2.5", "doubao-seedance-2-5-260628", "dreamina-seedance-2-5-260628"),
            ("premium", "", "dreamina-seedance-2-5-premium-260915"),
            ("lite-i2v", "doubao-seedance-1-0-lite-i2v-250428", "seedance-1-0-lite-i2v-250428"),
            ("doubao-seedance-2-0", "doubao-seedance-2-0-260128", ""),
            ("dreamina-seedance-2-0", "", "dreamina-seedance-2-0-260128"),
            ("dreamina-seedance-2-0-260128", "dreamina-seedance-2-0-260128", "dreamina-seedance-2-0-260128"),
        ] {
            assert_eq!(ids(name, Site::Volcengine), volcengine, "{name}");
            assert_eq!(ids(name, Site::Byteplus), byteplus, "{name}");
        }
        // Only models in use are candidates.
        assert_eq!(catalog.named("1.0", Site::Volcengine).len(), 2);
        assert_eq!(catalog.named("pro", Site::Byteplus).len(), 2);
        for text in
            ["", "m", "ep-1", "2.0-260128", "3.0", "2.6", "5", "doubao-seedance-2.0-fast", "25", "v", "-"]
        {
            assert_eq!(ids(text, Site::Volcengine), "", "{text}");
        }
    }

    #[test]
    fn every_family_has_a_name_of_its_own() {
        let catalog = Catalog::builtin();
        for model in &catalog.models {
            let found = catalog.named(&model.family, model.site);
            assert_eq!(found.iter().map(|found| &found.family).collect::<Vec<_>>(), [&model.family]);
        }
    }

    #[test]
    fn almost_means_one_or_two_letters() {
        assert!(almost("duration", "duratoin") && almost("ratio", "ratios") && almost("seed", "sed"));
        assert!(!almost("seed", "seed") && !almost("frames", "camera_fixed") && !almost("seed", "lens"));
    }
}

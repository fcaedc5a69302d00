//! What the simulator needs of `schema/models.json`: models, abilities, pixel sizes, limits, switches.
//!
//! Thin on purpose: it gives way to the catalogue of the model crate. It holds data and look-ups only; judging a request is
//! the business of `service/checks.rs`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Deserializer};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../schema/models.json"))
        .expect("schema/models.json is compiled in, and a test reads it")
});

/// The whole of it, read once.
pub(crate) fn catalog() -> &'static Catalog {
    &CATALOG
}

/// A value with its source, of which only the value counts here.
fn cell<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    struct Cell<T> {
        value: T,
    }
    Cell::deserialize(deserializer).map(|cell| cell.value)
}

#[derive(Deserialize)]
pub(crate) struct Catalog {
    families: BTreeMap<String, Family>,
    pub(crate) models: Vec<ModelEntry>,
    plan_names: Vec<PlanName>,
    pixels: Vec<Pixels>,
    prices: Vec<PriceRow>,
    rates: Vec<Rate>,
    pub(crate) limits: Limits,
    media: Media,
    pub(crate) switches: BTreeMap<String, SwitchEntry>,
}

#[derive(Deserialize)]
pub(crate) struct ModelEntry {
    pub(crate) id: String,
    pub(crate) site: String,
    pub(crate) family: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) status: String,
}

#[derive(Deserialize)]
struct PlanName {
    name: String,
    site: String,
    family: String,
}

#[derive(Deserialize)]
struct Pixels {
    resolution: String,
    families: Vec<String>,
    ratio: String,
    width: u32,
    height: u32,
}

/// What a million tokens cost. `None` in a condition is "does not matter".
#[derive(Deserialize)]
struct PriceRow {
    site: String,
    currency: String,
    families: Vec<String>,
    resolution: Option<Vec<String>>,
    input_video: Option<bool>,
    audio: Option<bool>,
    tier: String,
    per_million_tokens: String,
}

/// How often and how many at a time. `None` in a condition is "does not matter", in a figure "no limit of this kind".
#[derive(Deserialize)]
pub(crate) struct Rate {
    operation: String,
    families: Option<Vec<String>>,
    resolution: Option<Vec<String>>,
    account: Option<String>,
    tier: Option<String>,
    pub(crate) per_minute: Option<u32>,
    pub(crate) per_second: Option<u32>,
    pub(crate) concurrent: Option<u32>,
}

/// What decides a price or a rate, of a task.
pub(crate) struct Facts<'a> {
    pub(crate) family: &'a str,
    pub(crate) site: &'a str,
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

fn among(all: Option<&Vec<String>>, one: &str) -> bool {
    all.is_none_or(|all| all.iter().any(|known| known == one))
}

#[derive(Deserialize)]
pub(crate) struct SwitchEntry {
    pub(crate) default: String,
    pub(crate) values: Vec<String>,
    pub(crate) used_by: Vec<String>,
}

/// What one model family can do. `None` is "nobody knows", or "does not apply".
#[derive(Deserialize)]
pub(crate) struct Family {
    #[serde(deserialize_with = "cell")]
    pub(crate) text_only: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) first_frame: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) first_and_last_frame: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) reference_images: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) reference_videos: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) reference_audios: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) reference_items: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) audio_alone: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) edit_extend: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) draft: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) draft_resolution: Option<Vec<String>>,
    #[serde(deserialize_with = "cell")]
    pub(crate) draft_token_factor: Option<DraftFactor>,
    #[serde(deserialize_with = "cell")]
    pub(crate) final_resolution: Option<Vec<String>>,
    #[serde(deserialize_with = "cell")]
    pub(crate) final_inherited: Option<Vec<String>>,
    #[serde(deserialize_with = "cell")]
    pub(crate) return_last_frame_in_draft: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) service_tier_flex: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) service_tier_flex_in_draft: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) generate_audio: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) camera_fixed: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) camera_fixed_with_reference_images: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) seed: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) resolution: Vec<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) resolution_default: Option<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) resolution_with_reference_images: Option<Vec<String>>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio: Vec<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_adaptive_text: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_adaptive_image: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_adaptive_references: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_adaptive_required_in_frame_mode: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_default_text: Option<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_default_image: Option<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) ratio_default_references: Option<String>,
    #[serde(deserialize_with = "cell")]
    pub(crate) duration: Duration,
    #[serde(deserialize_with = "cell")]
    pub(crate) frames: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) tools_web_search: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) priority: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) output_format_mov: Option<bool>,
    #[serde(deserialize_with = "cell")]
    pub(crate) omni_reference_task_type: Option<Vec<String>>,
    #[serde(deserialize_with = "cell")]
    pub(crate) input_video_seconds: Option<InputSeconds>,
}

#[derive(Deserialize, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl Range {
    pub(crate) fn contains(self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

#[derive(Deserialize)]
pub(crate) struct Duration {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) auto: Option<bool>,
    pub(crate) default: i64,
}

/// Share of the tokens that a draft is billed, as decimal text.
#[derive(Deserialize)]
pub(crate) struct DraftFactor {
    pub(crate) audio: String,
    pub(crate) silent: String,
}

#[derive(Deserialize)]
pub(crate) struct InputSeconds {
    pub(crate) each_min: i64,
    pub(crate) each_max: i64,
    pub(crate) total_max: i64,
}

#[derive(Deserialize)]
pub(crate) struct Limits {
    #[serde(deserialize_with = "cell")]
    pub(crate) body_bytes: usize,
    #[serde(deserialize_with = "cell")]
    pub(crate) safety_identifier_characters: usize,
    #[serde(deserialize_with = "cell")]
    pub(crate) seed: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) seed_documented: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) priority: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) execution_expires_after: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) frames: Frames,
    #[serde(deserialize_with = "cell")]
    pub(crate) result_url_seconds: i64,
    #[serde(deserialize_with = "cell")]
    pub(crate) result_url_downloads: u32,
    #[serde(deserialize_with = "cell")]
    pub(crate) record_seconds: i64,
    #[serde(deserialize_with = "cell")]
    pub(crate) cancelled_record_seconds: i64,
    #[serde(deserialize_with = "cell")]
    pub(crate) list_window_seconds: i64,
    #[serde(deserialize_with = "cell")]
    pub(crate) list_page_num: Range,
    #[serde(deserialize_with = "cell")]
    pub(crate) list_page_size: Range,
}

#[derive(Deserialize)]
pub(crate) struct Frames {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) step: i64,
}

#[derive(Deserialize)]
struct Media {
    image: Kind,
    audio: Kind,
}

#[derive(Deserialize)]
struct Kind {
    formats: Vec<Format>,
}

#[derive(Deserialize)]
struct Format {
    data_url: Option<String>,
}

/// A model as a request names it.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    /// The catalogue's entry; for an endpoint id the model that stands behind it here.
    pub(crate) entry: &'static ModelEntry,
    pub(crate) family: &'static Family,
}

/// What a `model` text means.
pub(crate) enum Lookup {
    Known(Model),
    /// A dotted name of the subscription endpoints.
    Plan(Model),
    Unknown,
}

impl Catalog {
    /// Reads a model text. Every endpoint id (`ep-…`) stands for 2.0: the simulator cannot know more.
    pub(crate) fn look_up(&'static self, asked: &str) -> Lookup {
        if let Some(entry) = self.models.iter().find(|entry| entry.id == asked) {
            return self.model(entry).map_or(Lookup::Unknown, Lookup::Known);
        }
        if let Some(plan) = self.plan_names.iter().find(|plan| plan.name == asked) {
            return self.first_of(&plan.family, &plan.site).map_or(Lookup::Unknown, Lookup::Plan);
        }
        if asked.strip_prefix("ep-").is_some_and(|rest| !rest.is_empty()) {
            return self.first_of("2.0", "volcengine").map_or(Lookup::Unknown, Lookup::Known);
        }
        Lookup::Unknown
    }

    fn first_of(&'static self, family: &str, site: &str) -> Option<Model> {
        self.models
            .iter()
            .find(|entry| entry.family == family && entry.site == site)
            .and_then(|entry| self.model(entry))
    }

    pub(crate) fn model(&'static self, entry: &'static ModelEntry) -> Option<Model> {
        Some(Model { entry, family: self.family(&entry.family)? })
    }

    fn family(&'static self, key: &str) -> Option<&'static Family> {
        self.families.get(key)
    }

    /// Width and height in pixels.
    pub(crate) fn pixels(&self, family: &str, resolution: &str, ratio: &str) -> Option<(u32, u32)> {
        let fits = |row: &&Pixels| {
            row.resolution == resolution && row.ratio == ratio && row.families.iter().any(|f| f == family)
        };
        self.pixels.iter().find(fits).map(|row| (row.width, row.height))
    }

    /// Currency, and the price of a million tokens in it, as decimal text; `None` where it is not public.
    pub(crate) fn price(&'static self, task: &Facts<'_>) -> Option<(&'static str, &'static str)> {
        let fits = |row: &&PriceRow| {
            row.site == task.site
                && row.families.iter().any(|family| family == task.family)
                && among(row.resolution.as_ref(), task.resolution)
                && row.input_video.is_none_or(|with| with == task.input_video)
                && row.audio.is_none_or(|with| with == task.audio)
                && row.tier == task.tier()
        };
        let row = self.prices.iter().find(fits)?;
        Some((&row.currency, &row.per_million_tokens))
    }

    /// The limits of creates like this one, for an account of a kind (`company`, `personal`).
    pub(crate) fn create_rate(&self, task: &Facts<'_>, account: &str) -> Option<&Rate> {
        self.rates.iter().find(|row| {
            row.operation == "create"
                && among(row.families.as_ref(), task.family)
                && among(row.resolution.as_ref(), task.resolution)
                && row.account.as_deref().is_none_or(|kind| kind == account)
                && row.tier.as_deref().is_none_or(|tier| tier == task.tier())
        })
    }

    /// How often a second an operation other than a create may be called; `None` is as often as you like.
    pub(crate) fn per_second(&self, operation: &str) -> Option<u32> {
        self.rates.iter().find(|row| row.operation == operation)?.per_second
    }

    /// Whether `data:image/<word>` is a known format. `jpg` is what many tools write for `jpeg`.
    pub(crate) fn image_format(&self, word: &str) -> bool {
        word == "jpg"
            || self.media.image.formats.iter().any(|format| format.data_url.as_deref() == Some(word))
    }

    /// Whether `data:audio/<word>` is a known format. `mpeg` is the registered name of mp3.
    pub(crate) fn audio_format(&self, word: &str) -> bool {
        word == "mpeg"
            || self.media.audio.formats.iter().any(|format| format.data_url.as_deref() == Some(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(family: &'a str, resolution: &'a str) -> Facts<'a> {
        Facts { family, site: "volcengine", resolution, flex: false, input_video: false, audio: true }
    }

    #[test]
    fn prices_and_rates_are_found_by_what_they_depend_on() {
        let price = |family, resolution| catalog().price(&facts(family, resolution));
        assert_eq!(price("2.5", "720p"), Some(("CNY", "70.00")));
        assert_eq!(price("2.5", "1080p"), Some(("CNY", "77.00")));
        assert_eq!(price("2.5-premium", "4k"), None, "not public");
        let silent = Facts { audio: false, ..facts("1.5-pro", "720p") };
        assert_eq!(catalog().price(&silent), Some(("CNY", "8.00")));
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
    fn every_model_has_a_family_and_every_size_that_it_offers() {
        let all = catalog();
        assert!(all.models.len() >= 19);
        for entry in &all.models {
            let model = all.model(entry).unwrap_or_else(|| panic!("{} has no family", entry.id));
            for resolution in &model.family.resolution {
                for ratio in &model.family.ratio {
                    let size = all.pixels(&entry.family, resolution, ratio);
                    assert!(size.is_some(), "{} {resolution} {ratio}", entry.id);
                }
            }
        }
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

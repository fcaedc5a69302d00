//! Everything that can be said of a request before it is sent: all of it at once, in a stable
//! order.
//!
//! The schema's own checks are generated; rules on several items are written in one file;
//! everything that depends on the model comes from the [`Catalog`] and from nowhere else. Nothing
//! here reads a file, a clock or the network.

mod combinations;
pub(crate) mod content_summary;
mod drafts;
pub(crate) mod facts;
mod fields;
mod foreign;
mod hosts;
mod json;
mod json_shape;
mod media;
mod media_address;
mod media_url;
mod mode;
mod model;
mod output_size;
pub(crate) mod pointer;
mod repair;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod setting;
mod shapes;
mod structure;
mod task_type;
mod unknown;

pub use crate::catalog::cell::Severity;
pub use content_summary::Mode;
pub use facts::{Facts, MediaFacts, MediaFormat, MediaKind};
pub use json::{check_json, field_type};
pub use report::{Finding, Note, Report};

pub(crate) use content_summary::ContentSummary;
pub(crate) use json_shape::{Kind, Member, Shape};
pub(crate) use pointer::Pointer;
pub(crate) use report::Sink;
pub(crate) use rules::Rules;

use media_address::Address;

use crate::catalog::{Catalog, ModelRules};
use crate::{ContentItem, CreateTaskRequest};

impl CreateTaskRequest {
    /// All errors and warnings that follow from the request itself.
    ///
    /// ```
    /// use ark_video_model::{TextToVideo, catalog::Catalog};
    ///
    /// let request = TextToVideo::new("doubao-seedance-2-0-fast-260128", "Aerial of a reef.").resolution("4k").build();
    /// let report = request.check(Catalog::builtin());
    /// assert!(report.is_refused());
    /// assert_eq!(report.findings[0].pointer, "/resolution");
    /// ```
    pub fn check(&self, catalog: &Catalog) -> Report {
        static NOTHING: std::sync::LazyLock<Facts> = std::sync::LazyLock::new(Facts::new);
        self.check_with(catalog, &NOTHING)
    }

    /// The same, with what is known of the media.
    pub fn check_with(&self, catalog: &Catalog, facts: &Facts) -> Report {
        self.checked(catalog, facts, true)
    }

    /// As [`CreateTaskRequest::check_with`]; without the rules on several items where not all of
    /// them are there.
    pub(crate) fn checked(&self, catalog: &Catalog, facts: &Facts, complete: bool) -> Report {
        let mut sink = Sink::default();
        let scan = ContentSummary::of(self);
        let rules = Rules::new(self, catalog, facts, scan);
        crate::generated::structure(self, &mut sink);
        if complete {
            combinations::of_the_schema(self, &scan, &mut sink);
            combinations::beyond_the_schema(self, &scan, rules.mode, &mut sink);
        }
        self.check_items(&rules, &mut sink);
        unknown::check(self, &rules, &mut sink);
        fields::limits(&rules, &mut sink);
        model::check(&rules, &mut sink);
        if let (Some(known), true) = (rules.known, complete && !self.content.is_empty()) {
            mode::check(&rules, &known, &mut sink);
            output_size::check(&rules, &known, &mut sink);
            fields::support(&rules, &known, &mut sink);
            drafts::check(&rules, &known, &mut sink);
            task_type::check(&rules, &known, &mut sink);
        }
        if complete && !facts.is_empty() {
            media::check(&rules, &mut sink);
            shapes::check(&rules, &mut sink);
        }
        output_size::letter_case(&rules, &mut sink);
        if matches!(rules.model, ModelRules::Skipped { .. }) {
            sink.doubt_known_models();
        }
        sink.into_report()
    }

    /// What the schema alone says: single fields and `content.allOf`. No model is looked up, no
    /// address and no prompt.
    pub fn check_structure(&self) -> Report {
        let mut sink = Sink::default();
        crate::generated::structure(self, &mut sink);
        combinations::of_the_schema(self, &ContentSummary::of(self), &mut sink);
        sink.into_report()
    }

    /// The mode that the items make.
    pub fn mode(&self) -> Mode {
        ContentSummary::of(self).mode()
    }

    fn check_items(&self, rules: &Rules<'_>, sink: &mut Sink) {
        for (index, item) in self.content.iter().enumerate() {
            if let ContentItem::Text(item) = item {
                crate::prompt::check(&item.text, index, rules, sink);
            } else if let Some((kind, url)) = item.media() {
                media_url::check(&Address { index, kind, url }, rules, sink);
            }
        }
    }
}

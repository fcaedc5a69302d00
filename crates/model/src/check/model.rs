//! The `model` text itself: wrong ids, names without a version, models on their way out, and what
//! is not known.

use super::pointer::Pointer;
use super::report::Sink;
use super::rules::Rules;
use crate::catalog::{Availability, Catalog, Model, ModelRules, Site, WhySkipped};
use crate::check::Severity;
use crate::generated::Field;

const NOT_FOUND: &str = "InvalidEndpointOrModel.NotFound";

pub(crate) fn check(rules: &Rules<'_>, sink: &mut Sink) {
    let pointer = Pointer::Field(Field::Model);
    match rules.model {
        ModelRules::Known { model, .. } => availability(rules.catalog, model, sink),
        ModelRules::Wrong { row } => {
            let finding =
                sink.push("model-id", pointer, "This id is in circulation, but is not a model.".into());
            finding.advice(format!("Did you mean `{}`?", row.instead)).code(NOT_FOUND).http(404);
            (finding.source, finding.date) = (row.source.clone(), row.date.clone());
        }
        ModelRules::Unversioned { model } => {
            let finding =
                sink.push("model-id", pointer, "A model's name needs its version at the end.".into());
            finding.advice(format!("Did you mean `{}`?", model.id)).code(NOT_FOUND).http(404);
            (finding.source, finding.date) = (model.source.clone(), model.date.clone());
        }
        ModelRules::Skipped { why } => {
            let about = match why {
                WhySkipped::Endpoint => "the model behind an endpoint id is the account's own setting",
                WhySkipped::PlanName(_) => "this is a name of a subscription plan",
                WhySkipped::Unknown { .. } => "the catalog does not have this model",
            };
            // An empty text is a finding already, and no model.
            if !rules.request.model.is_empty() {
                sink.note(
                    "model-rules-skipped",
                    format!("Rules that depend on the model were skipped: {about}."),
                );
            }
            if let WhySkipped::Unknown { close_to: Some(model) } = why {
                sink.push("model-id", pointer, "This is almost, but not quite, a known id.".into())
                    .advice(format!("Did you mean `{}`?", model.id))
                    .code(NOT_FOUND)
                    .http(404)
                    .strength(Severity::Warning);
            }
        }
    }
}

fn availability(catalog: &Catalog, model: &Model, sink: &mut Sink) {
    let message = match model.status {
        Availability::Current => return,
        Availability::AllowList => {
            let message = format!("`{}` is available to selected accounts only.", model.id);
            return sink.note("model-allow-list", message);
        }
        Availability::Retiring => "The end of this model was announced.",
        Availability::Retired => "This model was shut down.",
    };
    let switch = match model.site {
        Site::Volcengine => "retired-models-on-volcengine",
        Site::Byteplus => "retired-models-on-byteplus",
    };
    let message = match &model.status_date {
        Some(date) => format!("{message} Since {date}."),
        None => message.to_owned(),
    };
    let instead = model.replaced_by.as_ref().and_then(|family| {
        catalog.models.iter().find(|other| other.family == *family && other.site == model.site)
    });
    let finding = sink.push("model-retired", Pointer::Field(Field::Model), message);
    finding.strength(catalog.strength(switch)).code(NOT_FOUND).http(404);
    (finding.source, finding.date) = (model.source.clone(), model.date.clone());
    match instead {
        Some(other) => finding.advice(format!("The vendor names `{}` in its place.", other.id)),
        None => finding.advice("Move to a current model."),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextToVideo;

    fn report(model: &str) -> crate::check::Report {
        TextToVideo::new(model, "x").build().check(Catalog::builtin())
    }

    #[test]
    fn wrong_ids_are_corrected() {
        for (model, instead) in [
            ("doubao-seedance-2-0", "doubao-seedance-2-0-260128"),
            ("seedance-1-0-pro", "seedance-1-0-pro-250528"),
            ("doubao-seedance-2-0-r2v-260128", "doubao-seedance-2-0-260128"),
        ] {
            let report = report(model);
            let finding = &report.findings[0];
            assert_eq!(
                (finding.rule_name(), finding.pointer.as_str(), finding.http),
                ("model-id", "/model", Some(404)),
                "{model}"
            );
            assert_eq!(finding.code.as_deref(), Some(NOT_FOUND));
            assert!(finding.advice.contains(instead) && report.is_refused(), "{finding}");
        }
        let slip = report("doubao-seedence-2-0-260128");
        assert!(!slip.is_refused() && slip.findings[0].advice.contains("doubao-seedance-2-0-260128"));
    }

    #[test]
    fn what_is_not_known_is_said() {
        for model in
            ["ep-20260822154500-vtx3q", "doubao-seedance-2.0-fast", "kling-3", "doubao-seedance-2-0-280101"]
        {
            let report = report(model);
            assert!(report.is_clean(), "{model}: {report}");
            assert_eq!(
                report.notes.iter().map(|note| &*note.id).collect::<Vec<_>>(),
                ["model-rules-skipped"],
                "{model}"
            );
        }
        assert!(report("doubao-seedance-2-0-260128").notes.is_empty());
    }

    #[test]
    fn models_on_their_way_out_are_a_warning_until_the_switch_says_otherwise() {
        let retired = report("seedance-1-5-pro-251215");
        assert_eq!((retired.findings[0].rule_name(), retired.is_refused()), ("model-retired", false));
        assert!(retired.findings[0].advice.contains("dreamina-seedance-2-0-mini-260615"), "{retired}");
        let strict = Catalog::builtin()
            .overlaid(&serde_json::json!({ "switches": { "retired-models-on-byteplus": "refuse" } }));
        let request = TextToVideo::new("seedance-1-5-pro-251215", "x").build();
        assert!(request.check(&strict.expect("fits")).is_refused());
    }
}

//! Settings in the prompt that the service checks as it checks the field: resolution and duration,
//! on a model that is known.

use serde_json::Value;

use super::report::{Finding, Sink};
use super::rules::Rules;
use super::{fields, output_size};
use crate::check::Severity;
use crate::prompt::flags::Setting;
use crate::{CreateTaskRequest, Resolution};

/// What the field's own rule refuses of a value that stands in the prompt.
pub(crate) fn refusal(rules: &Rules<'_>, setting: Setting, value: &Value) -> Option<Finding> {
    let known = rules.known?;
    let mut request = CreateTaskRequest::new(rules.request.model.as_str(), Vec::new());
    request.draft = rules.request.draft;
    match setting {
        Setting::Resolution => request.resolution = value.as_str().map(Resolution::from),
        Setting::Duration => request.duration = value.as_i64(),
        _ => return None,
    }
    let mut sink = Sink::default();
    let rules = Rules { request: &request, catalog: rules.catalog, facts: rules.facts, ..*rules };
    match setting {
        Setting::Resolution => output_size::resolution(&rules, &known, &mut sink),
        _ => fields::duration(&rules, &known, &mut sink),
    }
    sink.into_report().findings.into_iter().find(|finding| finding.strength == Severity::Error)
}

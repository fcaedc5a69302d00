//! Rejects at once what the model crate's checks reject, with the vendor's messages.

use ark_video_model::{
    ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType,
    catalog::{Availability, Catalog},
    check::{Facts, Finding, Mode, Report, Severity},
};

use super::{flags::ExtractedFlags, violation::Violation, wording};
use crate::{catalog::Model, options::Switches};

/// An endpoint, behind which may stand any model.
const ENDPOINT: &str = "ep-any";

/// Everything about a request that this model does not take; the service reports one of them.
pub(crate) fn check(
    request: &mut CreateTaskRequest,
    model: Model,
    rules: &Catalog,
    lifted: &ExtractedFlags,
    facts: &Facts,
) -> Vec<Violation> {
    // A plan's name stands for one model. An endpoint may stand for any, so only what all models
    // reject is rejected.
    let id = if request.model.starts_with("ep-") { ENDPOINT } else { &model.entry.id };
    let requested = std::mem::replace(&mut request.model, id.to_owned());
    let later = rules.answer("answer-to-fixed-ratio-with-frames-on-2-5") == Some("fail_later");
    let report = request.check_with(rules, facts);
    let refused: Vec<&Finding> =
        refusals(&report).filter(|finding| !(later && finding.rule == "ratio-with-frames")).collect();
    let wrong = if refused.is_empty() {
        unknown_mode(request).into_iter().collect()
    } else {
        request.model = ENDPOINT.to_owned();
        let always = request.check_with(rules, facts);
        let for_all = |finding: &Finding| {
            let said = &mut always.findings.iter();
            said.any(|other| (&other.rule, &other.pointer) == (&finding.rule, &finding.pointer))
        };
        let context = wording::Context { request, model, lifted };
        // The structure of `content` is checked first.
        let structural = |finding: &&Finding| finding.pointer.starts_with("/content") && for_all(finding);
        let first: Vec<&Finding> = refused.iter().copied().filter(structural).collect();
        let reported = if first.is_empty() { refused } else { first };
        reported.into_iter().map(|finding| wording::violation(finding, for_all(finding), &context)).collect()
    };
    request.model = requested;
    wrong
}

/// What the service refuses at once: what it fails later, or lets pass, is no refusal here.
fn refusals(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| {
        // No document has a code for these, since the service lets them pass unless the switch says
        // otherwise.
        let has_code = finding.code.is_some() || finding.rule == "sdk-only-field";
        finding.strength == Severity::Error && has_code && finding.http != Some(200)
    })
}

/// Items with unknown roles have no mode: it is unknown what the service would make of them.
fn unknown_mode(request: &CreateTaskRequest) -> Option<Violation> {
    if request.mode() != Mode::Unclear {
        return None;
    }
    let known = |item: &ContentItem| match item {
        ContentItem::Image(item) => item.role.as_ref().is_none_or(|role| role.is_known()),
        _ => true,
    };
    let at = request.content.iter().position(|item| !known(item));
    Some(match at {
        Some(at) => {
            Violation::invalid(format!("content[{at}].role"), "invalid role specified for image content")
        }
        None => Violation::invalid("content", "the items make no known kind of task"),
    })
}

/// Whether the catalog lists the model as gone, and the switch of its site says that the service
/// means it.
pub(crate) fn is_closed(model: Model, switches: &Switches) -> bool {
    model.entry.status == Availability::Retired
        && switches.refuses(&format!("retired-models-on-{}", model.entry.site))
}

/// Whether a model takes `edit` and `extend`, so that phrases in a prompt can select them.
pub(crate) fn reads_task_type(model: Model) -> bool {
    let types = model.family.omni_reference_task_type.value.as_ref();
    types.is_some_and(|types| types.contains(TaskType::Edit.as_str()))
}

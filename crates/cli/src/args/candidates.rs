//! Values that shells complete. Those of the API are suggestions: any value is accepted.

use ark_video::model::catalog::{Catalog, Site};
use ark_video::model::{
    OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier, TaskStatus, ToolType,
};
use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::model_names::in_use;

fn known(values: impl Iterator<Item = &'static str>) -> ArgValueCandidates {
    let values: Vec<&str> = values.collect();
    ArgValueCandidates::new(move || values.iter().map(CompletionCandidate::new).collect())
}

/// Short names, then ids, of the models in use on both sites.
pub(super) fn models() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let catalog = Catalog::builtin();
        let models: Vec<_> =
            [Site::Volcengine, Site::Byteplus].into_iter().flat_map(|site| in_use(catalog, site)).collect();
        let mut names: Vec<&str> = Vec::new();
        for model in &models {
            if !names.contains(&model.family.as_ref()) {
                names.push(&model.family);
            }
        }
        names.extend(models.iter().map(|model| model.id.as_ref()));
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

pub(super) fn ratios() -> ArgValueCandidates {
    known(Ratio::KNOWN.iter().map(Ratio::as_str))
}

pub(super) fn resolutions() -> ArgValueCandidates {
    known(Resolution::KNOWN.iter().map(Resolution::as_str))
}

pub(super) fn tiers() -> ArgValueCandidates {
    known(ServiceTier::KNOWN.iter().map(ServiceTier::as_str))
}

pub(super) fn statuses() -> ArgValueCandidates {
    known(TaskStatus::KNOWN.iter().map(TaskStatus::as_str))
}

pub(super) fn formats() -> ArgValueCandidates {
    known(OutputFormat::KNOWN.iter().map(OutputFormat::as_str))
}

pub(super) fn task_types() -> ArgValueCandidates {
    known(OmniReferenceTaskType::KNOWN.iter().map(OmniReferenceTaskType::as_str))
}

pub(super) fn tools() -> ArgValueCandidates {
    known(ToolType::KNOWN.iter().map(ToolType::as_str))
}

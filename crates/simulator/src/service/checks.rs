//! The rules that depend on the model: the one place where the checks of the model crate will be plugged in.
//!
//! Fed by the catalogue; says everything that is wrong, of which the service reports one.

use ark_video_model::{
    CreateTaskRequest, OmniReferenceTaskType as TaskType, OutputFormat, Ratio, ServiceTier,
};

use super::{
    complaint::Complaint,
    content::{Content, Mode},
};
use crate::{
    catalog::{Family, Model},
    options::Switches,
};

const UNSUPPORTED: &str = "InvalidParameter.UnsupportedParameter";
const CONSTRAINT: &str = "InvalidParameter.TaskTypeConstraint";

/// Everything about a request that this model does not take.
pub(crate) fn check(
    request: &CreateTaskRequest,
    content: &Content<'_>,
    model: Model,
    switches: &Switches,
) -> Vec<Complaint> {
    let mut check = Check { request, content, model, family: model.family, switches, wrong: Vec::new() };
    check.mode();
    if check.wrong.is_empty() {
        check.counts();
        check.length();
        check.picture();
        check.task_type();
        check.draft();
        check.support();
    }
    check.wrong
}

struct Check<'a> {
    request: &'a CreateTaskRequest,
    content: &'a Content<'a>,
    model: Model,
    family: &'static Family,
    switches: &'a Switches,
    wrong: Vec<Complaint>,
}

impl Check<'_> {
    fn incapable(&mut self, param: &str, why: &str) {
        self.wrong.push(Complaint::incapable(param, &self.model.entry.name, self.content.mode.short(), why));
    }

    fn unsupported(&mut self, param: &str, why: &str) {
        let complaint = Complaint::incapable(param, &self.model.entry.name, self.content.mode.short(), why);
        self.wrong.push(complaint.code(UNSUPPORTED));
    }

    fn constraint(&mut self, param: &str, why: &str) {
        self.wrong.push(Complaint::invalid(param, why).code(CONSTRAINT));
    }

    /// Premium is described as 2.5 with 4k; whether it does the rest is open.
    fn open_on_premium(&self) -> bool {
        self.model.entry.family == "2.5-premium" && !self.switches.refuses("premium-capabilities")
    }

    fn mode(&mut self) {
        let family = self.family;
        let able = match self.content.mode {
            Mode::Text => family.text_only,
            Mode::FirstFrame => family.first_frame,
            Mode::FirstAndLastFrame => family.first_and_last_frame,
            Mode::References => {
                let groups = [
                    (&self.content.images, family.reference_images),
                    (&self.content.videos, family.reference_videos),
                    (&self.content.audios, family.reference_audios),
                ];
                let misfit =
                    groups.into_iter().find_map(|(items, range)| items.first().filter(|_| range.max == 0));
                if let Some(at) = misfit {
                    self.incapable(
                        &format!("content[{at}].role"),
                        "this model does not take such a reference",
                    );
                }
                Some(true)
            }
            Mode::FromDraft => family.draft,
        };
        if able == Some(false) {
            self.incapable("content", "this model does not take such content");
        }
    }

    fn counts(&mut self) {
        let Content { mode, images, videos, audios, .. } = self.content;
        if *mode != Mode::References {
            return;
        }
        let counted =
            !self.model.entry.family.starts_with("2.5") || self.switches.refuses("reference-counts-on-2-5");
        let (family, total) = (self.family, images.len() + videos.len() + audios.len());
        let groups = [
            (images, family.reference_images.max, "reference images"),
            (videos, family.reference_videos.max, "video contents"),
            (audios, family.reference_audios.max, "audio contents"),
        ];
        for (items, most, name) in groups {
            let over = usize::try_from(most).ok().and_then(|most| items.get(most));
            if let (Some(at), true) = (over, counted) {
                let why = format!("expected at most {most} {name} but got {} instead", items.len());
                self.wrong.push(Complaint::invalid(format!("content[{at}]"), why));
            }
        }
        let most = family.reference_items.max;
        if counted && self.wrong.is_empty() && i64::try_from(total).is_ok_and(|total| total > most) {
            let why = format!("expected at most {most} reference contents but got {total} instead");
            self.wrong.push(Complaint::invalid("content", why));
        }
        if let ([], [], [at, ..], Some(false)) =
            (images.as_slice(), videos.as_slice(), audios.as_slice(), family.audio_alone)
        {
            let why = "reference_audio cannot be the only reference input";
            self.wrong.push(Complaint::invalid(format!("content[{at}]"), why));
        }
    }

    fn length(&mut self) {
        let family = self.family;
        if let Some(_frames) = self.request.frames {
            if family.frames == Some(false) {
                self.unsupported("frames", "");
            }
            return; // `frames` wins over `duration`, which is then not looked at.
        }
        match self.request.duration {
            Some(-1) => {
                let undocumented =
                    family.duration.auto.is_none() && self.switches.refuses("auto-duration-on-1-0");
                if undocumented || family.duration.auto == Some(false) {
                    self.incapable(
                        "duration",
                        &format!("must be greater than or equal to {}", family.duration.min),
                    );
                }
            }
            Some(seconds) if seconds < family.duration.min => {
                self.incapable(
                    "duration",
                    &format!("must be greater than or equal to {}", family.duration.min),
                );
            }
            Some(seconds) if seconds > family.duration.max => {
                self.incapable("duration", &format!("must be less than or equal to {}", family.duration.max));
            }
            _ => {}
        }
    }

    fn picture(&mut self) {
        let (family, mode) = (self.family, self.content.mode);
        let drafting = self.request.draft == Some(true) || mode == Mode::FromDraft;
        if let (Some(resolution), false) = (&self.request.resolution, drafting) {
            let resolution = resolution.as_str().to_lowercase();
            let with_images = (mode == Mode::References)
                .then_some(family.resolution_with_reference_images.as_ref())
                .flatten();
            let known =
                with_images.unwrap_or(&family.resolution).contains(&resolution) || self.open_on_premium();
            if !known {
                self.incapable("resolution", "");
            }
        }
        match &self.request.ratio {
            Some(Ratio::Adaptive) => {
                let able = match mode {
                    Mode::Text => family.ratio_adaptive_text,
                    Mode::FirstFrame | Mode::FirstAndLastFrame => family.ratio_adaptive_image,
                    Mode::References => family.ratio_adaptive_references,
                    Mode::FromDraft => None,
                };
                if able == Some(false) {
                    self.incapable("ratio", "it must not be adaptive");
                }
            }
            Some(_)
                if mode.has_frames()
                    && family.ratio_adaptive_required_in_frame_mode == Some(true)
                    && self.switches.is("answer-to-fixed-ratio-with-frames-on-2-5", "refuse_at_once") =>
            {
                let why = "for first-frame or first-last-frame generation, the output ratio follows the first-frame image";
                self.incapable("ratio", why);
            }
            _ => {}
        }
    }

    fn task_type(&mut self) {
        let Some(declared) = &self.request.omni_reference_task_type else { return };
        let known = match &self.family.omni_reference_task_type {
            Some(all) => all.iter().any(|known| known == declared.as_str()),
            None => self.open_on_premium(),
        };
        if !known {
            return self.unsupported("omni_reference_task_type", "");
        }
        let (edit, extend) = (*declared == TaskType::Edit, *declared == TaskType::Extend);
        if *declared == TaskType::Reference && self.content.mode != Mode::References {
            self.constraint("omni_reference_task_type", "task type reference needs reference content");
        }
        if !edit && !extend {
            return;
        }
        if self.content.videos.is_empty() {
            self.constraint(
                "omni_reference_task_type",
                &format!("task type {declared} needs a reference_video"),
            );
        }
        if self.request.ratio.as_ref().is_some_and(|ratio| *ratio != Ratio::Adaptive) {
            self.constraint("ratio", &format!("it must be adaptive for task type {declared}"));
        }
        if edit && self.request.duration.is_some_and(|duration| duration != -1) {
            self.constraint("duration", "it must be -1 for task type edit");
        }
    }

    fn draft(&mut self) {
        let (request, family) = (self.request, self.family);
        if self.content.mode == Mode::FromDraft {
            if request.draft == Some(true) {
                self.wrong.push(Complaint::invalid("draft", "a task made from a draft cannot be a draft"));
            }
            let open = self.model.entry.family == "1.5-pro"
                && !self.switches.refuses("inherited-fields-on-1-5-final");
            for param in family.final_inherited.iter().flatten().filter(|_| !open) {
                if is_set(request, param) {
                    self.wrong.push(Complaint::invalid(
                        param.as_str(),
                        "it is taken from the draft and must not be sent",
                    ));
                }
            }
            if let (Some(resolution), Some(all)) = (&request.resolution, &family.final_resolution)
                && !all.contains(&resolution.as_str().to_lowercase())
            {
                let why = format!("a video made from a draft must be {}", all.join(", "));
                self.wrong.push(Complaint::invalid("resolution", why).code("InvalidResolutionParameter"));
            }
        } else if request.draft == Some(true) {
            if family.draft != Some(true) {
                return self.unsupported("draft", "");
            }
            if let (Some(resolution), Some(all)) = (&request.resolution, &family.draft_resolution)
                && !all.contains(&resolution.as_str().to_lowercase())
            {
                self.incapable("resolution", &format!("a draft must be {}", all.join(", ")));
            }
            if request.return_last_frame == Some(true) && family.return_last_frame_in_draft == Some(false) {
                self.incapable("return_last_frame", "a draft has no last frame to return");
            }
            if request.service_tier == Some(ServiceTier::Flex)
                && family.service_tier_flex_in_draft == Some(false)
            {
                self.unsupported("service_tier", "a draft cannot be flex");
            }
        }
    }

    /// Fields that only some models have. A value that asks for nothing (`false`, 0, an empty list) passes everywhere.
    fn support(&mut self) {
        let (request, family, two) = (self.request, self.family, self.model.entry.family.starts_with('2'));
        let flex = request.service_tier == Some(ServiceTier::Flex);
        if flex && family.service_tier_flex == Some(false) {
            self.unsupported("service_tier", "");
        }
        if flex && request.priority.is_some_and(|priority| priority != 0) {
            self.wrong.push(Complaint::invalid("priority", "it cannot be used with service_tier flex"));
        }
        if request.priority.is_some_and(|priority| priority != 0) && family.priority == Some(false) {
            self.unsupported("priority", "");
        }
        if request.generate_audio == Some(true) && family.generate_audio == Some(false) {
            self.unsupported("generate_audio", "");
        }
        if request.output_format == Some(OutputFormat::Mov) {
            let able = family.output_format_mov.unwrap_or_else(|| self.open_on_premium());
            if !able {
                self.unsupported("output_format", "");
            }
        }
        if request.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
            let abroad =
                self.model.entry.site == "byteplus" && self.switches.refuses("web-search-on-byteplus");
            let media = self.content.mode != Mode::Text && self.switches.refuses("web-search-with-media");
            let able = family.tools_web_search.unwrap_or_else(|| self.open_on_premium());
            if !able || abroad || media {
                self.unsupported("tools", "");
            }
        }
        if request.camera_fixed == Some(true) {
            let references = self.content.mode == Mode::References;
            let never = family.camera_fixed_with_reference_images == Some(false) && references;
            if never
                || (two && family.camera_fixed == Some(false) && self.switches.refuses("camera-fixed-on-2-x"))
            {
                self.unsupported("camera_fixed", "");
            }
        }
        if request.seed.is_some() && two && family.seed != Some(true) && self.switches.refuses("seed-on-2-x")
        {
            self.unsupported("seed", "");
        }
    }
}

fn is_set(request: &CreateTaskRequest, param: &str) -> bool {
    match param {
        "duration" => request.duration.is_some(),
        "ratio" => request.ratio.is_some(),
        "seed" => request.seed.is_some(),
        "generate_audio" => request.generate_audio.is_some(),
        "camera_fixed" => request.camera_fixed.is_some(),
        "omni_reference_task_type" => request.omni_reference_task_type.is_some(),
        _ => false,
    }
}

/// Whether the catalogue lists the model as gone, and the switch of its site says that the service means it.
pub(crate) fn is_closed(model: Model, switches: &Switches) -> bool {
    model.entry.status == "retired" && switches.refuses(&format!("retired-models-on-{}", model.entry.site))
}

/// Whether any model takes `edit` and `extend`, so that words in a prompt can mean them.
pub(crate) fn reads_task_type(model: Model) -> bool {
    model.family.omni_reference_task_type.as_ref().is_some_and(|all| !all.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::catalog;

    #[test]
    fn every_field_that_a_final_inherits_is_known_here() {
        let all = serde_json::json!({
            "model": "m", "content": [], "duration": 1, "ratio": "1:1", "seed": 1, "generate_audio": true, "camera_fixed": true,
            "omni_reference_task_type": "auto",
        });
        let request: CreateTaskRequest = serde_json::from_value(all).unwrap();
        for entry in &catalog().models {
            for param in catalog().model(entry).unwrap().family.final_inherited.iter().flatten() {
                assert!(is_set(&request, param), "{param} of {}", entry.id);
            }
        }
    }
}

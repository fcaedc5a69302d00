//! The settings of a create that a task echoes, and where the two differ.
//!
//! A task never shows its prompt or images. It echoes few settings, and most of them only after it
//! has succeeded.

use std::{borrow::Cow, fmt};

use ark_video_model::{
    ContentItem, CreateTaskRequest, OutputFormat, Ratio, Resolution, ServiceTier, Task, TaskStatus,
};
use serde::{Deserialize, Serialize};

/// Settings of a create that its task echoes. What was left to the service is absent, and so
/// compared with nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RequestedSettings {
    /// Size class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Ratio; absent for `adaptive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// Seconds; absent for -1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<i64>,
    /// Sound track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_audio: Option<bool>,
    /// Container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<OutputFormat>,
    /// Tier; absent means `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
    /// Whether a draft was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// The draft to make a final video from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft_task_id: Option<String>,
    /// Seed; absent for -1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Seconds until the task expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_expires_after: Option<i64>,
    /// The end user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
}

impl RequestedSettings {
    /// What this request asks for.
    #[must_use]
    pub fn from_request(request: &CreateTaskRequest) -> Self {
        let draft_task_id = request.content.iter().find_map(|item| match item {
            ContentItem::DraftTask(item) => Some(item.draft_task.id.clone()),
            _ => None,
        });
        Self {
            resolution: request.resolution.clone(),
            ratio: request.ratio.clone().filter(|ratio| *ratio != Ratio::Adaptive),
            duration: request.duration.filter(|seconds| *seconds >= 0 && request.frames.is_none()),
            frames: request.frames,
            generate_audio: request.generate_audio,
            output_format: request.output_format.clone(),
            service_tier: request.service_tier.clone(),
            draft: request.draft == Some(true),
            draft_task_id,
            seed: request.seed.filter(|seed| *seed >= 0),
            execution_expires_after: request.execution_expires_after,
            safety_identifier: request.safety_identifier.clone(),
        }
    }

    /// Whether the task runs in the cheap tier.
    #[must_use]
    pub fn is_flex(&self) -> bool {
        self.service_tier == Some(ServiceTier::Flex)
    }

    /// Where a task that succeeded is not what was asked for: resolution, ratio, length or sound.
    /// Empty for every other task. A service that ignores a flag in the prompt, or a reseller that
    /// maps models, shows itself only here.
    #[must_use]
    pub fn differences(&self, task: &Task) -> Vec<Difference> {
        if task.status != TaskStatus::Succeeded {
            return Vec::new();
        }
        [
            differ("resolution", &self.resolution, &task.resolution),
            differ("ratio", &self.ratio, &task.ratio),
            differ("duration", &self.duration, &task.duration),
            differ("frames", &self.frames, &task.frames),
            differ("generate_audio", &self.generate_audio, &task.generate_audio),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether a task echoes settings that this create did not have, so that it belongs to another
    /// create.
    pub(crate) fn rules_out(&self, task: &Task) -> bool {
        let tier = |tier: &Option<ServiceTier>| tier.clone().unwrap_or(ServiceTier::Default);
        differ("", &self.resolution, &task.resolution).is_some()
            || differ("", &self.ratio, &task.ratio).is_some()
            || differ("", &self.duration, &task.duration).is_some()
            || differ("", &self.frames, &task.frames).is_some()
            || differ("", &self.generate_audio, &task.generate_audio).is_some()
            || differ("", &self.output_format, &task.output_format).is_some()
            || (task.service_tier.is_some() && tier(&self.service_tier) != tier(&task.service_tier))
            || (!self.draft && task.draft == Some(true))
            || task
                .draft_task_id
                .as_deref()
                .is_some_and(|id| !id.is_empty() && self.draft_task_id.as_deref() != Some(id))
    }
}

fn differ<T: PartialEq + fmt::Display>(
    field: &'static str,
    requested: &Option<T>,
    got: &Option<T>,
) -> Option<Difference> {
    match (requested, got) {
        (Some(requested), Some(got)) if requested != got => {
            Some(Difference { field: field.into(), requested: requested.to_string(), got: got.to_string() })
        }
        _ => None,
    }
}

/// One setting that came out otherwise than asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// The field's name on the wire.
    pub field: Cow<'static, str>,
    /// What was asked for.
    #[serde(rename = "asked", alias = "requested")]
    pub requested: String,
    /// What the task says it is.
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {} instead of {}", self.field, self.got, self.requested)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn requested(value: serde_json::Value) -> RequestedSettings {
        let mut request = json!({"model": "m", "content": [{"type": "text", "text": "secret"}]});
        request.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        RequestedSettings::from_request(&serde_json::from_value(request).unwrap())
    }

    fn task(value: serde_json::Value) -> Task {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn differences_are_reported_for_settings_that_were_sent_and_echoed() {
        let requested = requested(
            json!({"resolution": "1080p", "ratio": "adaptive", "duration": 5, "generate_audio": true}),
        );
        let done = json!({"id": "cgt-1", "status": "succeeded", "resolution": "720p", "ratio": "16:9", "duration": 5,
            "generate_audio": false});
        let reported: Vec<_> = requested.differences(&task(done)).iter().map(ToString::to_string).collect();
        assert_eq!(
            reported,
            ["resolution is 720p instead of 1080p", "generate_audio is false instead of true"]
        );
        assert_eq!(
            requested.differences(&task(json!({"id": "cgt-1", "status": "running", "duration": 9}))),
            []
        );
        assert_eq!(requested.differences(&task(json!({"id": "cgt-1", "status": "succeeded"}))), []);
    }

    #[test]
    fn what_the_service_decides_is_not_compared() {
        let open = requested(json!({"duration": -1, "ratio": "adaptive", "seed": -1}));
        assert_eq!(open, RequestedSettings::default());
        let frames = requested(json!({"duration": 5, "frames": 121}));
        assert_eq!((frames.duration, frames.frames), (None, Some(121)));
    }

    #[test]
    fn a_record_of_it_holds_no_prompt_and_comes_back_as_it_was() {
        let requested =
            requested(json!({"resolution": "720p", "service_tier": "flex", "safety_identifier": "u"}));
        let text = serde_json::to_string(&requested).unwrap();
        assert_eq!(text, r#"{"resolution":"720p","service_tier":"flex","safety_identifier":"u"}"#);
        assert_eq!(serde_json::from_str::<RequestedSettings>(&text).unwrap(), requested);
    }

    #[test]
    fn another_tier_a_draft_and_a_final_belong_to_another_create() {
        let plain = requested(json!({}));
        for (echo, ruled_out) in [
            (json!({"id": "1", "status": "queued"}), false),
            (json!({"id": "1", "status": "queued", "service_tier": "default", "draft": false}), false),
            (json!({"id": "1", "status": "queued", "service_tier": "flex"}), true),
            (json!({"id": "1", "status": "queued", "draft": true}), true),
            (json!({"id": "1", "status": "queued", "draft_task_id": "cgt-0"}), true),
        ] {
            assert_eq!(plain.rules_out(&task(echo.clone())), ruled_out, "{echo}");
        }
    }
}

//! Finished videos as resources: where each is, its last frame, and its sidecar. Reads files below
//! the roots only.

use ark_video::provenance::Sidecar;
use ark_video_batch::{Job, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents};
use serde_json::json;

use super::BATCH;
use super::context::Context;
use super::error::ToolError;
use super::tasks::filter;
use super::view::{TaskView, files};

/// `ark-video://tasks/ID`, and `/last-frame` or `/sidecar` below it.
const SCHEME: &str = "ark-video://tasks/";
/// Tasks on a page.
const PAGE: usize = 50;
/// Largest last frame and largest sidecar, in bytes.
const LARGEST: u64 = 8 << 20;

/// A page of the finished videos.
pub(super) async fn list(
    context: &Context,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ToolError> {
    let jobs =
        context.journal.jobs(&filter(&[State::Settled, State::Downloaded]), cursor.as_deref(), PAGE).await?;
    let next = (jobs.len() == PAGE).then(|| jobs.last().map(|job| job.key.clone())).flatten();
    let mut result = ListResourcesResult::with_all_items(jobs.iter().flat_map(of_job).collect());
    result.next_cursor = next;
    Ok(result)
}

fn of_job(job: &Job) -> Vec<Resource> {
    let name = &job.planned.name;
    let uri = format!("{SCHEME}{name}");
    let [_, frame] = files(job);
    let one = |end: &str, what: &str, kind: &str| {
        Resource::new(format!("{uri}{end}"), format!("{what} of {name}")).with_mime_type(kind)
    };
    let mut all = vec![
        one("", "path and cost of the video", "application/json"),
        one("/sidecar", "provenance", "application/json"),
    ];
    all.extend(frame.map(|frame| one("/last-frame", "last frame", image_type(frame))));
    all
}

fn image_type(path: &std::path::Path) -> &'static str {
    if path.extension().is_some_and(|extension| extension == "png") { "image/png" } else { "image/jpeg" }
}

/// One resource.
pub(super) async fn read(context: &Context, uri: &str) -> Result<ReadResourceResult, ToolError> {
    let none = || ToolError::new("unknown_task", "There is no such resource.");
    let rest = uri.strip_prefix(SCHEME).ok_or_else(none)?;
    let (name, part) = rest.split_once('/').unwrap_or((rest, ""));
    let job = context.journal.job(&format!("{BATCH}/{name}")).await?.ok_or_else(none)?;
    let [video, frame] = files(&job);
    let content = match (part, video, frame) {
        ("", Some(_), _) => {
            let text = context.shown(json!(TaskView::of(&job))).to_string();
            ResourceContents::text(text, uri).with_mime_type("application/json")
        }
        ("sidecar", Some(video), _) => {
            let bytes = context.roots.read(&Sidecar::path_of(video), LARGEST)?;
            let sidecar: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| none())?;
            let text = json!({ "untrusted": context.shown(sidecar) }).to_string();
            ResourceContents::text(text, uri).with_mime_type("application/json")
        }
        ("last-frame", _, Some(frame)) => {
            let bytes = context.roots.read(frame, LARGEST)?;
            ResourceContents::blob(STANDARD.encode(bytes), uri).with_mime_type(image_type(frame))
        }
        _ => return Err(none()),
    };
    Ok(ReadResourceResult::new(vec![content]))
}

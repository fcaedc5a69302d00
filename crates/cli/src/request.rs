//! From flags and files to the one request that is sent. Decides nothing about models: that is the service's, and later
//! the catalog's, to judge.

use std::path::Path;

use ark_video::model::{AudioContent, AudioRole};
use ark_video::model::{
    ContentItem, CreateTaskRequest, DraftTaskContent, DraftTaskRef, ImageContent, ImageRole, TextContent,
    Tool, ToolType, VideoContent, VideoRole,
};
use serde_json::{Map, Value};

use crate::args::GenerateArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json_input;
use crate::media::{Media, Named, Place, read_file};

/// Largest body, media included (create page, 2026-10: 64 MB).
const BODY_LIMIT: usize = 64 << 20;

/// What the positional argument turned out to be.
#[derive(Debug, PartialEq)]
enum Input<'a> {
    Nothing,
    Prompt(&'a str),
    Json(&'a str),
}

fn input(args: &GenerateArgs) -> Input<'_> {
    match args.input.as_deref() {
        None => Input::Nothing,
        Some(name) if name == "-" || name.to_ascii_lowercase().ends_with(".json") => Input::Json(name),
        Some(prompt) => Input::Prompt(prompt),
    }
}

/// How many of the arguments ask for standard input.
pub(crate) fn wants_stdin(args: &GenerateArgs) -> usize {
    let whole = args.input.as_deref() == Some("-");
    let texts =
        [&args.prompt, &args.extra_body].into_iter().filter(|text| text.as_deref() == Some("@-")).count();
    usize::from(whole) + texts
}

/// Builds the request. `default_model` fills in where neither flag nor file names one; `stdin` is what standard input
/// brought, if [`wants_stdin`].
pub(crate) fn build(
    args: &GenerateArgs,
    default_model: &str,
    cwd: &Path,
    stdin: &[u8],
) -> Result<CreateTaskRequest, Failure> {
    let prompt = match (&args.prompt, input(args)) {
        (Some(_), Input::Prompt(_)) => {
            return Err(usage("the prompt is given twice: as an argument and with --prompt"));
        }
        (Some(given), _) => Some(text_or_file("--prompt", given, cwd, stdin)?),
        (None, Input::Prompt(text)) => Some(text.to_owned()),
        (None, _) => None,
    };
    let media = media(args, cwd)?;
    let (mut object, origin) = match input(args) {
        Input::Json("-") => (json_input::object(stdin, "standard input")?, "standard input"),
        Input::Json(name) => (json_input::object(&read_file("the request", name, cwd)?, name)?, name),
        _ => {
            if prompt.is_none() && media.is_empty() {
                return Err(usage("there is nothing to make a video from")
                    .hint("give a prompt, a request file that ends in .json, or media: see `ark-video generate --help`"));
            }
            (Map::new(), "the request")
        }
    };
    match &args.model {
        Some(model) => {
            object.insert("model".into(), model.as_str().into());
        }
        None if args.draft_task.is_some() && !object.contains_key("model") => {
            return Err(usage(
                "--draft-task needs --model: the final is rendered by the model that made the draft",
            ));
        }
        None => {
            object.entry("model").or_insert_with(|| default_model.into());
        }
    }
    if prompt.is_some() || !media.is_empty() {
        object.entry("content").or_insert_with(|| Value::Array(Vec::new()));
    }
    let mut request = json_input::request(object, origin)?;
    if !media.is_empty() {
        request.content.retain(|item| matches!(item, ContentItem::Text(_)) && args.draft_task.is_none());
        request.content.extend(media);
    }
    if let Some(prompt) = prompt {
        request.content.retain(|item| !matches!(item, ContentItem::Text(_)));
        request.content.insert(0, TextContent::new(prompt).into());
    }
    set_fields(&mut request, args);
    match &args.extra_body {
        Some(extra) => merged(&request, &text_or_file("--extra-body", extra, cwd, stdin)?),
        None => Ok(request),
    }
}

/// The bytes that go on the wire.
pub(crate) fn body(request: &CreateTaskRequest) -> Result<String, Failure> {
    let body = serde_json::to_string(request).map_err(|error| {
        Failure::new(Exit::Request, format!("the request cannot be written as JSON: {error}"))
    })?;
    if body.len() > BODY_LIMIT {
        let message =
            format!("the request has {} bytes; the service takes at most {BODY_LIMIT} (64 MiB)", body.len());
        return Err(Failure::new(Exit::Request, message)
            .hint("base64 makes four bytes of three: give large media by https URL"));
    }
    Ok(body)
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn text_or_file(flag: &str, given: &str, cwd: &Path, stdin: &[u8]) -> Result<String, Failure> {
    let bytes = match given.strip_prefix('@') {
        None => return Ok(given.to_owned()),
        Some("-") => stdin.to_vec(),
        Some(name) => read_file(&format!("{flag}: the file"), name, cwd)?,
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::Request, format!("{flag}: the text is not UTF-8")))?;
    Ok(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
}

/// The media items in the order of the API's own examples: frames, else references as they were given.
fn media(args: &GenerateArgs, cwd: &Path) -> Result<Vec<ContentItem>, Failure> {
    let (mut first, mut last) = (None, None);
    let mut references = Vec::new();
    let frame = |place: &mut Option<ContentItem>, named: &Named<'_>, flag: &str, role: ImageRole| {
        let source = named.read_image(flag, cwd)?;
        if place.replace(ImageContent::new(source).role(role).into()).is_some() {
            return Err(usage(&format!("{flag}: this frame is given twice")));
        }
        Ok(())
    };
    for (given, flag, place) in [
        (&args.first_frame, "--first-frame", Place::FirstFrame),
        (&args.last_frame, "--last-frame", Place::LastFrame),
    ] {
        let Some(text) = given else { continue };
        let named = Named::parse(text);
        match named.place.unwrap_or(place) {
            Place::FirstFrame if place == Place::FirstFrame => {
                frame(&mut first, &named, flag, ImageRole::FirstFrame)?
            }
            Place::LastFrame if place == Place::LastFrame => {
                frame(&mut last, &named, flag, ImageRole::LastFrame)?
            }
            _ => {
                return Err(usage(&format!(
                    "{flag}: the prefix before the file says that it is for something else"
                )));
            }
        }
    }
    for text in &args.references {
        let named = Named::parse(text);
        match named.place.unwrap_or(Place::Reference) {
            Place::FirstFrame => frame(&mut first, &named, "--ref first", ImageRole::FirstFrame)?,
            Place::LastFrame => frame(&mut last, &named, "--ref last", ImageRole::LastFrame)?,
            Place::Reference => references.push(match named.read("--ref", cwd)? {
                Media::Image(source) => ImageContent::new(source).role(ImageRole::ReferenceImage).into(),
                Media::Video(source) => VideoContent::new(source).role(VideoRole::ReferenceVideo).into(),
                Media::Audio(source) => AudioContent::new(source).role(AudioRole::ReferenceAudio).into(),
            }),
        }
    }
    let frames = first.is_some() || last.is_some();
    if frames && !references.is_empty() {
        return Err(usage("a first or last frame and references cannot be mixed: the service takes one or the other")
            .hint("give the image as --ref too, and say in the prompt what it is for (\"Image 1 is the first frame\")"));
    }
    if last.is_some() && first.is_none() {
        return Err(usage("a last frame needs a first frame").hint("add --first-frame"));
    }
    if let Some(id) = &args.draft_task {
        if frames
            || !references.is_empty()
            || args.prompt.is_some()
            || matches!(input(args), Input::Prompt(_))
        {
            return Err(usage(
                "--draft-task takes no prompt and no other media: the final has those of the draft",
            ));
        }
        return Ok(vec![DraftTaskContent::new(DraftTaskRef::new(id.as_str())).into()]);
    }
    Ok(first.into_iter().chain(last).chain(references).collect())
}

/// Flags win over the file; what is not given stays as it is, and absent stays absent.
fn set_fields(request: &mut CreateTaskRequest, args: &GenerateArgs) {
    fn set<T: Clone>(field: &mut Option<T>, flag: &Option<T>) {
        if let Some(value) = flag {
            *field = Some(value.clone());
        }
    }
    set(&mut request.duration, &args.duration);
    set(&mut request.frames, &args.frames);
    if args.duration.is_some() {
        // `frames` is stronger than `duration`: one from the file would silence the flag.
        request.frames = None;
    }
    set(&mut request.ratio, &args.ratio);
    set(&mut request.resolution, &args.resolution);
    set(&mut request.seed, &args.seed);
    set(&mut request.generate_audio, &args.audio.then_some(true));
    set(&mut request.generate_audio, &args.no_audio.then_some(false));
    set(&mut request.watermark, &args.watermark);
    set(&mut request.camera_fixed, &args.camera_fixed);
    set(&mut request.draft, &args.draft);
    set(&mut request.return_last_frame, &args.return_last_frame);
    set(&mut request.output_format, &args.output_format);
    set(&mut request.omni_reference_task_type, &args.task_type);
    set(&mut request.service_tier, &args.tier);
    set(&mut request.priority, &args.priority);
    set(&mut request.execution_expires_after, &args.expires_after);
    set(&mut request.callback_url, &args.callback_url);
    set(&mut request.safety_identifier, &args.safety_id);
    if !args.tools.is_empty() {
        request.tools =
            Some(args.tools.iter().map(|tool| Tool::new(ToolType::from(tool.as_str()))).collect());
    }
}

/// Lays an object over the request, member by member.
fn merged(request: &CreateTaskRequest, extra: &str) -> Result<CreateTaskRequest, Failure> {
    let extra = json_input::object(extra.as_bytes(), "--extra-body")?;
    let Ok(Value::Object(mut object)) = serde_json::to_value(request) else {
        return Err(Failure::new(Exit::Internal, "the request is not a JSON object"));
    };
    for (name, value) in extra {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    json_input::request(object, "the request with --extra-body")
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;

//! Builds the request from flags and files, and records the source of each part. Decides nothing
//! about models: the checks and the service do.

use std::path::Path;

use ark_video::Attachments;
use ark_video::model::{
    ContentItem, CreateTaskRequest, DraftTaskContent, DraftTaskRef, TextContent, Tool, ToolType,
    check::{Facts, MediaKind},
    prompt::extract_prompt_flags,
};
use ark_video_batch::decode_text;
use ark_video_media::MediaSpec;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::args::RequestArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json_input;
use crate::media::{ResolvedItem, Role, read_file, resolve};
use crate::model_names::ModelNames;
use crate::names::{Names, Source};
pub(crate) use crate::prompt_argument::is_json;
use crate::prompt_argument::{self, Input};

/// The cost of an error before sending.
const NOT_SENT: &str = "nothing was sent";

/// A request, its files, facts and sources.
pub(crate) struct RequestInput {
    pub(crate) request: CreateTaskRequest,
    pub(crate) names: Names,
    /// Its local files.
    pub(crate) files: Attachments,
    /// The facts from their headers.
    pub(crate) facts: Facts,
    /// Index in `content`, and why the facts of that item are unknown.
    pub(crate) doubts: Vec<(usize, String)>,
}

/// Why no request could be built.
pub(crate) enum RequestError {
    Failure(Failure),
    Malformed(Box<Malformed>),
}

/// JSON that is not a request: the checks report all errors at once.
pub(crate) struct Malformed {
    pub(crate) body: Value,
    pub(crate) names: Names,
}

impl From<Failure> for RequestError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// How many of the arguments read standard input.
pub(crate) fn wants_stdin(args: &RequestArgs, argument: Option<&str>) -> usize {
    let whole = matches!(argument.map(str::trim), Some("-" | "@-"));
    let texts =
        [&args.prompt, &args.extra_body].into_iter().filter(|text| text.as_deref() == Some("@-")).count();
    usize::from(whole) + texts
}

/// The context of a request.
pub(crate) struct RequestContext<'a> {
    /// The default model and its source.
    pub(crate) default_model: (&'a str, &'a str),
    pub(crate) models: &'a ModelNames<'a>,
    pub(crate) cwd: &'a Path,
    /// Local videos go through a bucket.
    pub(crate) hosts: bool,
    /// The content of standard input, if [`wants_stdin`].
    pub(crate) stdin: &'a [u8],
}

/// Builds the request. `argument` is the positional one.
pub(crate) fn build(
    args: &RequestArgs,
    argument: Option<&str>,
    at: &RequestContext<'_>,
) -> Result<RequestInput, RequestError> {
    let input = prompt_argument::read(argument, at.cwd)?;
    let prompt = match (&args.prompt, input) {
        (Some(_), Input::Prompt(_) | Input::PromptFile(_)) => {
            return Err(usage("the prompt is given twice: as an argument and with --prompt").into());
        }
        (Some(given), _) => Some(text_or_file("--prompt", given, at)?),
        (None, Input::Prompt(text)) => Some(text.to_owned()),
        (None, Input::PromptFile(name)) => Some(text_or_file("the prompt", name, at)?),
        (None, _) => None,
    };
    let mut files = Attachments::new();
    let media = media(args, input, at, &mut files)?;
    let mut names = Names::default();
    let mut object = match input {
        Input::Json("-") => {
            names.file = Some("standard input".to_owned());
            is_json_text(at.stdin)?;
            json_input::object(at.stdin, "standard input")?
        }
        Input::Json(name) => {
            names.file = Some(name.to_owned());
            let text = read_file("the request", name, at.cwd).map_err(|failure| failure.hint(NOT_SENT))?;
            json_input::object(&text, name)?
        }
        _ if prompt.is_none() && media.is_empty() => {
            return Err(usage("no prompt, request or media given")
                .hint("give a prompt, a request file that ends in .json, or media: see `ark-video generate --help`")
                .into());
        }
        _ => Map::new(),
    };
    model(args, at, &mut object, &mut names)?;
    if prompt.is_some() || !media.is_empty() {
        object.entry("content").or_insert_with(|| Value::Array(Vec::new()));
    }
    let (mut request, mut names) = typed(Value::Object(object), names)?;
    let file = Source::Within(names.whole());
    let mut pieces: Vec<Item> = std::mem::take(&mut request.content)
        .into_iter()
        .enumerate()
        .map(|(index, item)| Item { item, said: (file.clone(), index), facts: None, doubt: None })
        .collect();
    if !media.is_empty() {
        pieces.retain(|piece| matches!(piece.item, ContentItem::Text(_)) && args.draft_task.is_none());
        pieces.extend(media.into_iter().map(Item::from));
    }
    if let Some(prompt) = prompt {
        pieces.retain(|piece| !matches!(piece.item, ContentItem::Text(_)));
        let name = match (args.prompt.as_deref().filter(|given| given.starts_with('@')), input) {
            (Some(given), _) => format!("--prompt {given}"),
            (None, Input::PromptFile(given)) => given.to_owned(),
            _ => "the prompt".to_owned(),
        };
        let item = TextContent::new(prompt).into();
        pieces.insert(0, Item { item, said: (Source::Flag(name), 0), facts: None, doubt: None });
    }
    set_fields(&mut request, args, &mut names);
    let mut parsed = RequestInput { request, names, files, facts: Facts::new(), doubts: Vec::new() };
    for (index, piece) in pieces.into_iter().enumerate() {
        parsed.request.content.push(piece.item);
        parsed.names.items.push(piece.said);
        if let Some(facts) = piece.facts {
            parsed.facts.insert(index, facts);
        }
        parsed.doubts.extend(piece.doubt.map(|doubt| (index, doubt)));
    }
    if let Some(extra) = &args.extra_body {
        merge(&mut parsed, &text_or_file("--extra-body", extra, at)?)?;
    }
    if args.lift {
        let (request, lifted) = extract_prompt_flags(&parsed.request);
        parsed.request = request;
        for setting in lifted.into_iter().filter(|setting| setting.moved) {
            parsed.names.flag(&setting.field, &format!("{} in the prompt", setting.flag));
        }
    }
    measure(&mut parsed);
    if at.hosts {
        parsed.files.host(&mut parsed.request);
    }
    Ok(parsed)
}

/// Text on standard input may be a prompt, and a prompt is never guessed.
fn is_json_text(text: &[u8]) -> Result<(), Failure> {
    let Ok(text) = decode_text(text) else { return Ok(()) };
    let text = text.trim();
    let is_word = |c: char| !(c.is_ascii_punctuation() || c.is_ascii_digit() || c.is_control());
    if text.starts_with(is_word) && !matches!(text, "null" | "true" | "false") {
        return Err(usage("standard input is text, not a JSON request; nothing was sent")
            .hint("for a prompt on standard input, write @- instead of -"));
    }
    if text.is_empty() {
        return Err(usage("standard input is empty; nothing was sent"));
    }
    Ok(())
}

/// An item, its source and its facts.
struct Item {
    item: ContentItem,
    said: (Source, usize),
    facts: Option<ark_video::model::check::MediaFacts>,
    doubt: Option<String>,
}

impl From<ResolvedItem> for Item {
    fn from(found: ResolvedItem) -> Self {
        Self { item: found.item, said: (Source::Flag(found.name), 0), facts: found.facts, doubt: found.doubt }
    }
}

fn model(
    args: &RequestArgs,
    at: &RequestContext<'_>,
    object: &mut Map<String, Value>,
    names: &mut Names,
) -> Result<(), Failure> {
    match &args.model {
        Some(model) => {
            object.insert("model".into(), at.models.id(model)?.into());
            names.flag("model", "--model");
        }
        None if args.draft_task.is_some() && !object.contains_key("model") => {
            return Err(usage("--draft-task needs --model: the model of the draft"));
        }
        None if !object.contains_key("model") => {
            let (model, by) = at.default_model;
            object.insert("model".into(), at.models.id(model)?.into());
            names.flag("model", &format!("model {model}, from {by}"));
        }
        None => {
            if let Some(Value::String(model)) = object.get_mut("model") {
                *model = at.models.id_in_file(model)?;
            }
        }
    }
    Ok(())
}

/// The typed request, or the JSON.
fn typed(body: Value, names: Names) -> Result<(CreateTaskRequest, Names), RequestError> {
    match CreateTaskRequest::deserialize(&body) {
        Ok(request) => Ok((request, names)),
        Err(_) => Err(RequestError::Malformed(Box::new(Malformed { body, names }))),
    }
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn text_or_file(flag: &str, given: &str, at: &RequestContext<'_>) -> Result<String, Failure> {
    let bytes = match given.strip_prefix('@') {
        None => return Ok(given.to_owned()),
        Some("-") => at.stdin.to_vec(),
        Some(name) => read_file(&format!("the file of {flag}"), name, at.cwd).map_err(|failure| {
            failure
                .hint(NOT_SENT)
                .hint(format!("{given} names a file; to pass text that starts with @, put a space before it"))
        })?,
    };
    let text = decode_text(&bytes).map_err(|error| {
        Failure::new(Exit::Request, format!("{flag}: the text is {error}")).hint(error.advice())
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The media items in the order of the API's examples: frames, else references in the given order.
fn media(
    args: &RequestArgs,
    input: Input<'_>,
    at: &RequestContext<'_>,
    files: &mut Attachments,
) -> Result<Vec<ResolvedItem>, Failure> {
    let (mut first, mut last) = (None, None);
    let mut references = Vec::new();
    let frame = |place: &mut Option<ResolvedItem>,
                 named: &MediaSpec<'_>,
                 flag: &str,
                 for_: Role,
                 files: &mut Attachments| {
        let found = resolve(named, flag, for_, at.cwd, files)?;
        if place.replace(found).is_some() {
            return Err(usage(&format!("{flag}: this frame is given twice")));
        }
        Ok(())
    };
    for (given, flag, place) in [
        (&args.first_frame, "--first-frame", Role::FirstFrame),
        (&args.last_frame, "--last-frame", Role::LastFrame),
    ] {
        let Some(text) = given else { continue };
        let named = MediaSpec::parse(text);
        if named.role().is_some_and(|said| said != place) {
            return Err(usage(&format!("{flag}: the prefix of the file is for another flag")));
        }
        let slot = if place == Role::FirstFrame { &mut first } else { &mut last };
        frame(slot, &named, flag, place, files)?;
    }
    for text in &args.references {
        let named = MediaSpec::parse(text);
        match named.role().unwrap_or(Role::Reference) {
            Role::FirstFrame => frame(&mut first, &named, "--ref first", Role::FirstFrame, files)?,
            Role::LastFrame => frame(&mut last, &named, "--ref last", Role::LastFrame, files)?,
            Role::Reference => references.push(resolve(&named, "--ref", Role::Reference, at.cwd, files)?),
        }
    }
    let frames = first.is_some() || last.is_some();
    if frames && !references.is_empty() {
        return Err(usage("frames and references cannot be combined")
            .hint("pass the image with --ref too, and describe its role in the prompt (\"Image 1 is the first frame\")"));
    }
    if last.is_some() && first.is_none() {
        return Err(usage("a last frame needs a first frame").hint("add --first-frame"));
    }
    if let Some(id) = &args.draft_task {
        let prompt = args.prompt.is_some() || matches!(input, Input::Prompt(_) | Input::PromptFile(_));
        if frames || !references.is_empty() || prompt {
            return Err(usage("--draft-task takes no prompt and no other media: the draft's are used"));
        }
        let item = DraftTaskContent::new(DraftTaskRef::new(id.as_str())).into();
        return Ok(vec![ResolvedItem { item, name: "--draft-task".to_owned(), facts: None, doubt: None }]);
    }
    Ok(first.into_iter().chain(last).chain(references).collect())
}

/// Flags override the file; everything else stays as it is.
fn set_fields(request: &mut CreateTaskRequest, args: &RequestArgs, names: &mut Names) {
    macro_rules! set {
        ($($field:ident = $flag:expr, $name:literal;)*) => {$(
            if let Some(value) = &$flag {
                request.$field = Some(value.clone());
                names.flag(stringify!($field), $name);
            }
        )*};
    }
    if args.duration.is_some() {
        // The service prefers `frames` to `duration`: one from the file would disable the flag.
        request.frames = None;
    }
    let tools: Vec<Tool> = args.tools.iter().map(|tool| Tool::new(ToolType::from(tool.as_str()))).collect();
    set! {
        duration = args.duration, "--duration";
        frames = args.frames, "--frames";
        ratio = args.ratio, "--ratio";
        resolution = args.resolution, "--resolution";
        seed = args.seed, "--seed";
        generate_audio = args.audio.then_some(true), "--audio";
        generate_audio = args.no_audio.then_some(false), "--no-audio";
        watermark = args.watermark, "--watermark";
        camera_fixed = args.camera_fixed, "--camera-fixed";
        draft = args.draft, "--draft";
        return_last_frame = args.return_last_frame, "--return-last-frame";
        output_format = args.output_format, "--output-format";
        omni_reference_task_type = args.task_type, "--task-type";
        service_tier = args.tier, "--tier";
        priority = args.priority, "--priority";
        execution_expires_after = args.expires_after, "--expires-after";
        callback_url = args.callback_url, "--callback-url";
        safety_identifier = args.safety_id, "--safety-id";
        tools = (!tools.is_empty()).then_some(tools), "--tools";
    }
}

/// Merges an object into the request, field by field.
fn merge(parsed: &mut RequestInput, extra: &str) -> Result<(), RequestError> {
    let origin = "--extra-body";
    let extra = json_input::object(extra.as_bytes(), origin)?;
    let Ok(Value::Object(mut object)) = serde_json::to_value(&parsed.request) else {
        return Err(Failure::new(Exit::Internal, "the request is not a JSON object").into());
    };
    let mut names = std::mem::take(&mut parsed.names);
    let replaced = extra.contains_key("content");
    for (name, value) in extra {
        if value.is_null() {
            object.remove(&name);
        } else {
            names.fields.insert(name.clone(), Source::Within(origin.to_owned()));
            object.insert(name, value);
        }
    }
    let body = Value::Object(object);
    (parsed.request, names) = typed(body, names)?;
    if replaced {
        let items = parsed.request.content.len();
        names.items = (0..items).map(|index| (Source::Within(origin.to_owned()), index)).collect();
        (parsed.facts, parsed.doubts) = (Facts::new(), Vec::new());
    }
    parsed.names = names;
    Ok(())
}

/// Probes data URLs. The checks report invalid base64.
fn measure(parsed: &mut RequestInput) {
    for (index, item) in parsed.request.content.iter().enumerate() {
        let (url, kind) = match item {
            ContentItem::Image(item) => (&item.image_url.url, MediaKind::Image),
            ContentItem::Video(item) => (&item.video_url.url, MediaKind::Video),
            ContentItem::Audio(item) => (&item.audio_url.url, MediaKind::Audio),
            _ => continue,
        };
        if parsed.files.of(url).is_some() {
            continue;
        }
        match ark_video_media::facts_of_url(url, kind) {
            Ok(Some(facts)) => drop(parsed.facts.insert(index, facts)),
            Ok(None) => {}
            Err(error) => parsed.doubts.push((index, format!("this data URL could not be probed: {error}."))),
        }
    }
}

#[cfg(test)]
mod tests;

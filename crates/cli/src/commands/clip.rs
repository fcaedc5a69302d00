//! `extend`, `edit` and `continue`: a request around a video of the user's or of a task, made and
//! sent as `generate` does.

use std::path::{Path, PathBuf};

use ark_video::model::{OmniReferenceTaskType as TaskType, Task};
use ark_video::provenance::Sidecar;

use super::generate;
use crate::api_failure;
use crate::args::{ClipArgs, GenerateArgs, JoinedClipArgs};
use crate::destination::beside;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::join;
use crate::model_names;
use crate::session::Session;

/// Where a video is.
enum Clip {
    File(PathBuf),
    Url,
    Task(Box<Task>),
}

/// `extend`
pub(crate) async fn extend(session: &mut Session, args: &JoinedClipArgs) -> Result<(), Failure> {
    let clip = clip(session, &args.clip.clip).await?;
    let generate = referring(session, &args.clip, &clip, TaskType::Extend)?;
    joined(session, args, &clip, generate).await
}

/// `edit`
pub(crate) async fn edit(session: &mut Session, args: &ClipArgs) -> Result<(), Failure> {
    let clip = clip(session, &args.clip).await?;
    let generate = referring(session, args, &clip, TaskType::Edit)?;
    generate::run(session, &generate).await
}

/// `continue`
pub(crate) async fn carry_on(session: &mut Session, args: &JoinedClipArgs) -> Result<(), Failure> {
    let clip = clip(session, &args.clip.clip).await?;
    let mut generate = GenerateArgs { command: Some("continue"), ..args.clip.generate.clone() };
    if generate.request.first_frame.is_some() || !generate.request.references.is_empty() {
        let message =
            "continue starts with the last frame of the video: it takes no other first frame and no --ref";
        return Err(Failure::new(Exit::Usage, message).hint("use generate, or extend"));
    }
    generate.request.first_frame = Some(last_frame(session, &args.clip.clip, &clip).await?);
    joined(session, args, &clip, generate).await
}

/// The flags with the video as the first reference and the task type of the model, if it has one.
fn referring(
    session: &Session,
    args: &ClipArgs,
    clip: &Clip,
    task_type: TaskType,
) -> Result<GenerateArgs, Failure> {
    let command = if task_type == TaskType::Edit { "edit" } else { "extend" };
    let mut generate = GenerateArgs { command: Some(command), ..args.generate.clone() };
    let request = &mut generate.request;
    let address = match clip {
        Clip::Task(task) => link(task.video_url()).ok_or_else(|| {
            let [id, status] = [&*task.id, task.status.as_str()].map(crate::escape::one_line);
            let message = format!("task {id} has no video ({status}); nothing was sent");
            Failure::new(Exit::Request, message)
        })?,
        Clip::File(_) | Clip::Url => args.clip.trim_start_matches("video:").to_owned(),
    };
    request.references.insert(0, format!("video:{address}"));
    let catalog = session.catalog()?;
    let settings = session.settings(&[])?;
    let name = request.model.as_ref().unwrap_or(&settings.model.value);
    let id = model_names::id(name, &catalog, settings.model_site())?.unwrap_or(name);
    let family = catalog.family_of(id);
    let types = family.and_then(|family| family.omni_reference_task_type.value.as_ref());
    if types.is_some_and(|types| types.contains(task_type.as_str())) {
        request.task_type.get_or_insert(task_type);
    } else if request.task_type.is_none() {
        session.output.note(format_args!(
            "{} has no task types: the prompt alone says what becomes of the video; 2.5 has them",
            crate::escape::one_line(id)
        ));
    }
    Ok(generate)
}

/// A link of the service, if it is one: it goes into messages, as an argument does.
fn link(url: Option<&str>) -> Option<String> {
    let is_link = |url: &&str| {
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'`' && byte != b'\'');
        plain && ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
    };
    url.filter(is_link).map(str::to_owned)
}

async fn joined(
    session: &mut Session,
    args: &JoinedClipArgs,
    clip: &Clip,
    generate: GenerateArgs,
) -> Result<(), Failure> {
    let Some(to) = &args.join else { return generate::run(session, &generate).await };
    let Clip::File(first) = clip else {
        let message = "--join needs the first video as a file; nothing was sent";
        return Err(Failure::new(Exit::Usage, message).hint("save it with: ark-video download ID"));
    };
    let to = session.cwd.join(to);
    join::check(first, &to)?;
    for second in generate::saved(session, &generate).await? {
        join::join(first, &session.cwd.join(second), &to)?;
        session.output.note(format_args!("joined    {}", to.display()));
    }
    Ok(())
}

async fn clip(session: &mut Session, given: &str) -> Result<Clip, Failure> {
    let bare = given.trim_start_matches("video:").trim_start_matches('@');
    if bare.contains("://") {
        return Ok(Clip::Url);
    }
    let path = session.cwd.join(bare);
    if !bare.starts_with("cgt-") || path.exists() {
        return Ok(Clip::File(path));
    }
    task(session, bare).await.map(|task| Clip::Task(Box::new(task)))
}

async fn task(session: &mut Session, id: &str) -> Result<Task, Failure> {
    let client = session.client().await?;
    let again = session.again();
    let task = client.get(id).await.map_err(|error| api_failure::of(&error, &again))?;
    Ok(task)
}

/// The last frame: of the task, or the one saved beside the file, or that of the task that made it.
async fn last_frame(session: &mut Session, given: &str, clip: &Clip) -> Result<String, Failure> {
    let none = |what: &str| {
        Failure::new(Exit::Input, format!("{what} has no last frame; nothing was sent"))
            .hint("make videos with --return-last-frame, or extend it instead")
    };
    let of_task = |task: &Task| link(task.last_frame_url());
    match clip {
        Clip::Url => Err(none("a URL")),
        Clip::Task(task) => {
            of_task(task).ok_or_else(|| none(&format!("task {}", crate::escape::one_line(&task.id))))
        }
        Clip::File(path) => {
            let shown = Path::new(given.trim_start_matches("video:").trim_start_matches('@'));
            let kept = ["png", "jpeg", "image"].map(|ending| beside(shown, ending));
            if let Some(kept) = kept.into_iter().find(|kept| session.cwd.join(kept).is_file()) {
                return Ok(kept.display().to_string());
            }
            let sidecar = Sidecar::read(path).ok().flatten();
            let id = sidecar.filter(|sidecar| !sidecar.simulated).and_then(|sidecar| sidecar.task_id);
            let Some(id) = id else { return Err(none(&shown.display().to_string())) };
            let task = task(session, &id).await?;
            of_task(&task).ok_or_else(|| none(&shown.display().to_string()))
        }
    }
}

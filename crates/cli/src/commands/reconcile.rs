//! `reconcile`: searches for tasks whose ids were lost; creates nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ark_video::model::CreateTaskRequest;
use ark_video::{
    Client, ReconcileOptions, UnresolvedCreate, Verdict,
    create::Correlation,
    provenance::Sidecar,
    reconcile::{Candidate, Doubt, Evidence, TimeWindow},
};
use serde_json::Value;

use crate::api_failure;
use crate::args::ReconcileArgs;
use crate::escape::one_line;
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{ReconcileResult, ReconcileVerdict};
use crate::media;
use crate::output::Form;
use crate::records::{Record, Store};
use crate::session::Session;
use crate::summary;

/// When a resumed command searches again for a task that may not be listed yet.
const SOON: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// A lost create, and its record.
struct LostCreate {
    name: String,
    unknown: UnresolvedCreate,
    kept: Option<RecordLocation>,
}

/// The record to update when the task is found.
enum RecordLocation {
    /// The sidecar of this video.
    Beside(PathBuf),
    /// This record of the state directory.
    Record(PathBuf),
}

pub(crate) async fn run(session: &mut Session, args: &ReconcileArgs) -> Result<(), Failure> {
    let mut lost = Vec::new();
    for file in &args.files {
        lost.push(read(session, file).await?);
    }
    let client = session.client().await?;
    if let (Some(since), Some(model)) = (args.since, &args.model) {
        let now = client.now();
        let until = args.until.map_or(now, |until| until.at(now));
        let catalog = session.catalog()?;
        let model = session.model_names(&catalog).id(model)?;
        let request = CreateTaskRequest::new(model.as_str(), []);
        let unknown = UnresolvedCreate::new(
            &request,
            Correlation::default(),
            TimeWindow::of_send(since.at(now), until, None),
        );
        lost.push(LostCreate { name: format!("{model} since then"), unknown, kept: None });
    }
    let verdicts = reconcile_all(session, &client, args, &lost).await?;
    let mut open = 0;
    for (lost, verdict) in lost.iter().zip(&verdicts) {
        report(session, lost, verdict);
        match verdict {
            Verdict::Found { task, .. } => remember(session, lost, &task.id),
            _ => open += 1,
        }
    }
    if open == 0 {
        return Ok(());
    }
    let message = format!("{open} of {} creates are unresolved", lost.len());
    Err(Failure::new(Exit::OutcomeUnknown, message)
        .hint("\"not found\" is no proof: sending again is your decision, and may cause a second bill"))
}

async fn reconcile_all(
    session: &mut Session,
    client: &Client,
    args: &ReconcileArgs,
    lost: &[LostCreate],
) -> Result<Vec<Verdict>, Failure> {
    let mut sweep = ReconcileOptions::new().exclusive(args.exclusive);
    if args.once {
        sweep = sweep.searches(0);
    }
    let again = session.again();
    let unknowns = lost.iter().map(|lost| lost.unknown.clone());
    let reconcile = client.reconcile(unknowns).options(sweep).exclude(&args.others);
    let output = &session.output;
    let on_round = |verdicts: &[Verdict]| {
        let found = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Found { .. })).count();
        output.note(format_args!(
            "{found} of {} found so far; searching again in some minutes",
            verdicts.len()
        ));
    };
    tokio::select! {
        verdicts = reconcile.events(on_round).into_future() => {
            verdicts.map_err(|error| unasked(api_failure::of(&error, &again)))
        }
        () = session.interrupts.next() => Err(crate::session::interrupted()),
    }
}

/// A failed request proves nothing about the create: the outcome stays unknown.
fn unasked(mut failure: Failure) -> Failure {
    failure.exit = Exit::OutcomeUnknown;
    failure
}

/// Searches once for a lost task, for `--resume`: its id, or the error that `reconcile` would
/// report.
pub(crate) async fn once(
    session: &mut Session,
    client: &Client,
    unknown: UnresolvedCreate,
    name: &str,
) -> Result<String, Failure> {
    let again = session.again();
    let mut pauses = SOON.iter();
    let verdicts = loop {
        let once = client.reconcile([unknown.clone()]).options(ReconcileOptions::new().searches(0));
        let result = tokio::select! {
            result = once.into_future() => result,
            () = session.interrupts.next() => return Err(crate::session::interrupted()),
        };
        let verdicts = result.map_err(|error| {
            let failure = unasked(api_failure::of(&error, &again)).reconcile(Some(&unknown));
            failure.hint(format!("when the service is reachable, run: {again} reconcile {}", quoted(name)))
        })?;
        // The request of a killed command may still be in flight, and LIST may show its task a
        // little later.
        let is_fresh = client.now() < unknown.window.to;
        match (verdicts.first(), pauses.next()) {
            (Some(Verdict::NotFound { .. }), Some(pause)) if is_fresh => session.clock.sleep(*pause).await,
            _ => break verdicts,
        }
    };
    let lost = LostCreate { name: name.to_owned(), unknown, kept: None };
    let text = match verdicts.first() {
        Some(Verdict::Found { task, .. }) if !ark_video::task_id::is_usable_id(&task.id) => {
            let message = format!(
                "The lost task was found, but its id {} does not fit in a URL. It is billed if it succeeds: fetch it in the console.",
                ark_video::task_id::shown_id(&task.id)
            );
            return Err(Failure::new(Exit::OutcomeUnknown, message).reconcile(Some(&lost.unknown)));
        }
        Some(Verdict::Found { task, .. }) => {
            session.output.note(format_args!("found the lost task: {}", one_line(&task.id)));
            return Ok(task.id.clone());
        }
        Some(verdict) => to_text(&lost, verdict, &again),
        None => format!("{name}: unknown"),
    };
    let message = format!(
        "It is unknown whether the earlier run created a task. It may exist and may be billed, so nothing was sent.\n{text}"
    );
    Err(Failure::new(Exit::OutcomeUnknown, message)
        .reconcile(Some(&lost.unknown))
        .hint(format!("search for it: {again} reconcile {}", quoted(name)))
        .hint("then resume again; to create (and pay for) another video, omit --resume, and with -o add --overwrite"))
}

/// Reads the record of a create: a sidecar, an error printed by `--json`, or the record alone.
async fn read(session: &mut Session, file: &Path) -> Result<LostCreate, Failure> {
    let name = file.display().to_string();
    let wrong = |why: &str| {
        Failure::new(Exit::Request, format!("{name} {why}"))
            .hint("give a video with NAME.ark-video.json beside it, or an error of kind outcome_unknown printed by --json")
    };
    let video = match name.strip_suffix(ark_video::provenance::SIDECAR_ENDING) {
        Some(video) => Some(PathBuf::from(video)),
        None => Sidecar::path_of(&session.cwd.join(file)).is_file().then(|| file.to_owned()),
    };
    if let Some(video) = video {
        let real = session.cwd.join(&video);
        let found = Sidecar::read(&real).map_err(|error| {
            Failure::new(Exit::Input, format!("cannot read {name}: {}", media::reason(&error)))
        })?;
        let Some(sidecar) = found else {
            return Err(Failure::new(Exit::Input, format!("cannot read {name}: there is no such file")));
        };
        return match (sidecar.unknown, sidecar.task_id) {
            (Some(unknown), _) => Ok(LostCreate { name, unknown, kept: Some(RecordLocation::Beside(real)) }),
            (None, Some(id)) => Err(wrong(&format!("has a known task: {}", one_line(&id)))),
            (None, None) => Err(wrong("does not describe a create")),
        };
    }
    let at = session.cwd.join(file);
    let by_id = || Store::open(&session.env, &session.cwd).ok().and_then(|store| store.by_id(&name));
    let kept = if at.exists() { Some(at) } else { by_id() };
    if let Some((path, record)) = kept.and_then(|path| Some((path.clone(), Record::read(&path)?))) {
        return of_record(name, path, record);
    }
    let text = if name == "-" {
        session.read_stdin().await?
    } else {
        media::read_file("the record", &name, &session.cwd)?
    };
    // Standard error may contain notes before the JSON line.
    let unknown = text.split(|byte| *byte == b'\n').rev().find_map(of_json).or_else(|| of_json(&text));
    Ok(LostCreate {
        unknown: unknown.ok_or_else(|| wrong("has no record of a create with an unknown outcome"))?,
        name,
        kept: None,
    })
}

/// Reads a record of the state directory.
fn of_record(name: String, path: PathBuf, record: Record) -> Result<LostCreate, Failure> {
    match (record.sidecar.unknown, record.sidecar.task_id) {
        (Some(unknown), _) => Ok(LostCreate { name, unknown, kept: Some(RecordLocation::Record(path)) }),
        (None, Some(id)) => {
            Err(Failure::new(Exit::Request, format!("{name} has a known task: {}", one_line(&id))))
        }
        (None, None) => Err(Failure::new(Exit::Request, format!("nothing was sent for {name}"))
            .hint("continue with the original command and --resume")),
    }
}

fn of_json(text: &[u8]) -> Option<UnresolvedCreate> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let inner = value.get("reconcile").or_else(|| value.get("unknown")).filter(|inner| !inner.is_null());
    serde_json::from_value(inner.unwrap_or(&value).clone()).ok()
}

/// Records the found task, so that `generate --resume` can wait for it.
fn remember(session: &Session, lost: &LostCreate, id: &str) {
    let written = match &lost.kept {
        None => return,
        Some(RecordLocation::Beside(video)) => match Sidecar::read(video) {
            Ok(Some(sidecar)) => sidecar.submitted(id).write(video),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        Some(RecordLocation::Record(path)) => Record::read(path).map_or(Ok(()), |mut record| {
            record.sidecar = record.sidecar.submitted(id);
            record.write(path)
        }),
    };
    if let Err(error) = written {
        session.output.warn(format_args!("cannot write {}: {}", lost.name, media::reason(&error)));
    }
}

fn report(session: &Session, lost: &LostCreate, verdict: &Verdict) {
    let output = &session.output;
    match output.form {
        Form::Json => output.json(&to_json(&lost.name, verdict)),
        Form::Quiet => {
            if let Verdict::Found { task, .. } = verdict {
                output.id(&task.id);
            }
        }
        Form::Text => output.line(to_text(lost, verdict, &session.again())),
    }
}

fn to_json<'a>(name: &'a str, verdict: &'a Verdict) -> ReconcileVerdict<'a> {
    let result = match verdict {
        Verdict::Found { task, .. } => ReconcileResult::Found { id: &task.id, task },
        Verdict::Ambiguous { candidates, doubt, .. } => {
            ReconcileResult::Ambiguous { candidates, doubt: doubt.map(doubted) }
        }
        Verdict::NotFound { searches, over, dismissed, doubt } => ReconcileResult::NotFound {
            looks: *searches,
            over_seconds: over.as_secs(),
            dismissed: *dismissed,
            doubt: doubt.map(doubted),
        },
        _ => ReconcileResult::Unknown,
    };
    ReconcileVerdict { of: name, result }
}

fn to_text(lost: &LostCreate, verdict: &Verdict, again: &str) -> String {
    let name = &lost.name;
    match verdict {
        Verdict::Found { task, evidence } => format!(
            "{name}: found: {} ({})\n  {}",
            described(task),
            proven(*evidence),
            api_failure::go_on(again, &task.id)
        ),
        Verdict::Ambiguous { candidates, doubt, .. } => {
            let mut text = format!("{name}: several candidates; compare times and videos, and choose:");
            candidates.iter().for_each(|task| text.push_str(&format!("\n  {}", described(task))));
            if let Some(doubt) = doubt {
                text.push_str(&format!("\n  It may also be none of these: {}", doubted(*doubt)));
            }
            text
        }
        Verdict::NotFound { searches, over, dismissed, doubt } => {
            let result = match searches {
                0 => "in one early search".to_owned(),
                1 => "in one search after it could have arrived".to_owned(),
                _ => format!("in {searches} searches over {}", summary::seconds(over.as_secs())),
            };
            let others = match dismissed {
                0 => String::new(),
                _ => format!("; {dismissed} tasks of that time belong to others"),
            };
            let doubt = doubt.map(|doubt| format!("; but {}", doubted(doubt))).unwrap_or_default();
            format!("{name}: not found {result}{others}{doubt}")
        }
        _ => format!("{name}: unknown"),
    }
}

fn described(task: &Candidate) -> String {
    let created = task.created_at.map(|at| format!(", created {}", summary::time(at))).unwrap_or_default();
    let failure = task.failure.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
    one_line(&format!("{}, {}{created}{failure}", task.id, task.status))
}

fn proven(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Tag => "it has the tag of this create",
        Evidence::Marked => "it has the correlation marks of this create",
        Evidence::MarkedAtAnotherTime => {
            "only it has the correlation marks of this create, though a clock is wrong"
        }
        _ => "it is the only match",
    }
}

fn doubted(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::TooOld => "the service lists the last 7 days only, and this is older",
        Doubt::Incomplete => "the list changed while it was read",
        _ => "no search has completed since the create could have arrived",
    }
}

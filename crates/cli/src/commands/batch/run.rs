//! `batch run`: checks the whole list, records it in the journal, and runs it until no shot can
//! continue.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ark_video::files::create_own_folder;
use ark_video::model::catalog::Catalog;
use ark_video::{Client, CorrelationOptions, RateLimits};
use ark_video_batch::{
    Journal, JournalAt, LostCause, OnUnknown, PlanChange, PlanOptions, RunError, RunSummary, Runner,
    RunnerHandle, RunnerOptions, ShotList, State, StopCause, Unfinished,
};
use serde_json::json;

use super::check;
use super::journal::{self, Opened, of_journal};
use super::plan::{self, Plan};
use super::progress::BatchProgress;
use super::status;
use crate::args::{AccountArg, BatchRunArgs, MoneyArgs, OnUnknownArg, PaceArgs};
use crate::escape::one_line;
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::RunSummaryLine;
use crate::model_names::ModelNames;
use crate::output::{Form, Output};
use crate::session::{Connection, Session};
use crate::settings::Settings;
use crate::storage::{self, Store};

/// The refresh interval of the counts.
const TICK: Duration = Duration::from_millis(500);
/// The most shots named in one line; `batch status` lists all.
const NAMED: usize = 50;
/// The journal's key for the base URL of its tasks.
const BASE_URL: &str = "base_url";
/// The journal's key that marks a simulated run.
const SIMULATED: &str = "simulated";

pub(super) async fn run(session: &mut Session, args: &BatchRunArgs) -> Result<(), Failure> {
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    let catalog = session.catalog()?;
    let settings = session.settings(&stdin)?;
    let mut report = check::read(session, &args.of, &settings, &catalog).await?;
    report.warnings().for_each(|finding| session.output.warn(one_line(&finding.to_string())));
    let place = place_of(session, args)?;
    // Before the first run no existing file belongs to a shot: reported before a journal is
    // created.
    if matches!(&place, JournalAt::File(file) if !file.exists()) && !session.flags.simulate {
        report.check_targets(args.overwrite);
    }
    let mut list = check::planned(session, report)?;
    let batch = args.journal.batch.clone().unwrap_or_else(|| list.batch.clone());
    if session.flags.simulate {
        move_to_simulated(session, args, &mut list, &place)?;
    }
    let store = store_of(session, &settings, &list)?;
    let Connection { client, simulator: _simulator } = connect(session, &settings, catalog.clone()).await?;
    let existing = plan::existing(&place).await?;
    if let Some(journal) = &existing {
        same_account(session, journal, &batch, &client).await?;
    }
    let caps = plan::caps(&batch, &list, &args.money);
    let plan = Plan::of(existing.as_ref(), &batch, &list, &caps).await?;
    session.output.note(plan.text(&batch));
    if let Some(most) = plan.most() {
        session.confirm_cost(&args.confirm, &settings, &most).await?;
    }
    let journal = match existing {
        Some(journal) => journal,
        None => journal::at_place(&place, true).await?,
    };
    let opened = Opened { journal, batch };
    let change = opened
        .journal
        .plan(
            &opened.batch,
            &list,
            PlanOptions {
                drop_missing: args.drop_missing,
                list: Some(journal::list_path(session, &args.of.list)),
            },
        )
        .await
        .map_err(of_journal)?;
    opened.journal.set_caps(&caps).await.map_err(of_journal)?;
    remember(session, &opened, &client).await?;
    reopen_over_budget(&opened).await?;
    announce(session, &opened, &list, &change);
    let mut options = options(&args.pace, &args.money, &session.model_names(&catalog))?;
    options.forget_prompts = args.forget_prompts;
    options.earlier_copy = args.earlier_copy;
    options.new_journal = args.new_journal;
    options.overwrite = args.overwrite;
    options.simulated = session.flags.simulate;
    options.clock = Arc::clone(&session.clock);
    options.media_store = store;
    let runner = Runner::new(client, opened.journal.clone(), options);
    let (mut events, handle, ending) = runner.run(std::slice::from_ref(&opened.batch));
    let interrupts = &mut session.interrupts;
    let output = &session.output;
    let mut progress = BatchProgress::new(output, &opened, list.len() as u64);
    tokio::pin!(ending);
    let mut tick = tokio::time::interval(TICK);
    let mut presses = 0;
    let ended = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => progress.event(&event).await,
            ended = &mut ending => break ended,
            () = interrupts.next() => {
                presses += 1;
                stop(&handle, presses, output);
            }
            _ = tick.tick() => progress.tick().await,
        }
    };
    while let Some(event) = events.next().await {
        progress.event(&event).await;
    }
    drop(progress);
    let summary = match ended {
        Ok(summary) => summary,
        Err(error) => {
            // Close it, so that no WAL file remains and an older file can be restored.
            opened.journal.close().await;
            return Err(of_run(error, &args.of.list));
        }
    };
    let unfinished = ark_video_batch::unfinished(&opened.journal, &opened.batch).await.map_err(of_journal)?;
    let report = RunReport {
        session,
        opened: &opened,
        list: &args.of.list,
        interrupted: presses > 0,
        unfinished: &unfinished,
    };
    report.summary(&summary).await?;
    opened.journal.close().await;
    report.verdict(&summary)
}

/// The store for local media. Only a list that needs it fails where it cannot be opened.
fn store_of(session: &Session, settings: &Settings, list: &ShotList) -> Result<Option<Store>, Failure> {
    if settings.storage.is_none() {
        return Ok(None);
    }
    match storage::open(&session.store_context(settings)) {
        Ok(store) => Ok(Some(store)),
        Err(failure) if list.jobs().any(|job| !job.inputs.is_empty()) => Err(failure),
        Err(_) => Ok(None),
    }
}

/// The location of the journal.
fn place_of(session: &Session, args: &BatchRunArgs) -> Result<JournalAt, Failure> {
    if !session.flags.simulate {
        return journal::place(session, &args.journal, Some(&args.of.list));
    }
    if args.journal.journal.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "--simulate keeps its journal in the folder `simulated` beside the list and cannot use another one",
        )
        .hint("omit --journal, or run `ark-video simulate` and set ARK_BASE_URL to it"));
    }
    simulated(session, &args.of.list)?;
    journal::place(session, &args.journal, Some(&args.of.list))
}

/// The output folder of a simulated run.
fn simulated(session: &Session, list: &str) -> Result<PathBuf, Failure> {
    if list == "-" {
        return Err(Failure::new(
            Exit::Usage,
            "--simulate writes its videos beside the list, which standard input does not have",
        )
        .hint("write the list to a file"));
    }
    let list = session.cwd.join(list);
    Ok(list.parent().unwrap_or(&session.cwd).join(journal::SIMULATED))
}

/// Redirects all output to the folder of the simulated run, and starts with an empty journal: the
/// tasks of the previous simulated run ended with its simulator.
fn move_to_simulated(
    session: &Session,
    args: &BatchRunArgs,
    list: &mut ShotList,
    journal: &JournalAt,
) -> Result<(), Failure> {
    let folder = simulated(session, &args.of.list)?;
    let base = folder.parent().unwrap_or(&folder).to_owned();
    list.move_outputs(&base, &folder);
    let unwritable = |error: std::io::Error| {
        let why = crate::media::reason(&error);
        Failure::new(
            Exit::Output,
            format!("cannot use the folder {} for the simulated run: {why}", folder.display()),
        )
    };
    create_own_folder(&folder).map_err(unwritable)?;
    let JournalAt::File(file) = journal else { return Ok(()) };
    let stem = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in std::fs::read_dir(&folder).map_err(unwritable)? {
        let entry = entry.map_err(unwritable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // The journal and the files that SQLite and the runner keep beside it.
        let is_its =
            name.strip_prefix(&stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']));
        if is_its && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            std::fs::remove_file(entry.path()).map_err(unwritable)?;
        }
    }
    session.output.note(format_args!("simulated run: videos and journal are in {}", folder.display()));
    Ok(())
}

/// A client without rate limits: the runner applies them for all runners of the journal together.
pub(crate) async fn connect(
    session: &Session,
    settings: &Settings,
    catalog: Cow<'static, Catalog>,
) -> Result<Connection, Failure> {
    let unpaced = RateLimits::unlimited();
    let defaults = RateLimits::default();
    let limits = unpaced.get_per_second(defaults.get_per_second).list_per_second(defaults.list_per_second);
    session.connect_within(settings, catalog, limits).await
}

/// A journal belongs to one account: on another one its tasks would seem lost.
pub(crate) async fn same_account(
    session: &Session,
    journal: &Journal,
    batch: &str,
    client: &Client,
) -> Result<(), Failure> {
    let row = journal.batch(batch).await.map_err(of_journal)?;
    let option = |name| row.as_ref().and_then(|row| row.options.get(name));
    if !session.flags.simulate && option(SIMULATED) == Some(&json!(true)) {
        let message = "this is the journal of a simulated run; nothing was sent";
        return Err(Failure::new(Exit::Journal, message)
            .hint("omit --journal, or move it and its videos to the folder `simulated` beside the list"));
    }
    let before = option(BASE_URL).and_then(|before| before.as_str()).map(str::to_owned);
    let now = client.base_url().to_string();
    match before {
        Some(before) if before != now && !client.base_url().is_loopback() => Err(Failure::new(
            Exit::Configuration,
            format!(
                "the journal's tasks were created at {before}, but this run uses {now}; nothing was sent"
            ),
        )
        .hint("set the base URL of the earlier run, or give another --journal")),
        _ => Ok(()),
    }
}

pub(crate) async fn remember(session: &Session, opened: &Opened, client: &Client) -> Result<(), Failure> {
    let mut options = json!({ BASE_URL: client.base_url().to_string() });
    if session.flags.simulate {
        options[SIMULATED] = json!(true);
    }
    opened.journal.keep_options(&opened.batch, options).await.map_err(of_journal)?;
    Ok(())
}

fn options(pace: &PaceArgs, money: &MoneyArgs, models: &ModelNames<'_>) -> Result<RunnerOptions, Failure> {
    let mut options = RunnerOptions::new();
    if pace.account == Some(AccountArg::Personal) {
        (options.concurrency, options.creates_per_minute) = (3, 175.0);
    }
    for (model, at_once) in &pace.concurrency {
        match model {
            Some(model) => _ = options.concurrency_of.insert(models.id(model)?, *at_once),
            None => options.concurrency = *at_once,
        }
    }
    if let Some(rpm) = pace.rpm {
        options.creates_per_minute = f64::from(rpm);
    }
    options.downloads = pace.downloads as usize;
    options.lease = pace.lease;
    options.on_unknown = match pace.on_unknown {
        OnUnknownArg::Hold => OnUnknown::Hold,
        OnUnknownArg::Resend => OnUnknown::Resend,
    };
    options.marks = CorrelationOptions::new().tag(pace.tag_safety_identifier);
    options.stop_after_failures = money.stop_after_failures;
    Ok(options)
}

/// Reopens shots that exceeded a budget: the user has started another run, perhaps with a higher
/// cap.
async fn reopen_over_budget(opened: &Opened) -> Result<(), Failure> {
    journal::each(opened, &[State::OverBudget], &[], async |job| {
        let why = "started again by the user";
        opened.journal.reopen(&job, why).await.map(drop).map_err(of_journal)
    })
    .await
}

/// Prints what the list changed.
fn announce(session: &Session, opened: &Opened, list: &ShotList, change: &PlanChange) {
    let counts = [
        (change.added.len(), "new"),
        (change.changed.len(), "changed"),
        (change.superseded.len(), "changed after sending: created again beside the old ones"),
        (change.unchanged.len(), "unchanged"),
        (change.dropped.len(), "dropped"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    session.output.note(one_line(&format!(
        "batch {}: {} ({}); journal {}",
        opened.batch,
        match list.len() {
            1 => "1 job".to_owned(),
            many => format!("{many} jobs"),
        },
        counts.join(", "),
        opened.journal.place()
    )));
}

fn stop(handle: &RunnerHandle, presses: u32, output: &Output) {
    if presses == 1 {
        output.note("stopping: creates in progress are finished and recorded; Ctrl-C again exits at once, without loss");
        handle.drain();
    } else {
        handle.stop_now();
    }
}

fn of_run(error: RunError, list: &str) -> Failure {
    match error {
        RunError::Journal(error) => of_journal(error),
        RunError::Lost(lost) => {
            let failure = Failure::new(Exit::Journal, lost.to_string());
            let failure = match &lost.cause {
                LostCause::Copy(_) => failure.hint("run the list with the original journal"),
                _ => failure.hint("restore the previous journal, and run again"),
            };
            let again = format!("ark-video batch run {} --new-journal", quoted(list));
            failure
                .hint("see the account's tasks with: ark-video list")
                .hint(format!("to adopt the recorded tasks and send the rest: {again}"))
        }
        RunError::Earlier { .. } => Failure::new(Exit::Journal, error.to_string())
            .hint(format!("to use the copy: ark-video batch run {} --earlier-copy", quoted(list))),
        RunError::Targets(_) => Failure::new(Exit::Output, error.to_string())
            .hint("change the list, move the existing files, or use --overwrite"),
        other => Failure::new(Exit::Journal, other.to_string()),
    }
}

/// Reports the end of a run.
struct RunReport<'a> {
    session: &'a Session,
    opened: &'a Opened,
    list: &'a str,
    interrupted: bool,
    unfinished: &'a [Unfinished],
}

impl RunReport<'_> {
    async fn summary(&self, summary: &RunSummary) -> Result<(), Failure> {
        let output = &self.session.output;
        match output.form {
            Form::Quiet => {
                grouped(self.unfinished).iter().for_each(|line| output.warn(one_line(line)));
            }
            Form::Json => output.json(&RunSummaryLine {
                batch: &self.opened.batch,
                counts: &summary.counts,
                event: "summary",
                left: summary.left(),
                parked: summary.parked(),
                stopped: summary.stopped.as_ref(),
                unfinished: self.unfinished,
            }),
            Form::Text => output.line(status::text(self.opened, false, output.columns).await?),
        }
        Ok(())
    }

    /// The worst unfinished state decides the exit code: unknown outcomes first.
    fn verdict(&self, summary: &RunSummary) -> Result<(), Failure> {
        let count =
            |states: &[State]| -> u64 { states.iter().filter_map(|state| summary.counts.get(state)).sum() };
        let again = format!("ark-video batch run {}", quoted(self.list));
        let status = format!("ark-video batch status {}", quoted(self.list));
        let failure = |exit, message: String| Failure::new(exit, message);
        let stopped = summary.stopped.as_ref().filter(|stopped| stopped.cause != StopCause::Asked);
        if let Some(stopped) = stopped {
            // Once tasks exist, the exit code is about them, not about a rejected create.
            let unfetched = count(&[State::Submitted, State::Finished, State::Downloaded]) > 0;
            let created = unfetched || count(&[State::Settled, State::Failed, State::Gone]) > 0;
            let exit = match stopped.cause {
                StopCause::Account | StopCause::Key | StopCause::Stuck if unfetched => Exit::Result,
                StopCause::Account | StopCause::Key if created => Exit::Parked,
                StopCause::Account => Exit::Refused,
                StopCause::Key => Exit::Authentication,
                StopCause::Stuck => Exit::StillRunning,
                StopCause::Misrouted | StopCause::Storage => Exit::Configuration,
                StopCause::Failures => Exit::TaskEnded,
                StopCause::DiskFull => Exit::DiskFull,
                _ => Exit::Journal,
            };
            let left = jobs(summary.left());
            return Err(failure(
                exit,
                format!(
                    "the run stopped: {}; {left} unfinished",
                    one_line(&stopped.reason).trim_end_matches('.')
                ),
            )
            .hint(format!("after fixing this, continue with: {again}")));
        }
        if self.interrupted {
            let left = jobs(summary.left());
            return Err(failure(
                Exit::Interrupted,
                format!("interrupted: {left} unfinished; nothing is lost"),
            )
            .hint(format!("continue with: {again}")));
        }
        let doubt = count(&[State::Unknown, State::Held]);
        if doubt > 0 {
            return Err(failure(
                Exit::OutcomeUnknown,
                self.because(
                    &[State::Unknown, State::Held],
                    &format!("{} held and not sent again", jobs(doubt)),
                ),
            )
            .hint(format!("see: {status}; then decide with `ark-video batch assign` or `batch resolve`")));
        }
        let gone = count(&[State::Gone]);
        if gone > 0 {
            let message = format!("{} without a retrievable video, although it may be billed", jobs(gone));
            return Err(
                failure(Exit::Result, self.because(&[State::Gone], &message)).hint(format!("see: {status}"))
            );
        }
        let ended = count(&[State::Failed, State::Rejected]);
        if ended > 0 {
            return Err(failure(
                Exit::TaskEnded,
                self.because(
                    &[State::Failed, State::Rejected],
                    &format!("{} rejected or failed, and not billed", jobs(ended)),
                ),
            )
            .hint(format!("see: {status}"))
            .hint("to send them again: `ark-video batch retry`"));
        }
        let waiting = count(&[State::NeedsApproval, State::OverBudget]);
        if waiting > 0 {
            return Err(failure(
                Exit::Parked,
                self.because(
                    &[State::NeedsApproval, State::OverBudget],
                    &format!("{} parked: a decision is needed", jobs(waiting)),
                ),
            )
            .hint(format!("see: {status}")));
        }
        match summary.left() {
            0 => Ok(()),
            left => {
                let states: Vec<State> = State::ALL.into_iter().filter(|state| state.is_open()).collect();
                let message = self.because(&states, &format!("{} unfinished", jobs(left)));
                Err(failure(Exit::StillRunning, message).hint(format!("see: {status}")))
            }
        }
    }

    /// `what`, and the reason if all jobs in these states have the same one.
    fn because(&self, states: &[State], what: &str) -> String {
        let mut reasons: Vec<&str> = self
            .unfinished
            .iter()
            .filter(|job| states.contains(&job.state))
            .map(|job| job.reason.as_str())
            .collect();
        reasons.dedup();
        match reasons[..] {
            [reason] => format!("{what}: {}", one_line(reason)),
            _ => what.to_owned(),
        }
    }
}

/// `1 job is`, `2 jobs are`.
fn jobs(count: u64) -> String {
    if count == 1 { "1 job is".to_owned() } else { format!("{count} jobs are") }
}

/// Unfinished jobs, one line per reason.
fn grouped(unfinished: &[Unfinished]) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for job in unfinished {
        groups.entry((job.state.as_str(), &job.reason)).or_default().push(&job.name);
    }
    let line = |((state, reason), names): ((&str, &str), Vec<&str>)| {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<_> = names.into_iter().take(NAMED).collect();
        format!("{}{more}: {}: {reason}", names.join(", "), state.replace('_', " "))
    };
    groups.into_iter().map(line).collect()
}

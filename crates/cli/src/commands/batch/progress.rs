//! Progress of a batch: a bar with counts, cost and time on a terminal, else a line per event.

use ark_video_batch::{Durations, Event, EventKind, Scope, State, TOKENS, open_jobs};
use indicatif::ProgressBar;

use super::journal::{Opened, of_journal};
use crate::cost;
use crate::escape::one_line;
use crate::failure::Failure;
use crate::json::{EventLine, Money};
use crate::output::{Form, Output};
use crate::progress::Progress;
use crate::summary;

/// The progress of one run.
pub(super) struct BatchProgress<'a> {
    output: &'a Output,
    opened: &'a Opened,
    screen: Progress<'a>,
    durations: Durations,
    at_once: u64,
    /// The last reason for a delay: a repeated one is reported once.
    not_sent: String,
}

impl<'a> BatchProgress<'a> {
    pub(super) fn new(output: &'a Output, opened: &'a Opened, total: u64) -> Self {
        let screen = Progress::batch(output, total);
        Self { output, opened, screen, durations: Durations::default(), at_once: 1, not_sent: String::new() }
    }

    /// Handles an event.
    pub(super) async fn event(&mut self, event: &Event) {
        let name = event.key.as_deref().map_or("", |key| key.split_once('/').map_or(key, |(_, name)| name));
        if self.output.form == Form::Json {
            let billed = match &event.kind {
                EventKind::Settled { cost, .. } => Money::of(cost),
                _ => None,
            };
            self.output.json(&EventLine { event, billed });
        }
        match &event.kind {
            EventKind::Downloaded { path, .. } if self.output.form == Form::Quiet => {
                self.output.line(one_line(&path.display().to_string()));
            }
            EventKind::Settled { .. } if self.screen.main().is_some() => self.took(event).await,
            EventKind::NotSent { reason } if self.output.form != Form::Json && *reason != self.not_sent => {
                self.output.note(one_line(&format!(
                    "{name}: will be retried, as others with the same cause: {reason}"
                )));
                self.not_sent.clone_from(reason);
            }
            _ => {}
        }
        if self.output.form != Form::Json
            && let Some(text) = line(&event.kind, name, self.screen.main().is_some())
        {
            let text = one_line(&text);
            if matches!(event.kind, EventKind::Extra { .. } | EventKind::Stopped { .. }) {
                self.output.warn(text);
            } else {
                self.output.note(text);
            }
        }
    }

    async fn took(&mut self, event: &Event) {
        if let Some(key) = &event.key
            && let Ok(Some(job)) = self.opened.journal.job(key).await
        {
            self.durations.add(&job);
        }
    }

    /// Updates the line.
    pub(super) async fn tick(&mut self) {
        let Some(bar) = self.screen.main() else { return };
        // A journal error is reported by the runner.
        if let Ok(text) = self.state(bar).await {
            bar.set_message(text);
        }
    }

    async fn state(&self, bar: &ProgressBar) -> Result<String, Failure> {
        let opened = self.opened;
        let counts = opened.journal.counts(Some(&opened.batch)).await.map_err(of_journal)?;
        let total: u64 = counts.values().sum();
        let ended: u64 = counts.iter().filter(|(state, _)| !state.is_open()).map(|(_, count)| count).sum();
        bar.set_length(total);
        bar.set_position(ended);
        let mut parts: Vec<String> = counts
            .iter()
            .filter(|(state, count)| **count > 0 && **state != State::Settled)
            .map(|(state, count)| format!("{count} {}", state.as_str().replace('_', " ")))
            .collect();
        let running: u64 =
            counts.iter().filter(|(state, _)| state.is_running()).map(|(_, count)| count).sum();
        let scope = Scope::Batch(opened.batch.clone());
        for budget in opened.journal.budgets().await.map_err(of_journal)? {
            if budget.scope == scope && budget.unit != TOKENS {
                let spent = cost::amount(&budget.amount(budget.settled));
                parts.push(match budget.cap {
                    Some(cap) => format!("{spent} of {}", cost::amount(&budget.amount(cap))),
                    None => format!("{spent} spent"),
                });
            }
        }
        let at_once = running.max(self.at_once);
        if let Some(eta) = self.durations.left(open_jobs(&counts), at_once) {
            let (likely, late) = (summary::seconds(eta.p50.as_secs()), summary::seconds(eta.p90.as_secs()));
            parts.push(format!("about {likely} left, up to {late}"));
        }
        Ok(parts.join(" · "))
    }
}

/// An event as text, if it is worth a line.
fn line(kind: &EventKind, name: &str, interactive: bool) -> Option<String> {
    Some(match kind {
        EventKind::Started { others, .. } if *others > 0 => {
            format!("{others} other runners use this journal: jobs are shared")
        }
        EventKind::Submitted { task_id, found: true } => format!("{name}: found, task {task_id}"),
        EventKind::Submitted { task_id, .. } if !interactive => format!("{name}: task {task_id} created"),
        EventKind::Adopted { task_id: Some(id) } => {
            format!("{name}: adopted task {id} from the record beside its video")
        }
        EventKind::Adopted { task_id: None } => {
            format!(
                "{name}: may have been sent according to the record beside its output; searching for its task"
            )
        }
        EventKind::Settled { unmetered: true, .. } => {
            format!(
                "{name}: unmetered: the service gave no usable usage, so the reserved estimate counts as billed"
            )
        }
        EventKind::Downloaded { path, bytes } if !interactive => {
            format!("{name}: {} ({})", path.display(), summary::bytes(*bytes))
        }
        EventKind::Unknown { reason } => {
            format!("{name}: {reason}; searching for its task")
        }
        EventKind::Throttled { model, pause, ceiling } => format!(
            "{model}: throttled by the service; at most {ceiling} at once, continuing in {}",
            summary::seconds(pause.as_secs().max(1))
        ),
        EventKind::Ended { state, reason } => {
            format!("{name}: {}: {reason}", state.as_str().replace('_', " "))
        }
        EventKind::Unmatched { task_id, path, .. } => format!(
            "{name}: task {task_id} is a candidate; its video is in {} until it is assigned",
            path.display()
        ),
        EventKind::Extra { task_id } => {
            format!("{name}: a late response names a second task, {task_id}: it is billed too if it succeeds")
        }
        EventKind::Warning { reason } => reason.clone(),
        EventKind::Stopped { reason, .. } => format!("stopped sending: {reason}"),
        _ => return None,
    })
}

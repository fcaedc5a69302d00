//! Progress on standard error for one task, many tasks or a batch: animated lines on a terminal,
//! else a line per change. The only clock of this crate.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ark_video::{WaitEvent, WatchEvent, download::SaveProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::escape::one_line;
use crate::output::{Form, Output};
use crate::summary;

/// The refresh interval of animated lines.
const TICK: Duration = Duration::from_millis(200);

/// The most lines besides the main one.
const LINES: usize = 12;

/// Progress of one task or many. Clears its lines when dropped.
pub(crate) struct Progress<'o> {
    output: &'o Output,
    start: Instant,
    screen: Option<Screen>,
    state: Mutex<State>,
}

/// The animated lines of a terminal.
struct Screen {
    all: MultiProgress,
    /// The last line: that of the one task, or the total.
    main: ProgressBar,
}

#[derive(Default)]
struct State {
    lines: HashMap<String, ProgressBar>,
    ended: HashSet<String>,
}

impl<'o> Progress<'o> {
    /// Progress of one task. Starts with a line such as `cgt-…: created`.
    pub(crate) fn waiting(output: &'o Output, id: &str) -> Self {
        Self::new(output, None, "{spinner} {msg}  {elapsed}", &format!("{id}: created"))
    }

    /// One file. Starts with no bytes.
    pub(crate) fn saving(output: &'o Output, name: &str) -> Self {
        let style =
            "{spinner} {msg}  {bar:30} {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}";
        Self::new(output, None, style, name)
    }

    /// `total` tasks, none of them done; `what` describes finished ones.
    pub(crate) fn many(output: &'o Output, total: usize, what: &str) -> Self {
        Self::new(
            output,
            Some(total as u64),
            &format!("{{bar:30}} {{pos}} of {{len}} {what}  {{elapsed}}"),
            "",
        )
    }

    /// A batch of `total` shots, with a line of text below the bar.
    pub(crate) fn batch(output: &'o Output, total: u64) -> Self {
        Self::new(output, Some(total), "{bar:30} {pos} of {len} ended  {elapsed}\n{msg}", "")
    }

    fn new(output: &'o Output, total: Option<u64>, style: &str, message: &str) -> Self {
        let screen = (output.interactive && output.form != Form::Quiet).then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let main = all.add(styled(total.map_or_else(ProgressBar::no_length, ProgressBar::new), style));
            main.set_message(one_line(message));
            main.enable_steady_tick(TICK);
            Screen { all, main }
        });
        output.set_bar(screen.as_ref().map(|screen| screen.main.clone()));
        Self { output, start: Instant::now(), screen, state: Mutex::default() }
    }

    /// Sets the last line, on a terminal.
    pub(crate) fn main(&self) -> Option<&ProgressBar> {
        self.screen.as_ref().map(|screen| &screen.main)
    }

    /// A change of the one task, or a failed poll.
    pub(crate) fn waited(&self, event: &WaitEvent<'_>) {
        match event {
            WaitEvent::Status(task) => {
                let text = one_line(&format!("{}: {}", task.id, task.status));
                match self.main() {
                    Some(line) => line.set_message(text),
                    None => self.log(&text),
                }
            }
            WaitEvent::CouldNotPoll { error, in_a_row } => self.output.note(format_args!(
                "poll failed (attempt {in_a_row}), continuing: {}",
                one_line(&error.message())
            )),
            _ => {}
        }
    }

    /// More bytes of the one file.
    pub(crate) fn saved(&self, progress: SaveProgress) {
        if let Some(line) = self.main() {
            show_bytes(line, progress);
        }
    }

    /// More bytes of an upload.
    pub(crate) fn uploaded(&self, bytes: u64, total: u64) {
        if let Some(line) = self.main() {
            line.set_length(total);
            line.set_position(bytes);
        }
    }

    /// A change of one of many tasks.
    pub(crate) fn watched(&self, event: &WatchEvent) {
        match event {
            WatchEvent::Changed { id, to, .. } => self.status(id, to.as_str()),
            WatchEvent::Finished { task, differences } => {
                self.done(&task.id, task.status.as_str());
                for difference in differences {
                    let text = one_line(&difference.to_string());
                    self.output.warn(format_args!("{}: {text}", one_line(&task.id)));
                }
            }
            WatchEvent::Gone { id } => self.done(id, "not found by the service"),
            WatchEvent::TimedOut { id, status } => self.done(id, &format!("still {status}; stopped waiting")),
            WatchEvent::CouldNotPoll { id, why, detail, .. } => {
                let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
                self.done(id, &format!("could not be polled: {why}{detail}"));
            }
            WatchEvent::Stuck { id, running_for } => self.output.warn(format_args!(
                "{}: running for {}",
                one_line(id),
                summary::seconds(running_for.as_secs())
            )),
            WatchEvent::Warning { failures, detail } => self
                .output
                .note(format_args!("{failures} failed polls in a row ({}), continuing", one_line(detail))),
            _ => {}
        }
    }

    /// One of many tasks is in this state now.
    fn status(&self, id: &str, status: &str) {
        let text = one_line(&format!("{id}: {status}"));
        if self.screen.is_none() {
            self.log(&text);
        } else if let Some(line) = self.line(id, "{spinner} {msg}  {elapsed}") {
            line.set_message(text);
        }
    }

    /// One of many tasks is finished.
    pub(crate) fn done(&self, id: &str, status: &str) {
        if !self.state().ended.insert(id.to_owned()) {
            return;
        }
        match self.main() {
            None => self.status(id, status),
            Some(main) => {
                let line = self.state().lines.remove(id);
                if let Some(line) = line {
                    line.finish_and_clear();
                }
                main.inc(1);
            }
        }
    }

    /// More bytes of the video of one of many tasks.
    pub(crate) fn bytes(&self, id: &str, progress: SaveProgress) {
        let style =
            "{spinner} {msg}  {bar:24} {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}";
        if let Some(line) = self.line(id, style) {
            line.set_message(one_line(id));
            show_bytes(&line, progress);
        }
    }

    fn line(&self, id: &str, style: &str) -> Option<ProgressBar> {
        let Screen { all, main } = self.screen.as_ref()?;
        let mut state = self.state();
        if let Some(line) = state.lines.get(id) {
            return Some(line.clone());
        }
        if state.lines.len() >= LINES || state.ended.contains(id) {
            return None;
        }
        let line = all.insert_before(main, styled(ProgressBar::new_spinner(), style));
        state.lines.insert(id.to_owned(), line.clone());
        Some(line)
    }

    /// A line for a log.
    fn log(&self, text: &str) {
        let after = summary::seconds(self.start.elapsed().as_secs());
        self.output.note(format_args!("{text} after {after}"));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show_bytes(line: &ProgressBar, progress: SaveProgress) {
    if let Some(total) = progress.total {
        line.set_length(total);
    }
    line.set_position(progress.bytes);
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.output.set_bar(None);
        for (_, line) in self.state().lines.drain() {
            line.finish_and_clear();
        }
        if let Some(main) = self.main() {
            main.finish_and_clear();
        }
    }
}

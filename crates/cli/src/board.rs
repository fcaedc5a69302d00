//! Progress of many tasks at once, on standard error: a line for each that is under way and one for all of them, or, where
//! nobody watches, a line per change.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ark_video::{SaveProgress, WatchEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::escape::one_line;
use crate::output::{Form, Output};
use crate::summary;

/// Lines shown at once, besides the one for all: a screen is small.
const LINES: usize = 12;

/// Progress of many tasks. Clears its lines when dropped.
pub(crate) struct Board<'o> {
    output: &'o Output,
    start: Instant,
    screen: Option<MultiProgress>,
    all: Option<ProgressBar>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: HashMap<String, ProgressBar>,
    ended: HashSet<String>,
}

impl<'o> Board<'o> {
    /// Starts with `total` tasks, none of them done; `what` is said of those that are.
    pub(crate) fn new(output: &'o Output, total: usize, what: &'static str) -> Self {
        let screen = (output.lively && output.form != Form::Quiet)
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let all = screen.as_ref().map(|screen| {
            let style = format!("{{bar:30}} {{pos}} of {{len}} {what}  {{elapsed}}");
            let bar = screen.add(styled(ProgressBar::new(total as u64), &style));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        output.set_bar(all.clone());
        Self { output, start: Instant::now(), screen, all, state: Mutex::default() }
    }

    /// A change of a task.
    pub(crate) fn event(&self, event: &WatchEvent) {
        match event {
            WatchEvent::Changed { id, to, .. } => self.status(id, to.as_str()),
            WatchEvent::Finished { task, differences } => {
                self.done(&task.id, task.status.as_str());
                for difference in differences {
                    self.output.warn(format_args!(
                        "{}: {}",
                        one_line(&task.id),
                        one_line(&difference.to_string())
                    ));
                }
            }
            WatchEvent::Gone { id } => self.done(id, "gone: the service knows no such task"),
            WatchEvent::TimedOut { id, status } => self.done(id, &format!("still {status}; stopped waiting")),
            WatchEvent::CouldNotAsk { id, why, detail, .. } if !detail.is_empty() => {
                self.done(id, &format!("could not be asked for: {why} ({detail})"));
            }
            WatchEvent::CouldNotAsk { id, why, .. } => {
                self.done(id, &format!("could not be asked for: {why}"));
            }
            WatchEvent::Stuck { id, running_for } => self.output.warn(format_args!(
                "{}: running for {} already",
                one_line(id),
                summary::seconds(running_for.as_secs())
            )),
            WatchEvent::Trouble { failures, detail } => self.output.note(format_args!(
                "no usable answer {failures} times in a row ({}), going on",
                one_line(detail)
            )),
            _ => {}
        }
    }

    /// A task is in this state now.
    pub(crate) fn status(&self, id: &str, status: &str) {
        let text = one_line(&format!("{id}: {status}"));
        if self.screen.is_none() {
            let after = summary::seconds(self.start.elapsed().as_secs());
            return self.output.note(format_args!("{text} after {after}"));
        }
        if let Some(line) = self.line(id, "{spinner} {msg}  {elapsed}") {
            line.set_message(text);
        }
    }

    /// A task is over for us.
    pub(crate) fn done(&self, id: &str, status: &str) {
        if !self.state().ended.insert(id.to_owned()) {
            return;
        }
        match &self.all {
            None => self.status(id, status),
            Some(all) => {
                let line = self.state().lines.remove(id);
                if let Some(line) = line {
                    line.finish_and_clear();
                }
                all.inc(1);
            }
        }
    }

    /// More bytes of a task's video.
    pub(crate) fn bytes(&self, id: &str, progress: SaveProgress) {
        let style =
            "{spinner} {msg}  {bar:24} {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}";
        if let Some(line) = self.line(id, style) {
            line.set_message(one_line(id));
            if let Some(total) = progress.total {
                line.set_length(total);
            }
            line.set_position(progress.bytes);
        }
    }

    fn line(&self, id: &str, style: &str) -> Option<ProgressBar> {
        let screen = self.screen.as_ref()?;
        let mut state = self.state();
        if let Some(line) = state.lines.get(id) {
            return Some(line.clone());
        }
        if state.lines.len() >= LINES || state.ended.contains(id) {
            return None;
        }
        let new = styled(ProgressBar::new_spinner(), style);
        let line = match &self.all {
            Some(all) => screen.insert_before(all, new),
            None => screen.add(new),
        };
        state.lines.insert(id.to_owned(), line.clone());
        Some(line)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Board<'_> {
    fn drop(&mut self) {
        self.output.set_bar(None);
        for (_, line) in self.state().lines.drain() {
            line.finish_and_clear();
        }
        if let Some(all) = &self.all {
            all.finish_and_clear();
        }
    }
}

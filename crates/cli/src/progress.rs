//! What is going on, on standard error: a line that moves for a person who watches, a line per change for a log.
//! The only clock of this crate.

use std::time::{Duration, Instant};

use ark_video::model::Task;
use ark_video::{SaveProgress, WaitEvent};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::escape::one_line;
use crate::output::{Form, Output};
use crate::summary;

/// How often the moving line is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// Progress of one task. Clears its line when dropped.
pub(crate) struct Progress<'o> {
    output: &'o Output,
    start: Instant,
    bar: Option<ProgressBar>,
}

impl<'o> Progress<'o> {
    /// Starts with a line such as `cgt-…: waiting`.
    pub(crate) fn waiting(output: &'o Output, id: &str) -> Self {
        let progress = Self::new(output, "{spinner} {msg}  {elapsed}");
        if let Some(bar) = &progress.bar {
            bar.set_message(one_line(&format!("{id}: created")));
            bar.enable_steady_tick(TICK);
        }
        progress
    }

    /// Starts with no bytes.
    pub(crate) fn saving(output: &'o Output, name: &str) -> Self {
        let progress = Self::new(
            output,
            "{spinner} {msg}  {bar:30} {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}",
        );
        if let Some(bar) = &progress.bar {
            bar.set_message(one_line(name));
        }
        progress
    }

    fn new(output: &'o Output, template: &str) -> Self {
        let lively = output.lively && output.form != Form::Quiet;
        let bar = lively.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        output.set_bar(bar.clone());
        Self { output, start: Instant::now(), bar }
    }

    /// A change of the task, or a look that failed.
    pub(crate) fn event(&self, event: &WaitEvent<'_>) {
        match event {
            WaitEvent::Status(task) => self.status(task),
            WaitEvent::CouldNotAsk { error, in_a_row } => {
                self.output.note(format_args!(
                    "could not look (attempt {in_a_row}), going on: {}",
                    one_line(&error.to_string())
                ));
            }
            _ => {}
        }
    }

    fn status(&self, task: &Task) {
        let text = one_line(&format!("{}: {}", task.id, task.status));
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => self
                .output
                .note(format_args!("{text} after {}", summary::seconds(self.start.elapsed().as_secs()))),
        }
    }

    /// More bytes.
    pub(crate) fn bytes(&self, progress: SaveProgress) {
        if let Some(bar) = &self.bar {
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.bytes);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.output.set_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

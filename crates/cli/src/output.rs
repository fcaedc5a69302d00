//! The only writer to the streams; it escapes control characters and hides keys. Data goes to
//! standard output; progress, notes and errors go to standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::{escape, secrets};

/// The form of the data on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text.
    Text,
    /// JSON: one document, or one per line.
    Json,
    /// Ids and paths only.
    Quiet,
}

/// The output of the command.
pub(crate) struct Output {
    pub(crate) form: Form,
    /// Errors as JSON too: only with `--json`.
    json_errors: bool,
    colour: bool,
    /// The width of the terminal that data goes to.
    pub(crate) columns: Option<u16>,
    /// Standard error is an interactive terminal.
    pub(crate) interactive: bool,
    streams: Mutex<Streams>,
}

struct Streams {
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    /// A progress bar, which is hidden while a line is written.
    bar: Option<ProgressBar>,
    /// The first error of standard output. A closed pipe (`| head`) is not one.
    broken: Option<std::io::Error>,
    /// Keys in use, which are never shown.
    keys: Vec<String>,
}

/// From this length on, in bytes, a JSON document is written piece by piece.
const PIECE: usize = 64 << 10;

/// JSON on its way to the output. Pieces end where no key can: between two objects.
struct Pieces<'o> {
    output: &'o Output,
    text: Vec<u8>,
}

impl Pieces<'_> {
    fn show(&mut self) {
        self.output.json_text(&String::from_utf8_lossy(&self.text));
        self.text.clear();
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        if self.text.len() >= PIECE && self.text.ends_with(b"},") {
            self.show();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output {
    pub(crate) fn new(stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Self {
        let streams = Mutex::new(Streams { stdout, stderr, bar: None, broken: None, keys: Vec::new() });
        Self {
            form: Form::Text,
            json_errors: false,
            colour: false,
            columns: None,
            interactive: false,
            streams,
        }
    }

    /// Sets the form. `colour` and `interactive` are for a terminal.
    pub(crate) fn set(&mut self, form: Form, json_errors: bool, colour: bool, interactive: bool) {
        (self.form, self.json_errors, self.colour, self.interactive) =
            (form, json_errors, colour, interactive);
    }

    /// Adds a key to hide.
    pub(crate) fn hide(&self, key: &str) {
        let key = key.trim().to_owned();
        let mut streams = self.streams();
        if !key.is_empty() && !streams.keys.contains(&key) {
            streams.keys.push(key);
        }
    }

    /// Text for a file, without keys: a service may have echoed one.
    pub(crate) fn without_keys(&self, text: &str) -> String {
        secrets::hidden(text, &self.streams().keys).into_owned()
    }

    /// Text without control characters and keys.
    pub(crate) fn shown(&self, text: &str) -> String {
        secrets::hidden(&escape::terminal(text), &self.streams().keys).into_owned()
    }

    /// JSON without control characters and keys.
    fn shown_json(&self, document: &str) -> String {
        secrets::hidden(&escape::json(document), &self.streams().keys).into_owned()
    }

    /// A line of data.
    pub(crate) fn line(&self, line: impl Display) {
        let text = format!("{line}\n");
        let text = escape::terminal(&text);
        let keys = self.streams().keys.clone();
        self.raw(&secrets::hidden(&text, &keys));
    }

    /// An id from the service, on one line.
    pub(crate) fn id(&self, id: &str) {
        self.line(escape::one_line(id));
    }

    /// Serialized JSON, or a part of it.
    pub(crate) fn json_text(&self, document: &str) {
        self.raw(&self.shown_json(document));
    }

    /// Unescaped data: our own text only, such as help.
    pub(crate) fn raw(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Data in chunks, which need not end at a character boundary.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut guard = self.streams();
        let streams = &mut *guard;
        let mut write = || -> std::io::Result<()> {
            streams.stdout.write_all(bytes)?;
            streams.stdout.flush()
        };
        let written = match &streams.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        };
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            streams.broken.get_or_insert(error);
        }
    }

    /// A JSON document on one line, in pieces if it is a large one.
    pub(crate) fn json(&self, value: &impl Serialize) {
        let mut pieces = Pieces { output: self, text: Vec::new() };
        match serde_json::to_writer(&mut pieces, value) {
            Ok(()) => pieces.text.push(b'\n'),
            Err(error) => self.warn(format_args!("cannot write the result as JSON: {error}")),
        }
        pieces.show();
    }

    /// A note; silent with `--quiet`.
    pub(crate) fn note(&self, text: impl Display) {
        if self.form != Form::Quiet {
            self.error_line(&self.shown(&text.to_string()));
        }
    }

    /// A warning; always printed.
    pub(crate) fn warn(&self, text: impl Display) {
        let text = self.shown(&text.to_string());
        self.error_line(&format!("{} {text}", self.paint("warning:", "33")));
    }

    /// A prompt at the end of a line.
    pub(crate) fn ask(&self, text: impl Display) {
        let text = self.shown(&text.to_string());
        let mut streams = self.streams();
        let _ = write!(streams.stderr, "{text} ").and_then(|()| streams.stderr.flush());
    }

    /// The failure.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json_errors {
            let document = serde_json::to_string(&failure.envelope());
            let document = document.unwrap_or_else(|_| json!({ "message": failure.message }).to_string());
            self.error_line(&self.shown_json(&document));
            return;
        }
        let mut text = format!("{} {}", self.paint("error:", "31"), self.shown(&failure.message));
        if !failure.details.more.is_empty() {
            text.push_str(&format!("\n{}\n", self.shown(&failure.details.more)));
        }
        for hint in &failure.hints {
            text.push_str(&format!("\n{} {}", self.paint("hint:", "36"), self.shown(hint)));
        }
        if let Some(id) = failure.request_id_to_show() {
            text.push_str(&format!(
                "\n{} {}",
                self.paint("request id:", "36"),
                self.shown(&escape::one_line(id))
            ));
        }
        self.error_line(&text);
    }

    /// Shows or removes the progress bar.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        self.streams().bar = bar;
    }

    /// The first error of standard output, if any.
    pub(crate) fn finish(&self) -> Result<(), std::io::Error> {
        self.streams().broken.take().map_or(Ok(()), Err)
    }

    fn error_line(&self, text: &str) {
        let mut guard = self.streams();
        let streams = &mut *guard;
        // An error of standard error cannot be reported.
        let mut write = || {
            let _ = writeln!(streams.stderr, "{text}").and_then(|()| streams.stderr.flush());
        };
        match &streams.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn paint(&self, word: &str, colour: &str) -> String {
        if self.colour { format!("\u{1b}[1;{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Hostile text in every field that a service or a storage host sends: whatever a command prints of
//! it, nothing acts on a terminal, forges a line, breaks out of a command in a hint, or becomes a
//! tag of a page. Which fields there are comes from the OpenAPI document, so that a new one is
//! covered without an edit here.

mod answers;
mod batch;
mod commands;
mod keys;
mod reconcile;
mod service;
mod storage;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ark_video::transport::{BoxFuture, Clock, UnixMillis};
use serde_json::Value;

use crate::cli::{Ran, Shell};
use service::Service;

/// What no text of a service may do: move the cursor, set the title, ring, turn the direction, end
/// a line, be a command, be a tag.
fn hostile(word: &str) -> String {
    format!(
        "{word}\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1A\0\r\nerror: forged\u{202e}\u{2066}\u{200f}\u{feff}; touch PWNED $(PWNED) `PWNED` <b onclick=x>'\"{}",
        "x".repeat(5_000)
    )
}

/// As much of it as an id may hold that we go on with: no control characters, no slashes, not too
/// long.
const HOSTILE_ID: &str = "cgt-2\u{202e}\u{2066}\u{feff}; touch PWNED $(PWNED) `PWNED` <b onclick=x>'\"";

/// As much of it as a header can carry.
const HOSTILE_HEADER: &str = "\u{202e}\u{9b}1A; touch PWNED $(PWNED) `PWNED` <b onclick=x>'";

/// How much faster than real time passes where a command waits for minutes.
const SPEED: f64 = 10_000.0;

/// The machine's time, faster, so that what waits for minutes takes milliseconds.
#[derive(Debug)]
struct FastClock {
    began: UnixMillis,
    start: Instant,
    speed: f64,
}

impl FastClock {
    fn new(speed: f64) -> Arc<Self> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Arc::new(Self { began: i64::try_from(since.as_millis()).unwrap(), start: Instant::now(), speed })
    }
}

impl Clock for FastClock {
    fn now(&self) -> UnixMillis {
        self.began + i64::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed().mul_f64(self.speed)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause.div_f64(self.speed)))
    }
}

/// The forms of what is printed.
const FORMS: [&str; 3] = ["--text", "--json", "--quiet"];

/// Runs something for each case, all at the same time, each in a runtime of its own.
fn each<C: Send, T: Send>(cases: impl IntoIterator<Item = C>, run: impl AsyncFn(C) -> T + Sync) -> Vec<T> {
    let run = &run;
    thread::scope(|scope| {
        let in_runtime = |case| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(case))
        };
        let threads: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || in_runtime(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A folder whose commands reach this service.
fn shell(service: &Service) -> Shell {
    let shell = Shell::new().set("ARK_BASE_URL", &service.base_url).set("ARK_API_KEY", "a-key-of-nobody");
    shell.without_schemas()
}

/// Runs a command line in the service's time, and checks its output.
async fn run(service: &Service, shell: &Shell, about: &str, line: &[&str], form: &str) -> Ran {
    let line: Vec<&str> = line.iter().copied().chain([form]).collect();
    let clock: Arc<dyn Clock> = service.clock.clone();
    let ran = shell.run_with(&line, |env| env.clock = clock).await;
    must_be_harmless(&format!("{about}: {line:?}"), &ran, form);
    ran
}

fn is_hostile(ran: &Ran) -> bool {
    ran.stdout.contains("PWNED") || ran.stderr.contains("PWNED")
}

fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What of a line a shell would act on: everything outside of single quotes.
fn outside_quotes(line: &str) -> String {
    line.replace("'\\''", "").split('\'').step_by(2).collect()
}

fn must_be_harmless(about: &str, ran: &Ran, form: &str) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let raw = text.chars().find(|c| acts(*c));
        assert_eq!(raw, None, "{about}: raw in {stream}");
        assert!(!text.contains("panicked"), "{about}: {text}");
        for line in text.lines() {
            assert!(!line.starts_with("error: forged"), "{about}: a forged line in {stream}");
            if form == "--json" && line.starts_with('{') {
                let read: Value = serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{about}: {error} in {stream}: {line}"));
                must_be_quoted(about, read["suggestion"].as_str().unwrap_or_default());
                continue;
            }
            // Exports are JSON in every form.
            let is_cut = line.starts_with('{') || !line.contains(&"x".repeat(2_500));
            assert!(is_cut, "{about}: a line without an end in {stream}");
            if line.starts_with("hint: ") || line.trim_start().starts_with("continue with: ") {
                must_be_quoted(about, line);
            }
        }
    }
}

/// Pasted into a shell, this runs our command and nothing else.
fn must_be_quoted(about: &str, command: &str) {
    assert!(!outside_quotes(command).contains("PWNED"), "{about}: {command}");
}

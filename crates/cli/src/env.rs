//! The environment of a command in one value: arguments, variables, folder, streams, Ctrl-C. Tests
//! pass their own. Nothing else in this crate accesses the process.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use ark_video::{Clock, SystemClock};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The environment of a command.
#[non_exhaustive]
pub struct Env {
    /// The command line, the program's name first.
    pub args: Vec<OsString>,
    /// Environment variables; those that are not UTF-8 are left out.
    pub env: BTreeMap<String, String>,
    /// The folder of relative paths.
    pub cwd: PathBuf,
    /// Standard input.
    pub stdin: Box<dyn Read + Send>,
    /// Standard output: data.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error: progress, notes, errors.
    pub stderr: Box<dyn Write + Send>,
    /// Which streams are terminals.
    pub terminal: Terminal,
    /// Presses of Ctrl-C.
    pub interrupts: Interrupts,
    /// The clock of waits, retries and searches; default the machine's.
    pub clock: Arc<dyn Clock>,
}

/// Which streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Prompts can be answered.
    pub stdin: bool,
    /// Data is printed as text instead of JSON.
    pub stdout: bool,
    /// Progress is animated.
    pub stderr: bool,
}

impl Env {
    /// An isolated environment: no variables, empty input, discarded output, no terminal.
    pub fn new(args: impl IntoIterator<Item = impl Into<OsString>>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            cwd: cwd.into(),
            stdin: Box::new(std::io::empty()),
            stdout: Box::new(std::io::sink()),
            stderr: Box::new(std::io::sink()),
            terminal: Terminal::default(),
            interrupts: Interrupts::never(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// The environment of this process.
    pub(crate) fn of_process() -> Self {
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        Self {
            args: std::env::args_os().collect(),
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            terminal: Terminal {
                stdin: stdin.is_terminal(),
                stdout: stdout.is_terminal(),
                stderr: stderr.is_terminal(),
            },
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            interrupts: Interrupts::never(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Presses of Ctrl-C, one by one.
#[derive(Debug)]
pub struct Interrupts(UnboundedReceiver<()>);

impl Interrupts {
    /// Without interrupts.
    pub fn never() -> Self {
        Self::by_hand().1
    }

    /// Each `send` is a press.
    pub fn by_hand() -> (UnboundedSender<()>, Self) {
        let (sender, receiver) = unbounded_channel();
        (sender, Self(receiver))
    }

    /// Ctrl-C, and a request to end from the system, of this process. Needs a tokio runtime.
    pub(crate) fn of_process() -> Self {
        let (sender, interrupts) = Self::by_hand();
        tokio::spawn(async move { while press().await && sender.send(()).is_ok() {} });
        interrupts
    }

    /// The next press; pending forever if none can come.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn press() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
        received = terminate.recv() => received.is_some(),
    }
}

#[cfg(not(unix))]
async fn press() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}

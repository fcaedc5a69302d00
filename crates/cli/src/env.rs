//! The environment of a command in one value: arguments, variables, folder, streams, signals. Tests
//! pass their own. Nothing else in this crate accesses the process.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use ark_video::transport::{Clock, SystemClock};
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
    /// Ctrl-C and signals.
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
    /// The width in columns; help and tables are as wide as it takes where it is unknown.
    pub columns: Option<u16>,
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
                columns: terminal_size::terminal_size().map(|(columns, _)| columns.0),
            },
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            interrupts: Interrupts::never(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// A request to end. The command stops in the same orderly way for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-C: exit code 130.
    Interrupt,
    /// SIGTERM: exit code 143.
    Terminate,
    /// SIGHUP, the terminal is gone: exit code 129.
    HangUp,
}

/// Requests to end, one by one.
#[derive(Debug)]
pub struct Interrupts {
    signals: UnboundedReceiver<Signal>,
    first: Option<Signal>,
}

impl Interrupts {
    /// Without interrupts.
    pub fn never() -> Self {
        Self::by_hand().1
    }

    /// Each `send` is a signal.
    pub fn by_hand() -> (UnboundedSender<Signal>, Self) {
        let (sender, signals) = unbounded_channel();
        (sender, Self { signals, first: None })
    }

    /// The signals of this process. Needs a tokio runtime.
    pub(crate) fn of_process() -> Self {
        let (sender, interrupts) = Self::by_hand();
        tokio::spawn(forward(sender));
        interrupts
    }

    /// The next signal; pending forever if none can come.
    pub(crate) async fn next(&mut self) {
        match self.signals.recv().await {
            Some(signal) => _ = self.first.get_or_insert(signal),
            None => std::future::pending::<()>().await,
        }
    }

    /// The signal that decides the exit code.
    pub(crate) fn first(&self) -> Option<Signal> {
        self.first
    }
}

#[cfg(unix)]
async fn forward(sender: UnboundedSender<Signal>) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hang_up = if ignores_hang_up() { None } else { signal(SignalKind::hangup()).ok() };
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        let hung_up = async {
            match &mut hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let (received, signal) = tokio::select! {
            received = interrupt.recv() => (received, Signal::Interrupt),
            received = terminate.recv() => (received, Signal::Terminate),
            received = hung_up => (received, Signal::HangUp),
        };
        if received.is_none() || sender.send(signal).is_err() {
            return;
        }
    }
}

/// Whether `nohup` started this process: then it outlives its terminal. Where the kernel does not
/// report it, a process without a terminal is left to the default action.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    match mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        Some(mask) => mask & 1 != 0,
        None => !(std::io::stdin().is_terminal() || std::io::stderr().is_terminal()),
    }
}

#[cfg(not(unix))]
async fn forward(sender: UnboundedSender<Signal>) {
    while tokio::signal::ctrl_c().await.is_ok() && sender.send(Signal::Interrupt).is_ok() {}
}

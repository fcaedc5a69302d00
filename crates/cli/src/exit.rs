//! Exit codes: a contract with scripts. A number, once given, never changes its meaning.

use crate::env::Signal;

/// Why the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Internal,
    Usage,
    Configuration,
    Request,
    Input,
    Output,
    NotSent,
    Refused,
    Throttled,
    TaskEnded,
    StillRunning,
    OutcomeUnknown,
    Result,
    Interrupted,
    Terminated,
    HungUp,
    DoubleBills,
    DiskFull,
    Journal,
    Parked,
    Authentication,
    /// An audited command's own.
    Command(u8),
}

/// Every failure: exit code, name in JSON, and description in `--help`.
const TABLE: [(Exit, u8, &str, &str); 21] = [
    (Exit::Internal, 1, "internal", "internal error"),
    (Exit::Usage, 2, "usage", "unknown flag, or conflicting flags"),
    (Exit::Configuration, 3, "configuration", "no key, bad base URL, unreadable configuration"),
    (Exit::Request, 4, "request", "invalid request: bad JSON, or rejected by our checks"),
    (Exit::Input, 5, "input", "an input file cannot be read"),
    (
        Exit::Output,
        6,
        "output",
        "the output cannot be written: it exists, is a folder, or its folder is missing",
    ),
    (Exit::NotSent, 7, "not_sent", "the service could not be reached; nothing was sent"),
    (Exit::Refused, 8, "refused", "rejected by the service; a create with this code made no task"),
    (Exit::Throttled, 9, "throttled", "rate limit or quota; a create with this code made no task"),
    (Exit::TaskEnded, 10, "task_ended", "the task failed, expired or was cancelled"),
    (Exit::StillRunning, 11, "still_running", "timeout while waiting; the task continues"),
    (
        Exit::OutcomeUnknown,
        12,
        "outcome_unknown",
        "unknown outcome: a task may have been created and billed; do not just send again",
    ),
    (
        Exit::Result,
        13,
        "result",
        "the task or its video could not be fetched; the task continues, and is billed if it succeeds",
    ),
    (Exit::DoubleBills, 14, "double_bills", "simulate --audit: a request was billed more than once"),
    (
        Exit::DiskFull,
        15,
        "disk_full",
        "disk full: partial files are kept, nothing more is created or fetched",
    ),
    (
        Exit::Journal,
        16,
        "journal",
        "batch: unusable journal (damaged, foreign, newer, lost or a copy); nothing was sent",
    ),
    (
        Exit::Parked,
        17,
        "parked",
        "a decision is needed: confirm the cost (--yes); batch: an approval, a higher cap, or the account",
    ),
    (
        Exit::Authentication,
        18,
        "authentication",
        "the service does not accept the API key (401); a create with this code made no task",
    ),
    (Exit::HungUp, 129, "hung_up", "SIGHUP; a created task continues"),
    (Exit::Interrupted, 130, "interrupted", "Ctrl-C; a created task continues"),
    (Exit::Terminated, 143, "terminated", "SIGTERM; a created task continues"),
];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        if let Self::Command(code) = self { code } else { self.row().1 }
    }

    pub(crate) fn kind(self) -> &'static str {
        if let Self::Command(_) = self { "command" } else { self.row().2 }
    }

    /// What a name of [`Exit::kind`] means.
    #[cfg(feature = "mcp")]
    pub(crate) fn meaning_of(kind: &str) -> Option<&'static str> {
        TABLE.iter().find(|row| row.2 == kind).map(|row| row.3)
    }

    fn row(self) -> &'static (Self, u8, &'static str, &'static str) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }

    /// The exit of a command that this signal has interrupted.
    pub(crate) fn after(self, signal: Option<Signal>) -> Self {
        match (self, signal) {
            (Self::Interrupted, Some(Signal::Terminate)) => Self::Terminated,
            (Self::Interrupted, Some(Signal::HangUp)) => Self::HungUp,
            _ => self,
        }
    }

    /// The paragraph for `--help`.
    pub(crate) fn help() -> String {
        let mut text = String::from("Exit codes:\n    0  done\n");
        for (_, code, _, meaning) in TABLE {
            text.push_str(&format!("  {code:>3}  {meaning}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_number_and_name() {
        let mut codes: Vec<u8> = TABLE.iter().map(|row| row.0.code()).collect();
        let mut kinds: Vec<&str> = TABLE.iter().map(|row| row.0.kind()).collect();
        codes.dedup();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!((codes.len(), kinds.len()), (TABLE.len(), TABLE.len()));
    }

    #[test]
    fn the_page_of_exit_codes_is_this_table() {
        let page = include_str!("../../../docs/reference/exit-codes.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
        let mut table = TABLE;
        table.sort_by_key(|row| row.1);
        let expected = table.map(|(_, code, kind, meaning)| format!("| {code} | `{kind}` | {meaning} |"));
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_numbers_are_those_that_scripts_rely_on() {
        let code = |exit: Exit| exit.code();
        assert_eq!(
            (code(Exit::Usage), code(Exit::Configuration), code(Exit::Request), code(Exit::Input)),
            (2, 3, 4, 5)
        );
        assert_eq!(
            (code(Exit::Output), code(Exit::NotSent), code(Exit::Refused), code(Exit::Throttled)),
            (6, 7, 8, 9)
        );
        assert_eq!(
            (code(Exit::TaskEnded), code(Exit::StillRunning), code(Exit::OutcomeUnknown)),
            (10, 11, 12)
        );
        assert_eq!((code(Exit::Result), code(Exit::Interrupted), code(Exit::Internal)), (13, 130, 1));
        assert_eq!((code(Exit::DoubleBills), code(Exit::DiskFull)), (14, 15));
        assert_eq!((code(Exit::Journal), code(Exit::Parked), code(Exit::Authentication)), (16, 17, 18));
        assert_eq!((code(Exit::HungUp), code(Exit::Terminated)), (129, 143));
    }
}

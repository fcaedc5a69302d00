//! Why the journal could not do something, in sentences for people. Names no address with a
//! password.

use std::borrow::Cow;
use std::fmt;

/// What kind of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// There is none, and none was to be made.
    Missing,
    /// What is there is something else.
    Foreign,
    /// It is damaged.
    Damaged,
    /// A newer version of this program wrote it.
    Newer,
    /// It may not be written, or not be read.
    Denied,
    /// The disk is full.
    Full,
    /// The disk refuses in another way.
    Disk,
    /// It is on a network file system.
    NetworkDisk,
    /// Another process holds it for too long.
    Busy,
    /// The database server does not answer.
    Unreachable,
    /// The database server does not know the user or the password.
    Login,
    /// The batch was planned from another list. Nothing was changed.
    OtherList,
    /// The move is not one that a job may make, or it names what is not there. Nothing was changed.
    Refused,
    /// This build has no PostgreSQL (feature `postgres`).
    Unsupported,
    /// Anything else.
    Other,
}

impl JournalErrorKind {
    fn advice(self) -> &'static str {
        match self {
            Self::Missing => "Give the path or address of an existing journal, or let one be made.",
            Self::Foreign => "Give another path or address; this one was not touched.",
            Self::Damaged => {
                "Keep the file as it is, put back the newest copy, and reconcile before anything is sent."
            }
            Self::Newer => "Use the newer version of the program.",
            Self::Denied => "Give this user the right to write there, or use another place.",
            Self::Full => "Make room, then try again.",
            Self::Disk => "Check the disk and its limits, then try again.",
            Self::NetworkDisk => "Use a local disk, or a PostgreSQL journal for several machines.",
            Self::Busy => "Try again; if it stays like that, find out what else holds the journal.",
            Self::Unreachable => "Check the server and the network, then try again.",
            Self::Login => "Check the user and the password in the address.",
            Self::OtherList => "Give this list a batch name of its own.",
            Self::Unsupported => "Build it with the feature `postgres`, or use a file.",
            Self::Refused | Self::Other => "",
        }
    }
}

/// What was being done, and what it means that it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorContext {
    pub(super) what: &'static str,
    pub(super) so: &'static str,
}

/// What went wrong, before it is known where and while doing what.
#[derive(Debug)]
pub(super) enum StoreError {
    Sql(sqlx::Error),
    Reported(JournalErrorKind, String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl StoreError {
    pub(super) fn refused(what: impl Into<String>) -> Self {
        Self::Reported(JournalErrorKind::Refused, what.into())
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Reported(JournalErrorKind::Damaged, what.into())
    }

    pub(super) fn into_error(self, place: &str, context: ErrorContext) -> JournalError {
        let (kind, what) = match self {
            Self::Reported(kind, what) => (kind, what),
            Self::Sql(error) => sql_error(&error),
        };
        JournalError { kind, place: place.into(), context, what: what.into() }
    }
}

/// The journal could not do something.
#[derive(Clone)]
pub struct JournalError {
    kind: JournalErrorKind,
    place: Box<str>,
    context: ErrorContext,
    what: Box<str>,
}

impl JournalError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> JournalErrorKind {
        self.kind
    }

    /// Whether the same may work later without a change to the journal itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use JournalErrorKind::{Busy, Disk, Full, Unreachable};
        matches!(self.kind, Full | Disk | Busy | Unreachable)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed ({}): {}.", self.context.what, self.place, self.what)?;
        for part in [self.context.so, self.kind.advice()] {
            if !part.is_empty() {
                write!(f, " {part}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalError({:?}: {self})", self.kind)
    }
}

impl std::error::Error for JournalError {}

fn sql_error(error: &sqlx::Error) -> (JournalErrorKind, String) {
    use JournalErrorKind::{Busy, Damaged, Other, Unreachable};
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or(Cow::Borrowed(""));
            let (kind, what) = if code.len() == 5 { server(&code) } else { sqlite(&code) };
            (kind, format!("{what} ({code}: {})", database.message()))
        }
        sqlx::Error::Io(error) => (Unreachable, format!("the database server does not answer ({error})")),
        sqlx::Error::Tls(error) => {
            (Unreachable, format!("no trusted connection to the database server ({error})"))
        }
        sqlx::Error::PoolTimedOut => (Busy, "no connection to it became free in time".to_owned()),
        sqlx::Error::Configuration(_) => (
            Other,
            "the address cannot be read; it has the form postgres://user:password@host/name".to_owned(),
        ),
        sqlx::Error::ColumnDecode { index, .. } => {
            (Damaged, format!("column {index} of a row cannot be read"))
        }
        sqlx::Error::ColumnNotFound(name) => (Damaged, format!("column {name} is missing")),
        sqlx::Error::Decode(_) => (Damaged, "a row cannot be read".to_owned()),
        // Only a server speaks one: it was killed in the middle of an answer.
        sqlx::Error::Protocol(why) => {
            (Unreachable, format!("the database server's answer breaks off ({why})"))
        }
        other => (Other, other.to_string()),
    }
}

/// By SQLite's primary result codes (sqlite.org/rescode.html).
fn sqlite(code: &str) -> (JournalErrorKind, &'static str) {
    use JournalErrorKind::{Busy, Damaged, Denied, Disk, Foreign, Full, Other};
    match code.parse::<i64>().map(|code| code & 0xff) {
        Ok(3 | 8 | 23) => (Denied, "it may not be written"),
        Ok(5 | 6) => (Busy, "another program holds it"),
        Ok(10) => (Disk, "the disk refuses"),
        Ok(11) => (Damaged, "the file is damaged"),
        Ok(13) => (Full, "the disk is full"),
        Ok(14) => (Denied, "the file cannot be opened"),
        Ok(26) => (Foreign, "the file is no database"),
        _ => (Other, "SQLite refuses"),
    }
}

/// By PostgreSQL's SQLSTATE (its manual, appendix A).
fn server(code: &str) -> (JournalErrorKind, &'static str) {
    use JournalErrorKind::{Busy, Damaged, Denied, Full, Login, Missing, Other, Unreachable};
    match code {
        "28000" | "28P01" => (Login, "the database server does not accept the user or the password"),
        "3D000" => (Missing, "the server has no such database"),
        "42501" | "25006" => (Denied, "this user may not write there"),
        "53100" => (Full, "the server's disk is full"),
        "40001" | "40P01" | "53300" | "55P03" => (Busy, "the server is busy with others"),
        "XX001" | "XX002" => (Damaged, "the server's data are damaged"),
        _ if code.starts_with("08") || code.starts_with("57") => {
            (Unreachable, "the server is stopping or starting")
        }
        _ => (Other, "the server refuses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen when a server was killed under load: the run ended, as if a row were damaged.
    #[test]
    fn an_answer_that_breaks_off_may_come_whole_later() {
        let context = ErrorContext { what: "Counting", so: "" };
        let of = |error: sqlx::Error| StoreError::from(error).into_error("postgres://host/name", context);
        let broken = of(sqlx::Error::Protocol("expected ReadyForQuery, got an end".to_owned()));
        assert!(broken.is_transient() && broken.kind() == JournalErrorKind::Unreachable, "{broken}");
        assert!(broken.to_string().contains("breaks off (expected ReadyForQuery"), "{broken}");
        let damaged = of(sqlx::Error::Decode("not a number".into()));
        assert!(!damaged.is_transient() && damaged.kind() == JournalErrorKind::Damaged, "{damaged}");
    }
}

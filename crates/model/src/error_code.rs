//! Error codes: an open list, with what is known about each. The table itself is generated from schema/errors.json.

use std::fmt;

use crate::generated::ERROR_CODES;

/// A code of the service, kept as it came.
///
/// ```
/// use ark_video_model::{ErrorClass, ErrorCode};
///
/// let code = ErrorCode::from("ModelNotOpen");
/// assert_eq!(code.info().map(|info| info.class), Some(ErrorClass::Account));
/// assert!(ErrorCode::from("FromTheFuture").info().is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// The code as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is known about the code: its own row, or that of the family it belongs to (`InvalidParameter.x`).
    pub fn info(&self) -> Option<&'static ErrorInfo> {
        let row = |code: &str| {
            ERROR_CODES.binary_search_by(|row| row.code.cmp(code)).ok().map(|place| &ERROR_CODES[place])
        };
        if let Some(own) = row(&self.0) {
            return Some(own);
        }
        let mut family = self.0.as_str();
        while let Some((shorter, _)) = family.rsplit_once('.') {
            family = shorter;
            if let Some(found) = row(family).filter(|found| found.family) {
                return Some(found);
            }
        }
        None
    }
}

impl From<&str> for ErrorCode {
    fn from(code: &str) -> Self {
        Self(code.to_owned())
    }
}

impl From<String> for ErrorCode {
    fn from(code: String) -> Self {
        Self(code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What an error means for the one who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The request is wrong; the same request will be refused again.
    CallerMistake,
    /// The input or the result was held back by moderation.
    Moderation,
    /// Key, permission, balance or quota: stop, no other request will fare better.
    Account,
    /// Too fast or too many: wait, then repeat.
    Throttled,
    /// There is no such thing.
    NotFound,
    /// The task's state does not allow it.
    Conflict,
    /// The service failed; after a create it is unknown whether a task exists.
    Server,
}

/// A row of the error table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The code.
    pub code: &'static str,
    /// Whether codes that go on after a dot belong to it.
    pub family: bool,
    /// HTTP statuses that it was seen or documented with; none for codes that only end a task.
    pub http: &'static [u16],
    /// Whether it can end a task that was accepted.
    pub after_acceptance: bool,
    /// What it means, unless one of the exceptions applies; see [`ErrorInfo::class_of`].
    pub class: ErrorClass,
    /// Whether a create that ended so may have left a task, and a bill.
    pub may_have_acted: bool,
    pub(crate) exceptions: &'static [Exception],
    /// What happened, in a sentence.
    pub meaning: &'static str,
    /// What to do next.
    pub advice: &'static str,
    /// Where it is documented or was seen, with a date.
    pub source: &'static str,
    /// `documented`, `observed` or `derived`.
    pub confidence: &'static str,
}

impl ErrorInfo {
    /// The class, with a look at the text where one code has two meanings (`QuotaExceeded`: no quota, or a full queue).
    pub fn class_of(&self, message: &str) -> ErrorClass {
        let message = message.to_lowercase();
        let exception = self
            .exceptions
            .iter()
            .find(|exception| exception.words.iter().any(|word| message.contains(word)));
        exception.map_or(self.class, |exception| exception.class)
    }
}

/// A meaning that the message, not the code, tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exception {
    pub(crate) words: &'static [&'static str],
    pub(crate) class: ErrorClass,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_finds_its_row_or_its_family() {
        let code = |code: &str| ErrorCode::from(code).info().map(|info| info.code);
        assert_eq!(
            code("InvalidParameter.UnsupportedParameter"),
            Some("InvalidParameter.UnsupportedParameter")
        );
        assert_eq!(code("InvalidParameter.content"), Some("InvalidParameter"));
        assert_eq!(code("InvalidParameter.a.b"), Some("InvalidParameter"));
        assert_eq!(code("AuthenticationError.x"), None);
        assert_eq!(code(""), None);
    }

    #[test]
    fn quota_means_two_things() {
        let info = ErrorCode::from("QuotaExceeded").info().unwrap();
        assert_eq!(info.class_of("The number of queued tasks has reached the limit."), ErrorClass::Throttled);
        assert_eq!(info.class_of("Your free quota is used up."), ErrorClass::Account);
    }

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(ERROR_CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for row in ERROR_CODES {
            assert!(
                !row.meaning.is_empty() && !row.advice.is_empty() && !row.source.is_empty(),
                "{}",
                row.code
            );
            assert_eq!(row.may_have_acted, row.class == ErrorClass::Server, "{}", row.code);
        }
    }
}

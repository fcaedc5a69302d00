//! Error codes: an open list, with what is known about each. The table itself is generated from
//! schema/errors.json.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::generated::ERROR_CODES;

/// A code of the service, kept as it came.
///
/// ```
/// use ark_video_model::{ErrorCode, error_code::ErrorClass};
///
/// let code = ErrorCode::from("ModelNotOpen");
/// assert_eq!(code.info().map(|info| info.class), Some(ErrorClass::Account));
/// assert!(ErrorCode::from("FromTheFuture").info().is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// The code as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is known about the code: its own row, or that of the family it belongs to
    /// (`InvalidParameter.x`).
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    #[serde(skip)]
    pub(crate) exceptions: &'static [Exception],
    /// The text of the service, without the request id that ends it; `{model}`, `{id}` and
    /// `{param}` stand for what the request names. For those who play the service: match on codes,
    /// not on this.
    pub wire: &'static str,
    /// Whether that text is ours, since none was recorded or documented.
    pub is_invented: bool,
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
    /// The class, by the message where one code has two meanings (`QuotaExceeded`: no quota, or a
    /// full queue).
    pub fn class_of(&self, message: &str) -> ErrorClass {
        self.exception(message).map_or(self.class, |exception| exception.class)
    }

    /// What to do next, by the message in the same way.
    pub fn advice_of(&self, message: &str) -> &'static str {
        self.exception(message).and_then(|exception| exception.advice).unwrap_or(self.advice)
    }

    fn exception(&self, message: &str) -> Option<&'static Exception> {
        if self.exceptions.is_empty() {
            return None;
        }
        let message = message.to_lowercase();
        self.exceptions
            .iter()
            .find(|exception| exception.phrases.iter().any(|phrase| message.contains(phrase)))
    }
}

/// A meaning that depends on the message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exception {
    pub(crate) phrases: &'static [&'static str],
    pub(crate) class: ErrorClass,
    pub(crate) advice: Option<&'static str>,
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

    /// Code and message as the service sends them, the class, and the start of the advice.
    #[test]
    fn what_an_answer_means_is_told_by_its_code_and_where_that_has_two_meanings_by_its_text() {
        use ErrorClass::{Account, CallerMistake, Throttled};
        let lacking = "the specified parameter service_tier is not supported for model doubao-seedance-2-0 in r2v, must be empty";
        for (code, message, class, advice) in [
            (
                "QuotaExceeded",
                "The number of queued tasks has reached the limit.",
                Throttled,
                "Too many tasks",
            ),
            (
                "QuotaExceeded",
                "The request has exceeded the quota. Request ID: 02",
                Throttled,
                "Too many tasks",
            ),
            (
                "QuotaExceeded",
                "Your account [21] has exhausted its free trial quota for the [m] model.",
                Account,
                "Activate",
            ),
            (
                "QuotaExceeded",
                "You have exceeded the monthly usage quota. It will reset at 2026-12-01.",
                Account,
                "Activate",
            ),
            ("QuotaExceeded.AgentPlanQuotaExceeded", "", Account, "Wait until the plan"),
            ("QuotaExceeded.DoubaoSearchFreeQuotaExceeded", "", CallerMistake, "Leave `tools` out"),
            ("QuotaExceeded.FromTheFuture", "", Account, "Activate"),
            ("OperationDenied.TosAccessDenied", "", CallerMistake, "Give the account"),
            ("OperationDenied.ArkAccessRoleNotFound", "", CallerMistake, "Authorize"),
            ("OperationDenied.ServiceOverdue", "", Account, "Pay"),
            ("OperationDenied.FromTheFuture", "", Account, ""),
            ("RateLimitExceeded.EndpointFlexTPMExceeded", "", Throttled, "Wait"),
            ("ModelAccountFlexTpmRateLimitExceeded", "", Throttled, "Wait"),
            ("InvalidParameter", lacking, CallerMistake, "Remove the field"),
            (
                "InvalidParameter",
                "The parameter `seed` specified in the request is not valid.",
                CallerMistake,
                "Correct",
            ),
        ] {
            let info = ErrorCode::from(code).info().unwrap();
            assert_eq!(info.class_of(message), class, "{code}: {message}");
            assert!(info.advice_of(message).starts_with(advice), "{code}: {}", info.advice_of(message));
        }
    }

    #[test]
    fn the_words_of_the_service_and_ours_are_apart() {
        for row in ERROR_CODES {
            assert!(
                !row.wire.is_empty() && row.wire != row.meaning && row.wire != row.advice,
                "{}",
                row.code
            );
        }
        assert!(ERROR_CODES.iter().filter(|row| !row.is_invented).count() >= 60);
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

//! Fault injection: the faults by name. Their effects are in `effects`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FaultPoint;

/// The form of an error's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Envelope {
    /// `{"error": {"code", "message", "param", "type"}}`.
    #[default]
    Nested,
    /// `{"code", "message"}`.
    Flat,
    /// `{"ResponseMetadata": {"RequestId", "Error": {"Code", "Message"}}}`.
    Management,
    /// `{"detail": …}`.
    Detail,
    /// A page of HTML, as gateways send it.
    Html,
    /// Nothing.
    Empty,
}

/// What goes wrong. In JSON and TOML the name is the field `fault`, its details stand beside it:
/// `{ "fault": "delay", "millis": 500 }`; in a prompt it is `[[fault:delay millis=500]]`.
///
/// "Accepted" means that the request was carried out: a create has made a task, which will be
/// billed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// The connection is closed without an answer, and nothing was done.
    DropBeforeAccept {
        /// Reset the connection instead of closing it.
        #[serde(default)]
        reset: bool,
    },
    /// The connection is closed without an answer, after the request was carried out.
    AcceptThenDrop {
        /// Reset the connection instead of closing it.
        #[serde(default)]
        reset: bool,
    },
    /// Nothing is done and nothing is answered for so long; then the connection is closed.
    HangBeforeAccept {
        /// How long, in seconds of real time.
        #[serde(default = "an_hour")]
        seconds: u64,
    },
    /// The request is carried out, but not answered for so long; then the connection is closed.
    HangAfterAccept {
        /// How long, in seconds of real time.
        #[serde(default = "an_hour")]
        seconds: u64,
    },
    /// The right answer, late.
    Delay {
        /// How late, in milliseconds of real time.
        #[serde(default = "a_second")]
        millis: u64,
    },
    /// Another status than the right one.
    Status {
        /// 200 to 599.
        status: u16,
        /// The vendor's code. Left out: a code that belongs to the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The message. Left out: what the code means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// The form of the body.
        #[serde(default)]
        envelope: Envelope,
        /// Whether the request is carried out anyway.
        #[serde(default)]
        accepted: bool,
        /// `Retry-After`, as it is to be sent: seconds, a date, or nonsense.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// Shorthand for one of the vendor's codes, with the status that belongs to it; nothing is
    /// done.
    Refuse {
        /// The code, such as `QuotaExceeded`.
        code: String,
        /// The message. Left out: what the code means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A gateway's error page with status 502.
    #[serde(rename = "html_502")]
    Html502 {
        /// Whether the request is carried out anyway.
        #[serde(default)]
        accepted: bool,
    },
    /// The right answer under the name `text/html`.
    WrongContentType,
    /// The right answer with so many bytes of padding in it.
    HugeAnswer {
        /// How many; at most 256 MiB.
        #[serde(default = "thirty_megabytes")]
        bytes: usize,
    },
    /// The head and half of the body, then the connection is closed.
    HalfAnswer,
    /// The right answer in small pieces.
    SlowDrip {
        /// Bytes in a piece.
        #[serde(default = "one")]
        bytes: usize,
        /// Milliseconds of real time between two pieces.
        #[serde(default = "a_second")]
        millis: u64,
        /// Whether the head comes in pieces too.
        #[serde(default)]
        head: bool,
    },
    /// Bytes that are not HTTP, after the request was carried out.
    Garbage,
    /// Half a status line, after the request was carried out.
    HalfHead,
    /// Status 200 and no body, after the request was carried out.
    EmptyAnswer,
    /// Status 200 and JSON that breaks off, after the request was carried out.
    CutJson,
    /// A created task whose `id` is empty.
    EmptyId,
    /// A created task without an `id`.
    NoId,
    /// Errors come as `{"code", "message"}`.
    FlatError,
    /// A redirect to another place, with nothing done.
    Redirect {
        /// The status: 301, 302, 303, 307 or 308.
        #[serde(default = "temporary_redirect")]
        status: u16,
        /// Where to.
        #[serde(default = "elsewhere")]
        to: String,
    },
    /// A task is in a state that no document knows.
    UnknownStatus {
        /// The state.
        #[serde(default = "paused")]
        status: String,
    },
    /// Times are texts of digits.
    StringTimes,
    /// Integers are written `5.0`.
    FloatNumbers,
    /// A failed task has its reason in `failure_reason`, as one of the vendor's runtimes expects
    /// it, instead of `error`.
    FailureReason,
    /// Members that no document knows.
    ExtraFields,
    /// The list has `null` for its items.
    NullItems,
    /// From the second page on, pages of the list overlap or leave tasks out, as they do while
    /// tasks are being created.
    ShiftingPages {
        /// By how many tasks: above 0 tasks come twice, below 0 they are left out.
        #[serde(default = "one_more")]
        by: i64,
    },
    /// The task is not there (404), though it is.
    Vanish,
    /// The task will fail with this code.
    Fail {
        /// The code, such as `OutputVideoSensitiveContentDetected`.
        code: String,
        /// The message. Left out: what the code means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The task takes longer to run.
    Slow {
        /// How many times longer.
        #[serde(default = "ten")]
        times: u32,
    },
    /// The link of a file is dead (403) before its time.
    DeadLink,
    /// The storage answers 400.
    #[serde(rename = "early_400")]
    Early400,
    /// Half of the file, then the connection is closed.
    HalfDownload,
    /// The storage announces another length than it sends: more, and the file seems to break off;
    /// less, and the end is missing.
    WrongLength {
        /// By how many bytes.
        #[serde(default = "thousand")]
        by: i64,
    },
    /// The file has another tag each time, as if it had been replaced.
    ChangedFile,
    /// The file comes without a length: its end is that of the connection, as HTTP/1.0 has it, or a
    /// last chunk.
    NoLength {
        /// In chunks.
        #[serde(default)]
        chunked: bool,
        /// Bytes that are missing at the end.
        #[serde(default, skip_serializing_if = "is_none")]
        missing: usize,
    },
    /// The file has another media type.
    MediaType {
        /// Which one; empty is none.
        #[serde(default = "plain_text")]
        media_type: String,
    },
    /// The file comes encoded as gzip, which was not asked for.
    Gzip,
    /// The whole file comes as a range (206), which was not asked for.
    WholeRange,
    /// Half of the file, then the connection is closed; and to a `Range`, bytes from elsewhere in
    /// the file under the right header.
    ShiftedRest,
    /// The file is empty.
    EmptyFile,
    /// A task that has succeeded is shown without the link to its video.
    NoLink {
        /// What is there in its place.
        #[serde(default)]
        form: LinkForm,
    },
    /// A failed task gives the reason as text, instead of an object.
    TextError,
    /// `Range` is not listened to: the whole file comes with status 200.
    NoRanges,
    /// A callback comes twice.
    CallbackTwice,
    /// A callback comes late, behind the next ones.
    CallbackLate {
        /// How late, in milliseconds of the simulator's clock.
        #[serde(default = "ten_seconds")]
        millis: u64,
    },
    /// A callback never comes.
    CallbackLost,
}

fn an_hour() -> u64 {
    3600
}
fn a_second() -> u64 {
    1000
}
fn ten_seconds() -> u64 {
    10_000
}
fn thirty_megabytes() -> usize {
    30_000_000
}
fn one() -> usize {
    1
}
fn one_more() -> i64 {
    1
}
fn ten() -> u32 {
    10
}
fn thousand() -> i64 {
    1000
}
fn temporary_redirect() -> u16 {
    307
}
fn elsewhere() -> String {
    "http://127.0.0.1:9/".to_owned()
}
fn is_none(count: &usize) -> bool {
    *count == 0
}
fn plain_text() -> String {
    "text/plain".to_owned()
}
fn paused() -> String {
    "paused".to_owned()
}

/// What stands instead of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkForm {
    /// The task has no `content`.
    #[default]
    NoContent,
    /// Its `content` is null.
    Null,
    /// The link is a number.
    Number,
    /// The link is empty.
    Empty,
}

/// Bytes that an answer may be blown up by.
const LARGEST: usize = 256 << 20;

/// Milliseconds that an answer may be late.
const LONGEST: u64 = 7 * 86_400_000;

impl Effect {
    /// Its name, as in the field `fault`.
    #[must_use]
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => {
                object.get("fault").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            _ => String::new(),
        }
    }

    /// Whether it applies to this endpoint.
    #[must_use]
    pub fn applies_to(&self, place: FaultPoint) -> bool {
        use FaultPoint::{Callback, Create, Delete, File, Get, List};
        match self {
            Self::EmptyId | Self::NoId | Self::Fail { .. } | Self::Slow { .. } => place == Create,
            Self::UnknownStatus { .. }
            | Self::StringTimes
            | Self::FloatNumbers
            | Self::NoLink { .. }
            | Self::TextError
            | Self::FailureReason => matches!(place, Get | List),
            Self::NullItems | Self::ShiftingPages { .. } => place == List,
            Self::Vanish => matches!(place, Get | Delete),
            Self::DeadLink
            | Self::Early400
            | Self::HalfDownload
            | Self::WrongLength { .. }
            | Self::ChangedFile
            | Self::NoLength { .. }
            | Self::MediaType { .. }
            | Self::Gzip
            | Self::WholeRange
            | Self::ShiftedRest
            | Self::EmptyFile
            | Self::NoRanges => place == File,
            Self::CallbackTwice | Self::CallbackLate { .. } | Self::CallbackLost => place == Callback,
            Self::WrongContentType
            | Self::HugeAnswer { .. }
            | Self::CutJson
            | Self::EmptyAnswer
            | Self::FlatError
            | Self::ExtraFields => !matches!(place, File | Callback),
            _ => place != Callback,
        }
    }

    /// The default endpoint: create, if the fault applies to it; redirects
    /// apply to files.
    pub(crate) fn fires_at(&self, place: FaultPoint) -> bool {
        match self {
            Self::Redirect { .. } => place == FaultPoint::File,
            Self::FlatError | Self::ExtraFields => self.applies_to(place),
            _ if self.applies_to(FaultPoint::Create) => place == FaultPoint::Create,
            _ => self.applies_to(place),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let status = |status: &u16, good: bool| {
            if good { Ok(()) } else { Err(format!("{status} is no status for that")) }
        };
        match self {
            Self::Status { status: code, .. } => status(code, (200..=599).contains(code)),
            Self::Redirect { status: code, .. } => status(code, matches!(code, 301 | 302 | 303 | 307 | 308)),
            Self::HugeAnswer { bytes } if *bytes > LARGEST => Err(format!("`bytes` is at most {LARGEST}")),
            Self::Delay { millis } | Self::SlowDrip { millis, .. } | Self::CallbackLate { millis }
                if *millis > LONGEST =>
            {
                Err(format!("`millis` is at most {LONGEST}"))
            }
            Self::HangAfterAccept { seconds } | Self::HangBeforeAccept { seconds }
                if *seconds > LONGEST / 1000 =>
            {
                Err(format!("`seconds` is at most {}", LONGEST / 1000))
            }
            Self::Refuse { code, .. } | Self::Fail { code, .. }
                if ark_video_model::ErrorCode::from(code.as_str()).info().is_none() =>
            {
                Err(format!("there is no code `{code}` in the vendor's table"))
            }
            Self::Refuse { code, .. } if super::effects::status_of(code).is_none() => Err(format!(
                "`{code}` is never an answer to a request, only the reason of a failed task: use `fail`"
            )),
            _ => Ok(()),
        }
    }
}

//! Every error of model, media, protocol and transport, printed with its sources and its advice:
//! no sentence twice.

use std::{error::Error, io, path::PathBuf};

use ark_video_media as media;
use ark_video_model as model;
use ark_video_protocol as protocol;
use ark_video_transport as transport;

/// One error of each kind that these crates report, with its advice.
fn errors() -> Vec<(Box<dyn Error>, &'static str)> {
    use media::{MediaSpecError, ProbeError};
    use protocol::{
        ApiError, BaseUrl, RequestError, SendError, SendErrorKind, callback::CallbackError,
        download::DownloadRefusal,
    };
    use transport::SaveError;

    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let path = || PathBuf::from("out/boat.mp4");
    let mut errors: Vec<(Box<dyn Error>, &'static str)> = Vec::new();
    macro_rules! add {
        ($($error:expr),+ $(,)?) => {$({
            let error = $error;
            let advice = error.advice();
            errors.push((Box::new(error), advice));
        })+};
    }
    add!(
        "x".parse::<model::catalog::Decimal>().unwrap_err(),
        model::catalog::Catalog::builtin().overlaid(&serde_json::json!([])).unwrap_err(),
        ProbeError::Open { path: path(), source: denied() },
        ProbeError::Read { at: 7, source: denied() },
        ProbeError::DataUrl { at: 7, wrong: "it has no comma" },
        ProbeError::Empty,
        ProbeError::NotRecognised { looks_like: None },
        ProbeError::NotRecognised { looks_like: Some("pdf") },
        ProbeError::Damaged { format: "png", at: 7, wrong: "its header has no size".to_owned() },
        ProbeError::TooMuch { format: "mp4", at: 7, limit: "16 MiB were read" },
        MediaSpecError::Unreadable { shown: "a.png".to_owned(), source: denied() },
        MediaSpecError::Unreadable {
            shown: "a.png".to_owned(),
            source: io::Error::other("the disk is on fire")
        },
        MediaSpecError::Folder { shown: "a".to_owned() },
        MediaSpecError::UnsupportedFormat { shown: "a.txt".to_owned() },
        MediaSpecError::Empty { shown: "a.png".to_owned() },
        MediaSpecError::KindUnknown,
        BaseUrl::parse("ftp://h").unwrap_err(),
        RequestError::EmptyId,
        RequestError::DotId("..".to_owned()),
        RequestError::Address { length: 70_000, reason: "uri too long".to_owned() },
        RequestError::Body("key must be a string".to_owned()),
        RequestError::TooLarge { length: 1 << 40 },
        RequestError::NotAttached,
        RequestError::Key,
        CallbackError::TooLarge(1 << 20),
        CallbackError::NotATask("Syntax error at line 1 column 1".to_owned()),
        CallbackError::NoId,
        CallbackError::UnusableId("\"..\"".to_owned()),
        DownloadRefusal::Link { why: "it cannot be read as a URL" },
        DownloadRefusal::DeadLink { status: 403 },
        DownloadRefusal::Status { status: 500 },
        DownloadRefusal::TooManyRedirects,
        DownloadRefusal::NotMedia { content_type: "text/html".to_owned() },
        DownloadRefusal::Empty,
        DownloadRefusal::TooLarge { length: 2, max_bytes: 1 },
        DownloadRefusal::WrongLength { length: 2, got: 1 },
        DownloadRefusal::ChecksumMismatch,
        DownloadRefusal::UnexpectedContent { what: "video", why: "it has no moov box".to_owned() },
        DownloadRefusal::Incomplete { why: "its last box is cut short".to_owned() },
        DownloadRefusal::Changed,
        DownloadRefusal::TooManyRanges,
        SaveError::Exists { path: path() },
        SaveError::Folder { path: path() },
        SaveError::Foreign { path: path(), why: "it has no header".to_owned() },
        SaveError::InUse { path: path() },
        SaveError::NoSpace { path: path(), needed: 2, available: 1 },
        SaveError::Stopped { path: path() },
        SaveError::File { action: "written", path: path(), source: denied() },
        SaveError::Refused(DownloadRefusal::DeadLink { status: 403 }),
        SaveError::Send(SendError::maybe_sent(SendErrorKind::Closed, "the host closed the connection")),
        ApiError::new(404, "ResourceNotFound", "The specified resource is not found."),
        ApiError::new(502, "", "the answer is empty"),
    );
    for kind in [SendErrorKind::Invalid, SendErrorKind::Dns, SendErrorKind::Tls, SendErrorKind::Timeout] {
        add!(
            SendError::not_sent(kind, "no answer from the host"),
            SendError::maybe_sent(kind, "no answer from the host")
        );
    }
    errors
}

#[test]
fn no_error_says_a_sentence_twice() {
    for (error, advice) in errors() {
        let mut sentences = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(current) = cause {
            sentences.push(current.to_string());
            cause = current.source();
        }
        sentences.push(advice.to_owned());
        let sentences: Vec<String> = sentences
            .iter()
            .flat_map(|text| text.split(['.', ':', ';', '\n']))
            .map(|text| text.trim().to_lowercase())
            .filter(|text| text.len() > 8)
            .collect();
        for (index, sentence) in sentences.iter().enumerate() {
            let again = sentences.iter().skip(index + 1).find(|other| other.contains(sentence.as_str()));
            assert_eq!(again, None, "said twice in: {error:?}: {sentences:?}");
        }
    }
}

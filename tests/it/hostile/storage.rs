//! What a storage host sends in place of a video, or beside it: bodies, headers, redirects, no HTTP
//! at all.

use std::fs;

use serde_json::{Value, json};

use super::answers::{Schemas, tasks};
use super::service::{Reply, Request, Service};
use super::{FORMS, HOSTILE_HEADER, SPEED, each, hostile, is_hostile, run, shell};

/// Headers that a storage may send, with as much in them as HTTP lets through.
const HEADERS: [(&str, &str); 8] = [
    ("Content-Type", HOSTILE_HEADER),
    ("Content-Disposition", "attachment; filename=\"../\u{202e}$(PWNED)`PWNED`.mp4\""),
    ("ETag", "\"\u{202e}; touch PWNED $(PWNED) <b onclick=x>\""),
    ("X-Tos-Request-Id", HOSTILE_HEADER),
    ("X-Tos-Hash-Crc64ecma", HOSTILE_HEADER),
    ("Retry-After", HOSTILE_HEADER),
    ("Last-Modified", HOSTILE_HEADER),
    ("Server", HOSTILE_HEADER),
];

/// One way to answer for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// The file, under hostile headers.
    Video,
    /// It is said to be encoded in a way that nobody asked for.
    Encoded,
    /// An error as object storages write them.
    Xml(u16),
    /// Sent away, to no place.
    Redirect,
    /// Fewer bytes than announced.
    CutShort,
    /// A header that HTTP forbids.
    BadHeader,
    /// No HTTP.
    Noise,
    /// No link, however often the task is asked for.
    NoLink,
    /// A link with all that a text can hold.
    BadLink,
}

impl Storage {
    pub(super) const ALL: [Self; 11] = [
        Self::Video,
        Self::Encoded,
        Self::Xml(200),
        Self::Xml(403),
        Self::Xml(503),
        Self::Redirect,
        Self::CutShort,
        Self::BadHeader,
        Self::Noise,
        Self::NoLink,
        Self::BadLink,
    ];

    /// What the service and the storage answer; all tasks have succeeded just now.
    pub(super) fn reply(self, schemas: &Schemas, request: &Request) -> Reply {
        if request.is_of_storage() {
            return self.file(&request.path);
        }
        tasks(schemas, request, &json!(5), &|task| {
            task["status"] = json!("succeeded");
            (task["created_at"], task["updated_at"]) = (json!(request.now), json!(request.now));
            for (field, name) in [("video_url", "v.mp4"), ("last_frame_url", "l.jpeg")] {
                task["content"][field] = match self {
                    Self::NoLink => Value::Null,
                    Self::BadLink => hostile(&format!("{}/{name}", request.storage)).into(),
                    _ => format!("{}/{name}?x=;touch(PWNED)'$PWNED", request.storage).into(),
                };
            }
        })
    }

    fn file(self, path: &str) -> Reply {
        let xml = format!("<Error><Code>{}</Code><Message>{}</Message></Error>", hostile("c"), hostile("m"));
        let name = if path.contains("l.jpeg") { "land.jpg" } else { "fragmented.mp4" };
        let media =
            fs::read(format!("{}/fixtures/collected-media/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let with = |header| [&HEADERS[..], &[header]].concat();
        match self {
            Self::Xml(status) => Reply::of(status, &HEADERS, xml.as_bytes()),
            Self::Encoded => {
                Reply::of(200, &with(("Content-Encoding", "gzip; touch $(PWNED)")), xml.as_bytes())
            }
            Self::Redirect => Reply::of(302, &with(("Location", HOSTILE_HEADER)), xml.as_bytes()),
            Self::CutShort => Reply::of(200, &with(("Content-Length", "999999")), &media[..999]),
            Self::BadHeader => Reply::of(200, &with(("ETag", "\"\u{1b}]0;PWNED\u{7}\"")), &media),
            Self::Noise => Reply::raw(hostile("HTTP/1.1").as_bytes()),
            Self::Video | Self::NoLink | Self::BadLink => Reply::of(200, &HEADERS, &media),
        }
    }
}

const LINES: [&[&str]; 4] = [
    &["download", "cgt-1", "-o", "d.mp4"],
    &["download", "cgt-1", "cgt-2", "--output-dir", "."],
    &["download", "--all-succeeded", "--output-dir", "."],
    &["generate", "A cat runs", "-o", "d.mp4", "--return-last-frame"],
];

#[test]
fn nothing_of_a_storage_acts_on_a_terminal_or_a_shell() {
    let hostile = each(Storage::ALL, async |storage| {
        let schemas = Schemas::read();
        let service = Service::start(SPEED, move |request| storage.reply(&schemas, request)).await;
        let mut hostile = 0;
        for line in LINES {
            for form in FORMS {
                let shell = shell(&service);
                let ran = run(&service, &shell, &format!("{storage:?}"), line, form).await;
                let saves = storage == Storage::Video;
                assert_eq!(ran.code == 0, saves, "{storage:?} {line:?}: {}", ran.stderr);
                hostile += usize::from(is_hostile(&ran));
                // However a task is called and whatever a header proposes: names stay in the
                // folder, and are plain.
                for name in shell.files() {
                    assert!(!name.contains(|c: char| super::acts(c) || "$`;<'\"".contains(c)), "{name:?}");
                }
            }
        }
        hostile
    });
    assert!(hostile.iter().all(|count| *count > 0), "hostile text was shown so often: {hostile:?}");
}

/// A service that takes no notice of the page: what it shows is saved, and that it is not all is
/// said.
#[tokio::test]
async fn videos_of_a_list_without_an_end_are_saved() {
    let schemas = Schemas::read();
    let service = Service::start(SPEED, move |request| {
        if request.is_of_storage() {
            return Storage::Video.file(&request.path);
        }
        let mut task = schemas.body("Task", &json!(request.now));
        (task["id"], task["status"]) = (json!("cgt-1"), json!("succeeded"));
        task["content"] = json!({ "video_url": format!("{}/v.mp4", request.storage) });
        Reply::json(200, &json!({ "total": 1_000, "items": [task] }))
    })
    .await;
    let shell = shell(&service);
    let ran = run(&service, &shell, "one page", &["download", "--all-succeeded"], "--text").await;
    assert_eq!((ran.code, shell.files()), (13, vec!["cgt-1.mp4".to_owned()]), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("repeats a page") && ran.stdout.contains("saved     cgt-1.mp4"),
        "{}",
        ran.stderr
    );
}

//! Files inside a create: read while they are sent, equal to the same body made in memory, and
//! honest when they change.

use std::{
    io::{self, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ark_video_protocol::{
    Endpoint,
    body::{BodyPlan, Source, Token},
};
use ark_video_transport::{
    BodySource, FileSource, HttpTransport, RequestBody, SendError, SendErrorKind, SendStage, Timeouts,
    Transport,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response};

use crate::server::{Server, whole};

/// A body with one medium for each source, and the same body with the media written out.
fn body(sources: Vec<Arc<dyn BodySource>>, media: &[Vec<u8>]) -> (RequestBody, String) {
    let tokens: Vec<Token> = (0..sources.len()).map(|at| Token::new([at as u8; 16])).collect();
    let json = |urls: Vec<String>| serde_json::json!({ "model": "m", "content": urls }).to_string();
    let planned = json(tokens.iter().map(|token| token.placeholder("image/png")).collect());
    let written = media
        .iter()
        .map(|bytes| format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes)))
        .collect();
    let plan = BodyPlan::new(planned.into(), |token| {
        let index = tokens.iter().position(|known| known == token)?;
        Some(Source::new(index, sources[index].length()))
    });
    (RequestBody::new(plan.unwrap(), sources), json(written))
}

fn file(path: &Path) -> Arc<dyn BodySource> {
    Arc::new(FileSource::new(path).unwrap())
}

async fn create(server: &Server, body: RequestBody) -> Result<Response<Bytes>, SendError> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = server.url("/x").parse().unwrap();
    HttpTransport::new().send(Endpoint::Create, request).await
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[tokio::test]
async fn files_arrive_as_the_same_body_made_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(whole("200 OK", "", "{}"));
    // Around the size of a piece, and at every remainder of three.
    let media = [0, 1, 2, 3, 4, (384 << 10) - 1, 384 << 10, (384 << 10) + 1, 3 << 20].map(noise);
    let sources = media.iter().enumerate().map(|(at, bytes)| {
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, bytes).unwrap();
        file(&path)
    });
    let (body, expected) = body(sources.collect(), &media);
    assert_eq!(body.read().unwrap(), expected.as_bytes());
    assert_eq!(body.bytes(), None);
    create(&server, body).await.unwrap();
    let [seen] = server.requests().try_into().unwrap();
    let (head, sent) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains(&format!("content-length: {}", expected.len())), "{head}");
    assert!(sent == expected, "the bodies differ");
}

#[tokio::test]
async fn a_file_that_has_gone_or_changed_before_the_send_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.png");
    let server = Server::answering(whole("200 OK", "", "{}"));
    std::fs::write(&path, "a cat").unwrap();
    let (gone, _) = body(vec![file(&path)], &[]);
    let changed = gone.clone();
    std::fs::write(&path, "a larger cat").unwrap();
    let error = create(&server, changed).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Invalid));
    assert!(
        error
            .message
            .ends_with("cat.png cannot be sent: it was changed since it was looked at: it had 5 bytes then")
    );
    std::fs::remove_file(&path).unwrap();
    let error = create(&server, gone).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Invalid));
    assert!(error.message.contains("no such file"), "{error}");
    assert_eq!(server.connections(), 0);
    assert!(FileSource::new(folder.path()).is_err(), "a folder is no file");
}

/// Says that it has `said` bytes and gives `given`.
#[derive(Debug)]
struct Liar {
    said: u64,
    given: usize,
}

impl BodySource for Liar {
    fn name(&self) -> String {
        "liar.png".to_owned()
    }

    fn length(&self) -> u64 {
        self.said
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + Sync>> {
        Ok(Box::new(Cursor::new(noise(self.given))))
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_breaks_the_request_off_and_may_have_been_sent() {
    let said = 2_u64 << 20;
    for given in [1 << 20, (2 << 20) - 1, (2 << 20) + 1] {
        let server = Server::answering(whole("200 OK", "", r#"{"id":"cgt-1"}"#));
        let (body, _) = body(vec![Arc::new(Liar { said, given })], &[]);
        assert!(body.read().is_err());
        let error = create(&server, body).await.unwrap_err();
        assert_eq!(
            (error.stage, error.kind),
            (SendStage::MaybeSent, SendErrorKind::Invalid),
            "{given}: {error}"
        );
        assert!(error.message.starts_with("liar.png cannot be sent: it was changed"), "{error}");
        assert!(server.requests().is_empty(), "no whole request arrives");
    }
}

#[tokio::test]
async fn a_source_that_was_not_handed_over_is_not_sent() {
    let server = Server::answering(whole("200 OK", "", "{}"));
    let json = Token::new([9; 16]).placeholder("image/png");
    let plan = BodyPlan::new(json.into(), |_| Some(Source::new(3, 9))).unwrap();
    let error = create(&server, RequestBody::new(plan, Vec::new())).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Invalid), "{error}");
    assert_eq!(server.connections(), 0);
}

/// Counts what is taken from it.
#[derive(Debug)]
struct Counted {
    length: u64,
    taken: Arc<AtomicU64>,
}

impl BodySource for Counted {
    fn name(&self) -> String {
        "counted.png".to_owned()
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + Sync>> {
        Ok(Box::new(Counter { left: self.length, taken: self.taken.clone() }))
    }
}

struct Counter {
    left: u64,
    taken: Arc<AtomicU64>,
}

impl Read for Counter {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(into.len() as u64);
        self.left -= count;
        self.taken.fetch_add(count, Ordering::Relaxed);
        Ok(usize::try_from(count).unwrap())
    }
}

#[tokio::test]
async fn no_more_is_read_than_the_network_takes() {
    // Accepts the connection and never reads: only what fits into the system's buffers can leave.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = Server::raw(move |stream, _| {
        let _ = held.lock().unwrap().recv();
        drop(stream);
    });
    let taken = Arc::new(AtomicU64::new(0));
    let source = Counted { length: 45 << 20, taken: taken.clone() };
    let (body, _) = body(vec![Arc::new(source)], &[]);
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = server.url("/x").parse().unwrap();
    let timeouts = Timeouts::new().upload_stall(Duration::from_millis(300));
    let transport = HttpTransport::new().with_timeouts(timeouts);
    let error = transport.send(Endpoint::Create, request).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::MaybeSent, SendErrorKind::Timeout), "{error}");
    let taken = taken.load(Ordering::Relaxed);
    assert!((1..12 << 20).contains(&taken), "{taken} bytes were read ahead");
    drop(release);
}

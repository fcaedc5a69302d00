//! A service and its storage on one socket of this machine, which answer whatever a test wants,
//! byte by byte.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::FastClock;

/// What was requested.
pub(super) struct Request {
    pub(super) method: String,
    /// Without the base, as in `/models` and `/contents/generations/tasks/cgt-1`.
    pub(super) path: String,
    pub(super) body: Value,
    /// Where the storage is, without a slash at its end.
    pub(super) storage: String,
    /// The service's time, in seconds since 1970.
    pub(super) now: i64,
}

impl Request {
    /// The task that it is about.
    pub(super) fn id(&self) -> Option<String> {
        let id = self.path.strip_prefix("/contents/generations/tasks/")?;
        Some(percent_decoded(id))
    }

    pub(super) fn is_list(&self) -> bool {
        self.method == "GET" && self.path.starts_with("/contents/generations/tasks?")
    }

    pub(super) fn is_of_storage(&self) -> bool {
        self.path.starts_with("/storage")
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// An answer, to its last byte.
pub(super) struct Reply(Vec<u8>);

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    pub(super) fn of(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Content-Length") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str("\r\n");
        Self([head.as_bytes(), body].concat())
    }

    /// Something that may be no HTTP at all.
    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

type Answer = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A service that gives one kind of answer at a time.
pub(super) struct Service {
    pub(super) base_url: String,
    pub(super) clock: Arc<FastClock>,
    answer: Arc<Mutex<Answer>>,
}

impl Service {
    /// One whose time is so much faster than the machine's.
    pub(super) async fn start(
        speed: f64,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(answer)));
        let clock = FastClock::new(speed);
        let service =
            Self { base_url: format!("{host}/api/v3"), clock: Arc::clone(&clock), answer: answer.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, clock) = (Arc::clone(&answer), Arc::clone(&clock));
                let storage = format!("{host}/storage");
                tokio::spawn(async move {
                    let now = ark_video::transport::Clock::now(&*clock) / 1000;
                    let _ = serve(stream, storage, now, &answer).await;
                });
            }
        });
        service
    }

    /// Answers in another way from now on.
    pub(super) fn set(&self, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }
}

async fn serve(
    mut stream: TcpStream,
    storage: String,
    now: i64,
    answer: &Mutex<Answer>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                break (head, bytes.split_off(end + 4));
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let mut parts = head.split(' ');
    let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let request = Request {
        method: method.to_owned(),
        path: path.strip_prefix("/api/v3").unwrap_or(path).to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        storage,
        now,
    };
    let answer = Arc::clone(&answer.lock().unwrap());
    let Reply(bytes) = answer(&request);
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

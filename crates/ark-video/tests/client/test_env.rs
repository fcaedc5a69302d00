//! A test environment for one client: scripted responses, time that passes only in sleeps, fixed
//! randomness.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use ark_video::{
    Client, ClientBuilder,
    download::AddressPolicy,
    error::{SendError, SendErrorKind},
    transport::{AnswerBody, BoxFuture, Clock, Endpoint, Random, RequestBody, Transport, UnixMillis},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};

/// 2026-11-22T10:15:30Z.
pub(crate) const START: UnixMillis = 1_795_342_530_000;

pub(crate) const KEY: &str = "very-secret-key";

/// What a script says to a request.
pub(crate) type Answer = Result<Response<Bytes>, SendError>;

/// A request as it went out.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// Seconds since the start of the env.
    pub(crate) second: u64,
    pub(crate) endpoint: Endpoint,
    pub(crate) request: Request<Bytes>,
}

impl Sent {
    /// `GET /v3/models`, for tables.
    pub(crate) fn line(&self) -> String {
        let target = self.request.uri().path_and_query().unwrap();
        format!("{} {target}", self.request.method())
    }
}

type Script = Box<dyn Fn(usize, &Sent) -> Answer + Send + Sync>;
/// What a storage host says to a request, with its number; `<cut>` breaks the connection.
pub(crate) type VideoResponse = Response<Vec<&'static str>>;
type Storage = Box<dyn Fn(usize, &Request<()>) -> VideoResponse + Send + Sync>;

pub(crate) struct TestEnv {
    script: Script,
    storage: Storage,
    sent: Mutex<Vec<Sent>>,
    opened: Mutex<Vec<Request<()>>>,
    elapsed: Mutex<Duration>,
}

impl fmt::Debug for TestEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestEnv")
    }
}

impl TestEnv {
    /// The script gets each request with its number, from 0.
    pub(crate) fn new(script: impl Fn(usize, &Sent) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Self::with_storage(script, |_, _| Response::new(Vec::new()))
    }

    pub(crate) fn with_storage(
        script: impl Fn(usize, &Sent) -> Answer + Send + Sync + 'static,
        storage: impl Fn(usize, &Request<()>) -> VideoResponse + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            storage: Box::new(storage),
            sent: Mutex::default(),
            opened: Mutex::default(),
            elapsed: Mutex::default(),
        })
    }

    /// One answer to everything.
    pub(crate) fn always(status: u16, body: &'static str) -> Arc<Self> {
        Self::new(move |_, _| answer(status, body))
    }

    /// These answers, one after the other; the last one stays.
    pub(crate) fn telling(answers: &'static [(u16, &'static str)]) -> Arc<Self> {
        Self::new(move |number, _| {
            let (status, body) = answers[number.min(answers.len() - 1)];
            answer(status, body)
        })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        self.client_at("https://ark.example/v3")
    }

    pub(crate) fn client_at(self: &Arc<Self>, base: &str) -> Client {
        self.builder().base_url(base).build().unwrap()
    }

    pub(crate) fn builder(self: &Arc<Self>) -> ClientBuilder {
        Client::builder()
            .api_key(KEY)
            .base_url("https://ark.example/v3")
            .transport(self.clone())
            .clock(self.clone())
            .random(self.clone())
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().iter().map(Sent::line).collect()
    }

    pub(crate) fn seconds(&self) -> Vec<u64> {
        self.sent().iter().map(|sent| sent.second).collect()
    }

    /// What the script says to this request.
    pub(crate) fn said(&self, number: usize, sent: &Sent) -> Answer {
        (self.script)(number, sent)
    }

    pub(crate) fn opened(&self) -> Vec<Request<()>> {
        self.opened.lock().unwrap().clone()
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.elapsed.lock().unwrap() += time;
    }
}

impl Transport for TestEnv {
    fn send(&self, endpoint: Endpoint, request: Request<RequestBody>) -> BoxFuture<'_, Answer> {
        if let Err(error) = request.body().leave() {
            let refused = SendError::not_sent(SendErrorKind::Invalid, error.to_string());
            return Box::pin(async move { Err(refused) });
        }
        let request = request.map(|body| body.read().unwrap());
        let sent = Sent { second: self.monotonic().as_secs(), endpoint, request };
        let number = {
            let mut all = self.sent.lock().unwrap();
            all.push(sent.clone());
            all.len() - 1
        };
        let said = (self.script)(number, &sent);
        Box::pin(async move { said })
    }

    fn open(
        &self,
        request: Request<()>,
        _: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        let number = self.opened().len();
        let said = (self.storage)(number, &request);
        self.opened.lock().unwrap().push(request);
        let said = said.map(|pieces| Box::new(Pieces(pieces)) as Box<dyn AnswerBody>);
        Box::pin(async move { Ok(said) })
    }
}

struct Pieces(Vec<&'static str>);

impl AnswerBody for Pieces {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SendError>> {
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        Box::pin(async move {
            match piece {
                Some("<cut>") => Err(SendError::maybe_sent(SendErrorKind::Body, "the connection broke off")),
                piece => Ok(piece.map(|text| Bytes::from_static(text.as_bytes()))),
            }
        })
    }
}

impl Clock for TestEnv {
    fn now(&self) -> UnixMillis {
        START + UnixMillis::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.pass(pause);
        Box::pin(async {})
    }
}

impl Random for TestEnv {
    fn fill(&self, bytes: &mut [u8]) {
        // The middle of the range, so that waits have no jitter; and distinct ids.
        let calls = self.sent.lock().unwrap().len();
        bytes.fill(0);
        let middle = [0, 0, 0, 0x80];
        match bytes.len() {
            4 => bytes.copy_from_slice(&middle),
            _ => bytes[0] = u8::try_from(calls % 200).unwrap(),
        }
    }
}

pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(answer)
}

/// A task in this state.
pub(crate) fn task(status: &str) -> Answer {
    answer(200, format!(r#"{{"id":"cgt-1","model":"m","status":"{status}","created_at":1795342530}}"#))
}

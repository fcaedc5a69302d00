//! The usual [`Transport`]: one request, one answer, over the network. How its clients are set up
//! is in `clients.rs`.

use std::{
    future::ready,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use ark_video_protocol::{
    Endpoint, MAX_ANSWER, MAX_LIST_ANSWER, REQUEST_ID, SendError, SendErrorKind, download::AddressPolicy,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, Uri, request::Parts};
use reqwest::{Client, ClientBuilder, Url};

use crate::{
    AnswerBody, BoxFuture, HttpTransportBuilder, Proxy, RequestBody, SettingError, Timeouts, Transport,
    clients::{Clients, with_requirements},
    error::{out_of_reach, stage, translate},
    send_body::{Progress, SendBody},
    ssrf,
};

/// Sends over the network. Cheap to clone; clones share connections.
///
/// A tokio runtime with its timer and I/O must be running.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    clients: Arc<Clients>,
}

impl HttpTransport {
    /// The defaults: proxy from the environment.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Timeouts::default(), Proxy::default(), None, false)
    }

    /// Starts from the defaults.
    #[must_use]
    pub fn builder() -> HttpTransportBuilder {
        HttpTransportBuilder::default()
    }

    /// Sends everything through a client of your own, for example one with a company's client
    /// certificate. What a create needs is set here, whatever the builder says: no redirects, no
    /// retries, no decompression, HTTP/1.1, and no connection used twice.
    ///
    /// Timeouts are ours too, except the one to connect. All else is the client's, also how it
    /// finds the addresses of storage hosts: those are checked beforehand, which is less than our
    /// own client does. Default headers of the client go to storage hosts as well: no secrets in
    /// them.
    ///
    /// # Errors
    /// The builder's settings make no client.
    pub fn with_client(client: ClientBuilder) -> Result<Self, SettingError> {
        let client = with_requirements(client).map_err(SettingError)?;
        Ok(Self::with(Timeouts::default(), Proxy::default(), Some(client), false))
    }

    /// [`api_address`] of a create, parsed once: parsing costs half as much as writing the request.
    fn create_address(&self, uri: &Uri) -> Result<Url, SendError> {
        if let Some((_, url)) = self.clients.create_address.get().filter(|(known, _)| known == uri) {
            return Ok(url.clone());
        }
        let url = api_address(uri)?;
        // A second address is parsed for each create.
        let _ = self.clients.create_address.set((uri.clone(), url.clone()));
        Ok(url)
    }

    pub(crate) fn of(clients: Clients) -> Self {
        Self { clients: Arc::new(clients) }
    }

    fn with(timeouts: Timeouts, proxy: Proxy, own: Option<Client>, reuse: bool) -> Self {
        Self { clients: Arc::new(Clients::new(timeouts, proxy, own, reuse)) }
    }

    /// The same client with other timeouts.
    #[must_use]
    pub fn with_timeouts(&self, timeouts: Timeouts) -> Self {
        let clients = &self.clients;
        let other = Clients::new(timeouts, clients.proxy.clone(), clients.own.clone(), clients.reuse);
        Self { clients: Arc::new(other.trusting(clients.roots.clone())) }
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new()
    }
}

/// The address as the HTTP library sees it.
fn address(uri: &Uri) -> Result<Url, SendError> {
    let invalid = |why| SendError::not_sent(SendErrorKind::Invalid, why);
    Url::parse(&uri.to_string()).map_err(|error| invalid(format!("the address cannot be used ({error})")))
}

/// The address of the API, which must arrive as it is: the library resolves `..`, and a request
/// that would go elsewhere is not sent at all.
fn api_address(uri: &Uri) -> Result<Url, SendError> {
    let url = address(uri)?;
    if url.path() != uri.path() || url.query() != uri.query() {
        let why = "the path of the address would be changed on the way".to_owned();
        return Err(SendError::not_sent(SendErrorKind::Invalid, why));
    }
    Ok(url)
}

impl HttpTransport {
    /// Everything before the first await, so that the future holds no second copy of the request.
    fn start(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> Result<Exchange<impl Future<Output = reqwest::Result<reqwest::Response>> + Unpin + use<>>, SendError>
    {
        let (Parts { method, uri, headers, .. }, body) = request.into_parts();
        let create = endpoint == Endpoint::Create;
        let url = if create { self.create_address(&uri)? } else { api_address(&uri)? };
        let client = self.clients.for_api(create, uri.host().unwrap_or_default())?;
        let has_body = body.length() > 0;
        let first = body.first_byte();
        let body =
            body.open().map_err(|error| SendError::not_sent(SendErrorKind::Invalid, error.to_string()))?;
        let (body, progress) = SendBody::new(body, first);
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        if has_body {
            *request.body_mut() = Some(reqwest::Body::wrap(body));
        }
        let limit = match endpoint {
            Endpoint::List | Endpoint::Models => MAX_LIST_ANSWER,
            _ => MAX_ANSWER,
        };
        Ok(Exchange { pending: client.execute(request), create, uri, has_body, progress, limit })
    }
}

impl Transport for HttpTransport {
    fn send(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        match self.start(endpoint, request) {
            Ok(exchange) => Box::pin(exchange.run(&self.clients)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn open(
        &self,
        request: Request<()>,
        reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        Box::pin(async move {
            let (parts, ()) = request.into_parts();
            let url = address(&parts.uri)?;
            // As the library reads it: it takes `0x7f.1` for 127.0.0.1.
            let host = url.host_str().unwrap_or_default().to_owned();
            if !ssrf::host_allowed(&host, reach)
                || (self.clients.own.is_some() && !ssrf::name_allowed(&host, reach).await)
            {
                return Err(SendError::not_sent(SendErrorKind::Invalid, out_of_reach(&host)));
            }
            self.clients.route.check(&parts.uri, self.clients.timeouts.connect).await?;
            let through = self.clients.route.through(&parts.uri);
            let client = self.clients.guarded(&host, reach)?;
            let mut request = reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            let timeout = self.clients.timeouts.read;
            let answer = match tokio::time::timeout(timeout, client.execute(request)).await {
                Ok(answer) => answer.map_err(|error| translate(&error, &host, &through, None))?,
                Err(_) => {
                    let why = format!("no answer from {host} within {} s", timeout.as_secs_f64());
                    return Err(SendError::maybe_sent(SendErrorKind::Timeout, why));
                }
            };
            let mut given = Response::new(());
            *given.status_mut() = answer.status();
            given.headers_mut().clone_from(answer.headers());
            let body = StreamedBody { answer, host, stall: self.clients.timeouts.download_stall };
            Ok(given.map(|()| Box::new(body) as Box<dyn AnswerBody>))
        })
    }
}

/// Status and id of an answer whose body has not arrived yet.
type Head = Mutex<Option<(StatusCode, Option<HeaderValue>)>>;

/// One request on its way.
struct Exchange<F> {
    /// What the HTTP library does with it.
    pending: F,
    create: bool,
    uri: Uri,
    has_body: bool,
    progress: Progress,
    /// The most bytes that are read of an answer.
    limit: usize,
}

impl<F: Future<Output = reqwest::Result<reqwest::Response>> + Unpin> Exchange<F> {
    /// Sends the request and reads its answer, within the timeouts.
    async fn run(mut self, clients: &Clients) -> Result<Response<Bytes>, SendError> {
        let Self { pending, create, uri, has_body, progress, limit } = &mut self;
        let (uri, progress) = (&*uri, &*progress);
        let (timeouts, host) = (&clients.timeouts, uri.host().unwrap_or_default());
        clients.route.check(uri, timeouts.connect).await?;
        let head = Head::default();
        let proof = has_body.then_some(progress);
        let failed = |error| translate(&error, host, &clients.route.through(uri), proof);
        let mut work = pin!(read_answer(pending, host, failed, *limit, &head));
        if *create {
            let done = progress.within(timeouts, clients.connecting(host), work).await;
            return done.unwrap_or_else(|| Err(too_late(host, timeouts, progress, &head)));
        }
        tokio::time::timeout(timeouts.read, work.as_mut()).await.unwrap_or_else(|_| {
            let why = format!("no answer from {host} in time");
            Err(SendError::maybe_sent(SendErrorKind::Timeout, why))
        })
    }
}

/// Reads the answer of `host`, up to `limit` bytes; `failed` translates a failure to get one.
async fn read_answer(
    pending: impl Future<Output = reqwest::Result<reqwest::Response>>,
    host: &str,
    failed: impl FnOnce(reqwest::Error) -> SendError,
    limit: usize,
    head: &Head,
) -> Result<Response<Bytes>, SendError> {
    let mut answer = pending.await.map_err(failed)?;
    let status = answer.status();
    let id = answer.headers().get(REQUEST_ID).cloned();
    if let Ok(mut head) = head.lock() {
        *head = Some((status, id.clone()));
    }
    let too_large = || {
        let why = format!("the answer of {host} is larger than the {limit} bytes that are read");
        answered(SendError::maybe_sent(SendErrorKind::TooLarge, why), status, id.as_ref())
    };
    let announced = answer.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(too_large());
    }
    // Most come in one piece, which needs no copy.
    let (mut whole, mut body) = (Bytes::new(), BytesMut::new());
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) if whole.len() + body.len() + piece.len() > limit => return Err(too_large()),
            Ok(Some(piece)) if whole.is_empty() && body.is_empty() => whole = piece,
            Ok(Some(piece)) => {
                if body.is_empty() {
                    body.reserve(usize::try_from(announced).unwrap_or(0));
                    body.extend_from_slice(&std::mem::take(&mut whole));
                }
                body.extend_from_slice(&piece);
            }
            Ok(None) => break,
            Err(error) => return Err(answered(translate(&error, host, "", None), status, id.as_ref())),
        }
    }
    let mut given = Response::new(if body.is_empty() { whole } else { body.freeze() });
    *given.status_mut() = status;
    *given.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(given)
}

/// Adds what the head of the answer said.
fn answered(error: SendError, status: StatusCode, id: Option<&HeaderValue>) -> SendError {
    error.answered(status.as_u16(), id.and_then(|id| id.to_str().ok()).map(str::to_owned))
}

fn too_late(host: &str, timeouts: &Timeouts, progress: &Progress, head: &Head) -> SendError {
    use crate::send_body::Stage;
    let why = match progress.stage() {
        Stage::Waiting => format!("no connection to {host} in time"),
        Stage::Uploading => {
            format!("the upload to {host} stood still for {} s", timeouts.upload_stall.as_secs_f64())
        }
        Stage::Taken => {
            format!(
                "no whole answer from {host} within {} s after the request",
                timeouts.answer.as_secs_f64()
            )
        }
    };
    let error = SendError::new(stage(false, Some(progress)), SendErrorKind::Timeout, why);
    match head.lock().ok().and_then(|mut head| head.take()) {
        Some((status, id)) => answered(error, status, id.as_ref()),
        None => error,
    }
}

#[derive(Debug)]
struct StreamedBody {
    answer: reqwest::Response,
    host: String,
    stall: Duration,
}

impl AnswerBody for StreamedBody {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SendError>> {
        Box::pin(async move {
            match tokio::time::timeout(self.stall, self.answer.chunk()).await {
                Ok(piece) => piece.map_err(|error| translate(&error, &self.host, "", None)),
                Err(_) => {
                    let why = format!("{} sent nothing for {} s", self.host, self.stall.as_secs_f64());
                    Err(SendError::maybe_sent(SendErrorKind::Timeout, why))
                }
            }
        })
    }
}

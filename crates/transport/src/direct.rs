//! The straight way: hyper's own client, to hosts that need no proxy. A create takes a quarter less work than through the
//! library above it, which reads every address twice more, and a connection less memory.
//!
//! It repeats no create, follows nothing, and with `fresh` uses no connection twice. Proxies, downloads and a client of the
//! user's own are `clients.rs`'s.

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        Client, Error as ClientError,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{clients::IDLE, send_body::SendBody};

/// A create may be thought about for a minute; what lies between must not forget the connection meanwhile.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A client that reaches hosts directly. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Direct(Client<Patient, Boxed>);

/// A connection has room for 32 requests that wait: they had better be small.
pub(crate) type Boxed = Box<SendBody>;

impl Direct {
    /// For creates or for questions; a `fresh` one uses no connection twice.
    pub(crate) fn new(create: bool, fresh: bool, tls: rustls::ClientConfig, patience: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Names);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        // A question that met a closed connection before a byte of it left may take another.
        builder.retry_canceled_requests(!create);
        if fresh {
            builder.pool_max_idle_per_host(0);
        }
        Self(builder.build(Patient { secure: HttpsConnector::from((tcp, tls)), patience }))
    }

    pub(crate) async fn send(&self, request: Request<Boxed>) -> Result<Response<Incoming>, ClientError> {
        self.0.request(request).await
    }
}

/// Finds the addresses of a name.
#[derive(Debug, Clone)]
struct Names;

/// A name has no address.
#[derive(Debug)]
pub(crate) struct NotFound(io::Error);

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for NotFound {}

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = NotFound;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NotFound>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotFound>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotFound)?;
            Ok(found.collect::<Vec<_>>().into_iter())
        })
    }
}

/// Connects and encrypts within a time.
#[derive(Debug, Clone)]
struct Patient {
    secure: HttpsConnector<HttpConnector<Names>>,
    patience: Duration,
}

/// The time to connect is up.
#[derive(Debug)]
pub(crate) struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is up")
    }
}

impl Error for TooSlow {}

type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Patient {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.secure.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, patience) = (self.secure.call(to), self.patience);
        Box::pin(async move { tokio::time::timeout(patience, connecting).await.map_err(|_| TooSlow)? })
    }
}

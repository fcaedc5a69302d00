//! The two transports: lines on standard input and output, and HTTP with a bearer token.
#![expect(clippy::disallowed_types, reason = "the server for agents listens on a socket")]

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use rmcp::ServiceExt as _;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use subtle::ConstantTimeEq as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

use super::quotes::random;
use super::server::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The variable with the bearer token.
const TOKEN: &str = "ARK_MCP_TOKEN";
/// Largest message, in bytes.
const LARGEST: usize = 4 << 20;
/// Bytes between the streams and the protocol.
const BUFFER: usize = 64 << 10;

/// Serves one session on the command's own streams, until the client closes them.
pub(super) async fn stdio(session: &mut Session, agent: Agent) -> Result<(), Failure> {
    let (from_client, incoming) = tokio::io::duplex(BUFFER);
    let (outgoing, to_client) = tokio::io::duplex(BUFFER);
    if let Some(stdin) = session.stdin.take() {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || forward(stdin, from_client, &runtime));
    }
    let transport = AsyncRwTransport::new(incoming, outgoing).with_max_line_length(LARGEST);
    let mut lines = BufReader::new(to_client).lines();
    let serving = async {
        // A client that leaves before the handshake is none.
        if let Ok(running) = agent.serve(transport).await {
            let _ = running.waiting().await;
        }
    };
    tokio::pin!(serving);
    let mut is_over = false;
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => session.output.json_text(&format!("{line}\n")),
                _ => return Ok(()),
            },
            () = &mut serving, if !is_over => is_over = true,
            () = session.interrupts.next() => return Ok(()),
        }
    }
}

/// Reads the client's lines until they end.
fn forward(mut stdin: Box<dyn Read + Send>, mut to: DuplexStream, runtime: &tokio::runtime::Handle) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = stdin.read(&mut buffer) {
        if runtime.block_on(to.write_all(&buffer[..count])).is_err() {
            return;
        }
    }
}

/// Serves sessions on a socket until Ctrl-C.
pub(super) async fn http(
    session: &mut Session,
    addr: SocketAddr,
    agent: impl Fn() -> Agent + Send + Sync + 'static,
) -> Result<(), Failure> {
    let given = session.env.get(TOKEN).filter(|token| !token.trim().is_empty());
    let token = match given {
        Some(token) => token.trim().to_owned(),
        None => random(24)?,
    };
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Configuration, format!("cannot listen on {addr}: {error}"))
            .hint("give another address: --http 127.0.0.1:8789")
    };
    let listener = tokio::net::TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let mut config = StreamableHttpServerConfig::default().with_max_request_body_bytes(LARGEST);
    config = config.enforce_origin_validation();
    if !addr.ip().is_loopback() {
        config = config.disable_allowed_hosts();
        session.output.warn("requests and the bearer token are not encrypted: use a proxy with TLS");
    }
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(agent()), sessions, config);
    let expected: Arc<str> = format!("Bearer {token}").into();
    let app = Router::new().route_service("/mcp", service).layer(middleware::from_fn(
        move |request: Request, next: Next| authorized(Arc::clone(&expected), request, next),
    ));
    session.output.note(format_args!("MCP server: http://{addr}/mcp"));
    if given.is_none() {
        session.output.note(format_args!("bearer token, until the server stops: {token}"));
    }
    tokio::select! {
        ended = axum::serve(listener, app).into_future() => ended.map_err(failed),
        () = session.interrupts.next() => Ok(()),
    }
}

async fn authorized(expected: Arc<str>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    if given.is_some_and(|given| bool::from(given.ct_eq(expected.as_bytes()))) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, "the bearer token is missing or wrong\n").into_response()
}

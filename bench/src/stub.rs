//! A server that answers at once and keeps nothing: what is measured is the client. hyper, one
//! thread, loopback. It takes creates, has a finished task under every id, and a file of any size:
//! `cgt-SIZE` links to `/files/SIZE`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// Prints the base URL, then serves until it is killed.
pub(crate) fn serve() -> crate::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/api/v3", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                // A client that goes away ends its own connection only.
                let _ =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (parts, mut body) = request.into_parts();
    while let Some(Ok(_)) = body.frame().await {}
    let name = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let text = if parts.method == Method::POST {
        format!("{{\"id\":\"cgt-20261123000000-{:05}\"}}", NEXT.fetch_add(1, Ordering::Relaxed))
    } else if parts.uri.path().starts_with("/files/") {
        return Ok(file(name.parse().unwrap_or(0), parts.headers.get(header::RANGE)));
    } else {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let link = format!("http://{host}/files/{}", name.trim_start_matches("cgt-"));
        format!(
            "{{\"id\":\"{name}\",\"model\":\"ep-bench\",\"status\":\"succeeded\",\"content\":{{\"video_url\":\"{link}\"}},\
             \"created_at\":1794789125,\"updated_at\":1794789273}}"
        )
    };
    let mut response = Response::new(Answer { left: text.len() as u64, piece: Bytes::from(text) });
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A file of so many bytes, or the rest of it.
fn file(size: u64, range: Option<&HeaderValue>) -> Response<Answer> {
    static PIECE: [u8; 256 << 10] = video();
    let from =
        range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start = from.unwrap_or(0).min(size);
    let mut response = Response::new(Answer { piece: Bytes::from_static(&PIECE), left: size - start });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, HeaderValue::from_static("\"bench\""));
    if from.is_some()
        && let Ok(range) = HeaderValue::try_from(format!("bytes {start}-{}/{size}", size.saturating_sub(1)))
    {
        headers.insert(header::CONTENT_RANGE, range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// A video by its header alone: its last box extends to the end of the file.
const fn video() -> [u8; 256 << 10] {
    let mut bytes = [0x5a; 256 << 10];
    let head = *b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov\0\0\0\0mdat";
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    bytes
}

/// The same bytes over and over.
struct Answer {
    piece: Bytes,
    left: u64,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.piece.len());
        self.left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(self.piece.slice(..length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

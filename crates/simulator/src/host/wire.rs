//! Connections that can be cut, held and fed by hand: faults of the network, played on the raw
//! socket.
//!
//! A request's handler gets the [`Line`] that it came over. Once the line is cut, the HTTP server
//! can write no more and lets go of it, so that "closed without an answer" really is closed without
//! a byte.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use bytes::Bytes;
use http::{Response, header};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep},
};

/// Listens for connections that can be cut.
pub(crate) struct Wires {
    pub(crate) listener: TcpListener,
    /// How long a client may pause within a request.
    pub(crate) request_timeout: Duration,
}

impl Listener for Wires {
    type Io = Socket;
    type Addr = Line;

    async fn accept(&mut self) -> (Socket, Line) {
        let (stream, _) = <TcpListener as Listener>::accept(&mut self.listener).await;
        // Small answers must not wait for the acknowledgement of the one before; a socket that
        // refuses is only slower.
        let _ = stream.set_nodelay(true);
        let line = Line { stream: Arc::new(stream), cut: Arc::default(), half_sent: Arc::default() };
        let timer = Box::pin(tokio::time::sleep(self.request_timeout));
        (Socket { line: line.clone(), request_timeout: self.request_timeout, timer }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// A handle on a connection, beside the HTTP server's own.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    stream: Arc<TcpStream>,
    cut: Arc<AtomicBool>,
    /// Bytes of a request have come, and its end has not.
    half_sent: Arc<AtomicBool>,
}

impl Connected<IncomingStream<'_, Wires>> for Line {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.remote_addr().clone()
    }
}

impl Line {
    /// The request that was being read is complete: the client may be silent from now on.
    pub(crate) fn request_complete(&self) {
        self.half_sent.store(false, Ordering::Release);
    }

    /// Lets nothing out any more; the connection ends as soon as the HTTP server tries to write.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// As [`cut`](Self::cut), with a reset instead of an orderly end.
    pub(crate) fn reset(&self) {
        // Without it the end is orderly, which is a broken connection as well.
        let _ = self.stream.set_zero_linger();
        self.cut();
    }

    /// Writes bytes past the HTTP server. A closed connection is not an error: there is no
    /// receiver.
    pub(crate) async fn write(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.stream.writable().await.is_err() {
                return;
            }
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Writes bytes in pieces with pauses between them.
    pub(crate) async fn drip(&self, bytes: &[u8], piece: usize, pause: Duration) {
        for piece in bytes.chunks(piece.max(1)) {
            self.write(piece).await;
            tokio::time::sleep(pause).await;
        }
    }
}

/// The head of an answer as it goes over the wire, with a length of its own.
pub(crate) fn head(answer: &Response<Bytes>, length: i64) -> Vec<u8> {
    head_with(answer, "HTTP/1.1", &format!("content-length: {length}\r\n"))
}

/// The same without a length: as HTTP/1.0 sent it, or in chunks.
pub(crate) fn head_without_length(answer: &Response<Bytes>, chunked: bool) -> Vec<u8> {
    if chunked {
        head_with(answer, "HTTP/1.1", "transfer-encoding: chunked\r\n")
    } else {
        head_with(answer, "HTTP/1.0", "")
    }
}

fn head_with(answer: &Response<Bytes>, version: &str, framing: &str) -> Vec<u8> {
    let status = answer.status();
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let mut head = format!("{version} {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name != header::CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(format!("{framing}connection: close\r\n\r\n").as_bytes());
    head
}

/// Whether a short read means that the socket is empty: true on edge-triggered systems.
const PARTIAL_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "macos"));

/// The HTTP server's side of a connection.
pub(crate) struct Socket {
    line: Line,
    request_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Socket {
    fn check(&self) -> io::Result<()> {
        if self.line.cut.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.check()?;
            if self.line.stream.poll_read_ready(cx)?.is_pending() {
                return self.poll_half_sent(cx);
            }
            let before = buffer.filled().len();
            match self.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    if buffer.filled().len() > before {
                        self.line.half_sent.store(true, Ordering::Release);
                        let deadline = Instant::now() + self.request_timeout;
                        self.timer.as_mut().reset(deadline);
                    }
                    return Poll::Ready(done);
                }
            }
        }
    }
}

impl Socket {
    /// A client that stops in the middle of a request holds its connection only so long.
    fn poll_half_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.half_sent.load(Ordering::Acquire) && self.timer.as_mut().poll(cx).is_ready() {
            // The timer wakes once; whether the request was complete by then decides.
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// As tokio's own reader does: after a read that leaves room the socket counts as empty, which
    /// spares the next call the question.
    fn read(&self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let mut done = None;
        let emptied = self.line.stream.try_io(Interest::READABLE, || {
            let read = self.line.stream.try_read_buf(buffer)?;
            done = Some(());
            if PARTIAL_IS_LAST && read > 0 && buffer.remaining() > 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(())
        });
        done.map_or(emptied, Ok)
    }

    fn poll_out(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            self.check()?;
            ready!(self.line.stream.poll_write_ready(cx))?;
            match write(&self.line.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream| stream.try_write_vectored(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.check())
    }

    /// The end comes when the last handle on the socket is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

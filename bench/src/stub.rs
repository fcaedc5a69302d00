//! A server that answers at once and keeps nothing: what is measured is the client. hyper, one thread, loopback.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let created = request.method() == Method::POST;
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let text = if created {
        format!("{{\"id\":\"cgt-20261123000000-{:05}\"}}", NEXT.fetch_add(1, Ordering::Relaxed))
    } else {
        "{}".to_owned()
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

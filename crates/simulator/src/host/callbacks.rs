//! Sends callbacks: plain HTTP/1.1, to this machine only unless other hosts are allowed. https
//! callbacks are not sent; a note says so.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ark_video_protocol::is_loopback_host;
use http::Uri;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Shared;
use crate::service::{Callback, Note};

/// How long the receiver has to answer (create page, 2026-10). Real time, however fast the clock
/// runs.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends due callbacks until it is stopped. It also advances the service while callbacks are
/// planned, since they are due without any request.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let woken = shared.news.notified();
        let (due, next) = shared.quietly(|service, now| {
            service.advance(now);
            let next = if service.calls_back() { service.next_event() } else { None };
            (service.take_callbacks(now), next)
        });
        let mut by_task: BTreeMap<String, Vec<Callback>> = BTreeMap::new();
        for callback in due {
            by_task.entry(callback.task_id.clone()).or_default().push(callback);
        }
        for callbacks in by_task.into_values() {
            tokio::spawn(deliver(Arc::clone(&shared), callbacks));
        }
        let pause = next.and_then(|at| shared.clock.until(at));
        tokio::select! {
            () = woken => {}
            () = shared.stopped() => return,
            () = sleep(pause) => {}
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause.max(Duration::from_millis(1))).await,
        None => std::future::pending().await,
    }
}

/// Sends the due callbacks of one task in order; reordering happens only as a requested fault.
async fn deliver(shared: Arc<Shared>, callbacks: Vec<Callback>) {
    for callback in callbacks {
        one(&shared, callback).await;
    }
}

async fn one(shared: &Shared, callback: Callback) {
    let status = match target(&callback.url, shared.callbacks_anywhere) {
        Ok(target) => {
            tokio::time::timeout(RESPONSE_TIMEOUT, post(&target, &callback.body)).await.ok().flatten()
        }
        Err(why) => {
            if callback.attempt == 1 {
                shared
                    .note(&Note { task_id: callback.task_id, text: format!("no callback was sent: {why}") });
            }
            None
        }
    };
    shared.with(|service, now| service.callback_done(now, callback.number, status));
}

/// Where a callback goes.
struct Target {
    host: String,
    port: u16,
    path: String,
}

fn target(url: &str, anywhere: bool) -> Result<Target, String> {
    let uri: Uri = url.parse().map_err(|_| "its address cannot be read".to_owned())?;
    if uri.scheme_str() != Some("http") {
        return Err("the simulator calls back over plain http only".to_owned());
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if !anywhere && !is_loopback_host(&host) {
        return Err(format!("{host} is another machine, and calling back to those was not allowed"));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Target { host, port: uri.port_u16().unwrap_or(80), path })
}

/// The status of the answer, if there is one.
async fn post(target: &Target, body: &[u8]) -> Option<u16> {
    let Target { host, port, path } = target;
    let mut stream = TcpStream::connect((host.as_str(), *port)).await.ok()?;
    let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {shown}:{port}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    let mut line = Vec::new();
    // `HTTP/1.1 200` is all that counts.
    while line.len() < 12 {
        let mut piece = [0; 12];
        match stream.read(&mut piece).await.ok()? {
            0 => return None,
            read => line.extend_from_slice(&piece[..read]),
        }
    }
    let status = std::str::from_utf8(line.get(9..12)?).ok()?;
    line.starts_with(b"HTTP/1.").then(|| status.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_stay_on_this_machine_and_in_plain_http() {
        for (url, anywhere, good) in [
            ("http://127.0.0.1:8080/hook?x=1", false, true),
            ("http://localhost/hook", false, true),
            ("http://[::1]:9/", false, true),
            ("http://media.example/", false, false),
            ("http://media.example/", true, true),
            ("https://127.0.0.1/", true, false),
            ("http://127.0.0.1.evil.example/", false, false),
            ("not an address", true, false),
        ] {
            assert_eq!(target(url, anywhere).is_ok(), good, "{url}");
        }
    }
}

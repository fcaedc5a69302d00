//! Fetches and measures what is behind media URLs, for the simulator: from this machine and from
//! the hosts that the user named, and nowhere else.

use std::io::Write;
use std::sync::Arc;

use ark_video::download::AddressPolicy;
use ark_video::model::check::MediaFacts;
use ark_video::transport::Transport;
use ark_video_media::probe_file;
use http::{Request, Uri};

/// Largest file that is fetched, in bytes: the service takes up to 200 MB.
const LARGEST: u64 = 256 << 20;

/// Whence media are fetched.
#[derive(Clone)]
pub(crate) struct MediaFetch {
    transport: Arc<dyn Transport>,
    hosts: Arc<[String]>,
}

impl MediaFetch {
    /// From this machine and from `hosts`.
    pub(crate) fn new(transport: Arc<dyn Transport>, hosts: Vec<String>) -> Self {
        Self { transport, hosts: hosts.into() }
    }

    /// The facts of what is behind a URL; `None` where it is not fetched, or is nothing.
    pub(crate) async fn facts(self, url: String) -> Option<MediaFacts> {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?;
        let is_own = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        if !is_own && !self.hosts.iter().any(|known| known == host) {
            return None;
        }
        let reach = if is_own { AddressPolicy::Loopback } else { AddressPolicy::Anywhere };
        let answer = self.transport.open(Request::get(uri).body(()).ok()?, reach).await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let mut body = answer.into_body();
        let mut file = tempfile::NamedTempFile::new().ok()?;
        let mut bytes = 0;
        while let Some(piece) = body.chunk().await.ok()? {
            bytes += piece.len() as u64;
            if bytes > LARGEST {
                return None;
            }
            file.write_all(&piece).ok()?;
        }
        tokio::task::spawn_blocking(move || probe_file(file.path()).ok()).await.ok()?
    }
}

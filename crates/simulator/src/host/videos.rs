//! Rendered files, kept so that each is rendered once, however often and by however many clients it
//! is fetched. Renders off the async threads; touches no socket.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::{
    render::VideoSpec,
    service::{FilePart, RenderJob},
};

/// Bytes that are kept; the oldest files go first. The largest file of the service has about 20 MB.
const KEPT: usize = 256 << 20;

type Key = (VideoSpec, FilePart);

/// The files that were rendered, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Videos(Mutex<VecDeque<(Key, Arc<OnceCell<Bytes>>)>>);

impl Videos {
    /// The file, rendered where it is not there yet. A client that comes meanwhile waits for it.
    ///
    /// # Errors
    /// Why it cannot be rendered.
    pub(crate) async fn get(&self, job: &RenderJob) -> Result<Bytes, String> {
        let slot = self.slot((*job.spec(), job.part()));
        let file = slot.get_or_try_init(|| async {
            let job = job.clone();
            let rendered = tokio::task::spawn_blocking(move || job.render()).await;
            rendered.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        });
        file.await.cloned()
    }

    fn slot(&self, key: Key) -> Arc<OnceCell<Bytes>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(slot);
        }
        while kept.iter().map(|(_, slot)| slot.get().map_or(0, Bytes::len)).sum::<usize>() > KEPT {
            kept.pop_front();
        }
        let slot = Arc::default();
        kept.push_back((key, Arc::clone(&slot)));
        slot
    }
}

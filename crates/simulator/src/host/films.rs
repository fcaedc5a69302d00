//! Rendered files, kept so that each is rendered once, however often and by however many clients it is fetched.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    render::VideoSpec,
    service::{FilePart, RenderJob},
};

/// Bytes of files that are kept; the oldest go first. The largest film of the service has some tens of megabytes.
const KEPT: usize = 256 << 20;

type Key = (VideoSpec, FilePart);
type Slot = Arc<OnceCell<Bytes>>;

/// The files, oldest first.
#[derive(Debug)]
pub(crate) struct Films {
    kept: Mutex<VecDeque<(Key, Slot)>>,
    /// One film at a time: the renderer uses every core by itself.
    turn: Semaphore,
}

impl Default for Films {
    fn default() -> Self {
        Self { kept: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Films {
    /// The file, rendered off the async threads where it is not there yet. Who comes while it is being rendered waits for it.
    ///
    /// # Errors
    /// Why it cannot be rendered.
    pub(crate) async fn get(&self, job: &RenderJob) -> Result<Bytes, String> {
        let slot = self.slot((*job.spec(), job.part()));
        slot.get_or_try_init(|| async {
            let _turn = self.turn.acquire().await.map_err(|error| error.to_string())?;
            let job = job.clone();
            let rendered = tokio::task::spawn_blocking(move || job.render()).await;
            rendered.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        })
        .await
        .cloned()
    }

    fn slot(&self, key: Key) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(slot);
        }
        let size = |slot: &Slot| slot.get().map_or(0, Bytes::len);
        while kept.iter().map(|(_, slot)| size(slot)).sum::<usize>() > KEPT {
            kept.pop_front();
        }
        let slot = Slot::default();
        kept.push_back((key, Arc::clone(&slot)));
        slot
    }
}

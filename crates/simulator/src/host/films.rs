//! Rendered files, kept so that each is rendered once, however often and by however many clients it is fetched; and encoded
//! pictures, which large films of one size share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    render::{self, Film, RenderError, VideoSpec},
    service::{FilePart, RenderJob},
};

/// Bytes that are kept of files, and of pictures; the oldest go first. The largest film of the service has some tens of megabytes.
const KEPT: usize = 256 << 20;

/// What was made, oldest first.
#[derive(Debug)]
struct Kept<K, V>(Mutex<VecDeque<(K, Arc<OnceCell<V>>)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, V> Kept<K, V> {
    fn slot(&self, key: K, size: impl Fn(&V) -> usize) -> Arc<OnceCell<V>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(slot);
        }
        while kept.iter().map(|(_, slot)| slot.get().map_or(0, &size)).sum::<usize>() > KEPT {
            kept.pop_front();
        }
        let slot = Arc::default();
        kept.push_back((key, Arc::clone(&slot)));
        slot
    }
}

pub(crate) struct Films {
    files: Kept<(VideoSpec, FilePart), Bytes>,
    pictures: Kept<VideoSpec, Arc<Film>>,
    /// One film at a time: the renderer uses every core by itself.
    turn: Semaphore,
}

impl Default for Films {
    fn default() -> Self {
        Self { files: Kept::default(), pictures: Kept::default(), turn: Semaphore::new(1) }
    }
}

impl Films {
    /// The file, rendered off the async threads where it is not there yet. Who comes while it is being rendered waits for it.
    ///
    /// # Errors
    /// Why it cannot be rendered.
    pub(crate) async fn get(&self, job: &RenderJob) -> Result<Bytes, String> {
        let slot = self.files.slot((*job.spec(), job.part()), Bytes::len);
        let file = slot.get_or_try_init(|| async {
            let job = job.clone();
            if job.part() != FilePart::Film {
                return self.work(move || job.render()).await;
            }
            let picture = self.picture(*job.spec()).await?;
            self.work(move || job.assemble(&picture)).await
        });
        file.await.cloned()
    }

    async fn picture(&self, spec: VideoSpec) -> Result<Arc<Film>, String> {
        // The others are kept as files, and no other film could use them.
        if !spec.shares_picture() {
            return self.encode(spec).await;
        }
        let slot = self.pictures.slot(spec.picture(), |film| film.size());
        slot.get_or_try_init(|| self.encode(spec)).await.cloned()
    }

    async fn encode(&self, spec: VideoSpec) -> Result<Arc<Film>, String> {
        self.work(move || render::encode_picture(&spec).map(Arc::new)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RenderError> + Send + 'static,
    ) -> Result<T, String> {
        let _turn = self.turn.acquire().await.map_err(|error| error.to_string())?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

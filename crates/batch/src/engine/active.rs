//! The jobs that this process works on, one at most for each key, and what ends with the run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::drive::drive;
use super::locked;
use super::shared::Shared;
use crate::Job;

/// A job that is under way.
#[derive(Debug)]
struct UnderWay {
    model: String,
    /// Its row was claimed once more meanwhile: it changed while this process worked on it.
    again: Option<Job>,
}

/// The jobs under way.
#[derive(Default)]
pub(crate) struct Active {
    jobs: Mutex<HashMap<String, UnderWay>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Takes the key out of the list, also where work ends in a panic: its row is left as after a
/// crash.
struct Leave {
    active: Arc<Active>,
    shared: Arc<Shared>,
    key: String,
}

impl Drop for Leave {
    fn drop(&mut self) {
        locked(&self.active.jobs).remove(&self.key);
        self.shared.wake.notify_one();
    }
}

impl Active {
    pub(crate) fn is_empty(&self) -> bool {
        locked(&self.jobs).is_empty()
    }

    /// How many of a model.
    pub(crate) fn of_model(&self, model: &str) -> usize {
        locked(&self.jobs).values().filter(|job| job.model == model).count()
    }

    /// Everything that is under way ends at once, as after a crash.
    pub(crate) fn abort(&self) {
        locked(&self.tasks).abort_all();
    }

    /// Works on a job that was claimed; if this process does already, once more when that ends.
    pub(crate) fn start(self: &Arc<Self>, shared: &Arc<Shared>, job: Job) {
        let key = job.key.clone();
        let mut jobs = locked(&self.jobs);
        if let Some(under_way) = jobs.get_mut(&key) {
            under_way.again = Some(job);
            return;
        }
        jobs.insert(key.clone(), UnderWay { model: job.model().to_owned(), again: None });
        drop(jobs);
        let leave = Leave { active: self.clone(), shared: shared.clone(), key };
        let mut tasks = locked(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let mut next = Some(job);
            while let Some(job) = next {
                drive(&leave.shared, job).await;
                next = leave.active.again(&leave.key);
            }
        });
    }

    fn again(&self, key: &str) -> Option<Job> {
        locked(&self.jobs).get_mut(key).and_then(|under_way| under_way.again.take())
    }
}

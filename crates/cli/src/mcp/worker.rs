//! The runner of the journal behind the tools: it sends what was confirmed, once, and watches and
//! downloads what exists, also of earlier starts. Decides nothing about a request.

use std::sync::{Arc, Mutex, PoisonError};

use ark_video::Client;
use ark_video_batch::{EventKind, Journal, Runner, RunnerOptions, StopCause};
use tokio::sync::{Notify, watch};

use super::BATCH;

/// Reaches the runner.
#[derive(Debug)]
pub(super) struct Worker {
    wake: Notify,
    again: Notify,
    stop: watch::Sender<bool>,
    trouble: Mutex<Option<String>>,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self {
            wake: Notify::new(),
            again: Notify::new(),
            stop: watch::Sender::new(false),
            trouble: Mutex::default(),
        }
    }

    /// There may be something to do.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Starts another run, which searches at once for each create with an unknown outcome.
    pub(super) fn search(&self) {
        self.again.notify_one();
    }

    /// Why nothing is sent, if that is so.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts nothing new; creates that are in flight are recorded.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Runs the batch whenever there is something to do, until it is stopped.
    pub(super) async fn run(self: Arc<Self>, client: Client, journal: Journal, options: RunnerOptions) {
        let mut stop = self.stop.subscribe();
        while !*stop.borrow_and_update() {
            let runner = Runner::new(client.clone(), journal.clone(), options.clone());
            let (mut events, handle, running) = runner.run(&[BATCH.to_owned()]);
            self.set_trouble(None);
            tokio::pin!(running);
            let mut again = false;
            let ended = loop {
                tokio::select! {
                    ended = &mut running => break ended,
                    Some(event) = events.next() => {
                        if let EventKind::Stopped { reason, .. } = event.kind {
                            self.set_trouble(Some(reason));
                        }
                    }
                    Ok(()) = stop.changed() => handle.drain(),
                    () = self.wake.notified() => {
                        // It may have ended at this point: then another one looks.
                        again = true;
                        handle.wake();
                    }
                    () = self.again.notified() => {
                        again = true;
                        handle.drain();
                    }
                }
            };
            match ended {
                Ok(summary) => {
                    let stopped = summary.stopped.filter(|stopped| stopped.cause != StopCause::Asked);
                    self.set_trouble(stopped.map(|stopped| stopped.reason));
                }
                Err(error) => self.set_trouble(Some(error.to_string())),
            }
            if again {
                continue;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.again.notified() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

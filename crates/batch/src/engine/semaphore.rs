//! A semaphore that gives its permits to those with the earliest deadline first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::locked;

#[derive(Debug)]
struct Inside {
    free: usize,
    next: u64,
    /// By deadline, then by arrival.
    waiting: BTreeMap<(i64, u64), oneshot::Sender<DeadlinePermit>>,
}

/// A semaphore. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct DeadlineSemaphore(Arc<Mutex<Inside>>);

/// Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct DeadlinePermit(Option<DeadlineSemaphore>);

impl DeadlineSemaphore {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(Inside { free: at_once.max(1), next: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a permit; the earliest deadline comes first.
    pub(crate) async fn acquire(&self, deadline: i64) -> DeadlinePermit {
        let permit = {
            let mut inside = locked(&self.0);
            if inside.free > 0 {
                inside.free -= 1;
                return DeadlinePermit(Some(self.clone()));
            }
            let (sender, receiver) = oneshot::channel();
            inside.next += 1;
            let number = inside.next;
            inside.waiting.insert((deadline, number), sender);
            receiver
        };
        // The sender is in the map until it is used, and the map lives as long as this.
        permit.await.unwrap_or(DeadlinePermit(None))
    }

    fn leave(&self) {
        loop {
            let first = {
                let mut inside = locked(&self.0);
                match inside.waiting.pop_first() {
                    Some((_, first)) => first,
                    None => {
                        inside.free += 1;
                        return;
                    }
                }
            };
            match first.send(DeadlinePermit(Some(self.clone()))) {
                Ok(()) => return,
                // It waits no longer; the permit is still to be given away.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

impl Drop for DeadlinePermit {
    fn drop(&mut self) {
        if let Some(semaphore) = self.0.take() {
            semaphore.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_earliest_deadline_is_next_and_who_left_is_passed_over() {
        let semaphore = DeadlineSemaphore::new(1);
        let mut first = pin!(semaphore.acquire(100));
        let permit = poll(first.as_mut()).unwrap();
        let mut late = pin!(semaphore.acquire(50));
        let mut early = pin!(semaphore.acquire(20));
        let mut gone = Box::pin(semaphore.acquire(10));
        assert!(
            poll(late.as_mut()).is_none() && poll(early.as_mut()).is_none() && poll(gone.as_mut()).is_none()
        );
        drop(gone);
        drop(permit);
        assert!(poll(late.as_mut()).is_none());
        let permit = poll(early.as_mut()).unwrap();
        assert!(poll(late.as_mut()).is_none());
        drop(permit);
        drop(poll(late.as_mut()).unwrap());
        let mut again = pin!(semaphore.acquire(0));
        assert!(poll(again.as_mut()).is_some());
    }
}

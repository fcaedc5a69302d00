//! Lets so many through at once, those with the earliest deadline first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

#[derive(Debug)]
struct Inside {
    free: usize,
    next: u64,
    /// By deadline, then by arrival.
    waiting: BTreeMap<(i64, u64), oneshot::Sender<Pass>>,
}

/// A turnstile. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Turnstile(Arc<Mutex<Inside>>);

/// Whoever holds one is inside.
#[derive(Debug)]
pub(crate) struct Pass(Option<Turnstile>);

impl Turnstile {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(Inside { free: at_once.max(1), next: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a place; the earliest deadline comes first.
    pub(crate) async fn enter(&self, deadline: i64) -> Pass {
        let place = {
            let mut inside = self.lock();
            if inside.free > 0 {
                inside.free -= 1;
                return Pass(Some(self.clone()));
            }
            let (sender, receiver) = oneshot::channel();
            inside.next += 1;
            let number = inside.next;
            inside.waiting.insert((deadline, number), sender);
            receiver
        };
        // The sender is in the map until it is used, and the map lives as long as this.
        place.await.unwrap_or(Pass(None))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self) {
        loop {
            let first = {
                let mut inside = self.lock();
                match inside.waiting.pop_first() {
                    Some((_, first)) => first,
                    None => {
                        inside.free += 1;
                        return;
                    }
                }
            };
            match first.send(Pass(Some(self.clone()))) {
                Ok(()) => return,
                // It waits no longer; the place is still to be given away.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(turnstile) = self.0.take() {
            turnstile.leave();
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
        let turnstile = Turnstile::new(1);
        let mut first = pin!(turnstile.enter(100));
        let pass = poll(first.as_mut()).unwrap();
        let mut late = pin!(turnstile.enter(50));
        let mut early = pin!(turnstile.enter(20));
        let mut gone = Box::pin(turnstile.enter(10));
        assert!(
            poll(late.as_mut()).is_none() && poll(early.as_mut()).is_none() && poll(gone.as_mut()).is_none()
        );
        drop(gone);
        drop(pass);
        assert!(poll(late.as_mut()).is_none());
        let pass = poll(early.as_mut()).unwrap();
        assert!(poll(late.as_mut()).is_none());
        drop(pass);
        drop(poll(late.as_mut()).unwrap());
        let mut again = pin!(turnstile.enter(0));
        assert!(poll(again.as_mut()).is_some());
    }
}

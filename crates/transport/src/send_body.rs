//! A request body that records when it was read. The proof of "not sent", and the stall timeout of
//! an upload.
//!
//! Because such a body cannot be cloned, no layer below can send it a second time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::{SourceError, Timeouts, body_stream::OpenBody, request_body::BeforeFirstByte};

/// How far a body got.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Clone)]
struct State {
    stage: Stage,
    since: Instant,
    /// Why the body broke off.
    failure: Option<SourceError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not a byte was asked for: nothing can have left.
    Waiting,
    /// Some were taken.
    Uploading,
    /// All were taken.
    Taken,
}

impl Progress {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State { stage: Stage::Waiting, since: Instant::now(), failure: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved_to(&self, stage: Stage) {
        let mut state = self.state();
        (state.stage, state.since) = (stage, Instant::now());
    }

    pub(crate) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// Why the body broke off, if it did.
    pub(crate) fn failure(&self) -> Option<SourceError> {
        self.state().failure.clone()
    }

    /// When the stage times out, unless the body moves before; `connecting` is the limit of the
    /// first.
    fn deadline(&self, timeouts: &Timeouts, connecting: Duration) -> Instant {
        let (stage, since) = {
            let state = self.state();
            (state.stage, state.since)
        };
        let timeout = match stage {
            Stage::Waiting => connecting,
            Stage::Uploading => timeouts.upload_stall,
            Stage::Taken => timeouts.answer,
        };
        since.checked_add(timeout).unwrap_or_else(|| since + Duration::from_secs(86_400 * 365))
    }

    /// Runs `work` until it ends or the deadline of the body's stage has passed (`None`).
    ///
    /// A stage that starts while this sleeps can have an earlier deadline than the one before, but
    /// not one that lies before the shortest timeout has passed: so it sleeps no longer than that.
    /// The connector's counts too: a timer that is earlier than all others wakes tokio's reactor
    /// with a system call, and with this one waiting the connector's is not.
    pub(crate) async fn within<T>(
        &self,
        timeouts: &Timeouts,
        connecting: Duration,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let shortest = timeouts.upload_stall.min(timeouts.answer).min(timeouts.connect);
        let shortest = shortest.max(Duration::from_millis(10));
        loop {
            let deadline = self.deadline(timeouts, connecting);
            let wake = Instant::now().checked_add(shortest).map_or(deadline, |at| at.min(deadline));
            if let Ok(done) = tokio::time::timeout_at(wake, work.as_mut()).await {
                return Some(done);
            }
            if Instant::now() >= self.deadline(timeouts, connecting) {
                return None;
            }
        }
    }
}

/// A body in pieces, of a length that is known from the start.
#[derive(Debug)]
pub(crate) struct SendBody {
    rest: OpenBody,
    progress: Progress,
    /// Taken when the first byte is asked for.
    first: Option<BeforeFirstByte>,
}

impl SendBody {
    pub(crate) fn new(body: OpenBody, first: BeforeFirstByte) -> (Self, Progress) {
        let progress = Progress::new();
        (Self { rest: body, progress: progress.clone(), first: Some(first) }, progress)
    }
}

impl Body for SendBody {
    type Data = Bytes;
    type Error = SourceError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceError>>> {
        if let Some(Err(error)) = self.first.take().map(|first| first.call()) {
            self.progress.state().failure = Some(error.clone());
            return Poll::Ready(Some(Err(error)));
        }
        let Some(piece) = self.rest.next() else { return Poll::Ready(None) };
        match &piece {
            Ok(_) if self.rest.left() == 0 => self.progress.moved_to(Stage::Taken),
            Ok(_) => self.progress.moved_to(Stage::Uploading),
            Err(error) => self.progress.state().failure = Some(error.clone()),
        }
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.left())
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use super::*;
    use crate::RequestBody;

    const PIECE: usize = 64 << 10;
    const CONNECTING: Duration = Duration::from_secs(30);

    fn send(bytes: impl Into<Bytes>) -> (SendBody, Progress) {
        let body = RequestBody::from(bytes.into());
        SendBody::new(body.open().unwrap(), body.first_byte())
    }

    async fn take(body: &mut SendBody) -> Option<Bytes> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context))
            .await
            .map(|frame| frame.unwrap().into_data().unwrap())
    }

    #[tokio::test]
    async fn a_body_says_how_far_it_got_and_how_long_it_is() {
        let (mut body, progress) = send(vec![7; PIECE + 1]);
        assert_eq!((progress.stage(), body.size_hint().exact()), (Stage::Waiting, Some(PIECE as u64 + 1)));
        assert_eq!(take(&mut body).await.unwrap().len(), PIECE);
        assert_eq!((progress.stage(), body.is_end_stream()), (Stage::Uploading, false));
        assert_eq!(take(&mut body).await.unwrap().len(), 1);
        assert_eq!((progress.stage(), body.is_end_stream()), (Stage::Taken, true));
        assert_eq!(take(&mut body).await, None);
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_before_the_first_byte_keeps_it_back() {
        let calls = Arc::new(Mutex::new(0));
        for fails in [false, true] {
            let seen = calls.clone();
            let before = move || {
                *seen.lock().unwrap() += 1;
                if fails { Err(std::io::Error::other("the disk is full")) } else { Ok(()) }
            };
            let body = RequestBody::from(Bytes::from_static(b"{}")).before_first_byte(Arc::new(before));
            let (mut body, progress) = SendBody::new(body.open().unwrap(), body.first_byte());
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.unwrap();
            assert_eq!(frame.is_err(), fails);
            let stage = if fails { Stage::Waiting } else { Stage::Taken };
            assert_eq!((progress.stage(), progress.failure().is_some()), (stage, fails));
        }
        assert_eq!(*calls.lock().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_moving_upload_has_no_total_limit_and_a_standing_one_ends_after_twenty_seconds() {
        let timeouts = Timeouts::new();
        let (mut body, progress) = send(vec![0; 100 * PIECE]);
        let start = Instant::now();
        let outcome = progress
            .within(
                &timeouts,
                CONNECTING,
                pin!(async {
                    for _ in 0..50 {
                        tokio::time::sleep(Duration::from_secs(19)).await;
                        take(&mut body).await;
                    }
                    std::future::pending::<()>().await;
                }),
            )
            .await;
        assert_eq!(outcome, None);
        assert_eq!(start.elapsed().as_secs(), 50 * 19 + 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_timeout_of_the_answer_is_not_lengthened_by_the_one_before() {
        let timeouts = Timeouts::new().answer(Duration::from_secs(1));
        let (mut body, progress) = send("{}");
        let start = Instant::now();
        let outcome = progress
            .within(
                &timeouts,
                CONNECTING,
                pin!(async {
                    tokio::time::sleep(Duration::from_millis(2_500)).await;
                    take(&mut body).await;
                    std::future::pending::<()>().await;
                }),
            )
            .await;
        assert_eq!((outcome, start.elapsed().as_millis()), (None, 3_500));
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_has_two_minutes_from_the_last_byte() {
        let (mut body, progress) = send("{}");
        let start = Instant::now();
        let outcome = progress
            .within(
                &Timeouts::new(),
                CONNECTING,
                pin!(async {
                    tokio::time::sleep(Duration::from_secs(9)).await;
                    take(&mut body).await;
                    std::future::pending::<()>().await;
                }),
            )
            .await;
        assert_eq!((outcome, start.elapsed().as_secs()), (None, 9 + 120));
    }
}

//! Spans for the `tracing` crate, behind the feature of that name: one for each create, wait, watch
//! and download, around those of its requests. They hold task ids, models, bytes and kinds of
//! errors; never a key, a prompt, a body or a query.

use std::future::Future;

use ark_video_model::Task;

use crate::{Error, TaskHandle};

/// The span of a watch; its requests are inside.
#[derive(Clone)]
pub(crate) struct WatchSpan(#[cfg(feature = "tracing")] tracing::Span);

#[cfg(feature = "tracing")]
mod imp {
    use tracing::{Instrument, Span, field, info_span};

    use super::*;

    fn failed<T>(span: &Span, result: &Result<T, Error>) {
        if let Err(error) = result {
            span.record("error.type", error.kind());
        }
    }

    pub(crate) async fn create(
        model: &str,
        work: impl Future<Output = Result<TaskHandle, Error>>,
    ) -> Result<TaskHandle, Error> {
        let span = info_span!(
            "ark_video.create",
            "gen_ai.operation.name" = "generate_content",
            "gen_ai.request.model" = model,
            "gen_ai.response.id" = field::Empty,
            "error.type" = field::Empty,
        );
        let result = work.instrument(span.clone()).await;
        if let Ok(task) = &result {
            span.record("gen_ai.response.id", task.id());
        }
        failed(&span, &result);
        result
    }

    pub(crate) async fn wait(
        id: &str,
        work: impl Future<Output = Result<Task, Error>>,
    ) -> Result<Task, Error> {
        let span = info_span!("ark_video.wait", task_id = id, "error.type" = field::Empty);
        let result = work.instrument(span.clone()).await;
        failed(&span, &result);
        result
    }

    /// `sizes` of what was saved: its bytes, and where it was resumed.
    pub(crate) async fn download<T>(
        id: &str,
        work: impl Future<Output = Result<T, Error>>,
        sizes: fn(&T) -> (u64, u64),
    ) -> Result<T, Error> {
        let span = info_span!(
            "ark_video.download",
            task_id = id,
            bytes = field::Empty,
            resumed_at = field::Empty,
            "error.type" = field::Empty,
        );
        let result = work.instrument(span.clone()).await;
        if let Ok(file) = &result {
            let (bytes, resumed_at) = sizes(file);
            span.record("bytes", bytes).record("resumed_at", resumed_at);
        }
        failed(&span, &result);
        result
    }

    impl WatchSpan {
        pub(crate) fn new() -> Self {
            Self(info_span!("ark_video.watch"))
        }

        pub(crate) fn request<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
            work.instrument(self.0.clone())
        }
    }
}

/// The same without spans.
#[cfg(not(feature = "tracing"))]
mod imp {
    use super::*;

    type Done<T> = Result<T, Error>;

    pub(crate) fn create(
        _: &str,
        work: impl Future<Output = Done<TaskHandle>>,
    ) -> impl Future<Output = Done<TaskHandle>> {
        work
    }

    pub(crate) fn wait(_: &str, work: impl Future<Output = Done<Task>>) -> impl Future<Output = Done<Task>> {
        work
    }

    pub(crate) fn download<T>(
        _: &str,
        work: impl Future<Output = Done<T>>,
        _: fn(&T) -> (u64, u64),
    ) -> impl Future<Output = Done<T>> {
        work
    }

    impl WatchSpan {
        pub(crate) fn new() -> Self {
            Self()
        }

        pub(crate) fn request<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
            work
        }
    }
}

pub(crate) use imp::{create, download, wait};

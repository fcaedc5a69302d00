//! Spans: one for each request, with ids, and nothing that is secret.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use ark_video::model::TextToVideo;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::test_env::{KEY, TestEnv, answer};

/// Records all events.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

impl Visit for Notes {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.lock().unwrap().push_str(&format!("{}: ", span.metadata().name()));
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn each_request_has_a_span_without_secrets() {
    let env = TestEnv::new(|number, _| {
        let mut said =
            if number == 0 { answer(503, "")? } else { answer(200, r#"{"id":"cgt-1","status":"queued"}"#)? };
        said.headers_mut().insert("x-request-id", "02aa".parse().unwrap());
        Ok(said)
    });
    let notes = Notes::default();
    let guard = tracing::subscriber::set_default(notes.clone());
    env.client().get("cgt-1").await.unwrap();
    env.client().create(&TextToVideo::new("m", "a secret prompt").build()).await.unwrap();
    drop(guard);
    let text = notes.0.lock().unwrap().clone();
    for part in [
        "ark_video.request: method=GET endpoint=\"get\" attempt=1 task_id=\"cgt-1\" client_request_id=\"2026112210153",
        "status=503 request_id=\"02aa\"",
        "attempt=2",
        "method=POST endpoint=\"create\" attempt=1 client_request_id=",
        "status=200",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains(KEY) && !text.contains("secret"), "{text}");
}

//! A simulator on a socket, and clients whose pauses move its clock instead of taking time. Sockets
//! and timeouts are real.

use std::{fmt, sync::Arc, time::Duration};

use ark_video::{
    Client, ClientBuilder, Proxy, RetryOptions, TaskHandle, Timeouts,
    model::CreateTaskRequest,
    transport::{BoxFuture, Clock, UnixMillis},
};
use ark_video_simulator::{FaultPlan, FaultRule, Options, Simulator};
use serde_json::json;

use super::{cell::Run, rows::Row};

/// The start time: 2026-11-22T02:15:30Z, so that runs repeat.
const BEGIN: UnixMillis = 1_795_313_730_000;

/// The timeout for responses that never come. Everything else takes a few milliseconds.
const READ_TIMEOUT: Duration = Duration::from_millis(1500);

pub(super) struct TestEnv {
    pub(super) simulator: Arc<Simulator>,
    /// A client without faults and with default timeouts.
    pub(super) client: Client,
}

impl TestEnv {
    pub(super) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let builder = Simulator::builder().options(options).manual_clock().begins_at(BEGIN);
        let simulator = Arc::new(builder.start().await.unwrap());
        let client = builder_for(&simulator).build().unwrap();
        Self { simulator, client }
    }

    /// The client with the fault.
    pub(super) fn with_fault(&self, row: &Row) -> Client {
        let timeouts = if row.keeps_us_waiting() {
            Timeouts::new().answer(READ_TIMEOUT).read(READ_TIMEOUT).download_stall(READ_TIMEOUT / 3)
        } else {
            Timeouts::new()
        };
        builder_for(&self.simulator).timeouts(timeouts).build().unwrap()
    }

    pub(super) fn inject(&self, rule: FaultRule) {
        self.simulator.set_faults(FaultPlan::new().rule(rule)).unwrap();
    }

    /// Ends the fault. A cell whose fault never fired proves nothing.
    pub(super) fn heal(&self, run: &mut Run) {
        let fired: u64 = self.simulator.fault_counts().iter().map(|count| count.fired).sum();
        run.check(fired > 0, || "the fault never fired".to_owned());
        self.simulator.set_faults(FaultPlan::new()).unwrap();
    }

    /// A task that has come to its end.
    pub(super) async fn ended(&self, prompt: &str) -> TaskHandle {
        self.ended_with(&small(prompt)).await
    }

    pub(super) async fn ended_with(&self, request: &CreateTaskRequest) -> TaskHandle {
        let task = self.client.create(request).await.unwrap();
        self.simulator.advance(Duration::from_secs(60));
        task
    }

    pub(super) fn accepted(&self) -> Vec<String> {
        self.simulator.ledger().entries.into_iter().map(|entry| entry.task_id).collect()
    }

    /// How many bills there are once everything has come to its end.
    pub(super) fn bills_in_the_end(&self) -> Vec<String> {
        self.simulator.advance(Duration::from_secs(24 * 3600));
        self.simulator.bills().into_iter().map(|bill| bill.task_id).collect()
    }
}

fn builder_for(simulator: &Arc<Simulator>) -> ClientBuilder {
    Client::builder()
        .api_key(simulator.api_key())
        .base_url(simulator.base_url())
        .proxy(Proxy::Direct)
        .retry(retry())
        .clock(Arc::new(Hands(Arc::clone(simulator))))
}

/// The smallest video that there is.
pub(super) fn small(prompt: &str) -> CreateTaskRequest {
    serde_json::from_value(json!({
        "model": "doubao-seedance-1-0-pro-fast-251015", "content": [{ "type": "text", "text": prompt }],
        "resolution": "480p", "ratio": "1:1", "frames": 29,
    }))
    .unwrap()
}

/// As often as the default but for silence, which takes real time here.
pub(super) fn retry() -> RetryOptions {
    RetryOptions::default().attempts(3)
}

/// A clock that is moved by waiting.
struct Hands(Arc<Simulator>);

impl Clock for Hands {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now() - BEGIN).unwrap_or(0))
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(pause);
        Box::pin(tokio::task::yield_now())
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hands")
    }
}

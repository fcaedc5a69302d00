//! The service on a socket of this machine: sockets, clock, randomness and rendering live here, and
//! nowhere else in this crate.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the host is the part with sockets and a clock"
)]

mod builder;
mod callbacks;
mod clock;
mod control;
mod counted_body;
mod media;
mod server;
#[cfg(test)]
mod tests;
mod videos;
mod wire;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ark_video_protocol::UnixMillis;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

pub use self::builder::{Builder, StartError};
use self::{clock::Clock, videos::Videos};
use crate::{
    faults::{Effect, FaultCount, FaultPlan, FaultPlanError, FaultRule},
    service::{Bill, CallbackCounts, Ledger, Note, Service, SnapshotError},
};

/// How long a shutdown waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(5);

type NoteHook = Box<dyn Fn(&Note) + Send + Sync>;

/// What the connections share.
pub(crate) struct Shared {
    service: Mutex<Service>,
    pub(crate) clock: Clock,
    pub(crate) videos: Videos,
    on_note: Option<NoteHook>,
    /// Measures media behind URLs.
    pub(crate) media: Option<media::MediaHook>,
    /// True when it is to end.
    stop: watch::Receiver<bool>,
    /// Something happened that callbacks may follow from.
    pub(crate) news: Notify,
    pub(crate) callbacks_anywhere: bool,
    /// The largest body that the service takes.
    pub(crate) body_bytes: usize,
}

impl Shared {
    /// A panic elsewhere must not end every later request as well; the service keeps no half-done
    /// state across calls.
    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on the service at the current time and passes its notes on.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Service, UnixMillis) -> T) -> T {
        let (done, wake) = self.quietly(|service, now| {
            let done = work(service, now);
            (done, service.calls_back())
        });
        if wake {
            self.news.notify_one();
        }
        done
    }

    /// As [`with`](Self::with), without waking the one who sends callbacks: for that one itself.
    pub(crate) fn quietly<T>(&self, work: impl FnOnce(&mut Service, UnixMillis) -> T) -> T {
        let (done, notes) = {
            let mut service = self.service();
            let done = work(&mut service, self.clock.now());
            (done, service.take_notes())
        };
        notes.iter().for_each(|note| self.note(note));
        done
    }

    pub(crate) fn note(&self, note: &Note) {
        if let Some(hook) = &self.on_note {
            hook(note);
        }
    }

    /// Returns when the simulator is to end.
    pub(crate) async fn stopped(&self) {
        // An error means that the simulator is gone, which is a stop as well.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Real time passes, unless the simulator ends before.
    pub(crate) async fn pause(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stopped() => {}
        }
    }
}

/// A running simulator. It stops when it is dropped; [`shutdown`](Self::shutdown) finishes
/// responses in flight first.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ark_video_simulator::Simulator;
///
/// let builder = Simulator::builder().speed(60.0);
/// let simulator = builder.on_note(|note| eprintln!("{}", note.text)).start().await?;
/// println!("{}", simulator.base_url()); // http://127.0.0.1:<port>/api/v3
/// # simulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Simulator {
    pub(crate) shared: Arc<Shared>,
    addr: SocketAddr,
    base_url: String,
    api_key: String,
    control_url: Option<String>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// Starts on a free port of this machine, with its own key.
    ///
    /// # Errors
    /// The machine gives no port.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Starts otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What a client takes as its base URL: origin and prefix, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A key that is accepted.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The start of its random sequence: the same seed and the same calls give the same ids, videos
    /// and lengths.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.service().options().seed
    }

    /// The address of the control port: a status page, and the ledger, the clock and the faults as
    /// JSON. `None` if there is none.
    #[must_use]
    pub fn control_url(&self) -> Option<&str> {
        self.control_url.as_deref()
    }

    /// Every bill up to now, in the order of charging.
    #[must_use]
    pub fn bills(&self) -> Vec<Bill> {
        self.at_now(|service| service.bills())
    }

    /// Everything that was accepted, ran and was billed up to now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.at_now(|service| service.ledger())
    }

    /// The current time of the service.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.shared.clock.now()
    }

    /// Advances the clock at once: all events that are due happen in order, each at its own time.
    /// With [`Builder::manual_clock`] this is the only way that time passes.
    pub fn advance(&self, time: Duration) {
        self.shared.clock.advance(time);
        self.at_now(|_| ());
    }

    /// Injects this fault into the next call that it applies to, once.
    ///
    /// # Errors
    /// The effect's details make no sense.
    pub fn fail_next(&self, effect: Effect) -> Result<(), FaultPlanError> {
        self.add_fault(FaultRule::new(effect).hits(1))
    }

    /// Adds a rule that is asked before all others.
    ///
    /// # Errors
    /// The rule makes no sense.
    pub fn add_fault(&self, rule: FaultRule) -> Result<(), FaultPlanError> {
        self.at_now(|service| service.add_fault(rule))
    }

    /// Replaces the fault plan.
    ///
    /// # Errors
    /// A rule makes no sense; the old plan stays.
    pub fn set_faults(&self, plan: FaultPlan) -> Result<(), FaultPlanError> {
        self.at_now(|service| service.set_faults(plan))
    }

    /// How often each rule matched and fired.
    #[must_use]
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.at_now(|service| service.fault_counts())
    }

    /// The counts of callbacks.
    #[must_use]
    pub fn callback_counts(&self) -> CallbackCounts {
        self.at_now(|service| service.callback_counts())
    }

    /// The whole state as JSON, for [`Builder::restore`].
    ///
    /// # Errors
    /// Never in practice: everything in it can be written.
    pub fn snapshot(&self) -> Result<String, SnapshotError> {
        self.at_now(|service| service.snapshot())
    }

    /// Forgets all tasks, files, bills and faults. The clock goes on.
    pub fn reset(&self) {
        self.at_now(|service| service.reset());
    }

    fn at_now<T>(&self, work: impl FnOnce(&mut Service) -> T) -> T {
        self.shared.with(|service, now| {
            service.advance(now);
            work(service)
        })
    }

    /// Accepts no new connections, finishes responses in flight (for up to five seconds), and
    /// stops.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
    }

    /// Waits until the server ends, which it does only when it is stopped or fails.
    pub async fn stopped(&mut self) {
        if let Some(server) = self.server.as_mut() {
            // Its only error is a panic, which has been reported by then.
            let _ = server.await;
            self.server = None;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for server in self.server.iter().chain(&self.others) {
            server.abort();
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

//! The service on a socket of this machine: sockets, clock, randomness and rendering live here, and nowhere else in this crate.

mod callbacks;
mod clock;
mod control;
mod films;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ark_video_protocol::UnixMillis;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use self::{clock::Clock, films::Films};
use crate::{
    faults::{Effect, FaultCount, FaultPlan, FaultPlanError, FaultRule},
    options::Options,
    service::{Bill, CallbackCounts, Ledger, Note, Service, SnapshotError},
};

/// How long a shutdown waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(5);

type NoteHook = Box<dyn Fn(&Note) + Send + Sync>;

/// What the connections share.
pub(crate) struct Shared {
    service: Mutex<Service>,
    pub(crate) clock: Clock,
    pub(crate) films: Films,
    on_note: Option<NoteHook>,
    /// True when it is to end.
    stop: watch::Receiver<bool>,
    /// Something happened that callbacks may follow from.
    pub(crate) news: Notify,
    pub(crate) callbacks_anywhere: bool,
}

impl Shared {
    /// A panic elsewhere must not end every later request as well; the service keeps no half-done state across calls.
    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the service at this moment, and passes on what it has to say.
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

/// A running simulator. It stops when it is dropped; [`shutdown`](Self::shutdown) lets answers that are under way go out first.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ark_video_simulator::Simulator;
///
/// let simulator = Simulator::builder().speed(60.0).on_note(|note| eprintln!("{}", note.text)).start().await?;
/// println!("{}", simulator.base_url()); // http://127.0.0.1:<port>/api/v3
/// # simulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Simulator {
    shared: Arc<Shared>,
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

    /// The start of its random sequence: the same seed and the same calls give the same ids, films and lengths.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.service().options().seed
    }

    /// Where the control port is: a status page for people, and the ledger, the clock and the faults as JSON. `None` if there is
    /// none.
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

    /// The moment that the service is at.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.shared.clock.now()
    }

    /// Lets time pass at once: everything that is due by then happens, in its order and at its own moment. With
    /// [`Builder::manual_clock`] this is the only way that time passes.
    pub fn advance(&self, time: Duration) {
        self.shared.clock.advance(time);
        self.at_now(|_| ());
    }

    /// Lets the next call that this effect has a meaning for go wrong; then everything is well again.
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

    /// Lets things go wrong by another plan from now on.
    ///
    /// # Errors
    /// A rule makes no sense; the old plan stays.
    pub fn set_faults(&self, plan: FaultPlan) -> Result<(), FaultPlanError> {
        self.at_now(|service| service.set_faults(plan))
    }

    /// How often each rule fitted and struck.
    #[must_use]
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.at_now(|service| service.fault_counts())
    }

    /// How callbacks fared.
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

    /// Takes no new connections, lets answers that are under way go out (for up to five seconds), and stops.
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

/// How to start a [`Simulator`].
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    options: Options,
    addr: SocketAddr,
    origin: Option<String>,
    speed: f64,
    seed: Option<u64>,
    any_key: bool,
    on_note: Option<NoteHook>,
    control: Option<SocketAddr>,
    begins: Option<UnixMillis>,
    faults: FaultPlan,
    callbacks_anywhere: bool,
    state: Option<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            options: Options::default(),
            addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            origin: None,
            speed: 1.0,
            seed: None,
            any_key: false,
            on_note: None,
            control: None,
            begins: None,
            faults: FaultPlan::new(),
            callbacks_anywhere: false,
            state: None,
        }
    }
}

impl Builder {
    /// Sets all options of the service at once, the seed among them; only the origin is replaced. Options without a key stand for
    /// a key of its own here; [`any_key`](Self::any_key) lifts that.
    pub fn options(mut self, options: Options) -> Self {
        self.seed = Some(options.seed);
        self.options = options;
        self
    }

    /// Sets the address to listen on. Default: a free port of 127.0.0.1.
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Sets what links to files start with, where others reach the simulator under another name than it listens on.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Lets time run faster: 60 makes a minute of a second. Default 1; what is not above 0 counts as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed > 0.0 { speed } else { 1.0 };
        self
    }

    /// Stops the clock: only [`Simulator::advance`] and the control port move it.
    pub fn manual_clock(mut self) -> Self {
        self.speed = 0.0;
        self
    }

    /// Sets the moment that the service begins at, in milliseconds since 1970. Default: the time of day. With a seed and a manual
    /// clock, equal calls then give equal answers to the last byte.
    pub fn begins_at(mut self, moment: UnixMillis) -> Self {
        self.begins = Some(moment);
        self
    }

    /// Opens a control port; port 0 is any free one. There is no key on it: keep it on this machine. Default: none.
    pub fn control(mut self, addr: SocketAddr) -> Self {
        self.control = Some(addr);
        self
    }

    /// Lets things go wrong from the start.
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = plan;
        self
    }

    /// Goes on where another simulator stopped: with what [`Simulator::snapshot`] gave. Its clock should not be behind.
    pub fn restore(mut self, snapshot: impl Into<String>) -> Self {
        self.state = Some(snapshot.into());
        self
    }

    /// Calls back to other machines too. Default: to this one only.
    pub fn callbacks_anywhere(mut self) -> Self {
        self.callbacks_anywhere = true;
        self
    }

    /// Accepts this key only. Default: a key of its own, which [`Simulator::api_key`] tells.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.options.key = Some(key.into());
        self
    }

    /// Accepts every key that is not empty.
    pub fn any_key(mut self) -> Self {
        self.any_key = true;
        self
    }

    /// Mounts the API elsewhere than at `/api/v3`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// Makes a run repeatable. Default: a new one each time, which [`Simulator::seed`] tells.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Gets told what the service assumed where the real one would have looked. Called while a request waits for its answer.
    pub fn on_note(mut self, hook: impl Fn(&Note) + Send + Sync + 'static) -> Self {
        self.on_note = Some(Box::new(hook));
        self
    }

    /// Listens and serves, on the async runtime that this is called on.
    ///
    /// # Errors
    /// An address cannot be listened on, or the fault plan makes no sense.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let (listener, addr) = listen(self.addr).await?;
        let control = match self.control {
            Some(addr) => Some(listen(addr).await?),
            None => None,
        };
        let mut options = self.options;
        options.seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        options.origin = self.origin.unwrap_or_else(|| format!("http://{}", reachable(addr)));
        let prefix = options.prefix.trim_matches('/');
        options.prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let made = || format!("sim-{:032x}", fastrand::u128(..));
        let api_key = options.key.clone().unwrap_or_else(made);
        options.key = if self.any_key { None } else { Some(api_key.clone()) };
        let base_url = format!("{}{}", options.origin.trim_end_matches('/'), options.prefix);
        let mut service = match &self.state {
            Some(state) => Service::restore(options, state)?,
            None => Service::new(options),
        };
        service.set_faults(self.faults)?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            service: Mutex::new(service),
            clock: Clock::start(self.speed, self.begins),
            films: Films::default(),
            on_note: self.on_note,
            stop: stopped.clone(),
            news: Notify::new(),
            callbacks_anywhere: self.callbacks_anywhere,
        });
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared), stopped));
        let mut others = vec![tokio::spawn(callbacks::run(Arc::clone(&shared)))];
        let mut control_url = None;
        if let Some((listener, addr)) = control {
            control_url = Some(format!("http://{}", reachable(addr)));
            others.push(tokio::spawn(control::run(listener, Arc::clone(&shared), base_url.clone())));
        }
        Ok(Simulator { shared, addr, base_url, api_key, control_url, stop, server: Some(server), others })
    }
}

async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    Ok((listener, addr))
}

/// Where a client on this machine finds a server that listens on every address.
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), addr.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), addr.port())
        }
        _ => addr,
    }
}

/// The simulator could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(
        "the simulator cannot listen on {addr}: {source}; choose another address, or port 0 for any that is free"
    )]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The fault plan makes no sense.
    #[error(transparent)]
    Faults(#[from] FaultPlanError),
    /// The saved state cannot be used.
    #[error(transparent)]
    State(#[from] SnapshotError),
}

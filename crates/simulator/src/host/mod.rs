//! The service on a socket of this machine: sockets, clock, randomness and rendering live here, and nowhere else in this crate.

mod clock;
mod films;
mod server;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::{clock::Clock, films::Films};
use crate::{
    options::Options,
    service::{Bill, Note, Service},
};

/// How long a shutdown waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(5);

type NoteHook = Box<dyn Fn(&Note) + Send + Sync>;

/// What the connections share.
struct Shared {
    service: Mutex<Service>,
    clock: Clock,
    films: Films,
    on_note: Option<NoteHook>,
}

impl Shared {
    /// A panic elsewhere must not end every later request as well; the service keeps no half-done state across calls.
    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
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
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
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

    /// Every bill up to now.
    #[must_use]
    pub fn bills(&self) -> Vec<Bill> {
        let now = self.shared.clock.now();
        let mut service = self.shared.service();
        service.advance(now);
        service.bills().to_vec()
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
        if let Some(server) = &self.server {
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
        self.speed = speed;
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
    /// The address cannot be listened on.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let refused = |source| StartError { addr: self.addr, source };
        let listener = TcpListener::bind(self.addr).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let mut options = self.options;
        options.seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        options.origin = self.origin.unwrap_or_else(|| format!("http://{}", reachable(addr)));
        let prefix = options.prefix.trim_matches('/');
        options.prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let made = || format!("sim-{:032x}", fastrand::u128(..));
        let api_key = options.key.clone().unwrap_or_else(made);
        options.key = if self.any_key { None } else { Some(api_key.clone()) };
        let base_url = format!("{}{}", options.origin.trim_end_matches('/'), options.prefix);
        let shared = Arc::new(Shared {
            service: Mutex::new(Service::new(options)),
            clock: Clock::start(self.speed),
            films: Films::default(),
            on_note: self.on_note,
        });
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared), stopped));
        Ok(Simulator { shared, addr, base_url, api_key, stop, server: Some(server) })
    }
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
#[error(
    "the simulator cannot listen on {addr}: {source}; choose another address, or port 0 for any that is free"
)]
pub struct StartError {
    addr: SocketAddr,
    source: std::io::Error,
}

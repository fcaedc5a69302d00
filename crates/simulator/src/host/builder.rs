//! How to start a simulator: everything that can be set, and what is set when nothing is.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use ark_video_model::{
    catalog::Catalog,
    check::{MediaFacts, MediaKind},
};
use ark_video_protocol::UnixMillis;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Notify, watch},
};

use super::{
    NoteHook, Shared, Simulator, callbacks, clock::Clock, control, media::MediaHook, server, videos::Videos,
    wire::Wires,
};
use crate::{
    catalog::Lookups,
    faults::{FaultPlan, FaultPlanError},
    options::Options,
    service::{Note, Service, SnapshotError},
};

/// How long a client may pause within a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a video that may wait in the kernel.
const SEND_BUFFER: u32 = 64 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

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
    media: Option<MediaHook>,
    control: Option<SocketAddr>,
    begins: Option<UnixMillis>,
    faults: FaultPlan,
    callbacks_anywhere: bool,
    state: Option<String>,
    request_timeout: Duration,
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
            media: None,
            control: None,
            begins: None,
            faults: FaultPlan::new(),
            callbacks_anywhere: false,
            state: None,
            request_timeout: REQUEST_TIMEOUT,
        }
    }
}

impl Builder {
    /// Sets all options of the service at once, including the seed; only the origin is replaced.
    /// Without a key in the options one is generated; [`any_key`](Self::any_key) accepts every key.
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

    /// Sets what links to files start with, such as `https://ark-sim.example`. Default: `http://`
    /// and the `Host` of the request that is answered.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Lets time run faster: 60 makes a minute of a second. Default 1; what is not above 0 counts
    /// as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed > 0.0 { speed } else { 1.0 };
        self
    }

    /// Stops the clock: only [`Simulator::advance`] and the control port move it.
    pub fn manual_clock(mut self) -> Self {
        self.speed = 0.0;
        self
    }

    /// Sets the start time of the service, in milliseconds since 1970. Default: the current time.
    /// With a seed and a manual clock, equal calls then give byte-identical responses.
    pub fn begins_at(mut self, start: UnixMillis) -> Self {
        self.begins = Some(start);
        self
    }

    /// Opens a control port; port 0 is any free one. There is no key on it: keep it on this
    /// machine. Default: none.
    pub fn control(mut self, addr: SocketAddr) -> Self {
        self.control = Some(addr);
        self
    }

    /// Lets things go wrong from the start.
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = plan;
        self
    }

    /// Goes on where another simulator stopped: with what [`Simulator::snapshot`] gave. Its clock
    /// should not be behind.
    pub fn restore(mut self, snapshot: impl Into<String>) -> Self {
        self.state = Some(snapshot.into());
        self
    }

    /// Calls back to other machines too. Default: to this one only.
    pub fn callbacks_anywhere(mut self) -> Self {
        self.callbacks_anywhere = true;
        self
    }

    /// Sets how long a client may pause within a request before its connection is closed. Default
    /// 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Accepts this key only. Default: a generated key, see [`Simulator::api_key`].
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

    /// Takes what this catalog takes, see [`Options::catalog`].
    pub fn catalog(mut self, catalog: Cow<'static, Catalog>) -> Self {
        self.options = self.options.catalog(catalog);
        self
    }

    /// Makes a run repeatable. Default: a random seed, see [`Simulator::seed`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Receives a note for each assumption that the real service would not have made. Called while
    /// the request waits for its response.
    pub fn on_note(mut self, hook: impl Fn(&Note) + Send + Sync + 'static) -> Self {
        self.on_note = Some(Box::new(hook));
        self
    }

    /// Measures what is behind the media URLs of creates, so that their checks and bills are exact:
    /// `measure` fetches, and gives `None` for what it does not. Default: nothing is fetched, and
    /// the length of reference videos is assumed.
    pub fn measure_media<F>(
        mut self,
        measure: impl Fn(String, MediaKind) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Option<MediaFacts>> + Send + 'static,
    {
        self.media = Some(Arc::new(move |url, kind| Box::pin(measure(url, kind))));
        self
    }

    /// Listens and serves, on the async runtime that this is called on.
    ///
    /// # Errors
    /// An address cannot be listened on, or the fault plan makes no sense.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let (listener, addr) = listen(self.addr)?;
        let control = match self.control {
            Some(addr) => Some(listen(addr)?),
            None => None,
        };
        let mut options = self.options;
        options.seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        options.links_follow_host = self.origin.is_none();
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
        if control.is_some() {
            service.keep_details();
        }
        let body_bytes = service.options().catalog.body_bytes();
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            service: Mutex::new(service),
            clock: Clock::start(self.speed, self.begins),
            videos: Videos::default(),
            on_note: self.on_note,
            media: self.media,
            stop: stopped.clone(),
            news: Notify::new(),
            callbacks_anywhere: self.callbacks_anywhere,
            body_bytes,
        });
        let request_timeout = self.request_timeout;
        let listener = Wires { listener, request_timeout };
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared), stopped));
        let mut others = vec![tokio::spawn(callbacks::run(Arc::clone(&shared)))];
        let mut control_url = None;
        if let Some((listener, addr)) = control {
            control_url = Some(format!("http://{}", reachable(addr)));
            let listener = Wires { listener, request_timeout };
            others.push(tokio::spawn(control::run(listener, Arc::clone(&shared), base_url.clone())));
        }
        Ok(Simulator { shared, addr, base_url, api_key, control_url, stop, server: Some(server), others })
    }
}

fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen { addr, source };
    let open = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As `TcpListener::bind` does; on Windows the option means something else.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        // Small, so that a client that leaves in the middle of a video is seen to have left: what
        // the kernel holds counts as sent.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    let listener = open().map_err(refused)?;
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
    #[error("cannot listen on {addr}: {source}; choose another address, or port 0 for any free one")]
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

//! A client of a simulator, and its clock: a test needs neither key nor address, and waits at the
//! simulator's speed.
#![expect(clippy::disallowed_methods, reason = "the clock sleeps")]

use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "client")]
use ark_video::{Client, ClientBuilder};
use ark_video_protocol::UnixMillis;
use ark_video_transport::{BoxFuture, Clock};

use crate::{InProcess, Simulator, host::Shared};

impl Simulator {
    /// A client of this simulator, on [its clock](Self::clock). Build it, or set more first.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ark_video::model::TextToVideo;
    /// use ark_video_simulator::Simulator;
    ///
    /// let simulator = Simulator::builder().speed(100.0).start().await?;
    /// let client = simulator.client().build()?;
    /// let request = TextToVideo::new("doubao-seedance-2-0-260128", "A boat.").duration(4).build();
    /// client.create(&request).await?.wait().await?;
    /// assert_eq!(simulator.bills().len(), 1);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    #[cfg(feature = "client")]
    pub fn client(&self) -> ClientBuilder {
        Client::builder().api_key(self.api_key()).base_url(self.base_url()).clock(self.clock())
    }

    /// The simulator's clock, for what waits for its tasks: at a speed of 60, a pause of a minute
    /// takes a second. A manual clock ends a pause when [`Simulator::advance`] has moved it far
    /// enough.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SimulatorClock(Arc::clone(&self.shared)))
    }
}

impl InProcess {
    /// A client of this simulator, which is its transport and its clock. Build it, or set more
    /// first.
    #[cfg(feature = "client")]
    pub fn client(&self) -> ClientBuilder {
        let key = self.with(|service| service.options().key.clone());
        let simulator = Arc::new(self.clone());
        let client = Client::builder().api_key(key.unwrap_or_else(|| "any".to_owned()));
        client.base_url(self.base_url()).transport(simulator.clone()).clock(simulator)
    }
}

struct SimulatorClock(Arc<Shared>);

impl fmt::Debug for SimulatorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimulatorClock").field(&self.now()).finish()
    }
}

impl Clock for SimulatorClock {
    fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.clock.monotonic()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        // At least what was asked for.
        let at = self.now().saturating_add(millis).saturating_add(1);
        Box::pin(async move {
            tokio::select! {
                () = self.0.clock.reach(at) => {}
                // A clock that nothing moves any more must not hold its sleepers.
                () = self.0.stopped() => {
                    tokio::time::sleep(self.0.clock.until(at).unwrap_or(pause)).await;
                }
            }
        })
    }
}

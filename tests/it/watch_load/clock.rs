//! A clock shared by the client and the simulator: it stands still while work is left, then jumps
//! to the next time that is waited for.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use ark_video::transport::{BoxFuture, Clock, UnixMillis};

pub(super) struct MovedClock {
    begins: UnixMillis,
    state: Mutex<State>,
    /// Requests that are really on their way.
    under_way: AtomicUsize,
    simulator: Mutex<TcpStream>,
}

#[derive(Default)]
struct State {
    /// Milliseconds since the beginning.
    now: u64,
    sleepers: BTreeMap<(u64, u64), Waker>,
    number: u64,
}

impl fmt::Debug for MovedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MovedClock")
    }
}

impl MovedClock {
    pub(super) fn connect(address: &str, begins: UnixMillis) -> Arc<Self> {
        let simulator = TcpStream::connect(address).unwrap();
        simulator.set_nodelay(true).unwrap();
        Arc::new(Self {
            begins,
            state: Mutex::default(),
            under_way: AtomicUsize::new(0),
            simulator: Mutex::new(simulator),
        })
    }

    /// Time stands still while this is held.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Held(self.clone())
    }

    /// Moves to the next time that is waited for.
    fn advance(&self) {
        let due: Vec<Waker> = {
            let mut state = self.state.lock().unwrap();
            let (at, _) = *state.sleepers.first_key_value().expect("a sleeper exists").0;
            let mut simulator = self.simulator.lock().unwrap();
            simulator.write_all(&(at - state.now).to_le_bytes()).unwrap();
            simulator.read_exact(&mut [0]).unwrap();
            state.now = at;
            let later = state.sleepers.split_off(&(at + 1, 0));
            std::mem::replace(&mut state.sleepers, later).into_values().collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Runs to the end, and moves the clock whenever that alone helps.
    pub(super) async fn run<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            let again = Arc::new(SelfWake { woken: AtomicBool::new(false), outer: context.waker().clone() });
            let waker = Waker::from(again.clone());
            loop {
                again.woken.store(false, Ordering::Release);
                if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(done);
                }
                if again.woken.load(Ordering::Acquire) {
                    continue;
                }
                if self.under_way.load(Ordering::Acquire) > 0 {
                    return Poll::Pending;
                }
                self.advance();
            }
        })
        .await
    }
}

/// Notes that the work woke itself, so that it is not idle.
struct SelfWake {
    woken: AtomicBool,
    outer: Waker,
}

impl Wake for SelfWake {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.outer.wake_by_ref();
    }
}

pub(super) struct Held(Arc<MovedClock>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> UnixMillis {
        self.begins + UnixMillis::try_from(self.state.lock().unwrap().now).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.state.lock().unwrap().now)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        let mut state = self.state.lock().unwrap();
        state.number += 1;
        let millis = u64::try_from(pause.as_micros().div_ceil(1_000)).unwrap();
        Box::pin(Sleep { clock: self, key: (state.now.saturating_add(millis), state.number) })
    }
}

struct Sleep<'a> {
    clock: &'a MovedClock,
    key: (u64, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state.lock().unwrap();
        if self.key.0 <= state.now {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.state.lock().unwrap().sleepers.remove(&self.key);
    }
}

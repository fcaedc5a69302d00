//! The client's process: watches the given tasks, and reports when it noticed each end, its number
//! of requests, and its memory.

use std::{
    env, fmt, fs,
    io::{BufRead, BufReader},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ark_video::{
    Client, WatchEvent, WatchOptions, Watched,
    download::AddressPolicy,
    error::SendError,
    transport::{AnswerBody, BoxFuture, Clock, Endpoint, RequestBody, SystemClock, Transport},
};
use ark_video_transport::HttpTransport;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response};

use super::{Orders, Report, clock::MovedClock};

#[tokio::test]
#[ignore = "the process that the other tests start"]
async fn client_child() {
    let folder = env::var_os("ARK_VIDEO_TEST_WATCH").unwrap();
    let folder = Path::new(&folder);
    let orders: Orders = serde_json::from_slice(&fs::read(folder.join("orders")).unwrap()).unwrap();
    let moved = orders.clock.as_ref().map(|address| MovedClock::connect(address, orders.begins));
    let clock: Arc<dyn Clock> = match &moved {
        Some(moved) => moved.clone(),
        None => Arc::new(SystemClock::new()),
    };
    let ids = BufReader::new(fs::File::open(folder.join("ids")).unwrap());
    let work = watch(orders, clock, moved.clone(), ids);
    let report = match &moved {
        Some(moved) => moved.run(work).await,
        None => work.await,
    };
    fs::write(folder.join("report"), serde_json::to_vec(&report).unwrap()).unwrap();
}

async fn watch(
    orders: Orders,
    clock: Arc<dyn Clock>,
    moved: Option<Arc<MovedClock>>,
    ids: impl BufRead,
) -> Report {
    let wire = Arc::new(CountingTransport {
        http: HttpTransport::new(),
        moved,
        lists_at: orders.lists_at,
        shuffled: orders.shuffled,
        gets: AtomicU64::new(0),
        lists: AtomicU64::new(0),
        throttled: AtomicU64::new(0),
        chance: Mutex::new(Chance(7)),
    });
    let builder = Client::builder().api_key(orders.key).base_url(orders.base_url);
    let client = builder.transport(wire.clone()).clock(clock.clone()).build().unwrap();
    // Everything that a first request makes is there.
    client.get("cgt-none").await.unwrap_err();
    let mut report = Report { idle_kb: memory("VmRSS:"), ..Report::default() };
    // Forgets the peak so far. Where that is not allowed, the peak is that of the whole process.
    let _ = fs::write("/proc/self/clear_refs", "5");
    report.began = clock.now();
    let mut watch = client.watch(WatchOptions::default());
    ids.lines().for_each(|id| watch.add(Watched::new(id.unwrap())));
    let mut end = clock.sleep(Duration::from_millis(orders.watched.unsigned_abs()));
    loop {
        let event = match select(Box::pin(watch.next()), end).await {
            Either::Left((Some(event), later)) => {
                end = later;
                event
            }
            _ => break,
        };
        match event {
            WatchEvent::Finished { task, .. } => {
                assert_eq!(report.noticed.insert(task.id.clone(), clock.now()), None, "reported twice");
            }
            WatchEvent::Gone { .. } | WatchEvent::TimedOut { .. } | WatchEvent::CouldNotPoll { .. } => {
                panic!("{event:?}")
            }
            _ => {}
        }
    }
    report.peak_kb = memory("VmHWM:");
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    (report.gets, report.lists, report.throttled) =
        (count(&wire.gets), count(&wire.lists), count(&wire.throttled));
    report
}

/// In KiB; 0 if the system does not report it.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// The real transport, with a network's delay on the moved clock, and a LIST that may lag and
/// shuffle.
struct CountingTransport {
    http: HttpTransport,
    moved: Option<Arc<MovedClock>>,
    lists_at: Option<String>,
    shuffled: bool,
    gets: AtomicU64,
    lists: AtomicU64,
    throttled: AtomicU64,
    chance: Mutex<Chance>,
}

impl fmt::Debug for CountingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingTransport")
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

impl CountingTransport {
    /// 10 to 14 ms each way.
    async fn travel(&self) {
        if let Some(moved) = &self.moved {
            let millis = 10 + self.chance.lock().unwrap().below(5);
            moved.sleep(Duration::from_millis(millis)).await;
        }
    }

    /// The same question to where it is answered in truth.
    fn elsewhere(&self, request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
        let query = request.uri().query()?;
        let uri = format!("{}/contents/generations/tasks?{query}", self.lists_at.as_ref()?);
        let mut other = Request::get(uri).body(Bytes::new().into()).unwrap();
        *other.headers_mut() = request.headers().clone();
        other.headers_mut().remove(http::header::HOST);
        Some(other)
    }

    fn shuffle(&self, answer: &mut Response<Bytes>) {
        let mut list: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        if let Some(items) = list["items"].as_array_mut() {
            let mut chance = self.chance.lock().unwrap();
            for place in (1..items.len()).rev() {
                items.swap(place, usize::try_from(chance.below(place as u64 + 1)).unwrap());
            }
        }
        *answer.body_mut() = list.to_string().into();
    }
}

impl Transport for CountingTransport {
    fn send(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        let is_list = matches!(endpoint, Endpoint::List);
        let counter = if is_list { &self.lists } else { &self.gets };
        counter.fetch_add(1, Ordering::Relaxed);
        let elsewhere = if is_list { self.elsewhere(&request) } else { None };
        Box::pin(async move {
            self.travel().await;
            let mut answer = {
                let _held = self.moved.as_ref().map(MovedClock::hold);
                let answer = self.http.send(endpoint, request).await?;
                match elsewhere {
                    Some(request) if answer.status() == 200 => self.http.send(endpoint, request).await?,
                    _ => answer,
                }
            };
            if answer.status() == 429 {
                self.throttled.fetch_add(1, Ordering::Relaxed);
            }
            if is_list && self.shuffled {
                self.shuffle(&mut answer);
            }
            self.travel().await;
            Ok(answer)
        })
    }

    fn open(
        &self,
        request: Request<()>,
        reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        self.http.open(request, reach)
    }
}

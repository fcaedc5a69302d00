//! Futures of creates that are dropped at any time, as by a web handler whose caller hangs up: with
//! a store, no task is without its id or its record, and `reconcile_all` finds every one.

use std::{
    collections::BTreeSet,
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use ark_video::{
    Client, CorrelationOptions, Create, Error, TaskHandle,
    download::AddressPolicy,
    error::SendError,
    model::{CreateTaskRequest, TextToVideo},
    reconcile::Reconciled,
    transport::{AnswerBody, BoxFuture, Endpoint, RequestBody, Transport},
    unresolved::{FileStore, MemoryStore, UnresolvedStore},
};
use ark_video_simulator::{Effect, InProcess, Options, Simulator};
use bytes::Bytes;
use http::{Request, Response};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const HANDLERS: usize = 200;

fn small(prompt: &str) -> CreateTaskRequest {
    TextToVideo::new("doubao-seedance-1-0-pro-fast-251015", prompt).duration(2).build()
}

/// Polls a create this often, then drops it. Its result, if it had one by then.
async fn dropped_after(polls: usize, create: Create) -> Option<Result<TaskHandle, Error>> {
    let mut create = pin!(create.into_future());
    for _ in 0..polls {
        if let Poll::Ready(result) = poll_fn(|context| Poll::Ready(create.as_mut().poll(context))).await {
            return Some(result);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// What the test asks of either simulator.
trait Service {
    fn accepted(&self) -> usize;
    fn fail_next(&self, effect: Effect);
}

impl Service for InProcess {
    fn accepted(&self) -> usize {
        self.ledger().entries.len()
    }

    fn fail_next(&self, effect: Effect) {
        InProcess::fail_next(self, effect).unwrap();
    }
}

impl Service for Simulator {
    fn accepted(&self) -> usize {
        self.ledger().entries.len()
    }

    fn fail_next(&self, effect: Effect) {
        Simulator::fail_next(self, effect).unwrap();
    }
}

/// Drops 200 handlers, each after a number of polls that the seed draws from `0..=most`.
async fn nothing_is_lost<S>(
    service: &impl Service,
    client: &Client,
    store: &S,
    most: usize,
    mut known: BTreeSet<String>,
) where
    S: UnresolvedStore + Clone + 'static,
{
    let mut random = StdRng::seed_from_u64(20_261_130);
    let (mut delivered, mut dropped) = (0, 0);
    for number in 0..HANDLERS {
        match number % 20 {
            3 => service.fail_next(Effect::AcceptThenDrop { reset: false }),
            9 => service.fail_next(Effect::EmptyId),
            _ => {}
        }
        let request = small(&format!("A paper boat, number {number}."));
        let create = client.create(&request).correlate(CorrelationOptions::new().tag(true)).keep(store);
        match dropped_after(random.random_range(0..=most), create).await {
            Some(Ok(task)) => {
                delivered += 1;
                known.insert(task.id().to_owned());
            }
            Some(Err(_)) => {}
            None => dropped += 1,
        }
        let (accepted, records) = (service.accepted(), store.list().unwrap().len());
        assert!(
            accepted <= known.len() + records,
            "{accepted} tasks, {} ids, {records} records",
            known.len()
        );
    }
    assert!(delivered >= 20 && dropped >= 20, "{delivered} delivered, {dropped} dropped");
    // What was sent detached comes to its end; each turn lets it.
    for _ in 0..100_000 {
        for result in client.reconcile_all(store).await.unwrap() {
            if let Reconciled::Found { task, .. } = result {
                assert!(known.insert(task.id().to_owned()), "{task} is given twice");
            }
        }
        if known.len() == service.accepted() && store.list().unwrap().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} of {} tasks are found; left: {:?}", known.len(), service.accepted(), store.list());
}

/// Suspends a few times before and after each request, so that there is a time at which to drop it.
#[derive(Debug)]
struct Suspending(InProcess);

async fn suspend() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

impl Transport for Suspending {
    fn send(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            suspend().await;
            let answer = self.0.send(endpoint, request).await;
            suspend().await;
            answer
        })
    }

    fn open(
        &self,
        request: Request<()>,
        reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        self.0.open(request, reach)
    }
}

#[tokio::test]
async fn in_process_no_dropped_create_is_lost() {
    let service = InProcess::new(Options::default());
    let client = service.client().transport(Arc::new(Suspending(service.clone())));
    nothing_is_lost(&service, &client.build().unwrap(), &MemoryStore::new(), 20, BTreeSet::new()).await;
}

#[tokio::test]
async fn over_sockets_no_dropped_create_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let service = Simulator::builder().options(Options::default()).start().await.unwrap();
    let client = service.client().build().unwrap();
    // How often a create is polled until its answer comes; what is drawn goes beyond it.
    let mut polls = 1;
    let first = loop {
        match dropped_after(polls, client.create(small("A train.")).keep(&store)).await {
            Some(task) => break task.unwrap().id().to_owned(),
            None => polls *= 2,
        }
    };
    nothing_is_lost(&service, &client, &store, polls, BTreeSet::from([first])).await;
    service.shutdown().await;
}

#[tokio::test]
async fn a_create_that_is_dropped_before_its_turn_is_not_sent() {
    let service = InProcess::new(Options::default());
    let client = service.client().transport(Arc::new(Suspending(service.clone())));
    let (client, store) = (client.build().unwrap(), MemoryStore::new());
    let mut create = client.create(small("A train.")).keep(&store).into_future();
    let polled = poll_fn(|context| Poll::Ready(create.as_mut().poll(context).is_pending())).await;
    assert!(polled, "it has a task of its own now, which has not run yet");
    drop(create);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((service.accepted(), store.list().unwrap().len()), (0, 0));
}

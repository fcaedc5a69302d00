//! The control port: a status page for people; the ledger, the clock and the faults as JSON for
//! programs. Apart from the API, so that no client meets it by mistake.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, State},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared, server,
    wire::{Line, Wires},
};
use crate::{
    faults::{FaultPlan, FaultRule},
    service::{Reply, Service},
};

const PAGE: &str = include_str!("status.html");

/// Tasks on a page of the status page.
const SHOWN: usize = 50;

/// Serves until the simulator ends.
pub(crate) async fn run(listener: Wires, shared: Arc<Shared>, base_url: String) {
    let until = {
        let shared = Arc::clone(&shared);
        async move { shared.stopped().await }
    };
    let router = router(Control { shared, base_url }).into_make_service_with_connect_info::<Line>();
    let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
}

#[derive(Clone)]
struct Control {
    shared: Arc<Shared>,
    base_url: String,
}

type Answer = Response<Body>;

fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(|| async { text("text/html; charset=utf-8", PAGE.to_owned()) }))
        .route("/openapi.json", get(server::openapi))
        .route("/state", get(state))
        .route("/bills", get(|State(control): State<Control>| async move { control.show(|service| json!(service.bills())) }))
        .route("/ledger", get(|State(control): State<Control>| async move { control.show(|service| json!(service.ledger())) }))
        .route("/callbacks", get(|State(control): State<Control>| async move { control.show(|service| json!(service.callback_counts())) }))
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
        .route("/faults", get(|State(control): State<Control>| async move { control.show(|service| json!(service.fault_counts())) }).put(set_faults).post(add_fault))
        .route("/reset", post(reset))
        .route("/video/{id}", get(video)).route("/film/{id}", get(video))
        .route("/last-frame/{id}", get(last_frame))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "the control port has no such path; see / and the guide") })
        .layer(axum::middleware::from_fn(own_pages_only))
        .with_state(control)
}

impl Control {
    /// The current state of the service.
    fn show(&self, what: impl FnOnce(&mut Service) -> Value) -> Answer {
        let shown = self.shared.with(|service, now| {
            service.advance(now);
            what(service)
        });
        text("application/json", shown.to_string())
    }

    fn clock(&self) -> Value {
        json!({ "now": self.shared.clock.now() })
    }
}

fn text(media: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Body::from(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn refuse(status: StatusCode, why: impl std::fmt::Display) -> Answer {
    let mut answer = text("application/json", json!({ "error": why.to_string() }).to_string());
    *answer.status_mut() = status;
    answer
}

/// A page from elsewhere, open in the browser of the same machine, must not move the clock or read
/// the ledger.
async fn own_pages_only(
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<Body>,
    next: axum::middleware::Next,
) -> Answer {
    if is_foreign(request.headers()) {
        let why = "the control port answers requests to localhost or an IP address, from its own pages only";
        return refuse(StatusCode::FORBIDDEN, why);
    }
    let answer = next.run(request).await;
    line.request_complete();
    answer
}

/// A browser sends no `Origin` with a plain GET, and a foreign host name may resolve to this
/// machine (DNS rebinding). So `Host` is checked on every request, and `Origin` where there is one.
fn is_foreign(headers: &HeaderMap) -> bool {
    let of = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = of(header::HOST).unwrap_or_default();
    let authority = host.parse::<http::uri::Authority>();
    let by_number = authority.is_ok_and(|authority| {
        let name = authority.host().trim_matches(['[', ']']);
        !host.contains('@') && (name == "localhost" || name.parse::<std::net::IpAddr>().is_ok())
    });
    let more_than_one = headers.get_all(header::HOST).iter().count() != 1;
    let foreign_page = headers.contains_key(header::ORIGIN)
        && of(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) != Some(host);
    more_than_one || !by_number || foreign_page
}

/// One page of tasks, newest first: `?page=0` is the first.
async fn state(State(control): State<Control>, uri: http::Uri) -> Answer {
    let base_url = &control.base_url;
    let page = uri.query().and_then(|query| query.strip_prefix("page=")).unwrap_or("0");
    let Ok(page) = page.parse::<u32>() else {
        return refuse(StatusCode::BAD_REQUEST, "?page=0 is the first page");
    };
    control.show(|service| {
        let tasks: Vec<Value> = service
            .newest(page as usize * SHOWN, SHOWN)
            .into_iter()
            .map(|(task, entry, details)| json!({ "task": task, "entry": entry, "details": details }))
            .collect();
        let mut ledger = json!(service.ledger());
        let doubles = service.ledger().doubles().count();
        if let Some(ledger) = ledger.as_object_mut() {
            // The tasks are beside it, and there may be a hundred thousand entries.
            ledger.remove("entries");
            ledger.remove("intents");
            for name in ["never_seen", "never_downloaded", "deleted_before_download"] {
                if let Some(ids) = ledger.get_mut(name) {
                    *ids = ids.as_array().map_or(0, Vec::len).into();
                }
            }
            ledger.insert("double_bills".to_owned(), doubles.into());
        }
        json!({
            "base_url": base_url,
            "seed": service.options().seed,
            "now": control.shared.clock.now(),
            "page": page,
            "pages": service.task_count().div_ceil(SHOWN).max(1),
            "task_count": service.task_count(),
            "tasks": tasks,
            "ledger": ledger,
            "faults": service.fault_counts(),
            "callbacks": service.callback_counts(),
        })
    })
}

async fn clock(State(control): State<Control>) -> Answer {
    text("application/json", control.clock().to_string())
}

/// How far to move the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default)]
    seconds: u64,
    #[serde(default)]
    millis: u64,
}

async fn advance(State(control): State<Control>, body: Bytes) -> Answer {
    let step: Step = match serde_json::from_slice(&body) {
        Ok(step) => step,
        Err(error) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                format_args!("{{\"seconds\": 60}} was expected: {error}"),
            );
        }
    };
    control
        .shared
        .clock
        .advance(Duration::from_secs(step.seconds).saturating_add(Duration::from_millis(step.millis)));
    control.show(|_| control.clock())
}

async fn set_faults(State(control): State<Control>, body: Bytes) -> Answer {
    let plan = std::str::from_utf8(&body).map_err(|error| error.to_string());
    let plan = plan.and_then(|text| FaultPlan::from_json(text).map_err(|error| error.to_string()));
    let set = plan.and_then(|plan| {
        control.shared.with(|service, _| service.set_faults(plan)).map_err(|error| error.to_string())
    });
    match set {
        Ok(()) => control.show(|service| json!(service.fault_counts())),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}

async fn add_fault(State(control): State<Control>, body: Bytes) -> Answer {
    let rule: FaultRule = match serde_json::from_slice(&body) {
        Ok(rule) => rule,
        Err(error) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                format_args!("one rule of a fault plan was expected: {error}"),
            );
        }
    };
    match control.shared.with(|service, _| service.add_fault(rule)) {
        Ok(()) => control.show(|service| json!(service.fault_counts())),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

async fn reset(State(control): State<Control>) -> Answer {
    control.show(|service| {
        service.reset();
        json!({})
    })
}

async fn video(State(control): State<Control>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    file(&control, &id, false, &headers).await
}

async fn last_frame(State(control): State<Control>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    file(&control, &id, true, &headers).await
}

async fn file(control: &Control, id: &str, last_frame: bool, headers: &HeaderMap) -> Answer {
    let job = control.shared.with(|service, now| {
        service.advance(now);
        service.video(id, last_frame, headers)
    });
    match job {
        Some(job) => server::finish(&control.shared, Reply::Render(job)).await.0.map(Body::from),
        None => refuse(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

//! Result files: signed links, as an object store makes them. GET only, 24 hours, no key.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde_json::json;

use super::{
    random::{self, Random},
    reply::{FilePart, RenderJob, Reply},
};
use crate::{catalog::catalog, render::VideoSpec};

/// Where files are, on the same origin as the API.
pub(crate) const MOUNT: &str = "/files/";

const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// How the link of a file is written. Small, since every finished task keeps one for as long as it is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    model_name: &'static str,
    made: i64,
    object: u128,
    extension: &'static str,
    signature: [u128; 2],
}

impl Link {
    /// The object's name has the form of the vendor's: `02`, a time, and digits.
    pub(crate) fn path(&self) -> String {
        let Self { model_name, made, object, extension, .. } = self;
        format!("{MOUNT}{model_name}/02{made:013}{object:025x}.{extension}")
    }

    /// The whole link. It is told as long as the task is, also when the file is gone.
    pub(crate) fn url(&self, origin: &str) -> String {
        format!("{}{}?{}", origin.trim_end_matches('/'), self.path(), self.query())
    }

    /// When it was signed, in whole seconds as the link says it.
    fn signed(&self) -> i64 {
        self.made - self.made.rem_euclid(1000)
    }

    fn query(&self) -> String {
        let (date, lives) = (random::time(self.signed(), STAMP), catalog().limits.result_url_seconds);
        let [high, low] = self.signature;
        format!(
            "X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date={date}&X-Tos-Expires={lives}&X-Tos-Signature={high:032x}{low:032x}\
             &X-Tos-SignedHeaders=host"
        )
    }

    /// When it stops working, in milliseconds.
    pub(crate) fn dies_at(&self) -> i64 {
        self.signed() + catalog().limits.result_url_seconds * 1000
    }
}

/// One file: what it holds, and its link.
#[derive(Debug)]
struct File {
    spec: VideoSpec,
    part: FilePart,
    link: Link,
}

/// The files whose links are alive.
#[derive(Debug, Default)]
pub(crate) struct Files {
    by_path: HashMap<String, File>,
    /// In the order of signing, which is the order of dying.
    oldest_first: VecDeque<Link>,
}

impl Files {
    /// Adds a file and signs its link.
    pub(crate) fn add(
        &mut self,
        model_name: &'static str,
        spec: VideoSpec,
        part: FilePart,
        now: i64,
        random: &mut Random,
    ) -> Link {
        let extension = match part {
            FilePart::Film => spec.container.extension(),
            FilePart::LastFrame(format) => format.extension(),
        };
        let (object, signature) = (random.bits() >> 28, [random.bits(), random.bits()]);
        let link = Link { model_name, made: now, object, extension, signature };
        self.oldest_first.push_back(link);
        self.by_path.insert(link.path(), File { spec, part, link });
        link
    }

    pub(crate) fn remove(&mut self, link: &Link) {
        self.by_path.remove(&link.path());
    }

    /// Forgets the files whose links are dead; they are refused like those that never were.
    pub(crate) fn bury(&mut self, now: i64) {
        while let Some(oldest) = self.oldest_first.front().filter(|link| link.dies_at() <= now) {
            self.by_path.remove(&oldest.path());
            self.oldest_first.pop_front();
        }
    }

    /// Answers a request for a file: what to render, or why not.
    pub(crate) fn serve(&self, parts: &Parts, request_id: &str) -> Reply {
        let refuse = |code, message| Reply::Answer(refusal(code, message, request_id));
        if parts.method != Method::GET {
            let message =
                "The link is signed for GET only; to learn the size of the file, GET it with a Range.";
            return refuse("SignatureDoesNotMatch", message);
        }
        let Some(file) = self.by_path.get(parts.uri.path()) else {
            let message = "There is no such file, or its link has expired: links live for 24 hours.";
            return refuse("AccessDenied", message);
        };
        if !same(parts.uri.query().unwrap_or_default(), &file.link.query()) {
            let message = "The signature does not belong to this link; use the link as the task gave it.";
            return refuse("SignatureDoesNotMatch", message);
        }
        Reply::Render(RenderJob::new(file.spec, file.part, file.link.signed(), &parts.headers))
    }
}

/// Whether two queries hold the same pairs, in any order: clients may sort them.
fn same(a: &str, b: &str) -> bool {
    let pairs = |query: &str| {
        let mut pairs: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        pairs.sort_unstable();
        pairs
    };
    pairs(a) == pairs(b)
}

/// A refusal in the object store's form, which is not the API's.
fn refusal(code: &str, message: &str, request_id: &str) -> Response<Bytes> {
    let body = json!({ "Code": code, "RequestId": request_id, "Message": message }).to_string();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        answer.headers_mut().insert("x-tos-request-id", id);
    }
    answer
}

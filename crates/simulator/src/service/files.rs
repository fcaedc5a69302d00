//! Result files: signed links, as an object store makes them. GET only, 24 hours, no key.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    random::{self, Random},
    reply::{FilePart, RenderJob, Reply},
};
use crate::{options::Options, render::VideoSpec};

/// Where files are, on the same origin as the API.
pub(crate) const MOUNT: &str = "/files/";

const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// How the link of a file is written. Small, since every finished task keeps one for as long as it
/// is remembered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// This and the extension follow from the task: a snapshot leaves them out.
    #[serde(skip)]
    model_name: &'static str,
    made: i64,
    #[serde(with = "super::snapshot::hexadecimal")]
    object: u128,
    #[serde(skip)]
    extension: &'static str,
}

impl Link {
    /// The object's name has the form of the vendor's: `02`, a time, and digits.
    pub(crate) fn path(&self) -> String {
        let Self { model_name, made, object, extension, .. } = self;
        format!("{MOUNT}{model_name}/02{made:013}{object:025x}.{extension}")
    }

    /// The whole link. It is shown as long as the task is, also after the file has expired.
    pub(crate) fn url(&self, options: &Options) -> String {
        let origin = options.origin.trim_end_matches('/');
        format!("{origin}{}?{}", self.path(), self.query(Terms::of(options)))
    }

    /// When it was signed, in whole seconds as the link says it.
    pub(crate) fn signed(&self) -> i64 {
        self.made - self.made.rem_euclid(1000)
    }

    /// In the recorded form: a credential, and how often the file may be fetched where that is
    /// limited.
    fn query(&self, terms: Terms) -> String {
        let date = random::time(self.signed(), STAMP);
        // Nobody can check more of a signature than that it stays the same: it is made of the name,
        // so that none has to be kept.
        let [high, low] =
            [0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835, 0x2545_f491_4f6c_dd1d_8521_04af_97bb_0ae7].map(
                |odd: u128| {
                    (self.object ^ (self.object >> 47)).wrapping_mul(odd).rotate_left(61).wrapping_mul(odd)
                },
            );
        let (day, Terms { lives, downloads, .. }) = (&date[..8.min(date.len())], terms);
        let limit = match terms.all || self.model_name.contains("-2-5") {
            true => format!("&X-Tos-Max-Requests={downloads}"),
            false => String::new(),
        };
        format!(
            "X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=AKLTsimulated%2F{day}%2Fcn-beijing%2Ftos%2Frequest\
             &X-Tos-Date={date}&X-Tos-Expires={lives}{limit}&X-Tos-Signature={high:032x}{low:032x}&X-Tos-SignedHeaders=host"
        )
    }

    /// Sets what follows from the task and the part.
    fn complete(&mut self, spec: VideoSpec, part: FilePart, owner: Owner) {
        self.model_name = owner.model_name;
        self.extension = match part {
            FilePart::Video => spec.container.extension(),
            FilePart::LastFrame(format) => format.extension(),
        };
    }

    /// When it stops working, in milliseconds, if it lives so many seconds.
    fn dies_at(&self, lives: i64) -> i64 {
        self.signed() + lives * 1000
    }
}

/// What the links of a service promise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// How many seconds they live.
    lives: i64,
    /// How often each may be fetched, where that is limited.
    downloads: i64,
    /// Whether it is for every model.
    all: bool,
}

impl Terms {
    pub(crate) fn of(options: &Options) -> Self {
        let limits = &options.catalog.limits;
        Self {
            lives: limits.result_url_seconds.value,
            downloads: limits.result_url_downloads.value,
            all: options.switches.is("download-limit-scope", "all"),
        }
    }
}

/// One file: what it holds, and its link.
#[derive(Debug)]
struct File {
    spec: VideoSpec,
    part: FilePart,
    link: Link,
    /// The task's place in the ledger.
    place: u32,
    /// How often it may still be fetched; `None` is without end.
    left: Option<u32>,
}

/// What a file belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) model_name: &'static str,
    pub(crate) place: u32,
    /// How often each of its files may be fetched.
    pub(crate) downloads: Option<u32>,
    /// How many seconds their links live.
    pub(crate) lives: i64,
}

/// The files whose links are alive.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By the number in their names.
    by_object: HashMap<u128, File>,
    /// When each link dies, in the order of signing, which is the order of dying.
    oldest_first: VecDeque<(i64, u128)>,
}

impl Files {
    /// Adds a file and signs its link.
    pub(crate) fn add(
        &mut self,
        owner: Owner,
        spec: VideoSpec,
        part: FilePart,
        now: i64,
        random: &mut Random,
    ) -> Link {
        let mut link = Link { model_name: "", made: now, object: random.bits() >> 28, extension: "" };
        self.put(&mut link, spec, part, owner);
        link
    }

    /// Puts back what a link of a snapshot leads to, in any order, where it was still there.
    pub(crate) fn restore(
        &mut self,
        link: &mut Link,
        spec: VideoSpec,
        part: FilePart,
        owner: Owner,
        left: &BTreeMap<u128, Option<u32>>,
    ) {
        match left.get(&link.object) {
            Some(left) => self.put(link, spec, part, Owner { downloads: *left, ..owner }),
            None => link.complete(spec, part, owner),
        }
    }

    fn put(&mut self, link: &mut Link, spec: VideoSpec, part: FilePart, owner: Owner) {
        let Owner { place, downloads: left, lives, .. } = owner;
        link.complete(spec, part, owner);
        self.oldest_first.push_back((link.dies_at(lives), link.object));
        self.by_object.insert(link.object, File { spec, part, link: *link, place, left });
    }

    /// The file at a path. Only the whole path counts, not the number alone.
    fn at(&mut self, path: &str) -> Option<&mut File> {
        let (name, _) = path.rsplit_once('.')?;
        let digits = name.get(name.len().checked_sub(25)?..)?;
        let file = self.by_object.get_mut(&u128::from_str_radix(digits, 16).ok()?)?;
        (file.link.path() == path).then_some(file)
    }

    /// Puts files that were put back in any order into that of dying.
    pub(crate) fn sort(&mut self) {
        self.oldest_first.make_contiguous().sort_unstable();
    }

    /// How often each file may still be fetched (`None`: without end), by the number in its name.
    pub(crate) fn left(&self) -> BTreeMap<u128, Option<u32>> {
        self.by_object.iter().map(|(object, file)| (*object, file.left)).collect()
    }

    /// The place of the task that a path belongs to.
    pub(crate) fn task_of(&mut self, path: &str) -> Option<u32> {
        self.at(path).map(|file| file.place)
    }

    pub(crate) fn remove(&mut self, link: &Link) {
        self.by_object.remove(&link.object);
    }

    /// Forgets the files whose links are dead; they are refused like those that never were.
    pub(crate) fn bury(&mut self, now: i64) {
        while let Some((_, object)) = self.oldest_first.front().filter(|(dies, _)| *dies <= now) {
            self.by_object.remove(object);
            self.oldest_first.pop_front();
        }
    }

    /// Answers a request for a file: what to render, or why not. Also returns the ledger index of a
    /// video that was served.
    pub(crate) fn serve(&mut self, parts: &Parts, terms: Terms, request_id: &str) -> (Reply, Option<u32>) {
        let refuse = |code, message| (Reply::Answer(refused(403, code, message, request_id)), None);
        if parts.method != Method::GET {
            let message =
                "The link is signed for GET only; to learn the size of the file, GET it with a Range.";
            return refuse("SignatureDoesNotMatch", message);
        }
        let Some(file) = self.at(parts.uri.path()) else {
            let message = "There is no such file, or its link has expired: links live for 24 hours.";
            return refuse("AccessDenied", message);
        };
        if !same(parts.uri.query().unwrap_or_default(), &file.link.query(terms)) {
            let message = "The signature does not belong to this link; use the link as the task gave it.";
            return refuse("SignatureDoesNotMatch", message);
        }
        match &mut file.left {
            Some(0) => {
                let message = "The file has been fetched as often as its link allows.";
                return refuse("AccessDenied", message);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let video = (file.part == FilePart::Video).then_some(file.place);
        let job = RenderJob::new(file.spec, file.part, file.link.signed(), &parts.headers).owned_by(video);
        (Reply::Render(job), video)
    }
}

/// Whether two queries hold the same pairs, in any order and with `/` spelt out or not: clients may
/// sort and write them again.
fn same(a: &str, b: &str) -> bool {
    let pairs = |query: &str| {
        let mut pairs: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.replace("%2F", "/")).collect();
        pairs.sort_unstable();
        pairs
    };
    pairs(a) == pairs(b)
}

/// A refusal in the object store's form, which is not the API's.
pub(crate) fn refused(status: u16, code: &str, message: &str, request_id: &str) -> Response<Bytes> {
    let body = json!({ "Code": code, "RequestId": request_id, "Message": message }).to_string();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        answer.headers_mut().insert("x-tos-request-id", id);
    }
    answer
}

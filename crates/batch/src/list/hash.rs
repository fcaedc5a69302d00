//! The intent of a planned job: what `intent_hash` of `ark-video` makes of its request, with the
//! hashes of its files and what it takes from another job. Reads local files, nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ark_video::provenance::{canonical_hash, intent_hash_of};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{After, InputFile, Planned};

/// The hash of a request with its files and what it takes from another job. Where a file is does
/// not count, what is in it does; whether a person has to approve the other job first does not
/// change the video and does not count either.
pub(super) fn of_request(request: &Value, inputs: &[InputFile], after: Option<&After>) -> String {
    let media: BTreeMap<usize, String> =
        inputs.iter().map(|input| (input.content, input.sha256.clone())).collect();
    intent_hash_of(request, &media, link(after).as_ref())
}

fn link(after: Option<&After>) -> Option<Value> {
    after.map(|after| json!({ "job": after.job, "link": after.link }))
}

/// Whether two planned jobs are one intent. A journal of an earlier version hashed signatures and
/// `data:` URLs as they were written; its rows are hashed again before they count as different.
pub(crate) fn same_intent(one: &Planned, other: &Planned) -> bool {
    let now = |job: &Planned| of_request(&job.request, &job.inputs, job.after.as_ref());
    one.request_hash == other.request_hash
        || one.request_hash == as_written(other)
        || now(one) == other.request_hash
}

/// The hash as it was before signatures were left out.
fn as_written(job: &Planned) -> String {
    let mut request = job.request.clone();
    for input in &job.inputs {
        let item = request.get_mut("content").and_then(|content| content.get_mut(input.content));
        if let Some(url) = item.and_then(url_of) {
            *url = Value::String(format!("sha256:{}", input.sha256));
        }
    }
    canonical_hash(&json!({ "version": 1, "request": request, "after": link(job.after.as_ref()) }))
}

/// Largest file that is hashed: the service takes none that is larger (create page, 2026-10: videos
/// up to 200 MB, and 64 MB in a request).
const MOST_BYTES: u64 = 256 << 20;

/// Length and SHA-256 of a file.
pub(super) fn sha256_of_file(path: &Path) -> io::Result<(u64, String)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_BYTES {
        return Err(io::Error::other("it is larger than the 256 MiB that are read"));
    }
    let (mut hash, mut read, mut buffer) = (Sha256::new(), 0, vec![0; 64 << 10]);
    let mut file = file.take(MOST_BYTES + 1);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((read, hex(hash.finalize().as_slice())));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        read += count as u64;
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where an item of `content` has its address.
pub(super) fn url_of(item: &mut Value) -> Option<&mut Value> {
    let kind = item.get("type").and_then(Value::as_str)?.to_owned();
    item.get_mut(kind)?.get_mut("url")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;

    fn request(url: &str) -> Value {
        json!({ "content": [{ "type": "image_url", "image_url": { "url": url } }] })
    }

    #[test]
    fn files_count_by_their_bytes_and_links_by_what_they_take() {
        let input = |path: &str, sha256: &str| InputFile {
            content: 0,
            path: path.into(),
            bytes: 1,
            sha256: sha256.to_owned(),
        };
        let hash = |path: &str, sha: &str| of_request(&request(path), &[input(path, sha)], None);
        assert_eq!(hash("a.png", "00"), hash("b/a.png", "00"));
        assert_ne!(hash("a.png", "00"), hash("a.png", "01"));
        let after = |link, approve| After { job: "a".into(), link, approve };
        let linked = |after: &After| of_request(&request("u"), &[], Some(after));
        assert_eq!(linked(&after(Link::Extend, false)), linked(&after(Link::Extend, true)));
        assert_ne!(linked(&after(Link::Extend, false)), linked(&after(Link::LastFrame, false)));
        assert_ne!(linked(&after(Link::Extend, false)), of_request(&request("u"), &[], None));
    }

    #[test]
    fn a_row_of_an_earlier_version_is_the_same_intent_still() {
        let job = |url: &str| {
            let request = request(url);
            let hash = of_request(&request, &[], None);
            let planned =
                json!({"name": "a", "place": 0, "request": request, "request_hash": hash, "output": "a.mp4"});
            serde_json::from_value::<Planned>(planned).unwrap()
        };
        let before = |url: &str| {
            let mut job = job(url);
            job.request_hash = as_written(&job);
            job
        };
        let one = "https://h/a.png?X-Tos-Signature=1";
        assert_ne!(before(one).request_hash, job(one).request_hash, "or this test says nothing");
        for (old, new, same) in [
            (before(one), job(one), true),
            (before(one), job("https://h/a.png?X-Tos-Signature=2"), true),
            (before(one), job("https://h/b.png?X-Tos-Signature=1"), false),
            (before("data:image/png;base64,YWJj"), job("data:image/png;base64,YWJj"), true),
            (job(one), job("https://h/a.png?X-Tos-Signature=2"), true),
        ] {
            assert_eq!(same_intent(&old, &new), same, "{:?} {:?}", old.request, new.request);
        }
        let mut forgotten = before(one);
        forgotten.request = json!({ "model": "m" });
        assert!(same_intent(&forgotten, &job(one)), "a row that forgot its prompt keeps its hash");
    }
}

//! What makes two requests the same intent: canonical JSON and its SHA-256. The one definition that
//! the command and the batches share. Reads attached files to hash them; sends and writes nothing.
//!
//! Formatting, the order of fields and fields that are null change nothing. A medium counts by its
//! bytes where they are known (a file, a `data:` URL), else by its address without the parts that a
//! signature adds: signing an address again does not make another intent. Correlation marks are no
//! part of it: the hash is taken before they are added.

use std::{borrow::Cow, collections::BTreeMap, io};

use ark_video_model::CreateTaskRequest;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Attachments, provenance::hex};

/// One intent: the same request may be intended twice, so the hash alone does not identify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intent {
    /// [`intent_hash`] of the request, in hexadecimal.
    pub hash: String,
    /// Which of the intents with this hash, from 1.
    pub ordinal: u32,
    /// The shot of a batch that it is, as `batch/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shot: Option<String>,
}

impl Intent {
    /// The first intent with this hash.
    #[must_use]
    pub fn new(hash: impl Into<String>) -> Self {
        Self { hash: hash.into(), ordinal: 1, shot: None }
    }

    /// Sets which of the intents with this hash it is, from 1.
    #[must_use]
    pub fn ordinal(mut self, ordinal: u32) -> Self {
        self.ordinal = ordinal;
        self
    }

    /// Sets the shot of a batch that it is, as `batch/name`.
    #[must_use]
    pub fn shot(mut self, shot: impl Into<String>) -> Self {
        self.shot = Some(shot.into());
        self
    }
}

/// The hash of a request with its files, in hexadecimal. Reads the files.
///
/// # Errors
/// A file cannot be read.
pub fn intent_hash(request: &CreateTaskRequest, files: &Attachments) -> io::Result<String> {
    let mut value = serde_json::to_value(request).map_err(io::Error::other)?;
    let mut media = BTreeMap::new();
    for (index, item) in items(&mut value) {
        let Some(source) = url_of(item).and_then(|url| files.of(url.as_str()?)) else { continue };
        let mut hash = Sha256::new();
        let mut reader = source.open()?;
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = reader.read(&mut piece)?;
            if count == 0 {
                break;
            }
            hash.update(piece.get(..count).unwrap_or_default());
        }
        media.insert(index, hex(&hash.finalize()));
    }
    Ok(intent_hash_of(&value, &media, None))
}

/// The hash of a request as JSON. `media` holds the SHA-256 of the files in it, by their index in
/// `content`; `after` is what it takes from another job, if it takes something.
#[must_use]
pub fn intent_hash_of(request: &Value, media: &BTreeMap<usize, String>, after: Option<&Value>) -> String {
    let mut request = request.clone();
    for (index, item) in items(&mut request) {
        let Some(url) = url_of(item) else { continue };
        let own = media.get(&index).map(|sha256| format!("sha256:{sha256}"));
        let own = own.or_else(|| Some(content_or_place(url.as_str()?).into_owned()));
        if let Some(own) = own {
            *url = Value::String(own);
        }
    }
    canonical_hash(&json!({ "version": 1, "request": request, "after": after }))
}

/// SHA-256 of the canonical form of a JSON value, in hexadecimal.
#[must_use]
pub fn canonical_hash(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

fn items(request: &mut Value) -> impl Iterator<Item = (usize, &mut Value)> {
    request.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
}

/// Where an item of `content` has its address.
fn url_of(item: &mut Value) -> Option<&mut Value> {
    let kind = item.get("type").and_then(Value::as_str)?.to_owned();
    item.get_mut(kind)?.get_mut("url")
}

/// The bytes of a `data:` URL as their hash; of another address what does not change when it is
/// signed again.
fn content_or_place(url: &str) -> Cow<'_, str> {
    if let Some((_, data)) = url.split_once(";base64,").filter(|(head, _)| head.starts_with("data:")) {
        return match BASE64_STANDARD.decode(data) {
            Ok(bytes) => Cow::Owned(format!("sha256:{}", hex(&Sha256::digest(&bytes)))),
            Err(_) => Cow::Borrowed(url),
        };
    }
    unsigned(url)
}

/// Prefixes and names of query parameters that only sign: AWS, TOS, OSS, GCS, COS, and the CDNs in
/// front of them. Not among them is what chooses other bytes, such as `x-oss-process` or
/// `versionId`.
const SIGNING_PREFIXES: [&str; 3] = ["x-amz-", "x-tos-", "x-goog-"];
const SIGNING: [&str; 29] = [
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
    "signature",
    "expires",
    "ossaccesskeyid",
    "security-token",
    "x-oss-signature",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-security-token",
    "x-oss-additional-headers",
    "googleaccessid",
    "awsaccesskeyid",
    "key-pair-id",
    "policy",
    "x-cos-security-token",
    "auth_key",
    "x-expires",
    "x-signature",
    "lk3s",
    "sign",
    "sig",
];
/// What else signs where there is a `sig` (Azure's shared access signatures).
const BESIDE_SIG: [&str; 14] =
    ["sv", "ss", "srt", "sr", "sp", "st", "se", "sip", "spr", "skoid", "sktid", "skt", "ske", "sks"];
/// Parameters that resemble signatures but select the content.
const CHOOSING: [&str; 3] = ["x-tos-process", "x-tos-version-id", "x-goog-generation"];

/// An address without the parameters of a signature, if it has any.
fn unsigned(url: &str) -> Cow<'_, str> {
    let (place, fragment) = url.split_once('#').map_or((url, None), |(place, rest)| (place, Some(rest)));
    let Some((path, query)) = place.split_once('?') else { return Cow::Borrowed(url) };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let has_sig = query.split('&').any(|pair| name(pair) == "sig");
    let signs = |pair: &&str| {
        let name = name(pair);
        let by_name =
            SIGNING.contains(&&*name) || SIGNING_PREFIXES.iter().any(|start| name.starts_with(start));
        (by_name && !CHOOSING.contains(&&*name)) || (has_sig && BESIDE_SIG.contains(&&*name))
    };
    if !query.split('&').any(|pair| signs(&pair)) {
        return Cow::Borrowed(url);
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !signs(pair)).collect();
    let mut bare = path.to_owned();
    if !kept.is_empty() {
        bare.push('?');
        bare.push_str(&kept.join("&"));
    }
    if let Some(fragment) = fragment {
        bare.push('#');
        bare.push_str(fragment);
    }
    Cow::Owned(bare)
}

/// Fields sorted by name and without nulls, no spaces, integers without a fraction (after RFC
/// 8785).
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            // Up to here a double holds every integer.
            Some(integer) if !number.is_i64() && integer.fract() == 0.0 && integer.abs() < 9e15 => {
                text.push_str(&format!("{}", integer as i64));
            }
            _ => text.push_str(&number.to_string()),
        },
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(request: &Value) -> String {
        intent_hash_of(request, &BTreeMap::new(), None)
    }

    fn image(url: &str) -> Value {
        json!({ "model": "m", "content": [{ "type": "image_url", "image_url": { "url": url } }] })
    }

    #[test]
    fn writing_it_differently_changes_nothing() {
        let text = |value: &Value| {
            let mut text = String::new();
            canonical(value, &mut text);
            text
        };
        let value = json!({ "b": [1, 2.0, 2.5, true, null], "a": { "x": null, "\u{20ac}\"": "é\n" } });
        assert_eq!(text(&value), "{\"a\":{\"€\\\"\":\"é\\n\"},\"b\":[1,2,2.5,true,null]}");
        let one: Value = serde_json::from_str(r#"{"model":"m","duration":5,"seed":null}"#).unwrap();
        let two: Value = serde_json::from_str("{ \"duration\" : 5.0,\n \"model\" : \"\\u006d\" }").unwrap();
        assert_eq!(hash(&one), hash(&two));
    }

    #[test]
    fn a_signature_is_no_part_of_an_address_and_everything_else_is() {
        for (one, other, same) in [
            (
                "https://h/a.png?X-Tos-Signature=1&X-Tos-Date=2",
                "https://h/a.png?X-Tos-Date=3&X-Tos-Signature=4",
                true,
            ),
            (
                "https://h/a.png?X-Amz-Signature=1&versionId=7",
                "https://h/a.png?versionId=7&X-Amz-Signature=2",
                true,
            ),
            (
                "https://h/a.png?X-Amz-Signature=1&versionId=7",
                "https://h/a.png?versionId=8&X-Amz-Signature=1",
                false,
            ),
            (
                "https://h/a.png?Expires=1&OSSAccessKeyId=k&Signature=s",
                "https://h/a.png?Expires=2&OSSAccessKeyId=k&Signature=t",
                true,
            ),
            (
                "https://h/a.png?x-oss-process=image/resize,w_1&Signature=s",
                "https://h/a.png?x-oss-process=image/resize,w_2&Signature=s",
                false,
            ),
            (
                "https://h/a.png?x-tos-process=a&X-Tos-Signature=1",
                "https://h/a.png?x-tos-process=b&X-Tos-Signature=1",
                false,
            ),
            ("https://h/a.png?sv=1&se=2&sig=3", "https://h/a.png?sv=1&se=9&sig=4", true),
            ("https://h/a.png?st=1", "https://h/a.png?st=2", false),
            (
                "https://h/a.png?q-sign-algorithm=sha1&q-ak=k&q-signature=1",
                "https://h/a.png?q-sign-algorithm=sha1&q-ak=k&q-signature=2",
                true,
            ),
            ("https://h/a.png?auth_key=1-0-0-a", "https://h/a.png?auth_key=2-0-0-b", true),
            ("https://h/a.png?X-Tos-Signature=1", "https://h/a.png", true),
            ("https://h/a.png?id=1", "https://h/a.png?id=2", false),
            ("https://h/a.png", "https://h/b.png", false),
            ("https://h/a.png#1", "https://h/a.png#2", false),
            ("asset://1", "asset://2", false),
            ("data:image/png;base64,YWJj", "data:image/jpeg;base64,YWJj", true),
            ("data:image/png;base64,YWJj", "data:image/png;base64,YWJk", false),
        ] {
            assert_eq!(hash(&image(one)) == hash(&image(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn a_file_counts_by_its_bytes_wherever_it_is_and_however_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let mut files = Attachments::new();
            let first = files.image(&path, "png").unwrap();
            intent_hash(&ark_video_model::ImageToVideo::new("m", first).build(), &files).unwrap()
        };
        let one = of("a.png", b"abc");
        assert_eq!(one, of("b.png", b"abc"));
        assert_ne!(one, of("a.png", b"abd"));
        let inline =
            ark_video_model::ImageToVideo::new("m", ark_video_model::ImageSource::data("png", b"abc"));
        assert_eq!(one, intent_hash(&inline.build(), &Attachments::new()).unwrap());
    }

    proptest! {
        #[test]
        fn the_order_of_fields_never_counts(fields in proptest::collection::btree_map("[a-z\\PC]{0,4}", any::<i64>(), 0..8)) {
            let forwards: serde_json::Map<String, Value> = fields.iter().map(|(k, v)| (k.clone(), (*v).into())).collect();
            let backwards: serde_json::Map<String, Value> = fields.iter().rev().map(|(k, v)| (k.clone(), (*v).into())).collect();
            prop_assert_eq!(canonical_hash(&Value::Object(forwards)), canonical_hash(&Value::Object(backwards)));
        }
    }
}

//! Correlation marks: values put into a create before it is sent, by which its task is recognised
//! afterwards.

use ark_video_model::{ContentItem, CreateTaskRequest};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::callback::{TokenHash, hex};

/// Random bytes that one stamp takes.
pub const CORRELATION_RANDOM: usize = 40;
/// Longest end user's name, in bytes, that is kept as it is beside a tag; a longer one is replaced
/// by its hash.
pub const TAG_ROOM: usize = MAX_IDENTIFIER - 1 - TAG_START.len() - TAG_DIGITS;

/// When a task expires if nobody says otherwise, in seconds (create page, 2026-10).
pub(super) const DEFAULT_EXPIRY: i64 = 172_800;

/// The first value that is a mark, and how many follow it: all that 48 h and less than an hour more
/// leave.
pub(super) const FIRST_EXPIRY: i64 = DEFAULT_EXPIRY + 1;
pub(super) const EXPIRIES: i64 = 3599;

/// Longest `safety_identifier` (create page, 2026-10).
const MAX_IDENTIFIER: usize = 64;
const TAG_START: &str = "av-";
const TAG_DIGITS: usize = 24;

/// Which marks to put in. The default leaves all that the caller set as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct CorrelationOptions {
    /// A tag of its own for each create in `safety_identifier`, behind the end user's name. Exact,
    /// but the vendor asks for one fixed value per end user there, so it is off unless switched on.
    pub tag: bool,
    /// Where `execution_expires_after` is open: 48 h and a few seconds that only this create has.
    /// Default on.
    pub expiry: bool,
    /// Where `seed` is open and the model is a 1.x: a seed of our choice. Default on.
    pub seed: bool,
    /// Where `callback_url` is open: this address with a secret token behind it. Set it only
    /// together with a receiver that is given the token ([`Correlation::callback`]); `ark-video`
    /// does that.
    pub callback: Option<String>,
}

impl Default for CorrelationOptions {
    fn default() -> Self {
        Self { tag: false, expiry: true, seed: true, callback: None }
    }
}

impl CorrelationOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No mark at all: the request goes out as it is.
    #[must_use]
    pub fn none() -> Self {
        Self { tag: false, expiry: false, seed: false, callback: None }
    }

    /// Sets whether to put a tag into `safety_identifier`.
    #[must_use]
    pub fn tag(mut self, tag: bool) -> Self {
        self.tag = tag;
        self
    }
}

/// The marks of one create. Goes into its [`super::UnresolvedCreate`] if the outcome is unknown; no
/// use before or after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Correlation {
    /// The whole `safety_identifier`, when it holds a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Our value of `execution_expires_after`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<i64>,
    /// Our seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The token in the path of `callback_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<TokenHash>,
}

/// Puts drawn marks into a request. Stamp once per intent, on a copy, before the first send, and
/// send that copy in each repeat. Others may draw the same; where their marks are known,
/// [`super::allocate`].
#[must_use]
pub fn stamp(
    request: &mut CreateTaskRequest,
    options: &CorrelationOptions,
    random: [u8; CORRELATION_RANDOM],
) -> Correlation {
    let expiry = |drawn| Some(FIRST_EXPIRY + i64::from(drawn) % EXPIRIES);
    stamp_with(request, options, random, expiry, |drawn| drawn)
}

/// As [`stamp`], with values that `expiry` and `seed` choose, given a drawn number.
pub(super) fn stamp_with(
    request: &mut CreateTaskRequest,
    options: &CorrelationOptions,
    random: [u8; CORRELATION_RANDOM],
    expiry: impl FnOnce(u32) -> Option<i64>,
    seed: impl FnOnce(i64) -> i64,
) -> Correlation {
    let mut marks = Correlation::default();
    let number = |from: usize| {
        u32::from_be_bytes([random[from], random[from + 1], random[from + 2], random[from + 3]])
    };
    if options.tag {
        let tagged = tagged(request.safety_identifier.as_deref(), &random[..TAG_DIGITS / 2]);
        marks.tag = Some(tagged.clone());
        request.safety_identifier = Some(tagged);
    }
    if let (Some(address), None) = (&options.callback, &request.callback_url) {
        let token = hex(&random[12..28]);
        marks.callback = Some(TokenHash::of(&token));
        request.callback_url = Some(format!("{}/{token}", address.trim_end_matches('/')));
    }
    if options.expiry && request.execution_expires_after.is_none() {
        marks.expiry = expiry(number(28));
        request.execution_expires_after = marks.expiry;
    }
    let from_draft = request.content.iter().any(|item| matches!(item, ContentItem::DraftTask(_)));
    if options.seed && request.seed.is_none() && !from_draft && is_1x(&request.model) {
        marks.seed = Some(seed(i64::from((number(32) >> 1).max(1))));
        request.seed = marks.seed;
    }
    marks
}

/// Whether a model takes and echoes a seed, as far as documents agree (create page, 2026-10).
pub(super) fn is_1x(model: &str) -> bool {
    model.contains("seedance-1-") || model.contains("seedance-1.")
}

fn tagged(user: Option<&str>, random: &[u8]) -> String {
    let tag = format!("{TAG_START}{}", hex(random));
    let user = user.map(|user| user.strip_suffix(tag_of(user).unwrap_or_default()).unwrap_or(user));
    match user.map(|user| user.trim_end_matches('.')).filter(|user| !user.is_empty()) {
        None => tag,
        Some(user) if user.len() <= TAG_ROOM => format!("{user}.{tag}"),
        Some(user) => {
            let hash = hex(&Sha256::digest(user.as_bytes()));
            format!("{}.{tag}", &hash[..TAG_ROOM])
        }
    }
}

/// The tag at the end of a `safety_identifier`, if it is one of ours.
pub(super) fn tag_of(identifier: &str) -> Option<&str> {
    let at = identifier.len().checked_sub(TAG_START.len() + TAG_DIGITS)?;
    let tag = identifier.get(at..)?;
    let digits = tag.strip_prefix(TAG_START)?;
    digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RANDOM: [u8; CORRELATION_RANDOM] = [0xab; CORRELATION_RANDOM];

    fn request(value: serde_json::Value) -> CreateTaskRequest {
        let mut request =
            json!({"model": "doubao-seedance-2-0-260128", "content": [{"type": "text", "text": "p"}]});
        request.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn by_default_only_the_expiry_is_marked_and_only_where_it_was_open() {
        let mut open = request(json!({}));
        let marks = stamp(&mut open, &CorrelationOptions::default(), RANDOM);
        let expiry = marks.expiry.unwrap();
        assert!((DEFAULT_EXPIRY + 1..DEFAULT_EXPIRY + 3600).contains(&expiry));
        assert_eq!(open, request(json!({"execution_expires_after": expiry})));
        let mut set = request(json!({"execution_expires_after": 3600}));
        assert_eq!(stamp(&mut set, &CorrelationOptions::default(), RANDOM), Correlation::default());
        assert_eq!(set, request(json!({"execution_expires_after": 3600})));
    }

    #[test]
    fn a_seed_is_chosen_on_1x_only_and_never_against_the_caller() {
        for (fields, chosen) in [
            (json!({"model": "doubao-seedance-1-5-pro-251215"}), true),
            (json!({"model": "doubao-seedance-1-5-pro-251215", "seed": 7}), false),
            (json!({"model": "doubao-seedance-1-5-pro-251215", "seed": -1}), false),
            (
                json!({"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "draft_task", "draft_task": {"id": "cgt-1"}}]}),
                false,
            ),
            (json!({"model": "doubao-seedance-2-0-260128"}), false),
            (json!({"model": "ep-20260101-abcde"}), false),
        ] {
            let marks = stamp(&mut request(fields.clone()), &CorrelationOptions::default(), RANDOM);
            assert_eq!(marks.seed.is_some(), chosen, "{fields}");
            assert!(marks.seed.is_none_or(|seed| (1..=i64::from(i32::MAX)).contains(&seed)));
        }
    }

    #[test]
    fn a_tag_keeps_the_end_users_name_or_its_hash_within_64_bytes() {
        let options = CorrelationOptions::none().tag(true);
        for (user, start) in [
            (None, "av-".to_owned()),
            (Some("user-1"), "user-1.av-".to_owned()),
            (
                Some("123e4567-e89b-12d3-a456-426614174000"),
                "123e4567-e89b-12d3-a456-426614174000.av-".to_owned(),
            ),
            (Some(&*"x".repeat(64)), format!("{}.av-", &hex(&Sha256::digest("x".repeat(64)))[..TAG_ROOM])),
            (Some(&*"名".repeat(20)), format!("{}.av-", &hex(&Sha256::digest("名".repeat(20)))[..TAG_ROOM])),
        ] {
            let mut request = request(json!({"safety_identifier": user}));
            let tag = stamp(&mut request, &options, RANDOM).tag.unwrap();
            assert_eq!(request.safety_identifier.as_ref(), Some(&tag));
            assert!(tag.starts_with(&start) && tag.len() <= 64, "{tag}");
            assert_eq!(tag_of(&tag), Some("av-abababababababababababab"));
            let again = stamp(&mut request, &options, [1; CORRELATION_RANDOM]).tag.unwrap();
            assert!(again.starts_with(&start) && again.len() == tag.len(), "{again}");
        }
        for odd in ["", "av-", "av-xbababababababababababab", "ü".repeat(14).as_str()] {
            assert_eq!(tag_of(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_callback_token_is_put_behind_the_address_and_kept_as_a_hash() {
        let options = CorrelationOptions {
            callback: Some("https://host.example/ark/".to_owned()),
            ..CorrelationOptions::none()
        };
        let mut open = request(json!({}));
        let marks = stamp(&mut open, &options, RANDOM);
        let token = "ab".repeat(16);
        assert_eq!(open.callback_url, Some(format!("https://host.example/ark/{token}")));
        assert!(marks.callback.unwrap().matches(&token));
        assert!(!serde_json::to_string(&marks).unwrap().contains(&token));
        let mut set = request(json!({"callback_url": "https://own.example/"}));
        assert_eq!(stamp(&mut set, &options, RANDOM), Correlation::default());
        assert_eq!(set.callback_url.as_deref(), Some("https://own.example/"));
    }
}

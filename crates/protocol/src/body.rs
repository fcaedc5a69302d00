//! A request body as a plan: JSON bytes, and between them "base64 of this source". Its exact length
//! is known before a source is opened, so a body that is too large is refused without reading a
//! byte.
//!
//! A source stands in the request as a placeholder, a data URL with a token instead of data, or,
//! if it has to be uploaded to a store first, a URL that no body may have. Nothing is read here:
//! the transport fills the plan in while it sends.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;

use crate::RequestError;

/// Largest body that the service takes, in bytes (create page, 2026-10: 64 MB; read as 64 MiB).
pub const MAX_BODY: u64 = 64 << 20;

/// Random bytes that make a token.
pub const TOKEN_BYTES: usize = 16;

/// What every placeholder holds. It is base64 in form, so that a placeholder is a well-formed data
/// URL.
const MARK: &str = ";base64,arkVideoAttachment//";
static FINDER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(MARK));
/// What every placeholder of a source begins with that has to be uploaded first.
const HOSTED: &str = "https://media.ark-video.invalid/";
static HOSTED_FINDER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(HOSTED));
/// Characters of a token.
const TOKEN: usize = 24;

/// The name of a source within one request. It must be random, so that a placeholder of another
/// request is never taken for one of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; TOKEN]);

impl Token {
    /// Makes a token of random bytes.
    #[must_use]
    pub fn new(random: [u8; TOKEN_BYTES]) -> Self {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits = u128::from_le_bytes(random);
        Self(std::array::from_fn(|at| LETTERS[(bits >> (at * 5)) as usize & 63]))
    }

    /// The data URL that stands for the source, such as `data:image/png;base64,…`; `media_type` is
    /// `image/png`.
    #[must_use]
    pub fn placeholder(&self, media_type: &str) -> String {
        format!("data:{media_type}{MARK}{}", String::from_utf8_lossy(&self.0))
    }
}

/// Whether a text is a placeholder, and not yet data.
#[must_use]
pub fn is_placeholder(url: &str) -> bool {
    token_of(url).is_some()
}

/// The placeholder of the same source as one that has to be uploaded first; `None` for anything
/// but a placeholder.
#[must_use]
pub fn hosted(placeholder: &str) -> Option<String> {
    let (head, _) = placeholder.split_once(MARK)?;
    let token = token_of(placeholder)?;
    let format = head.rsplit('/').next().unwrap_or_default();
    let token = String::from_utf8_lossy(&token.0).replace('+', "-").replace('/', "_");
    Some(format!("{HOSTED}{token}.{format}"))
}

/// Whether a text is a placeholder of a source that has to be uploaded first.
#[must_use]
pub fn is_hosted(url: &str) -> bool {
    url.starts_with(HOSTED)
}

/// The token of a placeholder.
#[must_use]
pub fn token_of(url: &str) -> Option<Token> {
    if let Some(name) = url.strip_prefix(HOSTED) {
        let token = name.split('.').next()?.replace('-', "+").replace('_', "/");
        return token.as_bytes().try_into().ok().map(Token);
    }
    let (_, token) = url.split_once(MARK)?;
    token.as_bytes().try_into().ok().map(Token)
}

/// Bytes that are fetched while sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// The index of the source, in the caller's order.
    pub index: usize,
    /// Its length in bytes, before it is encoded.
    pub length: u64,
}

impl Source {
    /// The source of this index and length.
    #[must_use]
    pub const fn new(index: usize, length: u64) -> Self {
        Self { index, length }
    }
}

/// A part of a body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// Bytes as they go on the wire.
    Json(Bytes),
    /// The bytes of a source, as base64 with padding.
    Base64(Source),
}

impl Segment {
    /// Bytes on the wire.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Json(bytes) => bytes.len() as u64,
            Self::Base64(source) => encoded_length(source.length),
        }
    }
}

/// A body holds prompts and pictures: only sizes are shown.
impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
            Self::Base64(source) => write!(f, "Base64({} bytes of source {})", source.length, source.index),
        }
    }
}

/// A body of known length, of at most [`MAX_BODY`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyPlan {
    segments: Vec<Segment>,
    length: u64,
}

impl BodyPlan {
    /// Cuts `json` at its placeholders; `find` says which source a token means.
    ///
    /// # Errors
    /// [`RequestError::NotAttached`] for a placeholder that `find` does not know,
    /// [`RequestError::NotUploaded`] for one whose source has to be uploaded first,
    /// [`RequestError::TooLarge`].
    pub fn new(json: Bytes, mut find: impl FnMut(&Token) -> Option<Source>) -> Result<Self, RequestError> {
        // The mark's first part is the end of the data URL's head and stays.
        let head = MARK.find(',').map_or(0, |comma| comma + 1);
        let mut segments = Vec::new();
        if HOSTED_FINDER.find(&json).is_some() {
            return Err(RequestError::NotUploaded);
        }
        let mut rest = json;
        while let Some(at) = FINDER.find(&rest) {
            let token = rest.get(at + MARK.len()..at + MARK.len() + TOKEN);
            let token = token.and_then(|token| token.try_into().ok()).map(Token);
            let source = token.as_ref().and_then(&mut find).ok_or(RequestError::NotAttached)?;
            segments.push(Segment::Json(rest.split_to(at + head)));
            let _ = rest.split_to(MARK.len() - head + TOKEN);
            segments.push(Segment::Base64(source));
        }
        if !rest.is_empty() {
            segments.push(Segment::Json(rest));
        }
        let length = segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.length()));
        if length > MAX_BODY {
            return Err(RequestError::TooLarge { length });
        }
        Ok(Self { segments, length })
    }

    /// Bytes on the wire: the `Content-Length`.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The parts in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The whole body, if no source has to be read for it.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        match self.segments.as_slice() {
            [] => Some(Bytes::new()),
            [Segment::Json(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }
}

/// A ready body. It is sent unchanged, whatever its size: the caller is responsible for that.
impl From<Bytes> for BodyPlan {
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self { segments: if bytes.is_empty() { Vec::new() } else { vec![Segment::Json(bytes)] }, length }
    }
}

/// Length of base64 with padding.
fn encoded_length(length: u64) -> u64 {
    length.div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(index: usize, length: u64) -> Option<Source> {
        Some(Source { index, length })
    }

    #[test]
    fn a_placeholder_is_a_well_formed_data_url_and_random() {
        let one = Token::new([7; 16]).placeholder("image/png");
        let data = one.strip_prefix("data:image/png;base64,").unwrap();
        assert_eq!(data.len() % 4, 0);
        assert!(
            data.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'),
            "{data}"
        );
        assert_eq!(token_of(&one), Some(Token::new([7; 16])));
        assert_ne!(Token::new([7; 16]), Token::new([8; 16]));
        let mut last = [7; 16];
        last[14] = 8;
        assert_ne!(Token::new([7; 16]), Token::new(last), "every byte counts but the last");
        assert!(!is_placeholder("data:image/png;base64,iVBORw0KGgo="));
    }

    #[test]
    fn a_plan_is_cut_at_its_placeholders_and_knows_its_length() {
        let (one, two) = (Token::new([1; 16]), Token::new([2; 16]));
        let json = format!(
            r#"{{"a":"{}","b":"{}","c":"{}"}}"#,
            one.placeholder("image/png"),
            two.placeholder("audio/wav"),
            one.placeholder("image/png")
        );
        let find = |token: &Token| if *token == one { source(0, 5) } else { source(1, 3) };
        let plan = BodyPlan::new(json.into(), find).unwrap();
        assert_eq!(
            format!("{:?}", plan.segments()),
            "[Json(28 bytes), Base64(5 bytes of source 0), Json(29 bytes), Base64(3 bytes of source 1), Json(29 bytes), Base64(5 bytes of source 0), Json(2 bytes)]"
        );
        assert_eq!(plan.length(), 28 + 8 + 29 + 4 + 29 + 8 + 2);
        assert_eq!(plan.bytes(), None);
    }

    #[test]
    fn an_unknown_placeholder_is_rejected() {
        let json = format!(r#"{{"a":"{}"}}"#, Token::new([1; 16]).placeholder("image/png"));
        assert_eq!(BodyPlan::new(json.into(), |_| None), Err(RequestError::NotAttached));
        let cut = Bytes::from_static(b"\"data:image/png;base64,arkVideoAttachment//AB\"");
        assert_eq!(BodyPlan::new(cut, |_| source(0, 1)), Err(RequestError::NotAttached));
    }

    #[test]
    fn a_source_that_has_to_be_uploaded_first_is_never_sent() {
        for random in [[1; 16], [255; 16], [190; 16]] {
            let token = Token::new(random);
            let url = hosted(&token.placeholder("video/mp4")).unwrap();
            assert!(url.ends_with(".mp4") && is_hosted(&url), "{url}");
            assert_eq!((token_of(&url), url.matches('/').count()), (Some(token), 3));
            let plan = BodyPlan::new(format!(r#"{{"a":"{url}"}}"#).into(), |_| source(0, 1));
            assert_eq!(plan, Err(RequestError::NotUploaded));
        }
        assert_eq!(hosted("data:video/mp4;base64,AAAA"), None);
    }

    #[test]
    fn more_than_the_service_takes_is_refused_before_anything_is_read() {
        let json = format!(r#"{{"a":"{}"}}"#, Token::new([1; 16]).placeholder("image/png"));
        let around = json.len() as u64 - 44;
        let largest = (MAX_BODY - around) / 4 * 3;
        let plan = |length| BodyPlan::new(json.clone().into(), |_| source(0, length));
        assert!(plan(largest).is_ok());
        let refused = plan(largest + 1).unwrap_err();
        assert!(refused.to_string().contains("64 MiB"), "{refused}");
        assert!(matches!(plan(u64::MAX), Err(RequestError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn without_a_placeholder_a_body_stays_one_piece(text in "\\PC{0,80}") {
            let json = Bytes::from(serde_json::to_vec(&text).unwrap());
            let plan = BodyPlan::new(json.clone(), |_| None).unwrap();
            prop_assert_eq!((plan.length(), plan.bytes()), (json.len() as u64, Some(json)));
        }
    }
}

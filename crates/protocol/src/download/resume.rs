//! The state that is kept to resume a download, and to notice when a resume would be wrong.
//!
//! The signature of the link is not among it.

use serde::{Deserialize, Serialize};

use super::{DownloadRefusal, place_of};

/// Ranged requests with one link. Each may count as a download, and some links bear a hundred (2.5
/// page, 2026-10).
pub const MAX_RANGED: u32 = 20;

/// State of a `.part` file, as it is written beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The link without its query.
    pub place: String,
    /// Hash of the whole link, in hexadecimal: detects a new link.
    pub link: String,
    /// Strong entity tag of the file.
    pub etag: Option<String>,
    /// Length of the whole file. Without one, nothing can be taken up.
    pub length: Option<u64>,
    /// Bytes that the `.part` file held when the last call ended, from its start; none while one
    /// goes on.
    pub bytes: u64,
    /// SHA-256 of those bytes, in hexadecimal: proves that they are still what was fetched.
    pub sha256: String,
    /// CRC-64 of the whole file, as the storage gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64: Option<u64>,
    /// What came was whole and not what was asked for. It is kept to be looked at, and not resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// Media type, as the storage named it.
    pub content_type: Option<String>,
    /// Ranged requests with this link so far.
    pub ranged: u32,
}

/// The most bytes that are fetched again when a download is resumed: they show that the rest
/// belongs to what is there.
const OVERLAP: u64 = 4096;

/// What a request may go on from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Kept {
    /// Bytes that are there already, from the start; never none.
    pub bytes: u64,
    /// Length of the whole file.
    pub length: u64,
    /// Strong entity tag of the file.
    pub etag: Option<String>,
}

impl Kept {
    /// Bytes of a file of this length.
    #[must_use]
    pub fn new(bytes: u64, length: u64, etag: Option<String>) -> Self {
        Self { bytes, length, etag }
    }

    /// The first byte that is asked for. The bytes from here to [`Self::bytes`] come again, to be
    /// compared.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.bytes.saturating_sub(OVERLAP)
    }

    /// The `Range` header.
    #[must_use]
    pub fn range(&self) -> String {
        format!("bytes={}-", self.from())
    }
}

impl Part {
    /// Nothing yet of what `link` names; `fingerprint` is the hash of the whole link.
    #[must_use]
    pub fn new(link: &str, fingerprint: &str) -> Self {
        Self {
            place: place_of(link).to_owned(),
            link: fingerprint.to_owned(),
            etag: None,
            length: None,
            bytes: 0,
            sha256: String::new(),
            crc64: None,
            rejected: false,
            content_type: None,
            ranged: 0,
        }
    }

    /// How many of the `found` bytes in the `.part` file may be resumed from. Those that the state
    /// speaks of are still to be proved by their hash.
    ///
    /// A call that is killed leaves more than the state speaks of, and so does a power cut, after
    /// which a file may keep its length and lose its bytes. Those bytes count only if the storage
    /// gave a checksum of the whole file, which decides in the end; otherwise they are fetched
    /// again.
    #[must_use]
    pub fn trusted(&self, found: u64) -> u64 {
        match self.length {
            Some(length) if !self.rejected && self.bytes <= found && found <= length => {
                if self.crc64.is_some() { found } else { self.bytes }
            }
            _ => 0,
        }
    }

    /// Takes up a link, fresh or not, and says what the next request may go on from; `None`: from
    /// the start.
    ///
    /// Another place with an entity tag is asked with the tag, which then decides; without one
    /// nothing proves that it is the same file.
    ///
    /// # Errors
    /// [`DownloadRefusal::TooManyRanges`] with this link.
    pub fn take_up(&mut self, link: &str, fingerprint: &str) -> Result<Option<Kept>, DownloadRefusal> {
        if self.link != fingerprint {
            fingerprint.clone_into(&mut self.link);
            self.ranged = 0;
        }
        let same_place = self.place == place_of(link);
        let kept = match self.length {
            Some(length) if self.bytes > 0 && self.bytes <= length && (same_place || self.etag.is_some()) => {
                Kept::new(self.bytes, length, self.etag.clone())
            }
            _ => return Ok(None),
        };
        place_of(link).clone_into(&mut self.place);
        if self.ranged >= MAX_RANGED {
            return Err(DownloadRefusal::TooManyRanges);
        }
        self.ranged += 1;
        Ok(Some(kept))
    }

    /// Whether every byte of what `link` names is there.
    #[must_use]
    pub fn is_whole_of(&self, link: &str) -> bool {
        self.bytes > 0 && self.length == Some(self.bytes) && self.place == place_of(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://h/a.mp4?sig=1";

    fn half() -> Part {
        Part { bytes: 5, length: Some(10), etag: Some("\"x\"".into()), ..Part::new(LINK, "f1") }
    }

    #[test]
    fn a_part_is_taken_up_where_it_ended() {
        let kept = half().take_up(LINK, "f1").unwrap().unwrap();
        assert_eq!((kept.bytes, kept.etag.as_deref()), (5, Some("\"x\"")));
        assert_eq!(kept.range(), "bytes=0-", "the last bytes again");
        assert_eq!(Kept::new(5000, 9000, None).range(), "bytes=904-");
        assert_eq!(Part::new(LINK, "f1").take_up(LINK, "f1"), Ok(None));
        assert_eq!(Part { length: None, ..half() }.take_up(LINK, "f1"), Ok(None));
        assert_eq!(Part { bytes: 11, ..half() }.take_up(LINK, "f1"), Ok(None), "more than the whole");
    }

    #[test]
    fn what_a_killed_call_left_counts_only_where_a_checksum_decides_in_the_end() {
        let summed = Part { crc64: Some(7), ..half() };
        assert_eq!([half().trusted(5), half().trusted(9)], [5, 5]);
        assert_eq!([summed.trusted(5), summed.trusted(9)], [5, 9]);
        assert_eq!([summed.trusted(4), summed.trusted(11)], [0, 0], "not what we left");
        assert_eq!(Part { rejected: true, ..summed.clone() }.trusted(9), 0);
        assert_eq!(Part { length: None, ..summed }.trusted(9), 0);
    }

    #[test]
    fn another_place_is_asked_only_with_an_entity_tag() {
        let elsewhere = "https://h/b.mp4?sig=2";
        let mut tagged = half();
        assert!(tagged.take_up(elsewhere, "f2").unwrap().is_some());
        assert_eq!(tagged.place, "https://h/b.mp4");
        assert_eq!(Part { etag: None, ..half() }.take_up(elsewhere, "f2"), Ok(None));
        assert!(Part { etag: None, ..half() }.take_up("https://h/a.mp4?sig=2", "f2").unwrap().is_some());
    }

    #[test]
    fn ranged_requests_are_counted_by_link() {
        let mut part = half();
        for _ in 0..MAX_RANGED {
            assert!(part.take_up(LINK, "f1").unwrap().is_some());
        }
        assert_eq!(part.take_up(LINK, "f1"), Err(DownloadRefusal::TooManyRanges));
        assert!(part.take_up(LINK, "f2").unwrap().is_some(), "a new link starts over");
    }

    #[test]
    fn what_is_written_holds_no_signature_and_is_read_again() {
        let written = serde_json::to_string(&half()).unwrap();
        assert!(!written.contains("sig"), "{written}");
        assert_eq!(serde_json::from_str::<Part>(&written).unwrap(), half());
        let whole = Part { bytes: 10, ..half() };
        assert!(!half().is_whole_of(LINK) && whole.is_whole_of("https://h/a.mp4?sig=2"));
        assert!(!whole.is_whole_of("https://h/b.mp4"));
    }
}

//! What is kept of a download that has not ended: enough to go on, and to notice when that would be wrong.
//!
//! The signature of the link is not among it.

use serde::{Deserialize, Serialize};

use super::{DownloadRefusal, place_of};

/// Ranged requests with one link. Each may count as a download, and some links bear a hundred (2.5 page, 2026-10).
pub const MAX_RANGED: u32 = 20;

/// State of a `.part` file, as it is written beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The link without its query.
    pub place: String,
    /// Hash of the whole link, in hexadecimal: tells a fresh link from the same one.
    pub link: String,
    /// Strong entity tag of the file.
    pub etag: Option<String>,
    /// Length of the whole file. Without one, nothing can be taken up.
    pub length: Option<u64>,
    /// Bytes that are in the `.part` file, from its start, and on the disk itself when this was written.
    pub bytes: u64,
    /// SHA-256 of those bytes, in hexadecimal: proves that they are still what was fetched.
    pub sha256: String,
    /// CRC-64 of the whole file, as the storage gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64: Option<u64>,
    /// Which run of the operating system wrote this, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// Media type, as the storage named it.
    pub content_type: Option<String>,
    /// Ranged requests with this link so far.
    pub ranged: u32,
}

/// What a request may go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// The `Range` header.
    #[must_use]
    pub fn range(&self) -> String {
        format!("bytes={}-", self.bytes)
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
            boot: None,
            content_type: None,
            ranged: 0,
        }
    }

    /// How many of the `found` bytes in the `.part` file can be what was fetched; `boot` is the run of the system now.
    /// Those that the state speaks of are still to be proved by their hash.
    ///
    /// What a process has written stays when it is killed: it is in the system's hands by then. So while the same run of the
    /// system goes on, the file is as long as what was fetched. After a crash or a loss of power its length proves nothing (a
    /// file system may keep the length and lose the bytes, and the end reads as zeros): then only what the state speaks of
    /// counts. The same where the system does not tell one run from another.
    #[must_use]
    pub fn trusted(&self, found: u64, boot: Option<&str>) -> u64 {
        let same_run = self.boot.is_some() && self.boot.as_deref() == boot;
        match self.length {
            Some(length) if self.bytes <= found && found <= length => {
                if same_run {
                    found
                } else {
                    self.bytes
                }
            }
            _ => 0,
        }
    }

    /// Takes up a link, fresh or not, and says what the next request may go on from; `None`: from the start.
    ///
    /// Another place with an entity tag is asked with the tag, which then decides; without one nothing proves that it is
    /// the same file.
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
        assert_eq!((kept.range().as_str(), kept.etag.as_deref()), ("bytes=5-", Some("\"x\"")));
        assert_eq!(Part::new(LINK, "f1").take_up(LINK, "f1"), Ok(None));
        assert_eq!(Part { length: None, ..half() }.take_up(LINK, "f1"), Ok(None));
        assert_eq!(Part { bytes: 11, ..half() }.take_up(LINK, "f1"), Ok(None), "more than the whole");
    }

    #[test]
    fn the_length_of_a_part_counts_while_the_system_runs_on() {
        let part = Part { boot: Some("b1".into()), ..half() };
        assert_eq!([part.trusted(5, Some("b1")), part.trusted(9, Some("b1"))], [5, 9]);
        assert_eq!([part.trusted(9, Some("b2")), part.trusted(9, None)], [5, 5], "after a crash");
        assert_eq!(half().trusted(9, None), 5, "a system that does not tell");
        assert_eq!([part.trusted(4, Some("b1")), part.trusted(11, Some("b1"))], [0, 0], "not what we left");
        assert_eq!(Part { length: None, ..part }.trusted(9, Some("b1")), 0);
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
        assert!(part.take_up(LINK, "f2").unwrap().is_some(), "a fresh link starts anew");
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

//! What must hold of any bytes: shared by the fuzz targets. A broken promise is a panic here.

use std::fmt::Debug;
use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use ark_video_media::{MOST_READ, check_complete, probe};
use serde::Serialize;
use serde::de::DeserializeOwned;

struct Counting<'b> {
    bytes: Cursor<&'b [u8]>,
    read: u64,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.bytes.seek(to)
    }
}

/// An answer comes, little was read for it, and its numbers are numbers.
pub fn medium(bytes: &[u8]) {
    let mut reader = Counting { bytes: Cursor::new(bytes), read: 0 };
    match probe(&mut reader) {
        Ok(facts) => {
            assert_eq!(facts.bytes, Some(bytes.len() as u64));
            for number in [facts.seconds, facts.frames_per_second].into_iter().flatten() {
                assert!(number.is_finite() && number >= 0.0, "{number}");
            }
            for side in [facts.width, facts.height].into_iter().flatten() {
                assert!(side > 0);
            }
        }
        Err(error) => assert!(error.to_string().len() < 300, "{error}"),
    }
    assert!(reader.read <= MOST_READ, "{} bytes were read", reader.read);
    let mut reader = Counting { bytes: Cursor::new(bytes), read: 0 };
    if let Err(error) = check_complete(&mut reader) {
        assert!(error.to_string().len() < 300, "{error}");
    }
    assert!(reader.read <= MOST_READ, "{} bytes were read", reader.read);
}

/// Writes `fixed` over the bytes, so that no time goes into finding the way in.
pub fn over(bytes: &mut [u8], at: usize, fixed: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + fixed.len()) {
        place.copy_from_slice(fixed);
    }
}

/// What can be decoded can be encoded, and comes back the same; to be shown it is shown without its
/// secrets, but at least without a panic.
pub fn comes_back<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let first: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_vec(&first).expect("what was decoded can be encoded");
    let second: T = serde_json::from_slice(&text).expect("what was encoded can be decoded");
    assert_eq!(first, second);
    assert_eq!(text, serde_json::to_vec(&second).expect("once more"));
    assert!(!format!("{first:?}").is_empty());
    Some(first)
}

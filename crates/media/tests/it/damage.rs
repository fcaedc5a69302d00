//! Whatever the bytes are, an answer comes: every fixture cut at every byte, with bytes changed,
//! and plain noise. What is read stays within the bound, and what is said of a cut file is never
//! more than what is said of the whole one.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use ark_video_media::{MOST_READ, probe, probe_bytes};
use ark_video_model::check::MediaFacts;
use proptest::prelude::*;

use crate::fixtures::all;

/// Counts what is read through it.
pub(crate) struct Counting<R> {
    inner: R,
    pub(crate) read: u64,
    pub(crate) calls: u64,
}

impl<R> Counting<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, read: 0, calls: 0 }
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        self.calls += 1;
        Ok(count)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.inner.seek(to)
    }
}

/// Gives one byte at a time, as a slow pipe would.
struct Drops(Cursor<Vec<u8>>);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

impl Seek for Drops {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.0.seek(to)
    }
}

fn bounded(bytes: &[u8]) -> Option<MediaFacts> {
    let mut reader = Counting::new(Cursor::new(bytes));
    let answer = probe(&mut reader);
    assert!(reader.read <= MOST_READ);
    match answer {
        Ok(facts) => {
            let number = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value >= 0.0);
            assert!(number(facts.seconds) && number(facts.frames_per_second));
            assert_eq!(facts.bytes, Some(bytes.len() as u64));
            Some(facts)
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty() && said.len() < 300, "{said}");
            None
        }
    }
}

#[test]
fn every_cut_gets_an_answer() {
    for (name, bytes) in all() {
        let whole = bounded(bytes).unwrap();
        // Behind the headers a cut changes nothing that is not already seen at the first few.
        for end in (0..bytes.len()).take(6000) {
            let Some(cut) = bounded(&bytes[..end]) else { continue };
            assert_eq!((cut.kind, &cut.format), (whole.kind, &whole.format), "{name} cut at {end}");
            assert!(cut.width.is_none() || cut.width == whole.width, "{name} cut at {end}");
            assert!(cut.seconds.is_none() || cut.seconds <= whole.seconds, "{name} cut at {end}");
        }
    }
}

#[test]
fn a_reader_that_gives_single_bytes_says_the_same() {
    for (name, bytes) in all() {
        let expected = probe_bytes(bytes).unwrap();
        assert_eq!(probe(&mut Drops(Cursor::new(bytes.clone()))).unwrap(), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn changed_bytes_get_an_answer(
        which in 0_usize..14,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_the_start in any::<bool>(),
    ) {
        let mut bytes = all()[which].1.clone();
        let reach = if near_the_start { bytes.len().min(600) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(reach)] = value;
        }
        bounded(&bytes);
    }

    #[test]
    fn extreme_numbers_get_an_answer(
        which in 0_usize..14,
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![0_u64, 1, 7, 8, 15, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 63, u64::MAX, 0x7FFF_FFFF_FFFF_FFFF]),
        width in prop::sample::select(vec![1_usize, 2, 4, 8]),
        little in any::<bool>(),
    ) {
        let mut bytes = all()[which].1.clone();
        let at = at.index((bytes.len() - width).min(1200));
        let value = if little { value.to_le_bytes()[..width].to_vec() } else { value.to_be_bytes()[8 - width..].to_vec() };
        bytes[at..at + width].copy_from_slice(&value);
        bounded(&bytes);
    }

    #[test]
    fn noise_behind_any_start_gets_an_answer(
        which in 0_usize..14,
        kept in 0_usize..200,
        noise in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut bytes = all()[which].1.clone();
        bytes.truncate(kept);
        bytes.extend(noise);
        bounded(&bytes);
    }
}

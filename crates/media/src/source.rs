//! The one way to bytes: by position, through a small window, with bounds on everything. Because of
//! these bounds no format's reader has to trust a length that stands in the data.

use std::io::{self, Read, Seek, SeekFrom};

use crate::ProbeError;

/// The most bytes that are ever read of one medium.
pub const MOST_READ: u64 = 1 << 20;

/// The most bytes that can be asked for at once; also the size of the window.
pub(crate) const MOST_AT_ONCE: usize = 4096;

/// What is read when fewer are asked for: enough for the neighbours, little when hopping over large
/// parts.
const AT_LEAST: usize = 512;

/// The most boxes, segments, chunks, entries or frames that are read.
const MOST_STEPS: u32 = 20_000;

pub(crate) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A medium of known length, read by position.
pub(crate) struct Source<'r> {
    reader: &'r mut dyn ReadSeek,
    len: u64,
    /// What `window` holds begins here.
    start: u64,
    window: Vec<u8>,
    read: u64,
    steps: u32,
    format: &'static str,
}

impl<'r> Source<'r> {
    pub(crate) fn open(reader: &'r mut (impl Read + Seek)) -> Result<Self, ProbeError> {
        let len = reader.seek(SeekFrom::End(0)).map_err(|source| ProbeError::Read { at: 0, source })?;
        if len == 0 {
            return Err(ProbeError::Empty);
        }
        // No file is longer; with this, a position and a few bytes more always fit.
        let len = len.min(i64::MAX as u64);
        Ok(Self { reader, len, start: 0, window: Vec::new(), read: 0, steps: 0, format: "medium" })
    }

    /// Bytes in the medium.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// What errors call the medium from now on.
    pub(crate) fn is_a(&mut self, format: &'static str) {
        self.format = format;
    }

    /// Counts one more box, segment, chunk, entry or frame.
    pub(crate) fn step(&mut self, at: u64) -> Result<(), ProbeError> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(self.too_much(at, "20000 parts were read"));
        }
        Ok(())
    }

    /// `count` bytes from `at`.
    pub(crate) fn bytes(&mut self, at: u64, count: usize) -> Result<&[u8], ProbeError> {
        let end = at.checked_add(count as u64).filter(|end| *end <= self.len);
        if end.is_none() || count > MOST_AT_ONCE {
            return Err(self.ends_early(at, count));
        }
        if !self.holds(at, count) {
            self.fill(at, count)?;
        }
        let offset = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        match self.window.get(offset..).and_then(|rest| rest.get(..count)) {
            Some(bytes) => Ok(bytes),
            None => Err(ProbeError::Damaged { format: self.format, at, wrong: cut_short(self.len, count) }),
        }
    }

    /// As many of `count` bytes from `at` as there are.
    pub(crate) fn up_to(&mut self, at: u64, count: usize) -> Result<&[u8], ProbeError> {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        self.bytes(at, count.min(left).min(MOST_AT_ONCE))
    }

    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], ProbeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(at, N)?);
        Ok(array)
    }

    pub(crate) fn byte(&mut self, at: u64) -> Result<u8, ProbeError> {
        self.array(at).map(|[byte]| byte)
    }

    pub(crate) fn be16(&mut self, at: u64) -> Result<u16, ProbeError> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(crate) fn be32(&mut self, at: u64) -> Result<u32, ProbeError> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(crate) fn be64(&mut self, at: u64) -> Result<u64, ProbeError> {
        self.array(at).map(u64::from_be_bytes)
    }

    pub(crate) fn le16(&mut self, at: u64) -> Result<u16, ProbeError> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(crate) fn le32(&mut self, at: u64) -> Result<u32, ProbeError> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(crate) fn le64(&mut self, at: u64) -> Result<u64, ProbeError> {
        self.array(at).map(u64::from_le_bytes)
    }

    pub(crate) fn damaged(&self, at: u64, wrong: impl Into<String>) -> ProbeError {
        ProbeError::Damaged { format: self.format, at, wrong: wrong.into() }
    }

    fn too_much(&self, at: u64, limit: &'static str) -> ProbeError {
        ProbeError::TooMuch { format: self.format, at, limit }
    }

    fn ends_early(&self, at: u64, count: usize) -> ProbeError {
        self.damaged(at, cut_short(self.len, count))
    }

    fn holds(&self, at: u64, count: usize) -> bool {
        let end = self.start + self.window.len() as u64;
        at >= self.start && at.saturating_add(count as u64) <= end
    }

    /// Reads `count` bytes from `at`, and some that follow, into the window.
    fn fill(&mut self, at: u64, count: usize) -> Result<(), ProbeError> {
        self.window.clear();
        self.start = at;
        let wanted = count.max(AT_LEAST);
        if self.read + wanted as u64 > MOST_READ {
            return Err(self.too_much(at, "1 MiB was read"));
        }
        let failed = |source| ProbeError::Read { at, source };
        self.reader.seek(SeekFrom::Start(at)).map_err(failed)?;
        self.window.resize(wanted, 0);
        let mut filled = 0;
        while filled < wanted {
            match self.reader.read(&mut self.window[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more.min(wanted - filled),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.window.clear();
                    return Err(ProbeError::Read { at: at + filled as u64, source });
                }
            }
        }
        self.window.truncate(filled);
        self.read += filled as u64;
        Ok(())
    }
}

fn cut_short(len: u64, count: usize) -> String {
    format!("{count} bytes were expected there and it ends at byte {len}")
}

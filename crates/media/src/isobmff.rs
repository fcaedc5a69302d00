//! Boxes of ISO base media files (MP4, QuickTime, HEIF): where each begins and ends. Knows no box's
//! meaning, reads only headers, and trusts no size: a box that reaches over its parent is an error
//! before its content is read.

use crate::ProbeError;
use crate::source::Source;

/// Where one box is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) kind: [u8; 4],
    pub(crate) start: u64,
    /// The first byte after its header.
    pub(crate) body: u64,
    /// The first byte after it.
    pub(crate) end: u64,
}

/// The boxes between two places, in order.
pub(crate) struct Boxes {
    at: u64,
    end: u64,
}

impl Boxes {
    pub(crate) fn between(at: u64, end: u64) -> Self {
        Self { at, end }
    }

    pub(crate) fn of(parent: &Found) -> Self {
        Self::between(parent.body, parent.end)
    }

    /// Where the next box begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next box. Fewer than eight bytes at the end are no box: QuickTime closes some lists with
    /// a zero.
    pub(crate) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Found>, ProbeError> {
        let start = self.at;
        if self.end.saturating_sub(start) < 8 {
            return Ok(None);
        }
        source.step(start)?;
        let size = source.be32(start)?;
        let kind = source.array(start + 4)?;
        let (body, end) = match size {
            0 => (start + 8, Some(self.end)),
            1 => (start + 16, start.checked_add(source.be64(start + 8)?)),
            size => (start + 8, start.checked_add(size.into())),
        };
        let end = end.filter(|end| *end >= body && *end <= self.end);
        let Some(end) = end else {
            let wrong =
                format!("box `{}` claims to end outside of what holds it (byte {})", name(kind), self.end);
            return Err(source.damaged(start, wrong));
        };
        self.at = end;
        Ok(Some(Found { kind, start, body, end }))
    }

    /// The first box of that kind that follows.
    pub(crate) fn find(
        mut self,
        source: &mut Source<'_>,
        kind: &[u8; 4],
    ) -> Result<Option<Found>, ProbeError> {
        while let Some(found) = self.next(source)? {
            if found.kind == *kind {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Found {
    /// A byte of the body, checked against the end of the box.
    pub(crate) fn place(&self, source: &Source<'_>, offset: u64, count: u64) -> Result<u64, ProbeError> {
        let at = self.body + offset;
        if at.checked_add(count).is_none_or(|end| end > self.end) {
            let wrong = format!("box `{}` is too short: {} bytes", name(self.kind), self.end - self.start);
            return Err(source.damaged(self.start, wrong));
        }
        Ok(at)
    }

    pub(crate) fn byte(&self, source: &mut Source<'_>, offset: u64) -> Result<u8, ProbeError> {
        let at = self.place(source, offset, 1)?;
        source.byte(at)
    }

    pub(crate) fn be16(&self, source: &mut Source<'_>, offset: u64) -> Result<u16, ProbeError> {
        let at = self.place(source, offset, 2)?;
        source.be16(at)
    }

    pub(crate) fn be32(&self, source: &mut Source<'_>, offset: u64) -> Result<u32, ProbeError> {
        let at = self.place(source, offset, 4)?;
        source.be32(at)
    }

    pub(crate) fn be64(&self, source: &mut Source<'_>, offset: u64) -> Result<u64, ProbeError> {
        let at = self.place(source, offset, 8)?;
        source.be64(at)
    }
}

/// The four letters as text; what is no letter, digit or common sign is written as a dot.
pub(crate) fn name(kind: [u8; 4]) -> String {
    kind.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' }).collect()
}

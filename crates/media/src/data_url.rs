//! The data of a `data:` URL as a reader with seek: decodes the few groups of base64 that are asked
//! for. Holds the text by reference and decodes into a small buffer; an error never shows the text.

use std::io::{self, Read, Seek, SeekFrom};

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, DecodeSliceError, Engine as _};

use crate::ProbeError;

/// The last group is cut where it may be, so its unused bits and its padding are not worth an
/// error.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decoded at once: a multiple of three bytes.
const AT_ONCE: usize = 768;

pub(crate) struct Payload<'u> {
    /// Base64 without its padding.
    text: &'u [u8],
    /// Where it begins in the URL.
    begin: usize,
    len: u64,
    position: u64,
    not_base64: Option<usize>,
}

impl<'u> Payload<'u> {
    pub(crate) fn new(url: &'u str) -> Result<Self, ProbeError> {
        let wrong = |at: usize, wrong| ProbeError::DataUrl { at: at as u64, wrong };
        let scheme = url.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"));
        if scheme.is_none() {
            return Err(wrong(0, "it does not begin with `data:`"));
        }
        // A type and its parameters are short; without this bound a megabyte of text would be
        // searched for a comma.
        let head = &url.as_bytes()[..url.len().min(1024)];
        let Some(comma) = head.iter().position(|byte| *byte == b',') else {
            return Err(wrong(5, "no comma ends its type"));
        };
        let declared = &head[5..comma];
        if !declared.to_ascii_lowercase().ends_with(b";base64") {
            return Err(wrong(
                comma,
                "`;base64` is missing before the comma; other encodings are not supported",
            ));
        }
        let begin = comma + 1;
        let mut text = &url.as_bytes()[begin..];
        for _ in 0..2 {
            text = text.strip_suffix(b"=").unwrap_or(text);
        }
        if text.len() % 4 == 1 {
            return Err(wrong(url.len(), "its base64 is cut short: one character too many or two too few"));
        }
        let len = (text.len() / 4 * 3 + (text.len() % 4).saturating_sub(1)) as u64;
        Ok(Self { text, begin, len, position: 0, not_base64: None })
    }

    /// What was wrong with the text when reading failed.
    pub(crate) fn failure(&self) -> Option<ProbeError> {
        let at = self.not_base64? as u64;
        Some(ProbeError::DataUrl { at, wrong: "that is not valid base64" })
    }
}

impl Read for Payload<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.len || out.is_empty() {
            return Ok(0);
        }
        let group = usize::try_from(self.position / 3).map_err(io::Error::other)?;
        let skip = usize::try_from(self.position % 3).map_err(io::Error::other)?;
        let from = group * 4;
        let to = self.text.len().min(from + AT_ONCE / 3 * 4);
        let mut buffer = [0; AT_ONCE];
        // The library's error shows the character itself, which is the user's data: only its place
        // is kept.
        let decoded = BASE64.decode_slice(&self.text[from..to], &mut buffer).map_err(|e| {
            let offset = match e {
                DecodeSliceError::DecodeError(DecodeError::InvalidByte(at, _)) => at,
                _ => 0,
            };
            self.not_base64 = Some(self.begin + from + offset);
            io::Error::from(io::ErrorKind::InvalidData)
        })?;
        let fresh = buffer.get(skip..decoded).unwrap_or_default();
        let count = fresh.len().min(out.len());
        out[..count].copy_from_slice(&fresh[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Payload<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position =
            position.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}

//! What is computed of a file while its bytes pass, once each: SHA-256, the storage's own checksum, and what it looks like.

use std::io::{self, Read};

use ark_video_protocol::download::{Content, DownloadRefusal, Look};
use sha2::{Digest, Sha256};

/// Read at a time.
const PIECE: usize = 256 << 10;

#[derive(Clone)]
pub(crate) struct Sums {
    sha256: Sha256,
    /// Only where the storage gave one to compare with.
    crc64: Option<crc64fast::Digest>,
    look: Look,
    content: Content,
}

impl Sums {
    pub(crate) fn new(content: Content, with_crc64: bool) -> Self {
        let crc64 = with_crc64.then(crc64fast::Digest::new);
        Self { sha256: Sha256::new(), crc64, look: Look::new(content), content }
    }

    /// Nothing seen, of the same kind of file.
    pub(crate) fn anew(&self, with_crc64: bool) -> Self {
        Self::new(self.content, with_crc64)
    }

    pub(crate) fn see(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        if let Some(crc64) = &mut self.crc64 {
            crc64.write(piece);
        }
        self.look.see(piece);
    }

    /// Takes in all that follows; how many bytes that was.
    pub(crate) fn read(&mut self, mut from: impl Read) -> io::Result<u64> {
        let mut piece = vec![0; PIECE];
        let mut bytes = 0;
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(bytes),
                Ok(count) => {
                    self.see(&piece[..count]);
                    bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// SHA-256 of what was seen, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.sha256.clone().finalize())
    }

    /// Judges what was seen as the whole file, of which the storage gave this checksum.
    pub(crate) fn judge(&self, crc64: Option<u64>) -> Result<(), DownloadRefusal> {
        match (crc64, &self.crc64) {
            (Some(expected), Some(seen)) if seen.sum64() != expected => Err(DownloadRefusal::Spoilt),
            _ => self.look.end(),
        }
    }
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn fingerprint(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_tos_gives() {
        let mut sums = Sums::new(Content::Any, true);
        assert_eq!(sums.read(&b"123456789"[..]).unwrap(), 9);
        // The check value of CRC-64/XZ, which is what "crc64ecma" means in the storage's SDKs.
        assert_eq!(sums.judge(Some(0x995d_c9bb_df19_39fa)), Ok(()));
        assert_eq!(sums.judge(Some(1)), Err(DownloadRefusal::Spoilt));
        assert_eq!(sums.judge(None), Ok(()));
        assert_eq!(sums.anew(false).judge(Some(1)), Ok(()), "nothing was computed");
        assert_eq!(sums.sha256(), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    }
}

//! What is computed of a file while its bytes pass, once each: SHA-256 and the storage's own
//! checksum.

use std::io::{self, Read};

use ark_video_protocol::download::DownloadRefusal;
use ring::digest::{Context, SHA256, digest};

/// Read at a time.
const PIECE: usize = 256 << 10;

#[derive(Clone)]
pub(crate) struct Sums {
    /// Assembly in every build: a debug build of a program saves videos at the speed of a disk too.
    sha256: Context,
    /// Only where the storage gave one to compare with.
    crc64: Option<crc64fast::Digest>,
}

impl Sums {
    /// Nothing seen yet.
    pub(crate) fn new(with_crc64: bool) -> Self {
        Self { sha256: Context::new(&SHA256), crc64: with_crc64.then(crc64fast::Digest::new) }
    }

    pub(crate) fn see(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        if let Some(crc64) = &mut self.crc64 {
            crc64.write(piece);
        }
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
        hex(self.sha256.clone().finish().as_ref())
    }

    /// Compares what was seen with the checksum that the storage gave of the whole file.
    pub(crate) fn verify(&self, crc64: Option<u64>) -> Result<(), DownloadRefusal> {
        match (crc64, &self.crc64) {
            (Some(expected), Some(seen)) if seen.sum64() != expected => {
                Err(DownloadRefusal::ChecksumMismatch)
            }
            _ => Ok(()),
        }
    }
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn fingerprint(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_tos_gives() {
        let mut sums = Sums::new(true);
        assert_eq!(sums.read(&b"123456789"[..]).unwrap(), 9);
        // The check value of CRC-64/XZ, which is what "crc64ecma" means in the storage's SDKs.
        assert_eq!(sums.verify(Some(0x995d_c9bb_df19_39fa)), Ok(()));
        assert_eq!(sums.verify(Some(1)), Err(DownloadRefusal::ChecksumMismatch));
        assert_eq!(sums.verify(None), Ok(()));
        assert_eq!(Sums::new(false).verify(Some(1)), Ok(()), "nothing was computed");
        assert_eq!(sums.sha256(), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    }
}

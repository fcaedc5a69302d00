//! Writes bits, most significant first, as H.264 and AAC store them. Knows nothing of either
//! format.

/// Collects bits into bytes. With `escape`, three bytes that would read as a start code are kept
/// apart by an emulation prevention byte (rec. H.264, 7.4.1).
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet, right-aligned.
    pending: u8,
    pending_len: u8,
    zeros: u8,
    escape: bool,
}

impl BitWriter {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), pending: 0, pending_len: 0, zeros: 0, escape: false }
    }

    /// Starts a NAL unit with its header byte.
    pub(super) fn nal(header: u8) -> Self {
        Self { bytes: vec![header], escape: true, ..Self::new() }
    }

    /// The low `len` bits of `value`, at most 32.
    pub(super) fn bits(&mut self, value: u32, len: u8) {
        for at in (0..len).rev() {
            self.pending = self.pending << 1 | (value >> at & 1) as u8;
            self.pending_len += 1;
            if self.pending_len == 8 {
                let byte = self.pending;
                (self.pending, self.pending_len) = (0, 0);
                self.byte(byte);
            }
        }
    }

    /// An unsigned Exp-Golomb code, `ue(v)`.
    pub(super) fn ue(&mut self, value: u32) {
        let code = value + 1;
        let len = (32 - code.leading_zeros()) as u8;
        self.bits(0, len - 1);
        self.bits(code, len);
    }

    /// Zero bits up to the next byte.
    pub(super) fn align(&mut self) {
        self.bits(0, (8 - self.pending_len) % 8);
    }

    /// Pixels of the limited range: they are 16 and more, so none needs an escape. The writer is
    /// aligned.
    pub(super) fn pixels(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.zeros = 0;
    }

    fn byte(&mut self, byte: u8) {
        if self.escape && self.zeros >= 2 && byte <= 3 {
            self.bytes.push(3);
            self.zeros = 0;
        }
        self.bytes.push(byte);
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
    }

    /// The bytes; what does not fill the last one is padded with zero bits.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }

    /// The bytes of a NAL unit, closed by its stop bit.
    pub(super) fn finish_nal(mut self) -> Vec<u8> {
        self.bits(1, 1);
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_the_standard() {
        for (value, bits) in [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (7, "0001000")] {
            let mut writer = BitWriter::new();
            writer.ue(value);
            let byte = writer.finish()[0];
            assert!(format!("{byte:08b}").starts_with(bits), "{value}: {byte:08b}");
        }
    }

    #[test]
    fn no_start_code_appears_inside_a_unit() {
        for bytes in [&[0, 0, 0, 0, 0, 1][..], &[0, 0, 3, 9], &[9, 0, 0], &[200, 17]] {
            let mut writer = BitWriter::nal(0x65);
            for byte in [bytes, &[0, 2]].concat() {
                writer.bits(byte.into(), 8);
            }
            let unit = writer.finish_nal();
            assert!(!unit.windows(3).any(|w| w[..2] == [0, 0] && w[2] < 3), "{unit:?}");
            let mut plain = Vec::new();
            let mut zeros = 0;
            for byte in &unit[1..unit.len() - 1] {
                if zeros == 2 && *byte == 3 {
                    zeros = 0;
                    continue;
                }
                zeros = if *byte == 0 { zeros + 1 } else { 0 };
                plain.push(*byte);
            }
            assert_eq!(plain, [bytes, &[0, 2]].concat());
        }
    }
}

//! The sound track without an encoder: one AAC-LC frame, repeated. A tone whose period divides the
//! frame length has the same spectrum in every frame, so repeating it is exact.
//!
//! Table and clause names are those of ISO/IEC 14496-3. Knows nothing of the container.

use std::f64::consts::{PI, TAU};

use super::VideoSpec;
use super::bits::BitWriter;
use super::scene::SplitMix64;

/// Samples per second.
pub(super) const RATE: u32 = 48_000;
/// Samples in each AAC packet; a decoder needs one packet before the first sample that counts.
pub(super) const PACKET: u32 = 1_024;

const N: usize = 2 * PACKET as usize;
/// Periods of the tone in one packet, of a pentatonic scale: 188 to 750 Hz.
const PERIODS: [u32; 8] = [4, 5, 6, 8, 9, 10, 12, 16];
/// Peak of the tone, of 32,768.
const AMPLITUDE: f64 = 2_000.0;
/// Bins that are stored: those of the first ten scale factor bands at 48 kHz, four bins each.
const BINS: usize = 40;
const BANDS: u32 = 10;
/// The largest value that spectrum codebook 7 holds.
const LARGEST: f64 = 7.0;

/// An encoded sound track: the same packet, so many times.
pub(super) struct Sound {
    /// The AudioSpecificConfig, for the container's `esds`.
    pub(super) config: Vec<u8>,
    pub(super) packet: Vec<u8>,
    pub(super) packets: usize,
}

/// How many samples are as long as the picture.
pub(super) fn length(spec: &VideoSpec) -> u32 {
    let samples = u64::from(spec.frames) * u64::from(RATE);
    // Five minutes at most (`MAX_SECONDS`), 14.4 million samples.
    samples.div_ceil(u64::from(spec.fps)) as u32
}

pub(super) fn encode(spec: &VideoSpec) -> Sound {
    let periods = PERIODS[(SplitMix64(spec.seed).next() % 8) as usize];
    Sound { config: config(), packet: packet(periods), packets: length(spec).div_ceil(PACKET) as usize + 1 }
}

/// AAC-LC, 48 kHz, one channel (1.6.2.1).
fn config() -> Vec<u8> {
    let mut w = BitWriter::new();
    w.bits(2, 5);
    w.bits(3, 4);
    w.bits(1, 4);
    w.bits(0b000, 3);
    w.finish()
}

/// The modified cosine transform of the windowed tone (4.6.11), of its lowest bins.
fn spectrum(periods: u32) -> [f64; BINS] {
    let windowed: Vec<f64> = (0..N)
        .map(|n| {
            let tone = AMPLITUDE * (TAU * f64::from(periods) * n as f64 / f64::from(PACKET)).sin();
            tone * (PI / N as f64 * (n as f64 + 0.5)).sin()
        })
        .collect();
    let mut bins = [0.0; BINS];
    for (k, bin) in bins.iter_mut().enumerate() {
        *bin = 2.0 * windowed.iter().enumerate().map(|(n, z)| z * basis(n, k)).sum::<f64>();
    }
    bins
}

fn basis(n: usize, k: usize) -> f64 {
    let shift = (f64::from(PACKET) + 1.0) / 2.0;
    (TAU / N as f64 * (n as f64 + shift) * (k as f64 + 0.5)).cos()
}

/// The step of the quantizer, as an exponent of 2^(1/4), and what each bin becomes.
fn quantized(bins: &[f64; BINS]) -> (i32, [i32; BINS]) {
    let largest = bins.iter().fold(0.0_f64, |most, bin| most.max(bin.abs()));
    let exponent = (4.0 * (largest / LARGEST.powf(4.0 / 3.0)).log2()).ceil() as i32;
    let step = 2.0_f64.powf(f64::from(exponent) / 4.0);
    let quantize = |bin: f64| {
        let level = (bin.abs() / step).powf(0.75).round() as i32;
        if bin < 0.0 { -level } else { level }
    };
    (exponent, bins.map(quantize))
}

/// A raw data block with one single channel element (4.4.2).
fn packet(periods: u32) -> Vec<u8> {
    let (exponent, levels) = quantized(&spectrum(periods));
    let mut w = BitWriter::new();
    w.bits(0, 3); // ID_SCE
    w.bits(0, 4); // element_instance_tag
    w.bits((100 + exponent) as u32, 8); // global_gain
    w.bits(0, 1); // ics_reserved_bit
    w.bits(0, 2); // ONLY_LONG_SEQUENCE
    w.bits(0, 1); // sine window
    w.bits(BANDS, 6); // max_sfb
    w.bits(0, 1); // predictor_data_present
    w.bits(7, 4); // One section, codebook 7,
    w.bits(BANDS, 5); // for all bands.
    w.bits(0, BANDS as u8); // Every scale factor is the global gain: code "0".
    w.bits(0b000, 3); // no pulse, noise shaping or gain control data
    for pair in levels.chunks(2) {
        let at = pair.iter().fold(0, |at, level| at * 8 + level.unsigned_abs() as usize);
        let (code, len) = CODEBOOK_7[at];
        w.bits(code, len);
        pair.iter().filter(|level| **level != 0).for_each(|level| w.bits((*level < 0).into(), 1));
    }
    w.bits(7, 3); // ID_END
    w.finish()
}

/// Spectrum Huffman codebook 7 (table 4.A.8): unsigned pairs, each 0 to 7; code and length.
#[rustfmt::skip]
const CODEBOOK_7: [(u32, u8); 64] = [
    (0x000, 1), (0x005, 3), (0x037, 6), (0x074, 7), (0x0f2, 8), (0x1eb, 9), (0x3ed, 10), (0x7f7, 11),
    (0x004, 3), (0x00c, 4), (0x035, 6), (0x071, 7), (0x0ec, 8), (0x0ee, 8), (0x1ee, 9), (0x1f5, 9),
    (0x036, 6), (0x034, 6), (0x072, 7), (0x0ea, 8), (0x0f1, 8), (0x1e9, 9), (0x1f3, 9), (0x3f5, 10),
    (0x073, 7), (0x070, 7), (0x0eb, 8), (0x0f0, 8), (0x1f1, 9), (0x1f0, 9), (0x3ec, 10), (0x3fa, 10),
    (0x0f3, 8), (0x0ed, 8), (0x1e8, 9), (0x1ef, 9), (0x3ef, 10), (0x3f1, 10), (0x3f9, 10), (0x7fb, 11),
    (0x1ed, 9), (0x0ef, 8), (0x1ea, 9), (0x1f2, 9), (0x3f3, 10), (0x3f8, 10), (0x7f9, 11), (0x7fc, 11),
    (0x3ee, 10), (0x1ec, 9), (0x1f4, 9), (0x3f4, 10), (0x3f7, 10), (0x7f8, 11), (0xffd, 12), (0xffe, 12),
    (0x7f6, 11), (0x3f0, 10), (0x3f2, 10), (0x3f6, 10), (0x7fa, 11), (0x7fd, 11), (0xffc, 12), (0xfff, 12),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decoder makes of the repeated packet, once it has warmed up.
    fn decoded(periods: u32) -> Vec<f64> {
        let (exponent, levels) = quantized(&spectrum(periods));
        let value = |level: i32| f64::from(level.signum()) * f64::from(level.abs()).powf(4.0 / 3.0);
        let bins = levels.map(|level| value(level) * 2.0_f64.powf(f64::from(exponent) / 4.0));
        let half = |n: usize| {
            let sample: f64 = bins.iter().enumerate().map(|(k, bin)| bin * basis(n, k)).sum();
            2.0 / N as f64 * sample * (PI / N as f64 * (n as f64 + 0.5)).sin()
        };
        (0..N / 2).map(|n| half(n) + half(n + N / 2)).collect()
    }

    #[test]
    fn the_repeated_packet_is_the_tone() {
        for periods in PERIODS {
            let tone = |n: usize| AMPLITUDE * (TAU * f64::from(periods) * n as f64 / f64::from(PACKET)).sin();
            let heard = decoded(periods);
            let error: f64 = heard.iter().enumerate().map(|(n, h)| (h - tone(n)).powi(2)).sum();
            let energy: f64 = (0..heard.len()).map(|n| tone(n).powi(2)).sum();
            assert!(error < energy / 100.0, "{periods}: {} of the tone is noise", error / energy);
        }
    }

    #[test]
    fn the_codebook_is_a_complete_prefix_code() {
        let sum: f64 = CODEBOOK_7.iter().map(|(_, len)| 0.5_f64.powi((*len).into())).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        for (i, (code, len)) in CODEBOOK_7.iter().enumerate() {
            for (other, longer) in &CODEBOOK_7[i + 1..] {
                let shared = len.min(longer);
                assert_ne!(code >> (len - shared), other >> (longer - shared));
            }
        }
    }

    #[test]
    fn packets_fill_the_length_behind_the_one_in_front() {
        let spec = VideoSpec { frames: 25, ..VideoSpec::default() };
        let sound = encode(&spec);
        assert_eq!((length(&spec), sound.packets), (50_000, 50));
        assert_eq!(sound.config, [0x11, 0x88]);
    }
}

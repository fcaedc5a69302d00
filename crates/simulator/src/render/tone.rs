//! The sound track: a quiet, slow sequence of plucked notes, as AAC-LC.

use std::f32::consts::TAU;

use rusty_aac::{AacEncoder, AacEncoderConfig, Error, audio_specific_config_bytes};

use super::scene::Dice;
use super::{RenderError, VideoSpec};

/// Samples per second.
pub(super) const RATE: u32 = 48_000;
/// Samples in each AAC packet, and also how many the encoder puts before the first real one.
pub(super) const PACKET: u32 = 1_024;

/// An encoded sound track.
pub(super) struct Sound {
    /// The AudioSpecificConfig, for the container's `esds`.
    pub(super) config: Vec<u8>,
    pub(super) packets: Vec<Vec<u8>>,
}

/// How many samples are as long as the picture.
pub(super) fn length(spec: &VideoSpec) -> u32 {
    let samples = u64::from(spec.frames) * u64::from(RATE);
    // Five minutes at most (`MAX_SECONDS`), 14.4 million samples.
    samples.div_ceil(u64::from(spec.fps)) as u32
}

pub(super) fn encode(spec: &VideoSpec) -> Result<Sound, RenderError> {
    let fault = |e: Error| RenderError::Encoder { part: "sound (AAC)", detail: e.to_string() };
    let mut encoder =
        AacEncoder::new(AacEncoderConfig { bitrate_bps: 96_000, ..AacEncoderConfig::default() });
    encoder.push_pcm(&play(spec.seed, length(spec) as usize), 1, RATE).map_err(fault)?;
    encoder.finish();
    let mut packets = Vec::new();
    loop {
        match encoder.next_packet() {
            Ok(packet) => packets.push(packet.data),
            Err(Error::Eof) => break,
            Err(e) => return Err(fault(e)),
        }
    }
    Ok(Sound { config: audio_specific_config_bytes(RATE, 1), packets })
}

/// Notes of a pentatonic scale (no two of which clash), two a second, each ringing on under the next.
fn play(seed: u64, len: usize) -> Vec<f32> {
    const SCALE: [f32; 8] = [0.0, 2.0, 4.0, 7.0, 9.0, 12.0, 14.0, 16.0];
    const STEP: usize = RATE as usize / 2;
    const RING: usize = RATE as usize * 3 / 2;
    let mut dice = Dice(seed ^ 0x0073_6f75_6e64);
    let root = 196.0 * 2.0_f32.powf((dice.roll() % 8) as f32 / 12.0);
    let mut out = vec![0.0; len];
    for start in (0..len).step_by(STEP) {
        let pitch = root * 2.0_f32.powf(SCALE[(dice.roll() % 8) as usize] / 12.0);
        for (i, sample) in out[start..].iter_mut().take(RING).enumerate() {
            let t = i as f32 / RATE as f32;
            let fade = (t / 0.02).min(1.0) * (-3.0 * t).exp() * (1.0 - i as f32 / RING as f32);
            *sample += 0.1 * fade * ((TAU * pitch * t).sin() + 0.3 * (TAU * 2.0 * pitch * t).sin());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edit list of the file relies on this: what was played comes back exactly one packet later.
    #[test]
    fn the_encoder_adds_one_packet_in_front() {
        let spec = VideoSpec { frames: 25, ..VideoSpec::default() };
        let played = play(spec.seed, length(&spec) as usize);
        assert_eq!(played.len(), 50_000);
        let sound = encode(&spec).unwrap();
        let mut decoder = rusty_aac::AacDecoder::with_config_bytes(&sound.config).unwrap();
        let heard: Vec<f32> =
            sound.packets.iter().flat_map(|p| decoder.decode(p, None).unwrap().samples).collect();
        assert!(heard.len() >= played.len() + PACKET as usize);
        let error = |shift: usize| -> f32 {
            played.iter().zip(&heard[shift..]).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
        };
        let energy: f32 = played.iter().map(|a| a * a).sum();
        assert!(error(PACKET as usize) < energy / 50.0, "{} of {energy}", error(PACKET as usize));
        assert!(error(PACKET as usize - 16) > energy / 10.0);
    }

    #[test]
    fn the_notes_are_audible_but_quiet() {
        let loudest = play(1, 480_000).into_iter().fold(0.0_f32, |m, s| m.max(s.abs()));
        assert!((0.05..0.35).contains(&loudest), "{loudest}");
    }
}

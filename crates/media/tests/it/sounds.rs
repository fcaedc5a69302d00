//! WAV and MP3: length from counts, from bytes, or not at all.

use ark_video_media::probe_bytes;
use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::fixtures::{chunk, counting, frame, id3, le16, le32, riff, wav, wave_format, zeros};

fn facts(bytes: &[u8]) -> MediaFacts {
    let facts = probe_bytes(bytes).unwrap();
    assert_eq!(facts.kind, MediaKind::Audio);
    assert_eq!((facts.bytes, facts.width), (Some(bytes.len() as u64), None));
    facts
}

fn wrong(bytes: &[u8]) -> String {
    probe_bytes(bytes).unwrap_err().to_string()
}

/// So many frames, in seconds.
fn frames(count: f64) -> f64 {
    count * 1152.0 / 44_100.0
}

#[test]
fn a_wave_is_as_long_as_its_samples() {
    let facts = facts(&wav(3));
    assert_eq!((facts.format, facts.seconds), (MediaFormat::Wav, Some(3.0)));
    assert_eq!(facts.audio_codec.as_deref(), Some("pcm"));
}

#[test]
fn a_wave_of_unknown_length_goes_to_its_end() {
    for unknown in [0, u32::MAX] {
        let mut bytes =
            riff(b"WAVE", &[chunk(b"fmt ", &wave_format(1, 8000)), chunk(b"data", &zeros(64_000))]);
        let data = bytes.windows(4).position(|name| name == b"data").unwrap();
        bytes[data + 4..data + 8].copy_from_slice(&unknown.to_le_bytes());
        assert_eq!(facts(&bytes).seconds, Some(2.0));
    }
    // One that was cut short is as long as what is left.
    let bytes = wav(4);
    assert_eq!(facts(&bytes[..bytes.len() - 32_000]).seconds, Some(3.0));
}

#[test]
fn the_long_form_has_its_length_elsewhere() {
    let sizes = [zeros(8), 64_000_u64.to_le_bytes().to_vec(), zeros(12)].concat();
    let mut bytes = riff(
        b"WAVE",
        &[chunk(b"ds64", &sizes), chunk(b"fmt ", &wave_format(1, 8000)), chunk(b"data", &zeros(64_004))],
    );
    bytes[..4].copy_from_slice(b"RF64");
    let data = bytes.windows(4).position(|name| name == b"data").unwrap();
    bytes[data + 4..data + 8].copy_from_slice(&[0xFF; 4]);
    assert_eq!(facts(&bytes).seconds, Some(2.0));
}

#[test]
fn waves_may_hold_other_codings() {
    let extensible = [wave_format(0xFFFE, 8000), le16(&[22, 16]), le32(&[3]), le16(&[3]), zeros(14)].concat();
    let with = |format: &[u8], more: &[Vec<u8>]| {
        let parts =
            [vec![chunk(b"fmt ", format)], more.to_vec(), vec![chunk(b"data", &zeros(32_000))]].concat();
        facts(&riff(b"WAVE", &parts))
    };
    let said = with(&extensible, &[]);
    assert_eq!((said.audio_codec.as_deref(), said.seconds), (Some("pcm"), Some(1.0)));
    let said = with(&wave_format(0x11, 8000), &[chunk(b"fact", &le32(&[20_000]))]);
    assert_eq!((said.audio_codec.as_deref(), said.seconds), (Some("adpcm"), Some(2.5)));
    let said = with(&wave_format(0x270, 8000), &[]);
    assert_eq!((said.audio_codec.as_deref(), said.seconds), (Some("0x0270"), Some(1.0)));
    assert_eq!(with(&[le16(&[1, 2]), zeros(12)].concat(), &[]).seconds, None);
}

#[test]
fn a_damaged_wave_is_named() {
    let bytes = riff(b"WAVE", &[chunk(b"fmt ", &zeros(14)), chunk(b"data", &zeros(8))]);
    assert!(wrong(&bytes).contains("has 14 bytes instead of 16, at byte 20"));
    assert!(wrong(&riff(b"WAVE", &[chunk(b"fmt ", &wave_format(1, 8000))])).contains("without its samples"));
    assert!(wrong(&riff(b"WAVE", &[chunk(b"data", &zeros(8))])).contains("without its format"));
}

#[test]
fn counted_frames_give_the_length() {
    for name in [b"Xing", b"Info", b"VBRI"] {
        let bytes = [counting(name, 400), frame(9), frame(11).repeat(3)].concat();
        for bytes in [
            bytes.clone(),
            [id3(70_000), bytes.clone()].concat(),
            [id3(9), id3(0), zeros(40), bytes].concat(),
        ] {
            let facts = facts(&bytes);
            assert_eq!((facts.format, facts.seconds), (MediaFormat::Mp3, Some(frames(400.0))));
            assert_eq!(facts.audio_codec.as_deref(), Some("mp3"));
        }
    }
}

#[test]
fn frames_that_nobody_counted_are_counted() {
    let music = [frame(9), frame(11), frame(5), frame(9)].concat().repeat(25);
    let old_tag = [b"TAG".to_vec(), zeros(125)].concat();
    let ape = [b"APETAGEX".to_vec(), le32(&[2000, 72, 1, 1 << 31]), zeros(8 + 40)].concat();
    assert_eq!(facts(&music).seconds, Some(frames(100.0)));
    assert_eq!(facts(&[music.clone(), ape, old_tag].concat()).seconds, Some(frames(100.0)));
    assert_eq!(
        facts(&[id3(500), zeros(7), music.clone(), zeros(4000)].concat()).seconds,
        Some(frames(100.0))
    );
    assert_eq!(facts(&frame(9)).seconds, Some(frames(1.0)));
    assert_eq!(facts(&[music, vec![7; 900]].concat()).seconds, None);
}

#[test]
fn a_long_stream_of_one_rate_is_as_long_as_its_bytes() {
    let music = frame(9).repeat(4000);
    let expected = music.len() as f64 * 8.0 / 128_000.0;
    assert_eq!(facts(&music).seconds, Some(expected));
    let old_tag = [b"TAG".to_vec(), zeros(125)].concat();
    let ape_end = [b"APETAGEX".to_vec(), le32(&[2000, 72, 1, 1 << 31]), zeros(8)].concat();
    let ape = [zeros(32 + 40), ape_end].concat();
    assert_eq!(facts(&[music.clone(), ape, old_tag].concat()).seconds, Some(expected));
    // Of several rates it has no length that is known.
    assert_eq!(facts(&[frame(9), frame(11)].concat().repeat(2000)).seconds, None);
}

#[test]
fn free_format_has_no_known_length() {
    let free = facts(&frame(0).repeat(9));
    assert_eq!((free.format, free.seconds), (MediaFormat::Mp3, None));
    // A count is believed, whatever the rates.
    assert_eq!(facts(&[counting(b"Xing", 9), frame(11), frame(5)].concat()).seconds, Some(frames(9.0)));
}

#[test]
fn other_layers_are_named_and_text_is_not_taken_for_sound() {
    let layer_2 = |_| {
        let mut out = vec![0xFF, 0xFD, 0x80, 0];
        out.resize(417, 1);
        out
    };
    let bytes: Vec<u8> = (0..3).flat_map(layer_2).collect();
    assert_eq!(facts(&bytes).format, MediaFormat::Other("mp2".into()));
    // A byte order mark of UTF-16 resembles the start of a frame.
    let text: Vec<u8> = "\u{feff}a text of some length".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(wrong(&text).starts_with("not recognised"));
    assert!(wrong(&id3(200)).contains("no frame of MPEG audio follows its tag (ID3), at byte 210"));
    assert!(wrong(&[id3(0), vec![7; 90]].concat()).contains("no frame of MPEG audio"));
}

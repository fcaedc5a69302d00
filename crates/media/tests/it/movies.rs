//! MP4 and QuickTime: where the index stands, which track counts, codecs, rate and length,
//! rotation, fragments.

use ark_video_media::{ProbeError, probe_bytes};
use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::fixtures::{Movie, TURNED, be32, boxed, esds, full, sound_entry, zeros};

fn facts(movie: &Movie) -> MediaFacts {
    let bytes = movie.bytes();
    let facts = probe_bytes(&bytes).unwrap();
    assert_eq!(facts.bytes, Some(bytes.len() as u64));
    facts
}

#[test]
fn the_index_is_found_before_and_behind_the_media() {
    for media_first in [false, true] {
        for wide in [false, true] {
            let facts = facts(&Movie { media_first, wide, ..Movie::default() });
            assert_eq!((facts.kind, facts.format), (MediaKind::Video, MediaFormat::Mp4));
            assert_eq!((facts.width, facts.height), (Some(1280), Some(720)));
            assert_eq!(facts.frames_per_second, Some(24.0));
            assert_eq!(facts.seconds, Some(121.0 / 24.0));
            assert_eq!((facts.video_codec.as_deref(), facts.audio_codec), (Some("h264"), None));
        }
    }
}

#[test]
fn a_turned_track_is_as_wide_as_it_is_shown() {
    let facts = facts(&Movie { matrix: TURNED, ..Movie::default() });
    assert_eq!((facts.width, facts.height), (Some(720), Some(1280)));
}

#[test]
fn rates_are_frames_by_time() {
    let facts = facts(&Movie { rate: (30_000, 1001), frames: 300, ..Movie::default() });
    let rate = facts.frames_per_second.unwrap();
    assert!((rate - 30_000.0 / 1001.0).abs() < 1e-9, "{rate}");
}

#[test]
fn a_fragmented_film_without_a_length_has_none() {
    let movie = Movie { fragmented: true, ..Movie::default() };
    let unknown = facts(&movie);
    assert_eq!((unknown.seconds, unknown.frames_per_second), (None, None));
    assert_eq!((unknown.width, unknown.video_codec.as_deref()), (Some(1280), Some("h264")));

    // With a length of its own it has one.
    let mut bytes = movie.bytes();
    let mehd = full(b"mehd", 0, 0, &[be32(&[240])]);
    let mvex = bytes.windows(4).position(|name| name == b"mvex").unwrap();
    bytes.splice(mvex + 4..mvex + 4, mehd.iter().copied());
    for name in [b"mvex", b"moov"] {
        let at = bytes.windows(4).position(|found| found == name).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + 16;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    assert_eq!(probe_bytes(&bytes).unwrap().seconds, Some(10.0));
}

#[test]
fn codecs_have_their_common_names() {
    for (letters, name) in [
        (b"avc3", "h264"),
        (b"hvc1", "h265"),
        (b"hev1", "h265"),
        (b"apcn", "prores"),
        (b"vp09", "vp9"),
        (b"av01", "av1"),
        (b"SVQ3", "svq3"),
        (b"A\0\xFF ", "a.."),
    ] {
        let facts = facts(&Movie { codec: *letters, ..Movie::default() });
        assert_eq!(facts.video_codec.as_deref(), Some(name));
    }
    for (entry, name) in [
        (sound_entry(b"mp4a", 0, &[esds(0x40)]), "aac"),
        (sound_entry(b"mp4a", 0, &[esds(0x6B)]), "mp3"),
        (sound_entry(b"mp4a", 0, &[esds(0xE1)]), "mp4a"),
        (sound_entry(b"mp4a", 1, &[boxed(b"wave", &[boxed(b"frma", &[zeros(4)]), esds(0x69)])]), "mp3"),
        (sound_entry(b"mp4a", 0, &[]), "aac"),
        (sound_entry(b"sowt", 1, &[]), "pcm"),
        (sound_entry(b"lpcm", 2, &[]), "pcm"),
        (sound_entry(b".mp3", 0, &[]), "mp3"),
        (sound_entry(b"alac", 0, &[]), "alac"),
    ] {
        let facts = facts(&Movie { sound: Some(entry), ..Movie::default() });
        assert_eq!(facts.audio_codec.as_deref(), Some(name));
        assert_eq!(facts.kind, MediaKind::Video);
    }
}

#[test]
fn brands_and_tracks_tell_what_kind_it_is() {
    let format = |brand: &[u8; 4]| facts(&Movie { brand: *brand, ..Movie::default() }).format;
    assert_eq!(format(b"qt  "), MediaFormat::Mov);
    assert_eq!(format(b"mp42"), MediaFormat::Mp4);
    assert_eq!(format(b"3gp5"), MediaFormat::Other("3gp".into()));
    // From before there were brands.
    let old = [boxed(b"wide", &[]), Movie::default().moov()].concat();
    assert_eq!(probe_bytes(&old).unwrap().format, MediaFormat::Mov);
    // Sound alone.
    let mut bytes =
        Movie { brand: *b"M4A ", sound: Some(sound_entry(b"mp4a", 0, &[])), ..Movie::default() }.bytes();
    let at = bytes.windows(4).position(|name| name == b"vide").unwrap();
    bytes[at..at + 4].copy_from_slice(b"text");
    let facts = probe_bytes(&bytes).unwrap();
    assert_eq!((facts.kind, facts.format.as_str(), facts.width), (MediaKind::Audio, "m4a", None));
}

#[test]
fn damage_is_named_with_its_place() {
    let good = Movie { media_first: true, ..Movie::default() }.bytes();
    let moov = good.windows(4).position(|name| name == b"moov").unwrap() - 4;
    let said = |bytes: &[u8]| probe_bytes(bytes).unwrap_err().to_string();
    assert_eq!(
        said(&good[..moov]),
        format!("the mp4 is damaged or cut short: it ends without its index (box `moov`), at byte {moov}")
    );
    assert_eq!(
        said(&good[..good.len() - 1]),
        format!(
            "the mp4 is damaged or cut short: box `moov` claims to end outside of what holds it (byte {}), at byte {moov}",
            good.len() - 1
        )
    );
    for size in [0xFFFF_FFFF_FFFF_FFFF_u64, 1 << 63, 15, 0] {
        let mut hostile = good.clone();
        let mdat = hostile.windows(4).position(|name| name == b"mdat").unwrap();
        hostile[mdat + 4..mdat + 12].copy_from_slice(&size.to_be_bytes());
        let error = probe_bytes(&hostile).unwrap_err();
        assert!(matches!(error, ProbeError::Damaged { .. }), "{error}");
        assert_eq!(error.at(), Some(mdat as u64 - 4));
    }
}

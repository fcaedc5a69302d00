//! Pictures: every format, the odd forms of each, orientation, and what is said of a damaged one.

use ark_video_media::{ProbeError, probe_bytes};
use ark_video_model::check::{MediaFormat, MediaKind};

use crate::fixtures::{be16, be32, chunk, heic, le16, le32, picture, riff, zeros};

fn sides(bytes: &[u8]) -> (MediaFormat, u32, u32) {
    let facts = probe_bytes(bytes).unwrap();
    assert_eq!(facts.kind, MediaKind::Image);
    assert_eq!(facts.bytes, Some(bytes.len() as u64));
    assert_eq!((facts.seconds, facts.frames_per_second), (None, None));
    (facts.format, facts.width.unwrap(), facts.height.unwrap())
}

fn wrong(bytes: &[u8]) -> String {
    probe_bytes(bytes).unwrap_err().to_string()
}

/// EXIF with nothing but an orientation, in front of the first segment of a JPEG.
pub(crate) fn with_exif(jpeg: &[u8], little: bool, orientation: u16) -> Vec<u8> {
    let tiff = if little {
        [b"II\x2a\0".to_vec(), le32(&[8]), le16(&[1, 274, 3]), le32(&[1]), le16(&[orientation, 0]), zeros(4)]
    } else {
        [b"MM\0\x2a".to_vec(), be32(&[8]), be16(&[1, 274, 3]), be32(&[1]), be16(&[orientation, 0]), zeros(4)]
    }
    .concat();
    let content = [b"Exif\0\0".to_vec(), tiff].concat();
    let len = u16::try_from(content.len() + 2).unwrap();
    [vec![0xFF, 0xD8, 0xFF, 0xE1], be16(&[len]), content, jpeg[2..].to_vec()].concat()
}

/// The start of a lossy WebP; the two scaling bits are set.
pub(crate) fn lossy_webp(width: u16, height: u16) -> Vec<u8> {
    let frame =
        [vec![0x10, 2, 0, 0x9D, 1, 0x2A], le16(&[width | 0x4000, height | 0x8000]), zeros(20)].concat();
    riff(b"WEBP", &[chunk(b"VP8 ", &frame)])
}

#[test]
fn what_an_encoder_writes_is_read() {
    for (extension, expected) in [
        ("png", MediaFormat::Png),
        ("jpg", MediaFormat::Jpeg),
        ("gif", MediaFormat::Gif),
        ("webp", MediaFormat::Webp),
        ("bmp", MediaFormat::Bmp),
        ("tiff", MediaFormat::Tiff),
    ] {
        for (width, height) in [(1, 1), (300, 17), (17, 300)] {
            assert_eq!(
                sides(&picture(&format!("{width}x{height}.{extension}"))),
                (expected.clone(), width, height)
            );
        }
    }
}

#[test]
fn jpegs_are_as_wide_as_they_are_shown() {
    let plain = picture("64x40.jpg");
    for little in [true, false] {
        for orientation in 0..=9 {
            let shown = if (5..=8).contains(&orientation) { (40, 64) } else { (64, 40) };
            let (_, width, height) = sides(&with_exif(&plain, little, orientation));
            assert_eq!((width, height), shown, "orientation {orientation}");
        }
    }
    // What cannot be read of EXIF is as if it were not there.
    let mut broken = with_exif(&plain, true, 6);
    broken[12] = b'X';
    assert_eq!(sides(&broken).1, 64);
}

#[test]
fn jpegs_may_hold_fill_bytes_and_long_segments_before_the_frame() {
    let plain = picture("64x40.jpg");
    let profile = [vec![0xFF, 0xE2], be16(&[u16::MAX]), zeros(65_533)].concat();
    let with = |middle: &[u8]| [&plain[..2], middle, &plain[2..]].concat();
    assert_eq!(sides(&with(&[0xFF; 7])), (MediaFormat::Jpeg, 64, 40));
    assert_eq!(sides(&with(&profile.repeat(9))), (MediaFormat::Jpeg, 64, 40));
    // Start of scan in front of the frame header.
    assert!(wrong(&with(&[0xFF, 0xDA, 0, 2])).contains("without a frame header, at byte 2"));
    assert!(wrong(&with(&[0xFF, 0xE0, 0, 1])).contains("a length of 1 bytes, at byte 4"));
}

#[test]
fn webps_come_in_three_forms() {
    let canvas = [le32(&[0x10]), vec![0xFF, 0x0E, 0, 0x6F, 0x08, 0]].concat();
    assert_eq!(sides(&riff(b"WEBP", &[chunk(b"VP8X", &canvas)])), (MediaFormat::Webp, 3840, 2160));
    assert_eq!(sides(&lossy_webp(1280, 720)), (MediaFormat::Webp, 1280, 720));
    assert!(wrong(&riff(b"WEBP", &[chunk(b"ANIM", &zeros(20))])).contains("at byte 12"));
    assert!(wrong(&riff(b"WEBP", &[chunk(b"VP8L", &zeros(20))])).contains("at byte 20"));
    assert!(wrong(&lossy_webp(0, 720)).contains("0x720 pixels"));
}

#[test]
fn bitmaps_may_stand_on_their_head_or_be_old() {
    let start =
        |size: u32, fields: Vec<u8>| [b"BM".to_vec(), zeros(12), le32(&[size]), fields, zeros(40)].concat();
    assert_eq!(sides(&start(40, le32(&[640, (-480_i32).cast_unsigned()]))), (MediaFormat::Bmp, 640, 480));
    assert_eq!(sides(&start(12, le16(&[640, 480]))), (MediaFormat::Bmp, 640, 480));
    assert!(wrong(&start(40, le32(&[u32::MAX, 480]))).contains("0x480 pixels, at byte 18"));
    assert!(matches!(probe_bytes(&start(41, le32(&[640, 480]))), Err(ProbeError::NotRecognised { .. })));
}

#[test]
fn tiffs_of_both_byte_orders_and_turned_ones_are_read() {
    let entry = |tag: u16, value: u16| (tag, value);
    let entries = [entry(254, 0), entry(256, 800), entry(257, 600), entry(274, 8)];
    let little: Vec<u8> = entries
        .iter()
        .flat_map(|(tag, value)| [le16(&[*tag, 3]), le32(&[1]), le16(&[*value, 0])].concat())
        .collect();
    let big: Vec<u8> = entries
        .iter()
        .flat_map(|(tag, value)| [be16(&[*tag, 3]), be32(&[1]), be16(&[*value, 0])].concat())
        .collect();
    let little = [b"II\x2a\0".to_vec(), le32(&[8]), le16(&[4]), little].concat();
    let big = [b"MM\0\x2a".to_vec(), be32(&[8]), be16(&[4]), big].concat();
    for bytes in [little, big] {
        assert_eq!(sides(&bytes), (MediaFormat::Tiff, 600, 800));
        let mut flat = bytes.clone();
        flat[22 + 8..22 + 12].fill(0);
        assert!(wrong(&flat).contains("no width and height"));
        assert!(wrong(&bytes[..30]).contains("at byte 22"));
    }
    let crowded = [b"II\x2a\0".to_vec(), le32(&[8]), le16(&[u16::MAX])].concat();
    assert!(wrong(&crowded).contains("claims 65535 entries, at byte 8"));
    let empty = [b"II\x2a\0".to_vec(), le32(&[8]), le16(&[0])].concat();
    assert!(wrong(&empty).contains("no width and height"));
}

#[test]
fn of_a_heic_the_primary_picture_counts() {
    // As libheif writes it.
    assert_eq!(sides(include_bytes!("libheif.heic")), (MediaFormat::Heic, 64, 40));
    assert_eq!(sides(&heic(b"heic", 4032, 3024, 0)), (MediaFormat::Heic, 4032, 3024));
    assert_eq!(sides(&heic(b"mif1", 4032, 3024, 2)), (MediaFormat::Heic, 4032, 3024));
    assert_eq!(sides(&heic(b"heix", 4032, 3024, 3)), (MediaFormat::Heic, 3024, 4032));
    assert_eq!(sides(&heic(b"heic", 100, 80, 0)), (MediaFormat::Heic, 100, 80));
    assert_eq!(sides(&heic(b"avif", 100, 80, 0)).0, MediaFormat::Other("avif".into()));
    assert!(wrong(&heic(b"heic", 0, 3024, 0)).contains("has no size"));
    let mut other_brand = heic(b"mif1", 64, 40, 0);
    other_brand[20..24].copy_from_slice(b"jpeg");
    assert_eq!(sides(&other_brand), (MediaFormat::Heif, 64, 40));
}

#[test]
fn formats_that_the_service_does_not_take_are_named() {
    for (start, kind, name) in [
        (&b"8BPS\0\x01"[..], MediaKind::Image, "psd"),
        (
            b"\x1A\x45\xDF\xA3\x01\0\0\0\0\0\0\x23\x42\x86\x81\x01\x42\xF7\x81\x01\x42\x82\x84webm",
            MediaKind::Video,
            "webm",
        ),
        (b"fLaC\0\0\0\x22", MediaKind::Audio, "flac"),
        (b"OggS\0\x02\0\0\0\0", MediaKind::Audio, "ogg"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", MediaKind::Image, "jxl"),
    ] {
        let facts = probe_bytes(&[start, &[0; 300]].concat()).unwrap();
        assert_eq!((facts.kind, facts.format.as_str()), (kind, name));
        assert_eq!((facts.width, facts.seconds), (None, None));
    }
}

#[test]
fn what_is_no_medium_is_said_to_be_none() {
    assert_eq!(wrong(b""), "it is empty (0 bytes)");
    assert_eq!(
        wrong(b"hello, world"),
        "not recognised: its first bytes match no known image, video or audio format (byte 0)"
    );
    assert_eq!(
        wrong(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3"),
        "not recognised: its first bytes are those of pdf, not of an image, video or audio file (byte 0)"
    );
    let png = picture("4x4.png");
    let short =
        "the png is damaged or cut short: 4 bytes were expected there and it ends at byte 18, at byte 16";
    assert_eq!(wrong(&png[..18]), short);
    assert_eq!(probe_bytes(&png[..18]).unwrap_err().at(), Some(16));
}

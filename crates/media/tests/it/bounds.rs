//! Large and hostile files: little is read, little is held, and the end comes soon.

use std::io::{Cursor, Seek, SeekFrom, Write};

use ark_video_media::{MOST_READ, ProbeError, probe, probe_bytes, probe_file};

use crate::damage::Counting;
use crate::fixtures::{Movie, be32, boxed, frame, full, id3, zeros};

const HUGE: u64 = 500 * 1024 * 1024;

#[test]
fn of_a_huge_film_with_its_index_at_the_end_a_few_kilobytes_are_read() {
    let movie = Movie::default();
    let whole = movie.bytes();
    let ftyp = &whole[..20];
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(ftyp).unwrap();
    file.write_all(&be32(&[1])).unwrap();
    file.write_all(b"mdat").unwrap();
    file.write_all(&(HUGE - 20).to_be_bytes()).unwrap();
    file.set_len(HUGE).unwrap();
    file.seek(SeekFrom::Start(HUGE)).unwrap();
    file.write_all(&movie.moov()).unwrap();
    let mut reader = Counting::new(file);
    let facts = probe(&mut reader).unwrap();
    assert_eq!((facts.width, facts.seconds), (Some(1280), Some(121.0 / 24.0)));
    assert!(facts.bytes > Some(HUGE));
    assert!(reader.read < 8 * 1024, "{} bytes", reader.read);
    assert!(reader.calls < 20, "{} reads", reader.calls);
}

#[test]
fn a_file_of_nothing_but_boxes_is_given_up_on() {
    let boxes = boxed(b"free", &[]).repeat(1 << 18);
    for bytes in [
        [boxed(b"ftyp", &[b"isom\0\0\0\0".to_vec()]), boxes.clone()].concat(),
        boxed(b"moov", std::slice::from_ref(&boxes)),
        [boxed(b"ftyp", &[b"heic\0\0\0\0".to_vec()]), full(b"meta", 0, 0, &[boxes])].concat(),
    ] {
        let mut reader = Counting::new(Cursor::new(bytes));
        let error = probe(&mut reader).unwrap_err();
        assert!(matches!(error, ProbeError::TooMuch { .. }), "{error}");
        assert!(error.to_string().contains("20000 parts were read"), "{error}");
        assert!(reader.read <= MOST_READ);
    }
}

#[test]
fn boxes_far_apart_cost_no_more_than_the_bound() {
    let bytes = boxed(b"free", &[zeros(4096)]).repeat(4096);
    let mut reader = Counting::new(Cursor::new(bytes));
    let error = probe(&mut reader).unwrap_err();
    assert!(error.to_string().contains("1 MiB was read"), "{error}");
    assert!(reader.read <= MOST_READ);
}

#[test]
fn deep_nesting_is_not_followed() {
    let mut nested = boxed(b"moov", &[]);
    for _ in 0..5000 {
        nested = boxed(b"trak", &[boxed(b"mdia", &[nested])]);
    }
    assert!(probe_bytes(&boxed(b"moov", &[nested])).is_ok());
}

#[test]
fn junk_and_tags_are_not_followed_for_ever() {
    let many_tags = id3(0).repeat(200_000);
    assert!(matches!(probe_bytes(&many_tags), Err(ProbeError::TooMuch { .. })));
    let looks_like_frames = [id3(0), [0xFF, 0xFB, 0, 0].repeat(1 << 19)].concat();
    assert_eq!(probe_bytes(&looks_like_frames).unwrap().seconds, None);
    let stray = [vec![0xFF, 0xD8, 0xFF], zeros(1 << 21)].concat();
    assert!(matches!(probe_bytes(&stray), Err(ProbeError::TooMuch { .. })));
    assert!(probe_bytes(&[zeros(1 << 21), frame(9)].concat()).is_err());
}

#[test]
fn what_is_no_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.png");
    for path in [folder.path(), missing.as_path()] {
        let error = probe_file(path).unwrap_err();
        assert!(error.is_unreadable() && matches!(error, ProbeError::Open { .. }), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
    let path = folder.path().join("cat.mp3");
    std::fs::write(&path, boxed(b"ftyp", &[b"heic\0\0\0\0".to_vec()])).unwrap();
    assert!(probe_file(&path).unwrap_err().to_string().contains("the heif is damaged"));
}

//! Heads and lengths, as storage hosts and what stands before them send them.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn asked(
    kept: Option<&Kept>,
    status: u16,
    headers: &[(&'static str, &str)],
) -> Result<Head, DownloadRefusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    judge(StatusCode::from_u16(status).unwrap(), &map, &Uri::from_static("https://tos.example/a"), 1000, kept)
}

fn head(status: u16, headers: &[(&'static str, &str)]) -> Result<Head, DownloadRefusal> {
    asked(None, status, headers)
}

fn expected(length: Option<u64>) -> Expected {
    Expected { length, content_type: Some("video/mp4".into()), ..Expected::default() }
}

#[test]
fn a_file_has_a_length_or_marks_its_own_end() {
    let file = |length| Ok(Head::File(expected(length)));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("content-length", "1000")]), file(Some(1000)));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("transfer-encoding", "chunked")]), file(None));
    assert_eq!(head(200, &[]), Err(DownloadRefusal::NoLength));
    assert_eq!(head(200, &[("content-length", "many")]), Err(DownloadRefusal::NoLength));
    assert_eq!(head(200, &[("content-length", "0")]), Err(DownloadRefusal::Empty));
    let too_large = DownloadRefusal::TooLarge { length: 1001, max_bytes: 1000 };
    assert_eq!(head(200, &[("content-length", "1001")]), Err(too_large));
}

#[test]
fn only_a_strong_entity_tag_is_kept() {
    let tag = |etag: &str| match head(200, &[("content-length", "9"), ("etag", etag)]) {
        Ok(Head::File(expected)) => expected.etag,
        other => panic!("{other:?}"),
    };
    assert_eq!(tag("\"x\"").as_deref(), Some("\"x\""));
    assert_eq!((tag("W/\"x\""), tag("x")), (None, None));
}

#[test]
fn the_rest_of_a_file_must_begin_where_the_kept_part_ends() {
    let kept = Kept::new(4, 10, Some("\"x\"".into()));
    let rest = |headers: &[(&'static str, &str)]| asked(Some(&kept), 206, headers);
    let fits = [("content-range", "bytes 4-9/10"), ("content-length", "6"), ("etag", "\"x\"")];
    let Ok(Head::Rest(expected)) = rest(&fits) else { panic!() };
    assert_eq!((expected.length, expected.etag.as_deref()), (Some(10), Some("\"x\"")));
    assert!(matches!(rest(&fits[..1]), Ok(Head::Rest(_))), "only the range must be there");
    for wrong in [
        [("content-range", "bytes 3-9/10"), ("content-length", "7")],
        [("content-range", "bytes 4-8/10"), ("content-length", "5")],
        [("content-range", "bytes 4-9/11"), ("content-length", "6")],
        [("content-range", "bytes 4-10/11"), ("content-length", "7")],
        [("content-range", "bytes 4-9/*"), ("content-length", "6")],
        [("content-range", "bytes 4-9/10"), ("content-length", "5")],
        [("content-range", "bytes 4-9/10"), ("etag", "\"y\"")],
        [("content-range", "4-9/10"), ("content-length", "6")],
        [("content-length", "6"), ("content-type", "video/mp4")],
    ] {
        assert_eq!(rest(&wrong), Err(DownloadRefusal::Changed), "{wrong:?}");
    }
    let pieces = [("content-type", "multipart/byteranges; boundary=x"), ("content-range", "bytes 4-9/10")];
    assert!(matches!(rest(&pieces), Err(DownloadRefusal::NotMedia { .. })));
}

#[test]
fn a_sum_is_believed_of_a_whole_file_only() {
    let sum = |kept: Option<&Kept>, status, text: &str| {
        let headers =
            [("content-length", "6"), ("content-range", "bytes 4-9/10"), ("x-tos-hash-crc64ecma", text)];
        match asked(kept, status, &headers) {
            Ok(Head::File(expected) | Head::Rest(expected)) => expected.crc64,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(sum(None, 200, "11051210869376104954"), Some(11_051_210_869_376_104_954));
    assert_eq!([sum(None, 200, "0x99"), sum(None, 200, ""), sum(None, 200, "-1")], [None; 3]);
    assert_eq!(sum(Some(&Kept::new(4, 10, None)), 206, "5"), None);
}

#[test]
fn a_storage_that_ignores_the_range_sends_the_file_from_its_start() {
    let kept = Kept::new(4, 10, None);
    let all = [("content-type", "video/mp4"), ("content-length", "10")];
    assert_eq!(asked(Some(&kept), 200, &all), Ok(Head::File(expected(Some(10)))));
}

#[test]
fn a_range_that_cannot_be_met_means_done_or_start_over() {
    let done = Kept::new(10, 10, None);
    assert_eq!(asked(Some(&done), 416, &[("content-range", "bytes */10")]), Ok(Head::Nothing));
    assert_eq!(asked(Some(&done), 416, &[]), Ok(Head::Nothing));
    assert_eq!(asked(Some(&done), 416, &[("content-range", "bytes */11")]), Err(DownloadRefusal::Changed));
    let half = Kept::new(4, 10, None);
    assert_eq!(asked(Some(&half), 416, &[("content-range", "bytes */3")]), Err(DownloadRefusal::Changed));
    assert_eq!(asked(Some(&half), 412, &[]), Err(DownloadRefusal::Changed));
    assert_eq!(head(416, &[]), Err(DownloadRefusal::Status { status: 416 }));
    assert_eq!(head(206, &[("content-length", "9")]), Err(DownloadRefusal::Status { status: 206 }));
}

#[test]
fn pages_and_encoded_files_are_not_taken() {
    for page in ["text/html; charset=utf-8", "application/json", "application/xml", "Text/Plain"] {
        assert!(matches!(
            head(200, &[("content-type", page), ("content-length", "9")]),
            Err(DownloadRefusal::NotMedia { .. })
        ));
    }
    let gzip = head(200, &[("content-encoding", "gzip"), ("content-length", "9")]);
    assert_eq!(gzip, Err(DownloadRefusal::Encoded { coding: "gzip".into() }));
    assert!(head(200, &[("content-encoding", "identity"), ("content-length", "9")]).is_ok());
    for page in ["<!DOCTYPE html>", "\u{feff}\n <html>", "<?xml version", "{\"code\":"] {
        assert!(looks_like_page(page.as_bytes()), "{page}");
    }
    for film in [b"\0\0\0\x18ftypisom".as_slice(), b"\x89PNG", b"\xff\xd8\xff", b"{", b"<", b""] {
        assert!(!looks_like_page(film));
    }
}

#[test]
fn other_statuses_are_told_apart() {
    for status in [400, 403, 404, 410] {
        let refusal = head(status, &[]).unwrap_err();
        assert!(refusal.is_transient() && refusal.wants_fresh_link());
        assert_eq!(refusal, DownloadRefusal::DeadLink { status });
    }
    assert_eq!(head(503, &[]).map_err(|refusal| refusal.is_transient()), Err(true));
    assert_eq!(head(451, &[]).map_err(|refusal| refusal.is_transient()), Err(false));
}

#[test]
fn a_redirect_gives_the_whole_new_link() {
    assert_eq!(head(302, &[("location", "https://b/x?y")]), Ok(Head::Redirect("https://b/x?y".into())));
    assert_eq!(head(307, &[("location", "/x?y")]), Ok(Head::Redirect("https://tos.example/x?y".into())));
    assert_eq!(head(302, &[]), Err(DownloadRefusal::Status { status: 302 }));
}

#[test]
fn only_the_promised_length_is_whole() {
    assert_eq!(whole(&expected(Some(5)), 5), Ok(()));
    assert_eq!(whole(&expected(Some(5)), 4), Err(DownloadRefusal::WrongLength { length: 5, got: 4 }));
    assert_eq!(whole(&expected(Some(5)), 6), Err(DownloadRefusal::WrongLength { length: 5, got: 6 }));
    assert_eq!(whole(&expected(None), 6), Ok(()));
    assert_eq!(whole(&expected(None), 0), Err(DownloadRefusal::Empty));
}

proptest! {
    #[test]
    fn nothing_but_the_exact_rest_is_ever_appended(
        start in 0_u64..20, end in 0_u64..20, total in 0_u64..20, bytes in 1_u64..20, length in 1_u64..20,
    ) {
        prop_assume!(bytes <= length);
        let kept = Kept::new(bytes, length, None);
        let range = format!("bytes {start}-{end}/{total}");
        if let Ok(Head::Rest(_)) = asked(Some(&kept), 206, &[("content-range", &range)]) {
            prop_assert_eq!((start, end + 1, total), (bytes, length, length));
        }
    }
}

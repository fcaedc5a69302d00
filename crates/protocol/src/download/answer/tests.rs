//! Heads and lengths, as storage hosts and what stands before them send them.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn requested(
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
    requested(None, status, headers)
}

fn expected(length: Option<u64>) -> Expected {
    let content_type = Some("video/mp4".into());
    Expected { length, marks_end: true, content_type, ..Expected::default() }
}

#[test]
fn a_file_has_a_length_or_marks_its_own_end_or_neither() {
    let file = |length| Ok(Head::File(expected(length)));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("content-length", "1000")]), file(Some(1000)));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("transfer-encoding", "chunked")]), file(None));
    for unmarked in [&[][..], &[("content-length", "many")]] {
        assert_eq!(head(200, unmarked), Ok(Head::File(Expected::default())));
    }
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
    let kept = Kept::new(4100, 4106, Some("\"x\"".into()));
    let rest = |headers: &[(&'static str, &str)]| requested(Some(&kept), 206, headers);
    let fits = [("content-range", "bytes 4-4105/4106"), ("content-length", "4102"), ("etag", "\"x\"")];
    let Ok(Head::Rest(expected)) = rest(&fits) else { panic!() };
    assert_eq!((expected.length, expected.etag.as_deref()), (Some(4106), Some("\"x\"")));
    assert!(matches!(rest(&fits[..1]), Ok(Head::Rest(_))), "only the range must be there");
    assert!(
        matches!(rest(&[("content-range", "bytes 4-99/4106")]), Ok(Head::Rest(_))),
        "a piece of the rest"
    );
    for wrong in [
        [("content-range", "bytes 3-4105/4106"), ("content-length", "4103")],
        [("content-range", "bytes 4-4105/4107"), ("content-length", "4102")],
        [("content-range", "bytes 4-4106/4106"), ("content-length", "4103")],
        [("content-range", "bytes 4-4105/*"), ("content-length", "4102")],
        [("content-range", "bytes 4-4105/4106"), ("content-length", "4101")],
        [("content-range", "bytes 4-4105/4106"), ("etag", "\"y\"")],
        [("content-range", "bytes 4-4105/4106"), ("content-encoding", "gzip")],
        [("content-range", "4-4105/4106"), ("content-length", "4102")],
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
            [("content-length", "10"), ("content-range", "bytes 0-9/10"), ("x-tos-hash-crc64ecma", text)];
        match requested(kept, status, &headers) {
            Ok(Head::File(expected) | Head::Rest(expected)) => expected.crc64,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(sum(None, 200, "11051210869376104954"), Some(11_051_210_869_376_104_954));
    assert_eq!([sum(None, 200, "0x99"), sum(None, 200, ""), sum(None, 200, "-1")], [None; 3]);
    assert_eq!(sum(Some(&Kept::new(4, 10, None)), 206, "5"), None);
    assert_eq!(sum(None, 206, "5"), Some(5), "a range that is the whole");
}

#[test]
fn a_storage_that_ignores_the_range_sends_the_file_from_its_start() {
    let kept = Kept::new(4, 10, None);
    let all = [("content-type", "video/mp4"), ("content-length", "10")];
    assert_eq!(requested(Some(&kept), 200, &all), Ok(Head::File(expected(Some(10)))));
}

#[test]
fn a_range_that_cannot_be_met_means_start_over() {
    let half = Kept::new(4, 10, None);
    assert_eq!(requested(Some(&half), 416, &[("content-range", "bytes */3")]), Err(DownloadRefusal::Changed));
    assert_eq!(requested(Some(&half), 412, &[]), Err(DownloadRefusal::Changed));
    assert_eq!(head(416, &[]), Err(DownloadRefusal::Status { status: 416 }));
}

#[test]
fn a_range_that_was_not_asked_for_is_taken_from_its_start_on() {
    let whole = [("content-range", "bytes 0-9/10"), ("content-length", "10")];
    let length = |headers: &[(&'static str, &str)]| match head(206, headers) {
        Ok(Head::File(expected)) => expected.length,
        other => panic!("{other:?}"),
    };
    assert_eq!(length(&whole), Some(10));
    assert_eq!(length(&whole[..1]), Some(10));
    assert_eq!(
        length(&[("content-range", "bytes 0-4/10"), ("content-length", "5")]),
        Some(10),
        "a first piece"
    );
    // How long the file is, is not known: its own boxes have to show that it is whole.
    for unknown in [
        &[("content-range", "bytes 0-9/*"), ("content-length", "10")][..],
        &[("content-range", "bytes 0-9/10"), ("content-length", "9")],
        &[("content-range", "bytes 0-9/10"), ("content-encoding", "gzip")],
        &[("content-length", "9")],
        &[("transfer-encoding", "chunked")],
    ] {
        let Ok(Head::File(expected)) = head(206, unknown) else { panic!("{unknown:?}") };
        assert_eq!((expected.length, expected.marks_end), (None, false), "{unknown:?}");
    }
    for other in ["bytes 1-9/10", "bytes 1-9/*", "bytes */10", "items 0-9/10"] {
        assert_eq!(
            head(206, &[("content-range", other)]),
            Err(DownloadRefusal::Status { status: 206 }),
            "{other}"
        );
    }
}

#[test]
fn labels_decide_nothing() {
    for label in ["text/html; charset=utf-8", "application/json", "text/plain", "application/octet-stream"] {
        for status in [200, 201, 203] {
            let labelled = head(status, &[("content-type", label), ("content-length", "9")]);
            assert_eq!(labelled.map(|_| ()), Ok(()), "{status} {label}");
        }
    }
    for page in ["<!DOCTYPE html>", "\u{feff}\n <html>", "<?xml version", "{\"code\":"] {
        assert!(looks_like_page(page.as_bytes()), "{page}");
    }
    for media in [b"\0\0\0\x18ftypisom".as_slice(), b"\x89PNG", b"\xff\xd8\xff", b"{", b"<", b""] {
        assert!(!looks_like_page(media));
    }
}

#[test]
fn an_encoded_body_has_neither_length_nor_sum_of_the_file_and_is_bounded() {
    let headers = [("content-encoding", "gzip"), ("content-length", "9"), ("x-tos-hash-crc64ecma", "5")];
    let Ok(Head::File(expected)) = head(200, &headers) else { panic!() };
    assert_eq!((expected.length, expected.crc64, expected.coding.as_deref()), (None, None, Some("gzip")));
    let Ok(Head::File(plain)) = head(200, &[("content-encoding", "identity"), ("content-length", "9")])
    else {
        panic!()
    };
    assert_eq!((plain.length, plain.coding), (Some(9), None));
    let large = head(200, &[("content-encoding", "gzip"), ("content-length", "1001")]);
    assert!(matches!(large, Err(DownloadRefusal::TooLarge { .. })));
    assert_eq!(decoded_limit(0, u64::MAX), 64 << 20);
    assert_eq!(decoded_limit(1 << 30, u64::MAX), (64 << 20) + (16 << 30));
    assert_eq!(decoded_limit(u64::MAX, 4 << 30), 4 << 30);
}

#[test]
fn other_statuses_are_told_apart() {
    for status in [400, 403, 404, 410] {
        let refusal = head(status, &[]).unwrap_err();
        assert!(refusal.is_transient());
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
fn only_the_announced_length_is_whole() {
    assert_eq!(whole(&expected(Some(5)), 5), Ok(()));
    assert_eq!(whole(&expected(Some(5)), 4), Err(DownloadRefusal::WrongLength { length: 5, got: 4 }));
    assert_eq!(whole(&expected(Some(5)), 6), Err(DownloadRefusal::WrongLength { length: 5, got: 6 }));
    assert_eq!(whole(&expected(None), 6), Ok(()));
    assert_eq!(whole(&expected(None), 0), Err(DownloadRefusal::Empty));
}

proptest! {
    #[test]
    fn nothing_but_the_rest_is_ever_appended(
        start in 0_u64..20, end in 0_u64..20, total in 0_u64..20, bytes in 1_u64..20, length in 1_u64..20,
    ) {
        prop_assume!(bytes <= length);
        let kept = Kept::new(bytes + 5000, length + 5000, None);
        let range = format!("bytes {}-{}/{}", start + 904, end + 5000, total + 5000);
        if let Ok(Head::Rest(_)) = requested(Some(&kept), 206, &[("content-range", &range)]) {
            prop_assert_eq!((start, total), (bytes, length));
            prop_assert!(end < total);
        }
    }
}

//! Links, heads and lengths, as storage hosts and what stands before them send them.

use http::HeaderValue;

use super::*;

const LINK: &str = "https://ark-acg-cn-beijing.tos-cn-beijing.volces.com/seedance/0217.mp4?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date=20261122T021700Z&X-Tos-Expires=86400&X-Tos-Signature=00";

fn head(status: u16, headers: &[(&'static str, &'static str)]) -> Result<Head, DownloadRefusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_static(value));
    }
    judge(StatusCode::from_u16(status).unwrap(), &map, &Uri::from_static("https://tos.example/a"), 1000)
}

#[test]
fn a_signed_link_says_when_it_dies() {
    // 2026-11-22T02:17:00Z and a day.
    assert_eq!(expires_at(LINK), Some(1_795_313_820 + 86_400));
    assert_eq!(expires_at("https://h/a?x-tos-date=20261122T021700Z&x-tos-expires=60#f"), Some(1_795_313_880));
    for silent in [
        "https://h/a",
        "https://h/a?X-Tos-Expires=86400",
        "https://h/a?X-Tos-Date=20261122T021700Z",
        "https://h/a?X-Tos-Date=yesterday&X-Tos-Expires=86400",
        "https://h/a?X-Tos-Date=20261122T021700Z&X-Tos-Expires=-5",
        "https://h/a?X-Tos-Date=20261122T021700Z&X-Tos-Expires=9223372036854775807",
        "",
    ] {
        assert_eq!(expires_at(silent), None, "{silent}");
    }
}

#[test]
fn a_link_is_https_or_as_plain_as_the_api_itself() {
    assert!(check_link(LINK, PlainHttp::Never).is_ok());
    for link in ["http://127.0.0.1:9/a", "http://localhost/a", "http://[::1]:9/a"] {
        assert!(check_link(link, PlainHttp::Never).is_err());
        assert!(check_link(link, PlainHttp::Loopback).is_ok(), "{link}");
    }
    assert!(check_link("http://h.example/a", PlainHttp::Loopback).is_err());
    assert!(check_link("http://h.example/a", PlainHttp::Anywhere).is_ok());
    for link in [
        "",
        "file:///etc/passwd",
        "ftp://h/a",
        "/a",
        "https://",
        "https://u:p@h/a",
        "data:video/mp4;base64,AA",
        "a b",
    ] {
        assert!(check_link(link, PlainHttp::Anywhere).is_err(), "{link}");
    }
}

#[test]
fn a_file_has_a_length_or_marks_its_own_end() {
    let expected = |length| Ok(Head::File(Expected { length, content_type: Some("video/mp4".into()) }));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("content-length", "1000")]), expected(Some(1000)));
    assert_eq!(head(200, &[("content-type", "video/mp4"), ("transfer-encoding", "chunked")]), expected(None));
    assert_eq!(head(200, &[]), Err(DownloadRefusal::NoLength));
    assert_eq!(head(200, &[("content-length", "many")]), Err(DownloadRefusal::NoLength));
    assert_eq!(head(200, &[("content-length", "0")]), Err(DownloadRefusal::Empty));
    let too_large = DownloadRefusal::TooLarge { length: 1001, max_bytes: 1000 };
    assert_eq!(head(200, &[("content-length", "1001")]), Err(too_large));
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
}

#[test]
fn other_statuses_are_told_apart() {
    for status in [403, 404, 410] {
        let refusal = head(status, &[]).unwrap_err();
        assert!(refusal.is_transient() && refusal == DownloadRefusal::DeadLink { status });
    }
    assert_eq!(head(206, &[("content-length", "9")]), Err(DownloadRefusal::Status { status: 206 }));
    assert_eq!(head(503, &[]).map_err(|refusal| refusal.is_transient()), Err(true));
    assert_eq!(head(400, &[]).map_err(|refusal| refusal.is_transient()), Err(false));
}

#[test]
fn a_redirect_gives_the_whole_new_link() {
    assert_eq!(head(302, &[("location", "https://b/x?y")]), Ok(Head::Redirect("https://b/x?y".into())));
    assert_eq!(head(307, &[("location", "/x?y")]), Ok(Head::Redirect("https://tos.example/x?y".into())));
    assert_eq!(head(302, &[]), Err(DownloadRefusal::Status { status: 302 }));
}

#[test]
fn only_the_promised_length_is_whole() {
    let expected = |length| Expected { length, content_type: None };
    assert_eq!(whole(&expected(Some(5)), 5), Ok(()));
    assert_eq!(whole(&expected(Some(5)), 4), Err(DownloadRefusal::WrongLength { length: 5, got: 4 }));
    assert_eq!(whole(&expected(Some(5)), 6), Err(DownloadRefusal::WrongLength { length: 5, got: 6 }));
    assert_eq!(whole(&expected(None), 6), Ok(()));
    assert_eq!(whole(&expected(None), 0), Err(DownloadRefusal::Empty));
}

//! Data URLs: the same facts as of the bytes, read without decoding the whole text, and errors that
//! show none of it.

use ark_video_media::{ProbeError, probe_bytes, probe_data_url};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::fixtures::all;

#[test]
fn a_data_url_says_the_same_as_its_bytes() {
    for (name, bytes) in all() {
        let (name, mut bytes) = (*name, bytes.clone());
        for _ in 0..3 {
            let url = format!("data:a/b;base64,{}", STANDARD.encode(&bytes));
            assert_eq!(probe_data_url(&url).unwrap(), probe_bytes(&bytes).unwrap(), "{name}");
            let bare = format!("DATA:;BASE64,{}", STANDARD_NO_PAD.encode(&bytes));
            assert_eq!(probe_data_url(&bare).unwrap(), probe_bytes(&bytes).unwrap(), "{name}");
            bytes.push(0);
            // A movie must end with a box: a byte more would be the start of one.
            if name == "heic" || name.starts_with("m") || name == "fragmented" {
                break;
            }
        }
    }
}

#[test]
fn what_is_no_such_url_is_named_with_its_place() {
    for (url, at, what) in [
        ("https://h/a.png", 0, "does not begin with `data:`"),
        ("", 0, "does not begin with `data:`"),
        ("data:image/png", 5, "no comma"),
        ("data:image/png,abc", 14, ";base64"),
        ("data:image/png;base64,QUJDR", 27, "cut short"),
    ] {
        let error = probe_data_url(url).unwrap_err();
        assert!(matches!(error, ProbeError::DataUrl { .. }), "{error}");
        assert_eq!(error.at(), Some(at), "{url}");
        assert!(error.to_string().contains(what), "{error}");
    }
    assert!(matches!(probe_data_url("data:;base64,"), Err(ProbeError::Empty)));
    assert!(matches!(probe_data_url("dätä:;base64,"), Err(ProbeError::DataUrl { .. })));
}

#[test]
fn an_error_shows_no_data() {
    let secret = "iVBORw0KGgo!SECRETSECRETSECRET";
    let error = probe_data_url(&format!("data:image/png;base64,{secret}AA")).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(!error.is_unreadable(), "{said}");
    assert!(said.contains("that is not valid base64, at character 33"), "{said}");
    assert!(!said.contains("SECRET") && !said.contains("iVBOR"), "{said}");
}

#[test]
fn only_what_is_looked_at_is_decoded() {
    let (_, png) = &all()[0];
    let whole_groups = &png[..png.len() / 3 * 3];
    let mut url = format!("data:image/png;base64,{}", STANDARD.encode(whole_groups));
    // Nobody gets that far: the header has ended long before.
    url.push_str(&"AAAA".repeat(2000));
    url.push_str("!!!!");
    assert_eq!(probe_data_url(&url).unwrap().width, Some(64));
}

//! What settings mean: the URLs of each service, and those that name no store.

use std::{sync::Arc, time::Duration};

use ark_video_storage::{Provider, Storage, StorageSettings};
use ark_video_transport::{HttpTransport, MediaStore as _, StoredMedia};

#[tokio::test]
async fn a_signed_url_has_the_form_of_its_service() {
    let own = |url: &str| {
        StorageSettings::new(url).keys("AKIA1".to_owned().into(), "c2VjcmV0".to_owned().into(), None)
    };
    let r2 = "https://acc.r2.cloudflarestorage.com";
    for (settings, start) in [
        (own("s3://b/p"), "https://b.s3.us-east-1.amazonaws.com/p/ab/"),
        (own("s3://b").region("eu-central-1"), "https://b.s3.eu-central-1.amazonaws.com/ab/"),
        (own("tos://b/p"), "https://b.tos-s3-cn-beijing.volces.com/p/ab/"),
        (
            own("s3://b/p").provider(Provider::ByteplusTos),
            "https://b.tos-s3-ap-southeast-1.bytepluses.com/p/ab/",
        ),
        (own("s3://b/p").provider(Provider::R2).endpoint(r2), "https://acc.r2.cloudflarestorage.com/b/p/ab/"),
        (own("s3://b/p").endpoint("http://127.0.0.1:9000/"), "http://127.0.0.1:9000/b/p/ab/"),
        (own("s3://b.c/p").path_style(true), "https://s3.us-east-1.amazonaws.com/b.c/p/ab/"),
        (own("az://account/container/p"), "https://account.blob.core.windows.net/container/p/ab/"),
    ] {
        let storage = Storage::open(&settings, &|_| None, Arc::new(HttpTransport::new())).unwrap();
        let hash = "ab".repeat(32);
        let object = format!("{}/ab/{hash}.mp4", storage.url());
        let media = StoredMedia::new(object, &hash, 1);
        let url = storage.sign(&media, Duration::from_secs(60)).await.unwrap();
        assert!(url.expose().starts_with(&format!("{start}{hash}.mp4?")), "{}", url.expose());
        let shown = format!("{url} {url:?} {storage:?} {settings:?}");
        assert!(!shown.contains('?') && !shown.contains("AKIA1") && !shown.contains("c2VjcmV0"), "{shown}");
    }
}

#[test]
fn settings_that_name_no_store_are_refused() {
    let open = |settings: StorageSettings| {
        Storage::open(&settings, &|_| None, Arc::new(HttpTransport::new())).unwrap_err().to_string()
    };
    for (url, part) in [
        ("bucket", "has no scheme"),
        ("file:///tmp/x", "the service cannot fetch from it"),
        ("ftp://b", "unknown scheme"),
        ("s3://", "names no bucket"),
        ("az://account", "names no bucket"),
        ("s3://b/p?key=SECRET", "has a query or credentials"),
        ("s3://key:SECRET@b/p", "has a query or credentials"),
        ("s3://b:c/p", "not a valid name"),
        ("s3://b", "there are no credentials for the storage (aws)"),
        ("gs://b", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://a/b", "AZURE_STORAGE_ACCOUNT_KEY"),
    ] {
        let error = open(StorageSettings::new(url));
        assert!(error.contains(part) && !error.contains("SECRET"), "{url}: {error}");
    }
    let keys = |url| StorageSettings::new(url).keys("a".to_owned().into(), "b".to_owned().into(), None);
    assert!(open(keys("s3://b").provider(Provider::R2)).contains("r2 needs its endpoint"));
    assert!(open(keys("s3://b").endpoint("host:9000")).contains("not a URL such as"));
}

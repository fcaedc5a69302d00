//! What a store refuses has one clear message, and shows nothing secret.

use std::{error::Error, path::Path, sync::Arc};

use ark_video_protocol::{Endpoint, SendError, download::AddressPolicy};
use ark_video_storage::{Storage, StorageSettings};
use ark_video_test_support::{
    ports::closed_address,
    s3::{ACCESS_KEY, SECRET_KEY, Server},
    seaweedfs::{READER, SeaweedFs},
};
use ark_video_transport::{AnswerBody, BoxFuture, RequestBody, StorageErrorKind as Kind, Transport};
use bytes::Bytes;
use http::{Request, Response};

use crate::{MIB, file, open, put, settings};

fn with_key(settings: StorageSettings, [access, secret]: [&str; 2]) -> StorageSettings {
    settings.keys(access.to_owned().into(), secret.to_owned().into(), None)
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn each_failure_has_one_clear_message_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let good = || settings(&server.endpoint(), folder.path());
    let closed = closed_address();
    for (settings, kind, start) in [
        (
            with_key(good(), ["AKIAWRONG", SECRET_KEY]),
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (",
        ),
        (
            with_key(good(), [ACCESS_KEY, "wrong-secret"]),
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (SignatureDoesNotMatch)",
        ),
        (
            good().endpoint(format!("http://{closed}")),
            Kind::Unreachable,
            "the storage s3://bucket cannot be reached: ",
        ),
    ] {
        must_be_refused(&settings, folder.path(), kind, start).await;
    }
    assert!(server.objects("bucket").is_empty());
}

#[tokio::test]
#[ignore = "needs SeaweedFS"]
async fn each_refusal_has_one_clear_message_with_seaweedfs() {
    let (server, folder) = (SeaweedFs::start(), tempfile::tempdir().unwrap());
    let good = || settings(&server.endpoint(), folder.path());
    let missing = StorageSettings::new("s3://missing").endpoint(server.endpoint());
    for (settings, kind, start) in [
        (
            with_key(good(), ["AKIAWRONG", SECRET_KEY]),
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (InvalidAccessKeyId)",
        ),
        (
            with_key(good(), [ACCESS_KEY, "wrong-secret"]),
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (SignatureDoesNotMatch)",
        ),
        (
            with_key(good(), READER),
            Kind::NoRights,
            "these credentials may not do this in s3://bucket (AccessDenied)",
        ),
        (
            with_key(missing, [ACCESS_KEY, SECRET_KEY]),
            Kind::NoBucket,
            "the bucket s3://missing does not exist (NoSuchBucket)",
        ),
    ] {
        must_be_refused(&settings, folder.path(), kind, start).await;
    }
    assert!(server.objects().is_empty());
}

/// Whether it goes up in one piece or in parts.
async fn must_be_refused(settings: &StorageSettings, folder: &Path, kind: Kind, start: &str) {
    let (storage, _) = open(settings);
    for path in [file(folder, "a.mp4", 1000), file(folder, "b.mp4", 9 * MIB)] {
        let error = put(&storage, &path).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().starts_with(start), "{error}");
        assert!(!error.advice().is_empty());
        let shown = format!("{error} {error:?} {storage:?} {settings:?}");
        for secret in [ACCESS_KEY, SECRET_KEY, READER[0], "AKIAWRONG", "wrong-secret", "X-Amz", "Signature="]
        {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

/// Answers every request with one refusal, as the stores write it; a HEAD has no body.
#[derive(Debug)]
struct Refusing(u16, &'static str);

impl Transport for Refusing {
    fn send(
        &self,
        _: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        let code = self.1;
        let text = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><AWSAccessKeyId>{ACCESS_KEY}</AWSAccessKeyId><SignatureProvided>5ec2e7</SignatureProvided></Error>"
        );
        let body = if request.method() == http::Method::HEAD { String::new() } else { text };
        let status = if request.method() == http::Method::HEAD && self.0 == 507 { 404 } else { self.0 };
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn open(
        &self,
        _: Request<()>,
        _: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        unreachable!()
    }
}

#[tokio::test]
async fn what_no_server_here_answers_has_one_clear_message_too() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (file(folder.path(), "a.mp4", 1000), file(folder.path(), "b.mp4", 7 * MIB));
    for (status, code, kind, message) in [
        (507, "XMinioStorageFull", Kind::Full, "the storage s3://bucket is full (XMinioStorageFull)"),
        (403, "QuotaExceeded", Kind::Full, "the storage s3://bucket is full (QuotaExceeded)"),
    ] {
        let transport = Arc::new(Refusing(status, code));
        let settings = settings("http://127.0.0.1:9", folder.path());
        let storage = Storage::open(&settings, &|_| None, transport.clone()).unwrap();
        for path in [&small, &large] {
            let error = put(&storage, path).await.unwrap_err();
            assert_eq!((error.kind, error.to_string().as_str()), (kind, message));
            let source = error.source().unwrap().to_string();
            assert_eq!(source, format!("the store answered {status} {code}"));
            let shown = format!("{error:?} {}", serde_json::to_string(&error).unwrap());
            assert!(!shown.contains(ACCESS_KEY) && !shown.contains("5ec2e7"), "{shown}");
        }
    }
}

#[tokio::test]
#[ignore = "needs s3s-fs and a small disk that may be mounted"]
async fn a_full_store_says_so_with_s3_on_a_small_disk() {
    let (server, folder) = (Server::on_a_small_disk(), tempfile::tempdir().unwrap());
    let (storage, _) = open(&settings(&server.endpoint(), folder.path()));
    let error = put(&storage, &file(folder.path(), "a.mp4", 20 * MIB)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the storage s3://bucket could not keep the file (500 InternalError); its disk may be full"
    );
    let small = put(&storage, &file(folder.path(), "b.mp4", 1000)).await;
    assert!(small.is_err() || small.is_ok_and(|stored| stored.sent == 1000));
}

//! What our own checks refuse never reaches the network, unless the caller says so.

use ark_video::{
    CheckPolicy, Error,
    model::{
        CreateTaskRequest, ReferenceToVideo, TextToVideo,
        catalog::Catalog,
        check::{Facts, MediaFacts, MediaFormat, MediaKind},
    },
};

use crate::test_env::TestEnv;

const MODEL: &str = "doubao-seedance-2-0-260128";

fn too_short() -> CreateTaskRequest {
    TextToVideo::new(MODEL, "a secret prompt").duration(3).resolution("8k").build()
}

#[tokio::test]
async fn a_refused_request_is_not_sent_and_everything_wrong_is_told() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let error = env.client().create(too_short()).await.unwrap_err();
    let Error::InvalidRequest(report) = &error else { panic!("{error:?}") };
    let places: Vec<&str> = report.findings.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(places, ["/duration", "/resolution"]);
    assert_eq!((error.is_retryable(), error.is_outcome_unknown(), error.status()), (false, false, None));
    let said = error.message();
    assert!(said.starts_with("The request was refused before sending:\n- refused: /duration: "), "{said}");
    assert!(
        said.contains("\nNothing was sent and nothing is billed. ") && !said.contains("secret"),
        "{said}"
    );
    assert!(env.sent().is_empty());
}

#[tokio::test]
async fn the_caller_may_know_better() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let client = env.client();
    for policy in [CheckPolicy::WarnOnly, CheckPolicy::Off] {
        let prepared = client.create(too_short()).check(policy).prepare();
        assert_eq!(prepared.report().is_refused(), policy == CheckPolicy::WarnOnly);
        prepared.await.unwrap();
    }
    client.create(too_short()).check(CheckPolicy::Off).await.unwrap();
    assert_eq!(env.sent().len(), 3);
}

#[tokio::test]
async fn facts_and_a_catalog_of_ones_own_count() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let mut video = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
    video.seconds = Some(16.5);
    let request = ReferenceToVideo::new(MODEL).video("https://media.example.com/a.mp4").build();
    let facts = Facts::new().with(0, video);
    let error = env.client().create(&request).facts(facts).await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)), "{error}");
    assert!(env.sent().is_empty());

    let newer = serde_json::json!({ "families": { "2.0": {
        "duration": { "value": { "min": 3, "max": 15, "auto": true, "default": 5 } },
        "resolution": { "value": ["8k"] },
    } } });
    let catalog = Catalog::builtin().overlaid(&newer).unwrap();
    let client = env.builder().catalog(catalog).build().unwrap();
    client.create(too_short()).await.unwrap();
    assert_eq!(env.sent().len(), 1);
}

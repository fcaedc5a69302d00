//! Every code of the vendor's table can be provoked, by any client, with nothing but a prompt; and
//! many by a request that earns it.

use super::*;

#[test]
fn every_code_of_the_table_is_answered_or_ends_a_task() {
    let table: Value = serde_json::from_str(include_str!("../../../../../schema/errors.json")).unwrap();
    let codes = table["codes"].as_array().unwrap();
    assert!(codes.len() >= 70, "{}", codes.len());
    let says = |directives: String| {
        content(M20, vec![json!({ "type": "text", "text": format!("A boat. {directives}") })])
    };
    let (mut answered, mut ended) = (0, 0);
    for row in codes {
        let code = row["code"].as_str().unwrap();
        for status in row["http"].as_array().unwrap() {
            let mut env = TestEnv::new();
            let refused = env.post(&says(format!("[[refuse:{code}]]")));
            assert_refused(refused, status.as_u64().unwrap().try_into().unwrap(), code);
            assert!(env.ids("").is_empty(), "{code}: nothing was created");
            answered += 1;
        }
        if row["async"] == true {
            let mut env = TestEnv::new();
            let id = env.create(&says(format!("[[fail:{code}]]")));
            let task = env.at(4000).task(&id);
            assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!(code)));
            assert!(env.service.bills().is_empty(), "{code}: what fails costs nothing");
            ended += 1;
        }
    }
    assert!(answered >= 59 && ended >= 30, "{answered} {ended}");
}

#[test]
fn media_are_objected_to_by_their_host() {
    let item = |kind: &str, role: &str, host: &str| json!({ "type": kind, kind: { "url": format!("https://{host}/a") }, "role": role });
    let image = |host| content(M20, vec![item("image_url", "first_frame", host)]);
    let mut env = TestEnv::new();
    for (host, code, param) in [
        ("face.example", "InputImageSensitiveContentDetected.PrivacyInformation", "content[0]"),
        ("my.sensitive.example", "InputImageSensitiveContentDetected", "content[0]"),
        ("COPYRIGHT.example:443", "InputImageSensitiveContentDetected.PolicyViolation", "content[0]"),
        ("unreachable.example", "InvalidParameter", "content[0].image_url.url"),
    ] {
        let refused = env.post(&image(host));
        assert_eq!(refused.1["error"]["param"], param);
        assert_refused(refused, 400, code);
    }
    for host in ["surface.example", "face.example.com", "media.example.com"] {
        env.create(&image(host));
    }
    let references =
        |extra: Value| content(M20, vec![item("image_url", "reference_image", "media.example.com"), extra]);
    for (extra, code) in [
        (
            item("video_url", "reference_video", "face.example"),
            "InputVideoSensitiveContentDetected.PrivacyInformation",
        ),
        (
            item("audio_url", "reference_audio", "copyright.example"),
            "InputAudioSensitiveContentDetected.PolicyViolation",
        ),
        (item("audio_url", "reference_audio", "sensitive.example"), "InputAudioSensitiveContentDetected"),
        (
            json!({ "type": "video_url", "video_url": { "url": "asset://missing-1" }, "role": "reference_video" }),
            "InvalidParameter",
        ),
    ] {
        assert_refused(env.post(&references(extra)), 400, code);
    }
}

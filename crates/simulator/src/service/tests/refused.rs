//! What is refused: keys, paths, bodies, models, and every request under `schema/examples/refused`.

use std::{fs, path::Path};

use super::*;

#[test]
fn without_a_key_nothing_is_told() {
    let mut env = TestEnv::new();
    for headers in
        [&[][..], &[("authorization", "Basic k")], &[("authorization", "Bearer ")], &[("authorization", "k")]]
    {
        let answer = env.raw(Method::GET, TASKS, headers, "");
        assert_eq!(answer.headers()["x-error-code"], "AuthN_MissOrInvalidAuthorizationHeader");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["error"]["type"], "Unauthorized");
        assert_refused((answer.status().as_u16(), body), 401, "AuthenticationError");
    }
    let mut env = TestEnv::with(Options::default().key("right"));
    assert_eq!(env.raw(Method::GET, TASKS, &[("authorization", "Bearer wrong")], "").status(), 401);
    assert_eq!(env.raw(Method::GET, TASKS, &[("authorization", "bearer right")], "").status(), 200);
}

#[test]
fn every_answer_has_its_id_and_repeats_the_clients() {
    let mut env = TestEnv::new();
    let headers = [("authorization", "Bearer k"), ("x-client-request-id", "mine-1")];
    for (method, path) in [
        (Method::GET, TASKS),
        (Method::GET, "/api/v3/nowhere"),
        (Method::GET, "/files/x.mp4"),
        (Method::GET, "/api/v3/models"),
    ] {
        let answer = env.raw(method, path, &headers, "");
        assert!(answer.headers()["x-request-id"].to_str().unwrap().starts_with("02"), "{path}");
        assert_eq!(answer.headers()["x-client-request-id"], "mine-1", "{path}");
    }
    let answer = env.raw(Method::GET, "/api/v3/nowhere", &headers, "");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(String::from_utf8_lossy(answer.body()).contains(&format!("Request id: {id}")));
}

#[test]
fn other_paths_and_methods_are_refused_in_the_same_form() {
    let mut env = TestEnv::new();
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "ResourceNotFound"),
        (Method::GET, "/api/v3/contents", 404, "ResourceNotFound"),
        (Method::GET, "/v1/models", 404, "ResourceNotFound"),
        (Method::DELETE, TASKS, 404, "ResourceNotFound"),
        (Method::PUT, TASKS, 405, "MethodNotAllowed"),
        (Method::PATCH, "/api/v3/contents/generations/tasks/x", 405, "MethodNotAllowed"),
        (Method::HEAD, TASKS, 405, "MethodNotAllowed"),
    ] {
        assert_refused(env.call(method, path, ""), status, code);
    }
    let key = [("authorization", "Bearer k")];
    for (path, methods) in [
        (TASKS, "GET, POST"),
        ("/api/v3/contents/generations/tasks/x", "DELETE, GET, POST"),
        ("/api/v3/models", "GET"),
    ] {
        let answer = env.raw(Method::PUT, path, &key, "");
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], methods, "{path}");
    }
    let elsewhere = env.raw(Method::PUT, "/v1/models", &key, "");
    assert!(elsewhere.status() == 404 && !elsewhere.headers().contains_key("allow"));
    // There is no cancel route: it is a create without a model.
    let (status, answer) = env.call(Method::POST, &format!("{TASKS}/cgt-1/cancel"), "{}");
    assert_refused((status, answer), 400, "MissingParameter.model");
}

#[test]
fn a_body_must_be_a_json_object_of_at_most_64_mib() {
    let mut env = TestEnv::new();
    for body in ["", "{", "[]", "null", "{\"model\":}", "\u{0}"] {
        assert_refused(env.call(Method::POST, TASKS, body), 400, "InvalidParameter");
    }
    assert_refused(env.call(Method::POST, TASKS, vec![b'x'; (64 << 20) + 1]), 413, "InvalidParameter");
    let announced = [("authorization", "Bearer k"), ("content-length", "67108865")];
    assert_eq!(env.raw(Method::POST, TASKS, &announced, "").status(), 413);
    let mut env = TestEnv::with_switch("oversize-body-status", "400");
    assert_refused(env.call(Method::POST, TASKS, vec![b'x'; (64 << 20) + 1]), 400, "InvalidParameter");
}

#[test]
fn what_is_missing_and_what_is_wrong_is_named() {
    let mut env = TestEnv::new();
    for (body, status, code, param) in [
        (json!({}), 400, "MissingParameter.model", "model"),
        (json!({ "model": null }), 400, "MissingParameter.model", "model"),
        (json!({ "model": 5 }), 400, "InvalidParameter", "model"),
        (json!({ "model": M20 }), 400, "MissingParameter.content", "content"),
        (json!({ "model": M20, "content": [] }), 400, "InvalidParameter", "content"),
        (json!({ "model": M20, "content": "A boat." }), 400, "InvalidParameter", "content"),
        (with(text(M20), json!({ "duration": "5" })), 400, "InvalidParameter", "duration"),
        (with(text(M20), json!({ "duration": 5.5 })), 400, "InvalidParameter", "duration"),
        (with(text(M20), json!({ "watermark": "no" })), 400, "InvalidParameter", "watermark"),
        (with(text(M20), json!({ "tools": [{ "type": "code" }] })), 400, "InvalidParameter", "tools[0].type"),
        (with(text(M20), json!({ "seed": -2 })), 400, "InvalidParameter", "seed"),
        (with(text(M20), json!({ "seed": 4_294_967_296_i64 })), 400, "InvalidParameter", "seed"),
        (with(text(M20), json!({ "priority": -1 })), 400, "InvalidParameter", "priority"),
        (
            with(text(M20), json!({ "execution_expires_after": 259_201 })),
            400,
            "InvalidParameter",
            "execution_expires_after",
        ),
        (
            with(text(M20), json!({ "safety_identifier": "ü".repeat(65) })),
            400,
            "InvalidParameter",
            "safety_identifier",
        ),
        (with(text(M20), json!({ "resolution": "8k" })), 400, "InvalidParameter", "resolution"),
        (with(text(M20), json!({ "service_tier": "fast" })), 400, "InvalidParameter", "service_tier"),
        (with(text(M20), json!({ "callback_url": "ftp://x" })), 400, "InvalidParameter", "callback_url"),
        (with(text(M10), json!({ "frames": 30 })), 400, "InvalidParameter", "frames"),
        (
            with(text(M10), json!({ "service_tier": "flex", "priority": 0, "ratio": "adaptive" })),
            400,
            "InvalidParameter",
            "ratio",
        ),
        (with(text(M10), json!({ "output_format": "mov" })), 400, "InvalidParameter", "output_format"),
        (with(text(M20), json!({ "draft": true })), 400, "InvalidParameter", "draft"),
    ] {
        let (got, answer) = env.post(&body);
        assert_eq!(answer["error"]["param"], param, "{answer}");
        assert_refused((got, answer), status, code);
    }
    for good in [
        json!({ "safety_identifier": "ü".repeat(64) }),
        json!({ "resolution": "4K" }),
        json!({ "seed": 4_294_967_295_i64 }),
    ] {
        env.create(&with(text(M20), good));
    }
}

#[test]
fn models_are_found_by_their_whole_id() {
    let mut env = TestEnv::new();
    for model in ["doubao-seedance-2-0", "doubao-seedance-2-0-250428", "gpt-4", "ep-"] {
        assert_refused(env.post(&text(model)), 404, "InvalidEndpointOrModel.NotFound");
    }
    let retired = "doubao-seedance-1-0-lite-t2v-250428";
    env.create(&text(retired));
    assert_refused(
        TestEnv::with_switch("retired-models-on-volcengine", "refuse").post(&text(retired)),
        404,
        "InvalidEndpointOrModel.NotFound",
    );
}

#[test]
fn the_models_are_listed() {
    let (status, list) = TestEnv::new().call(Method::GET, "/api/v3/models", "");
    let list: ark_video_model::ModelList = serde_json::from_value(list).unwrap();
    assert_eq!(status, 200);
    let find = |id: &str| list.data.iter().find(|model| model.id == id).unwrap();
    assert_eq!(find(M20).name.as_deref(), Some("doubao-seedance-2-0"));
    assert_eq!(find(M20).status, None);
    assert_eq!(
        find("doubao-seedance-1-0-lite-t2v-250428").status,
        Some(ark_video_model::ModelStatus::Shutdown)
    );
    assert_eq!(find(M15).status, Some(ark_video_model::ModelStatus::Retiring));
}

/// `/content/1/role` as the service writes it: `content[1].role`.
fn path_of(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| match part.parse::<usize>() {
        Ok(place) => format!("[{place}]"),
        Err(_) => format!(".{part}"),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

#[test]
fn every_example_of_a_refusal_is_refused_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/examples/refused");
    let expected: Vec<Value> =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    assert!(expected.len() >= 27, "{}", expected.len());
    for case in &expected {
        let name = case["file"].as_str().unwrap();
        let body: Value = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
        let code = case["code"].as_str().unwrap();
        let mut env = TestEnv::new();
        let answer = env.post(&body);
        if case["when"] == "async" {
            let id = answer.1["id"].as_str().unwrap().to_owned();
            let task = env.at(4000).task(&id);
            assert_eq!(
                (&task["status"], &task["error"]["code"]),
                (&json!("failed"), &json!(code)),
                "{name}: {task}"
            );
            assert!(task["error"]["message"].as_str().unwrap().contains("Request id: 02"), "{name}: {task}");
            assert!(env.service.bills().is_empty(), "{name}: what fails costs nothing");
            continue;
        }
        // Where several things are wrong, any one of them may be reported; otherwise the path must
        // be the expected one.
        if name != "x15-auto-read-as-edit.json" {
            assert_eq!(
                answer.1["error"]["param"],
                path_of(case["pointer"].as_str().unwrap()),
                "{name}: {}",
                answer.1
            );
        }
        assert_refused(answer, case["http"].as_u64().unwrap().try_into().unwrap(), code);
        assert!(env.ids("").is_empty(), "{name}: nothing was created");
    }
}

#[test]
fn of_several_violations_one_is_reported_and_not_always_the_same() {
    let mut env = TestEnv::new();
    let body = with(text(M20), json!({ "priority": 10, "seed": -5, "duration": 99 }));
    let mut reported: Vec<String> =
        (0..60).map(|_| env.post(&body).1["error"]["param"].as_str().unwrap().to_owned()).collect();
    reported.sort_unstable();
    reported.dedup();
    assert_eq!(reported, ["duration", "priority", "seed"]);
}

//! Whatever comes in, an answer in a known form comes out.

use proptest::prelude::*;

use super::*;

/// The answer is the API's envelope, the object store's refusal, or a success with JSON; or a file.
fn assert_form(reply: Reply) {
    let Reply::Answer(answer) = reply else { return };
    assert!(answer.headers().contains_key("x-request-id"));
    let json: Value = serde_json::from_slice(answer.body()).expect("JSON");
    if !answer.status().is_success() {
        let envelope = json["error"]["code"].is_string() && json["error"]["message"].is_string();
        assert!(envelope || json["Code"].is_string(), "{json}");
    }
}

fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::GET),
        Just(Method::POST),
        Just(Method::DELETE),
        Just(Method::PUT),
        Just(Method::HEAD),
        Just(Method::OPTIONS),
        "[A-Z]{1,12}".prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap()),
    ]
}

fn paths() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        Just(TASKS.to_owned()),
        Just(format!("{TASKS}/")),
        Just("/api/v3/models".to_owned()),
        Just("/files/".to_owned()),
        Just("/".to_owned()),
    ];
    (start, "[a-zA-Z0-9/%._=&?-]{0,40}").prop_map(|(start, rest)| format!("{start}{rest}"))
}

/// JSON in the shape of a create, with random values in it.
fn creates() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|f| json!(f)),
        "\\PC{0,12}".prop_map(Value::from),
        (-2_i64..40).prop_map(Value::from),
        prop::sample::select(vec![
            "16:9",
            "adaptive",
            "480p",
            "4k",
            "flex",
            "mov",
            "edit",
            "data:image/png;base64,AAAA",
            "https://x.example/a"
        ])
        .prop_map(Value::from),
    ];
    let item = (
        prop::sample::select(vec!["text", "image_url", "video_url", "audio_url", "draft_task", "other"]),
        prop::sample::select(vec![
            "first_frame",
            "last_frame",
            "reference_image",
            "reference_video",
            "reference_audio",
            "x",
        ]),
        leaf.clone(),
        any::<bool>(),
    )
        .prop_map(|(kind, role, leaf, good)| {
            let payload = match kind {
                "text" if good => json!("Change the sky."),
                "draft_task" => json!({ "id": leaf }),
                _ if good => json!({ "url": "https://x.example/a" }),
                _ => json!({ "url": leaf }),
            };
            json!({ "type": kind, kind: payload, "role": role })
        });
    let field = prop::sample::select(vec![
        "duration",
        "frames",
        "seed",
        "ratio",
        "resolution",
        "service_tier",
        "priority",
        "draft",
        "tools",
        "output_format",
        "callback_url",
        "generate_audio",
        "execution_expires_after",
        "safety_identifier",
        "omni_reference_task_type",
        "camera_fixed",
        "return_last_frame",
    ]);
    let models: Vec<String> =
        crate::catalog::catalog().models.iter().map(|entry| entry.id.to_string()).collect();
    (
        prop::sample::select(models),
        prop::collection::vec(item, 0..5),
        prop::collection::btree_map(field, leaf, 0..5),
    )
        .prop_map(|(model, items, fields)| {
            let mut body = content(&model, items);
            body.as_object_mut()
                .unwrap()
                .extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
            body
        })
}

proptest! {
    #[test]
    fn any_request_gets_an_answer_in_a_known_form(
        calls in prop::collection::vec((methods(), paths(), prop::collection::vec(any::<u8>(), 0..200), any::<i64>(), any::<bool>()), 1..6),
    ) {
        let mut service = Service::new(Options::default());
        for (method, path, body, now, keyed) in calls {
            let mut request = Request::builder().method(method).uri(path);
            if keyed {
                request = request.header("authorization", "Bearer k").header("range", "bytes=0-1");
            }
            if let Ok(request) = request.body(Bytes::from(body)) {
                assert_form(service.handle(now, request));
            }
        }
    }

    #[test]
    fn any_create_is_accepted_and_ends_or_is_refused(body in creates()) {
        let mut env = TestEnv::new();
        let (status, answer) = env.post(&body);
        if status == 200 {
            let id = answer["id"].as_str().unwrap().to_owned();
            let task = env.at(13_000).task(&id);
            let billed = env.service.bills().len();
            match task["status"].as_str().unwrap() {
                "succeeded" => {
                    prop_assert!(task["usage"]["total_tokens"].as_i64().unwrap() > 0, "{}", task);
                    prop_assert_eq!(billed, 1);
                }
                "failed" => prop_assert_eq!(billed, 0),
                other => prop_assert!(false, "{}", other),
            }
        } else {
            prop_assert!(matches!(status, 400 | 404), "{}", status);
            prop_assert!(answer["error"]["code"].is_string(), "{}", answer);
            prop_assert!(env.ids("").is_empty());
        }
    }
}

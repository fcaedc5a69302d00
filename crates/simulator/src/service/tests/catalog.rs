//! A service with another catalog: what that one takes is taken, priced and listed, and its answers
//! to open questions count.

use std::borrow::Cow;

use ark_video_model::catalog::Catalog;

use super::*;

fn test_env(overlay: &Value) -> TestEnv {
    let catalog = Catalog::builtin().overlaid(overlay).unwrap();
    TestEnv::with(Options::default().catalog(Cow::Owned(catalog)))
}

fn longer() -> Value {
    json!({ "families": { "2.0": { "duration": { "value": { "min": 4, "max": 20, "auto": true, "default": 6 } } } } })
}

#[test]
fn a_newer_limit_holds() {
    let requested = with(text(M20), json!({ "duration": 20 }));
    assert_refused(TestEnv::new().post(&requested), 400, "InvalidParameter");
    let mut env = test_env(&longer());
    let (id, usual) = (env.create(&requested), env.create(&text(M20)));
    env.at(4000);
    assert_eq!((&env.task(&id)["duration"], &env.task(&usual)["duration"]), (&json!(20), &json!(6)));
    assert_refused(env.post(&with(text(M20), json!({ "duration": 21 }))), 400, "InvalidParameter");
}

#[test]
fn a_new_model_is_known_listed_and_priced() {
    let mut entry = serde_json::to_value(Catalog::builtin().model(M20).unwrap()).unwrap();
    let id = "doubao-seedance-2-0-270101";
    let changes = entry.as_object_mut().unwrap();
    changes.insert("id".to_owned(), id.into());
    changes.insert("version".to_owned(), "270101".into());
    let mut models: Vec<Value> =
        Catalog::builtin().models.iter().map(|model| serde_json::to_value(model).unwrap()).collect();
    models.push(entry);
    assert_refused(TestEnv::new().post(&text(id)), 404, "InvalidEndpointOrModel.NotFound");
    let mut env = test_env(&json!({ "models": models }));
    let task = env.create(&text(id));
    assert_eq!(env.at(4000).task(&task)["model"], id);
    assert_eq!(env.tick().bills()[0].price.unwrap().to_string(), "5.0094 CNY");
    let (_, listed) = env.call(Method::GET, "/api/v3/models", "");
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == id));
    // And goes on after a restart.
    let saved = env.service.snapshot().unwrap();
    let options = env.service.options().clone();
    assert!(Service::restore(options, &saved).is_ok());
    let error = Service::restore(Options::default(), &saved).err().unwrap();
    assert!(error.to_string().contains(id), "{error}");
}

#[test]
fn its_answers_count_unless_something_else_was_set() {
    let overlay = json!({ "switches": { "delete-cancelled": "ok" } });
    let mut env = test_env(&overlay);
    let id = env.create(&text(M20));
    assert_eq!((env.delete(&id).0, env.delete(&id).0), (200, 200));
    let catalog = Cow::Owned(Catalog::builtin().overlaid(&overlay).unwrap());
    let mut options = Options::default().catalog(catalog);
    options.switches.set("delete-cancelled", "conflict").unwrap();
    let mut env = TestEnv::with(options);
    let id = env.create(&text(M20));
    assert_eq!((env.delete(&id).0, env.delete(&id).0), (200, 409));
}

#[test]
fn a_rate_without_a_limit_of_running_tasks_is_a_rate() {
    let mut rows = serde_json::to_value(&Catalog::builtin().rates).unwrap();
    for row in rows.as_array_mut().unwrap().iter_mut().filter(|row| !row["concurrent"].is_null()) {
        (row["per_minute"], row["concurrent"]) = (json!(2), Value::Null);
    }
    let catalog = Cow::Owned(Catalog::builtin().overlaid(&json!({ "rates": rows })).unwrap());
    let mut env =
        TestEnv::with(Options::default().catalog(catalog).rates(crate::Rates::of(crate::Account::Company)));
    let ids = [env.create(&text(M20)), env.create(&text(M20))];
    assert_refused(env.post(&text(M20)), 429, "ModelAccountRpmRateLimitExceeded");
    env.at(4000);
    assert!(ids.iter().all(|id| env.task(id)["status"] == "succeeded"), "both run at once");
    assert_eq!(env.at(60_000).post(&text(M20)).0, 200);
}

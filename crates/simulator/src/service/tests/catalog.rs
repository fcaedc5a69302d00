//! A service with another catalog: what that one takes is taken, priced and listed, and its answers
//! to open questions count.

use ark_video_model::catalog::Catalog;

use super::*;

fn world(overlay: &Value) -> World {
    let catalog = Catalog::builtin().overlaid(overlay).unwrap();
    World::with(Options::default().catalog(Box::leak(Box::new(catalog))))
}

fn longer() -> Value {
    json!({ "families": { "2.0": { "duration": { "value": { "min": 4, "max": 20, "auto": true, "default": 6 } } } } })
}

#[test]
fn a_newer_limit_holds() {
    let asked = with(text(M20), json!({ "duration": 20 }));
    assert_refused(World::new().post(&asked), 400, "InvalidParameter");
    let mut world = world(&longer());
    let (id, usual) = (world.create(&asked), world.create(&text(M20)));
    world.at(4000);
    assert_eq!((&world.task(&id)["duration"], &world.task(&usual)["duration"]), (&json!(20), &json!(6)));
    assert_refused(world.post(&with(text(M20), json!({ "duration": 21 }))), 400, "InvalidParameter");
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
    assert_refused(World::new().post(&text(id)), 404, "InvalidEndpointOrModel.NotFound");
    let mut world = world(&json!({ "models": models }));
    let task = world.create(&text(id));
    assert_eq!(world.at(4000).task(&task)["model"], id);
    assert_eq!(world.tick().bills()[0].price.unwrap().to_string(), "5.0094 CNY");
    let (_, listed) = world.call(Method::GET, "/api/v3/models", "");
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == id));
    // And goes on after a restart.
    let saved = world.service.snapshot().unwrap();
    let options = world.service.options().clone();
    assert!(Service::restore(options, &saved).is_ok());
    let error = Service::restore(Options::default(), &saved).err().unwrap();
    assert!(error.to_string().contains(id), "{error}");
}

#[test]
fn its_answers_count_unless_something_else_was_set() {
    let overlay = json!({ "switches": { "delete-cancelled": "ok" } });
    let mut world = world(&overlay);
    let id = world.create(&text(M20));
    assert_eq!((world.delete(&id).0, world.delete(&id).0), (200, 200));
    let catalog = Box::leak(Box::new(Catalog::builtin().overlaid(&overlay).unwrap()));
    let mut options = Options::default().catalog(catalog);
    options.switches.set("delete-cancelled", "conflict").unwrap();
    let mut world = World::with(options);
    let id = world.create(&text(M20));
    assert_eq!((world.delete(&id).0, world.delete(&id).0), (200, 409));
}

#[test]
fn a_rate_without_a_limit_of_running_tasks_is_a_rate() {
    let mut rows = serde_json::to_value(&Catalog::builtin().rates).unwrap();
    for row in rows.as_array_mut().unwrap().iter_mut().filter(|row| !row["concurrent"].is_null()) {
        (row["per_minute"], row["concurrent"]) = (json!(2), Value::Null);
    }
    let catalog = Box::leak(Box::new(Catalog::builtin().overlaid(&json!({ "rates": rows })).unwrap()));
    let mut world =
        World::with(Options::default().catalog(catalog).rates(crate::Rates::of(crate::Account::Company)));
    let ids = [world.create(&text(M20)), world.create(&text(M20))];
    assert_refused(world.post(&text(M20)), 429, "ModelAccountRpmRateLimitExceeded");
    world.at(4000);
    assert!(ids.iter().all(|id| world.task(id)["status"] == "succeeded"), "both run at once");
    assert_eq!(world.at(60_000).post(&text(M20)).0, 200);
}

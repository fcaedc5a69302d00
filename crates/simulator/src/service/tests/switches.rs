//! Every named switch of the simulator in the catalog: each of them changes a visible result.

use std::{collections::BTreeSet, fmt::Write as _};

use ark_video_model::catalog::Catalog;

use super::*;
use crate::{Account, Rates};

const LITE: &str = "doubao-seedance-1-0-lite-t2v-250428";

/// All that the transcript is made of: the service, and everything that it said so far.
struct Transcript {
    env: TestEnv,
    said: String,
}

impl Transcript {
    fn note(&mut self, said: &impl std::fmt::Debug) {
        writeln!(self.said, "{said:?}").unwrap();
    }

    fn call(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let headers = [&[("authorization", "Bearer k")], headers].concat();
        let reply = self.env.reply(method, path, &headers, body.to_owned());
        self.note(&reply);
        match reply {
            Reply::Answer(answer) => serde_json::from_slice(answer.body()).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// A create with more fields; its id, if it was accepted.
    fn create(&mut self, body: Value, more: Value) -> String {
        let answer = self.call(Method::POST, TASKS, &[], &with(body, more).to_string());
        answer["id"].as_str().unwrap_or("none").to_owned()
    }

    fn task(&mut self, id: &str) -> Value {
        self.call(Method::GET, &format!("{TASKS}/{id}"), &[], "")
    }

    fn delete(&mut self, id: &str) {
        self.call(Method::DELETE, &format!("{TASKS}/{id}"), &[], "{}");
    }

    /// Lists need a second of their own.
    fn list(&mut self, query: &str) {
        self.env.now += 1000;
        self.call(Method::GET, &format!("{TASKS}?{query}"), &[], "");
    }
}

/// A run that goes through everything that is open, and all that was said in it.
fn transcript(name: &str, value: &str) -> String {
    let mut options =
        Options::default().assumed_video_seconds(2).rates(Rates::of(Account::Company).running(90));
    options.switches.set(name, value).unwrap();
    let mut it = Transcript { env: TestEnv::with(options), said: String::new() };
    let search = json!({ "tools": [{ "type": "web_search" }] });
    let of = |url: &str| json!({ "type": "image_url", "image_url": { "url": url }, "role": "first_frame" });
    it.create(text(M20), json!({ "optimize_prompt": true }));
    it.create(text(M10), json!({ "seed": 3_000_000_000_u32 }));
    it.create(text(M10), json!({ "duration": -1 }));
    it.create(text(M10), json!({ "priority": 3 }));
    it.create(text(LITE), json!({}));
    it.create(text(&LITE.replace("doubao-", "")), json!({}));
    it.create(text("dreamina-seedance-2-5-premium-260915"), search.clone());
    it.create(text(&M20.replace("doubao", "dreamina")), search.clone());
    it.create(content(M20, vec![image(Some("first_frame"))]), search);
    it.create(content(M25, vec![image(Some("first_frame"))]), json!({ "ratio": "16:9" }));
    it.create(content(M25, vec![image(Some("reference_image")); 31]), json!({}));
    it.create(content(M20, vec![of("http://media.example.com/a.png")]), json!({}));
    it.create(content(M20, vec![of("tos://bucket/a.png")]), json!({}));
    let final_of = json!({ "type": "draft_task", "draft_task": { "id": "cgt-1" } });
    it.create(content(M15, vec![final_of]), json!({ "seed": 1 }));
    let lost = json!({ "type": "text", "text": "A boat. [[fault:status status=500 accepted=true]]" });
    it.create(content(M20, vec![lost]), json!({}));
    it.create(text(M10), json!({ "service_tier": "flex" }));
    it.call(Method::POST, TASKS, &[("content-length", "70000000")], &text(M20).to_string());
    let flagged = json!({ "type": "text", "text": "A kite --dur 5" });
    let flagged = it.create(content(M10, vec![flagged]), json!({ "duration": 4 }));
    let filmed = it.create(content(M20, vec![video()]), json!({}));
    let called = json!({ "callback_url": "http://127.0.0.1:1/", "return_last_frame": true });
    let (whole, mini) = (it.create(text(M20), called), it.create(text(MINI), json!({})));
    let cancelled = it.create(text(M20), json!({}));
    it.delete(&cancelled);
    it.delete(&cancelled);
    it.env.at(2000);
    it.delete(&whole);
    it.env.at(4000).tick();
    for second in 4..20 {
        it.env.at(1000 * second).tick();
        let due = it.env.service.take_callbacks(BEGIN + 1000 * second);
        it.note(&due);
        for callback in due {
            let status = (callback.attempt > 1).then_some(204);
            it.env.service.callback_done(BEGIN + 1000 * second, callback.number, status);
        }
    }
    let done = it.task(&whole);
    [flagged, filmed, mini].iter().for_each(|id| drop(it.task(id)));
    let link = done["content"]["video_url"].as_str().unwrap_or_default().replace("http://127.0.0.1", "");
    (0..101).for_each(|_| drop(it.call(Method::GET, &link, &[], "")));
    it.delete(&whole);
    it.call(Method::GET, &link, &[], "");
    it.list("page_size=3");
    it.call(Method::GET, TASKS, &[], "");
    it.list("filter.status=expired");
    let accepted = it.env.tick().ledger().accepted;
    it.note(&accepted);
    it.said
}

#[test]
fn each_switch_changes_what_is_seen() {
    let ours = Catalog::builtin().switches.iter().filter(|(_, switch)| switch.used_by.contains("simulator"));
    let mut count = 0;
    for (name, switch) in ours {
        let said: BTreeSet<String> = switch.values.iter().map(|value| transcript(name, value)).collect();
        assert!(said.len() > 1, "nobody sees what {name} is set to");
        count += 1;
    }
    assert!(count >= 28, "only {count} switches");
}

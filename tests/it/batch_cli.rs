//! `ark-video batch` against the simulator: running a list, running it again, caps, approvals,
//! failures, looking back.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use ark_video_cli::{Interrupts, Signal};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, Simulator};
use serde_json::{Value, json};

use crate::cli::{Page, Ran, Shell};

/// A list whose videos are small. `shots` is what stands beside its defaults.
fn write_list(shell: &Shell, shots: &Value) {
    let list = json!({
        "batch": "night",
        "defaults": {
            "model": "doubao-seedance-1-0-pro-fast-251015",
            "resolution": "480p", "ratio": "1:1", "duration": 2,
        },
        "shots": shots,
    });
    std::fs::write(shell.folder.path().join("night.json"), list.to_string()).unwrap();
}

async fn fast() -> Simulator {
    Simulator::builder().speed(300.0).start().await.unwrap()
}

async fn batch(shell: &Shell, args: &[&str]) -> Ran {
    // On the heap: a test that runs many commands would have all of them on its stack.
    Box::pin(shell.run(&[&["batch"], args].concat())).await
}

fn shot(name: &str, prompt: &str) -> Value {
    json!({ "name": name, "prompt": prompt })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_run_once_and_what_changed_is_run_again() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("boat", "A paper boat."), shot("bird", "A paper bird.")]));
    let ran = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("night: 2 settled"), "{}", ran.stdout);
    for video in ["boat.mp4", "bird.mp4"] {
        assert!(std::fs::read(shell.folder.path().join(video)).unwrap().len() > 1000, "{video}");
    }

    let again = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 2), "{}", again.stderr);

    write_list(&shell, &json!([shot("boat", "A paper boat at night."), shot("bird", "A paper bird.")]));
    let changed = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((changed.code, simulator.ledger().accepted), (0, 3), "{}", changed.stderr);
    assert!(shell.folder.path().join("boat.r2.mp4").exists(), "the earlier video is paid for and stays");

    let tokens = simulator.ledger().tokens;
    let cost = shell.run(&["cost", "report", "night.json", "--json"]).await.json();
    assert_eq!(cost[0]["tokens_billed"], tokens, "{cost}");
    assert_eq!((&cost[0]["sent"], &cost[0]["settled"]), (&json!(3), &json!(3)), "{cost}");
    let export = batch(&shell, &["export", "night.json", "--shot", "bird", "--request"]).await;
    assert_eq!(export.json()["content"][0]["text"], "A paper bird.");
    let audit = batch(&shell, &["status", "night.json", "--audit", "--text"]).await;
    assert_eq!(audit.code, 0, "{}", audit.stderr);
    assert!(audit.stderr.contains("the journal is consistent"), "{}", audit.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_parks_what_does_not_fit_until_it_is_raised() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let three = ["one", "two", "three"].map(|name| shot(name, name));
    write_list(&shell, &json!(three));
    let one =
        batch(&shell, &["check", "night.json"]).await.json()["totals"]["tokens"]["max"].as_u64().unwrap() / 3;
    let cap = format!("{}tokens", one * 2);
    let capped = batch(&shell, &["run", "night.json", "--cap", &cap, "--text"]).await;
    assert_eq!(capped.code, 17, "{}{}", capped.stdout, capped.stderr);
    assert!(capped.stdout.contains("1 over budget"), "{}", capped.stdout);
    assert_eq!(simulator.ledger().accepted, 2);
    assert!(simulator.ledger().tokens <= i64::try_from(one * 2).unwrap());

    let raised = batch(&shell, &["run", "night.json", "--cap", &format!("{}tokens", one * 3)]).await;
    assert_eq!((raised.code, simulator.ledger().accepted), (0, 3), "{}", raised.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_waits_for_a_person_to_approve_its_draft() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let model = "doubao-seedance-1-5-pro-251215";
    write_list(
        &shell,
        &json!([
            { "name": "draft", "prompt": "Waves.", "model": model, "draft": true, "duration": 4, "ratio": null },
            { "name": "final", "model": model, "resolution": null, "ratio": null, "duration": null,
              "after": { "shot": "draft", "link": "draft", "approve": true } },
        ]),
    );
    let ran = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!(ran.code, 17, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("1 needs approval"), "{}", ran.stdout);
    assert_eq!(simulator.ledger().accepted, 1);

    let unknown = batch(&shell, &["approve", "night.json", "--shot", "drat"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    let approved = batch(&shell, &["approve", "night.json", "--shot", "draft"]).await;
    assert_eq!(approved.json()["reopened"], json!(["night/final"]), "{}", approved.stderr);
    let done = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(shell.folder.path().join("final.mp4").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_plan_stops_the_run_and_a_refused_storage_one_shot() {
    let shots = ["one", "two", "three"].map(|name| shot(name, name));
    for (code, hits, exit, accepted, shown) in [
        ("OperationDenied.TosAccessDenied", 1, 10, 2, ["1 rejected", "2 settled"]),
        ("QuotaExceeded.AgentPlanQuotaExceeded", 100, 8, 0, ["3 intent", "night: "]),
    ] {
        let simulator = fast().await;
        let shell = Shell::at(&simulator);
        write_list(&shell, &json!(shots));
        let refusal = Effect::Refuse { code: code.to_owned(), message: None };
        let rule = FaultRule::new(refusal).at(FaultPoint::Create).hits(hits);
        simulator.set_faults(FaultPlan::new().rule(rule)).unwrap();
        let ran = batch(&shell, &["run", "night.json", "--text"]).await;
        let about = format!("{code}: {}{}", ran.stdout, ran.stderr);
        assert_eq!((ran.code, simulator.ledger().accepted), (exit, accepted), "{about}");
        assert!(shown.iter().all(|shown| ran.stdout.contains(shown)), "{about}");
        assert_eq!(ran.stderr.contains("the run stopped:"), accepted == 0, "{about}");
        // What has passed goes on with the next run.
        simulator.set_faults(FaultPlan::new()).unwrap();
        batch(&shell, &["retry", "night.json"]).await;
        let again = batch(&shell, &["run", "night.json"]).await;
        assert_eq!((again.code, simulator.ledger().accepted), (0, 3), "{about}{}", again.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_and_can_be_brought_back() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let bad = "Waves. [[fail:OutputVideoSensitiveContentDetected]]";
    write_list(&shell, &json!([shot("good", "A boat."), shot("bad", bad)]));
    let ran = batch(&shell, &["run", "night.json", "--json"]).await;
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    let events: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["counts"]), (&json!("summary"), &json!({ "settled": 1, "failed": 1 })));
    let ended = events.iter().find(|event| event["event"] == "ended").unwrap();
    assert_eq!((&ended["key"], &ended["state"]), (&json!("night/bad"), &json!("failed")), "{ended}");
    assert!(!ran.stdout.contains("Waves"), "no prompt among the events");

    let retried = batch(&shell, &["retry", "night.json", "--only", "failed"]).await;
    assert_eq!(retried.json()["retried"], json!(["bad"]), "{}", retried.stderr);
    let dropped = batch(&shell, &["cancel", "night.json"]).await;
    assert_eq!(dropped.json()["dropped"], json!(["bad"]), "{}", dropped.stderr);
    let done = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((done.code, simulator.ledger().accepted), (0, 2), "{}", done.stderr);

    let page = batch(&shell, &["report", "night.json", "--html", "night.html"]).await;
    assert_eq!(page.code, 0, "{}", page.stderr);
    let html = std::fs::read_to_string(shell.folder.path().join("night.html")).unwrap();
    assert_eq!((html.matches("<article").count(), html.matches("<video").count()), (2, 1));
    let ledger = json!(simulator.ledger());
    let price: f64 = ledger["price"][0]["amount"].as_str().unwrap().parse().unwrap();
    let sum = |name: &str, value: f64| format!("<dt>{name}</dt><dd><data value=\"{value:.0}\">");
    for sum in [sum("billed", price * 1e6), sum("tokens billed", ledger["tokens"].as_f64().unwrap())] {
        assert!(html.contains(&sum), "{sum} {ledger}: {html}");
    }
    let refused = batch(&shell, &["report", "night.json", "--html", "night.html"]).await;
    assert_eq!(refused.code, 6, "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_batch_sends_nothing() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("one", "A boat.")]));
    assert_eq!(batch(&shell, &["run", "night.json"]).await.code, 0);
    assert_eq!(batch(&shell, &["pause", "night.json"]).await.json()["paused"], true);
    write_list(&shell, &json!([shot("one", "A boat."), shot("two", "A bird.")]));
    let ran = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (11, 1), "{}", ran.stderr);
    assert_eq!(batch(&shell, &["resume", "night.json"]).await.json()["paused"], false);
    let ran = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 2), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_is_sent() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("one", "A boat."), { "name": "two", "duration": 99, "prompt": "x" }]));
    let refused = batch(&shell, &["run", "night.json"]).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("two") && refused.stderr.contains("nothing was sent"),
        "{}",
        refused.stderr
    );
    let missing = batch(&shell, &["status", "night.json"]).await;
    assert_eq!(missing.code, 5, "{}", missing.stderr);
    std::fs::write(shell.folder.path().join("other.db"), b"This is no journal, it is a letter.".repeat(200))
        .unwrap();
    write_list(&shell, &json!([shot("one", "A boat.")]));
    let foreign = batch(&shell, &["run", "night.json", "--journal", "other.db"]).await;
    assert_eq!(foreign.code, 16, "{}", foreign.stderr);
    let lost = batch(&shell, &["status"]).await;
    assert_eq!(lost.code, 2, "{}", lost.stderr);
    assert_eq!(simulator.ledger().accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_forgotten_where_that_is_asked_for() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("one", "A boat that nobody may read of.")]));
    let ran = batch(&shell, &["run", "night.json", "--forget-prompts"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let export = batch(&shell, &["export", "night.json"]).await;
    assert!(
        export.stdout.contains("settled") && !export.stdout.contains("nobody may read"),
        "{}",
        export.stdout
    );
    let cost = shell.run(&["cost", "report", "night.json", "--json"]).await.json();
    assert_eq!(cost[0]["tokens_billed"], simulator.ledger().tokens, "{cost}");
    let again = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 1), "{}", again.stderr);
}

/// What a person sees of a network that is down, and of Ctrl-C.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_it_says_so_and_ctrl_c_ends_it() {
    let shell = Shell::new().set("ARK_API_KEY", "any").set("ARK_BASE_URL", "http://127.0.0.1:9/api/v3");
    write_list(&shell, &json!([shot("one", "A boat."), shot("two", "A bird.")]));
    let (press, interrupts) = Interrupts::by_hand();
    let stderr = Page::watched(move |line| {
        if line.contains("was not sent") {
            press.send(Signal::Interrupt).unwrap();
        }
    });
    let seen = stderr.clone();
    let ran = shell
        .run_with(&["batch", "run", "night.json", "--text"], |env| {
            env.interrupts = interrupts;
            env.stderr = Box::new(stderr);
        })
        .await;
    let seen = seen.text();
    assert_eq!(ran.code, 130, "{seen}");
    assert_eq!(seen.matches("nothing is billed").count(), 1, "{seen}");
    assert!(seen.contains("interrupted: 2 jobs are unfinished; nothing is lost"), "{seen}");
    assert!(seen.contains("continue with: ark-video batch run night.json"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_journal_is_asked_about_and_not_taken_for_a_new_one() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("boat", "A paper boat."), shot("bird", "A paper bird.")]));
    assert_eq!(batch(&shell, &["run", "night.json"]).await.code, 0);
    let remove = |names: &[&str]| {
        names.iter().for_each(|name| std::fs::remove_file(shell.folder.path().join(name)).unwrap());
    };

    remove(&["night.json.journal"]);
    let ran = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 2), "{}", ran.stderr);
    assert!(ran.stdout.contains("night: 2 settled"), "{}", ran.stdout);
    assert!(ran.stderr.contains("from the record beside its video"), "{}", ran.stderr);

    remove(&["night.json.journal", "bird.mp4", "bird.mp4.ark-video.json"]);
    for _ in 0..2 {
        let ran = batch(&shell, &["run", "night.json"]).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (16, 2), "{}", ran.stderr);
        for part in ["bird", "nothing was sent", "restore the previous journal", "--new-journal"] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    }
    let ran = batch(&shell, &["run", "night.json", "--new-journal"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 3), "{}", ran.stderr);
    let again = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 3), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_list_of_the_same_name_needs_a_name_of_its_own() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator).set("ARK_JOURNAL", "shared.journal");
    for (folder, prompt) in [("a", "A paper boat."), ("b", "A paper bird.")] {
        write_list(&shell, &json!([shot("one", prompt)]));
        std::fs::create_dir(shell.folder.path().join(folder)).unwrap();
        let list = shell.folder.path().join("night.json");
        std::fs::rename(list, shell.folder.path().join(folder).join("night.json")).unwrap();
    }
    assert_eq!(batch(&shell, &["run", "a/night.json"]).await.code, 0);
    for line in [&["run", "b/night.json"][..], &["status", "b/night.json"], &["cancel", "b/night.json"]] {
        let ran = batch(&shell, line).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (2, 1), "{line:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("a/night.json") && ran.stderr.contains("--batch NAME"), "{}", ran.stderr);
    }
    for line in [
        &["run", "a/night.json"][..],
        &["run", "./a/../a/night.json"],
        &["status", "a/night.json"],
        &["run", "b/night.json", "--batch", "other"],
        &["status", "b/night.json", "--batch", "other"],
    ] {
        let ran = batch(&shell, line).await;
        assert_eq!(ran.code, 0, "{line:?}: {}", ran.stderr);
    }
    assert_eq!(simulator.ledger().accepted, 2);
}

/// Every form of the run, `status` and `report` says of each unfinished shot why it is not
/// finished; and what cannot be done about it by this verb is said by its exit code.
#[tokio::test(flavor = "multi_thread")]
async fn each_unfinished_shot_says_why_wherever_it_is_shown() {
    let draft = json!({ "name": "draft", "prompt": "Waves. [[fail:OutputVideoSensitiveContentDetected]]",
        "model": "doubao-seedance-1-5-pro-251215", "draft": true, "duration": 4, "ratio": null });
    let last = json!({ "name": "final", "model": "doubao-seedance-1-5-pro-251215", "resolution": null, "ratio": null,
        "duration": null, "after": { "shot": "draft", "link": "draft" } });
    // What stands in the way, the shots; which shot is unfinished, why, the exit codes of run and
    // of a retry of that shot.
    let rows = [
        (
            "paused",
            json!([shot("one", "A boat."), shot("two", "A bird.")]),
            "two",
            "the batch is paused",
            11,
            2,
        ),
        (
            "in the way",
            json!([shot("one", "A boat.")]),
            "one",
            "paid for and its video is not fetched",
            11,
            2,
        ),
        ("failed", json!([draft, last]), "final", "it follows draft, which is failed", 10, 2),
        ("capped", json!([shot("one", "A boat.")]), "one", "leaves no room", 17, 2),
    ];
    for (how, shots, name, why, code, retried) in rows {
        for form in ["--text", "-q", "--json"] {
            let simulator = fast().await;
            let shell = Shell::at(&simulator);
            let mut args = vec!["run", "night.json", form];
            match how {
                "paused" => {
                    write_list(&shell, &json!([shots[0]]));
                    assert_eq!(batch(&shell, &["run", "night.json"]).await.code, 0);
                    batch(&shell, &["pause", "night.json"]).await;
                }
                "capped" => args.extend(["--cap", "1tokens"]),
                _ => {}
            }
            write_list(&shell, &shots);
            let ran = if how == "in the way" {
                run_and_block(&shell, &simulator, &args).await
            } else {
                batch(&shell, &args).await
            };
            let seen = format!("{}{}", ran.stdout, ran.stderr);
            assert_eq!(ran.code, code, "{how} {form}: {seen}");
            assert!(seen.contains(why) && seen.contains(name), "{how} {form}: {seen}");
            assert!(!seen.contains("another runner") && !seen.contains("1 jobs"), "{how} {form}: {seen}");
            assert_eq!(seen.contains("paused"), how == "paused", "{how} {form}: {seen}");
            if form != "--text" {
                continue;
            }
            for verb in [&["status"][..], &["report"], &["status", "--json"]] {
                let shown = batch(&shell, &[verb, &["night.json"]].concat()).await;
                assert!(shown.stdout.contains(why), "{how} {verb:?}: {}", shown.stdout);
            }
            let page = batch(&shell, &["report", "night.json", "--html", "night.html"]).await;
            assert_eq!(page.code, 0, "{}", page.stderr);
            let html = std::fs::read_to_string(shell.folder.path().join("night.html")).unwrap();
            assert!(html.contains(why), "{how}: {html}");
            let again = batch(&shell, &["retry", "night.json", "--shot", name]).await;
            assert_eq!(again.code, retried, "{how}: {}", again.stderr);
            assert!(again.stderr.contains("not retried"), "{how}: {}", again.stderr);
            let approved = batch(&shell, &["approve", "night.json", "--shot", name]).await;
            assert_eq!(approved.code, 2, "{how}: {}", approved.stderr);
            let cancelled = batch(&shell, &["cancel", "night.json", "--shot", name]).await;
            assert_eq!(
                cancelled.code,
                if how == "in the way" { 2 } else { 0 },
                "{how}: {}",
                cancelled.stderr
            );
            assert!(approved.stderr.contains("needs no approval"), "{how}: {}", approved.stderr);
        }
    }
}

/// Neither a key that the service repeats nor one that was put into an address is shown, in a page
/// either.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_reaches_a_page_or_a_message_about_the_journal() {
    const KEY: &str = "sk-SECRETKEY-0123456789abcdef";
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(&shell, &json!([shot("one", "A boat.")]));
    let message = Some(format!("The key {KEY} is bad."));
    simulator.fail_next(Effect::Refuse { code: "InvalidParameter".to_owned(), message }).unwrap();
    assert_eq!(batch(&shell, &["run", "night.json"]).await.code, 10);
    assert_eq!(batch(&shell, &["report", "night.json", "--html", "night.html"]).await.code, 0);
    let html = std::fs::read_to_string(shell.folder.path().join("night.html")).unwrap();
    assert!(html.contains("is bad") && !html.contains(KEY), "{html}");
    for verb in ["run", "status"] {
        let place = format!("mysql://user:{KEY}@db/ark");
        let ran = batch(&shell, &[verb, "night.json", "--journal", &place]).await;
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!ran.stderr.contains("SECRETKEY") && ran.stderr.contains("postgres://"), "{}", ran.stderr);
    }
    let ran = shell.run(&["generate", &format!("@{KEY}")]).await;
    assert!(ran.code == 2 && !ran.stderr.contains("SECRETKEY"), "{}", ran.stderr);
}

/// A run whose video finds its place taken when it is there.
async fn run_and_block(shell: &Shell, simulator: &Simulator, args: &[&str]) -> Ran {
    let place = shell.folder.path().join("one.mp4");
    let taking = async {
        while simulator.ledger().accepted == 0 {
            tokio::task::yield_now().await;
        }
        std::fs::write(&place, "mine").unwrap();
    };
    tokio::join!(batch(shell, args), taking).0
}

#[tokio::test(flavor = "multi_thread")]
async fn videos_that_cannot_be_told_apart_are_assigned_by_one_command_each() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    // What the list sets is no mark, so that these two cannot be distinguished.
    let same = |name: &str, prompt: &str| json!({ "name": name, "prompt": prompt, "execution_expires_after": 7200, "seed": 7 });
    write_list(&shell, &json!([same("boat", "A paper boat."), same("bird", "A paper bird.")]));
    simulator
        .add_fault(FaultRule::new(Effect::AcceptThenDrop { reset: false }).at(FaultPoint::Create))
        .unwrap();
    let ran = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!(ran.code, 12, "{}{}", ran.stdout, ran.stderr);
    assert!(
        !ran.stderr.contains("Search the account's tasks"),
        "what the run does is not asked for: {}",
        ran.stderr
    );
    assert_eq!(simulator.ledger().accepted, 2);
    let status = batch(&shell, &["status", "night.json"]).await.json();
    let candidates = status["jobs"][0]["candidates"].as_array().unwrap().clone();
    let ids: Vec<&str> = candidates.iter().map(|id| id.as_str().unwrap()).collect();
    let [first, second] = ids[..] else { panic!("{status}") };
    let video = format!("unmatched/{first}.mp4");
    assert!(shell.folder.path().join(&video).exists());

    for (args, code) in [
        (["boat", "cgt-of-another"], 2),
        (["boat", "nowhere.mp4"], 2),
        (["boat", "night.json"], 5),
        (["bot", first], 2),
    ] {
        let refused = batch(&shell, &[&["assign", "night.json"], &args[..]].concat()).await;
        assert_eq!(refused.code, code, "{args:?}: {}", refused.stderr);
    }
    let given = batch(&shell, &["assign", "night.json", "boat", &video]).await;
    assert_eq!(given.json()["state"], "settled", "{}", given.stderr);
    assert!(shell.folder.path().join("boat.mp4").exists());
    let taken = batch(&shell, &["assign", "night.json", "bird", first]).await;
    assert_eq!(taken.code, 2, "{}", taken.stderr);
    let given = batch(&shell, &["assign", "night.json", "bird", second]).await;
    assert_eq!(given.json()["task_id"], second, "{}", given.stderr);
    assert!(shell.folder.path().join("bird.mp4").exists() && !shell.folder.path().join("unmatched").exists());
    let done = batch(&shell, &["run", "night.json"]).await;
    assert_eq!((done.code, simulator.ledger().accepted), (0, 2), "{}", done.stderr);
}

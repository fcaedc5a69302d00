//! Two steps, one bill: tokens, budgets, questions, lost answers, and servers that come back.

use serde_json::{Value, json};

use crate::agent::{Agent, World, boat, files};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_one_task_however_often_it_is_confirmed() {
    let world = World::new().await;
    let agent = world.start(&["--budget", "20CNY"]).await;
    let quote = agent.ok("quote", boat("A boat.")).await;
    assert_eq!(
        (quote["expires_in_seconds"].as_u64(), quote["findings"].as_array().map(Vec::len)),
        (Some(600), Some(0))
    );
    assert_eq!(world.simulator.ledger().accepted, 0, "a quote sends nothing");
    let token = json!({ "token": quote["token"] });
    let confirm = || agent.ok("confirm", token.clone());
    let answers = tokio::join!(confirm(), confirm(), confirm());
    assert!(answers.0["task_id"].is_string(), "{}", answers.0);
    for answer in [&answers.1, &answers.2] {
        assert_eq!(answer["id"], answers.0["id"]);
    }
    assert_eq!(confirm().await["task_id"], answers.0["task_id"]);
    agent.kill().await;
    // Another start on the same journal: the same task. Without a budget it is still downloaded.
    let again = world.start(&["--budget", "20CNY"]).await;
    assert_eq!(again.ok("confirm", token.clone()).await["task_id"], answers.0["task_id"]);
    assert_eq!(again.close().await, Some(0));
    let poor = world.start(&[]).await;
    poor.fails("confirm", token, "no_budget").await;
    let ended = poor.ok("wait", json!({ "id": answers.0["task_id"], "timeout_seconds": 60 })).await;
    assert_eq!(ended["state"], "settled", "{ended}");
    assert_eq!(poor.ok("list", json!({})).await["total"], 1);
    assert_eq!((world.simulator.bills().len(), files(&world.root(), "mp4")), (1, 1));
    let last = world.start(&["--budget", "20CNY"]).await;
    let wait = last.ok("quote", boat("A boat.")).await["expected_wait_seconds"].clone();
    assert!(wait["half"].is_u64(), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_holds_over_parallel_calls_sessions_and_starts() {
    let world = World::new().await;
    let price = {
        let agent = world.start(&[]).await;
        let estimate = agent.ok("estimate", boat("A boat.")).await;
        estimate["estimate"]["cost"]["max"]["amount"].as_str().unwrap().parse::<f64>().unwrap()
    };
    let budget = format!("{:.4}CNY", price * 2.5);
    let flags = ["--budget", budget.as_str()];
    let agent = world.start(&flags).await;
    let mut tokens = Vec::new();
    for number in 0..5 {
        tokens.push(agent.token(boat(&format!("Boat {number}."))).await);
    }
    let confirmed = futures_util::future::join_all(
        tokens.iter().map(|token| agent.call("confirm", json!({ "token": token }))),
    );
    let confirmed = confirmed.await;
    let refused = |answer: &&Value| answer["code"] == "over_budget";
    assert_eq!(confirmed.iter().filter(refused).count(), 3, "{confirmed:?}");
    let refused = &tokens[confirmed.iter().position(|answer| refused(&answer)).unwrap()];
    agent.fails("quote", boat("One more."), "over_budget").await;
    for token in &tokens {
        agent.call("wait", json!({ "id": token, "timeout_seconds": 60 })).await;
    }
    let left = agent.ok("budget", json!({})).await;
    let names: Vec<&str> =
        left["budgets"].as_array().unwrap().iter().map(|one| one["of"].as_str().unwrap()).collect();
    assert_eq!(names, ["day", "session", "server_start"], "{left}");
    assert_eq!(agent.close().await, Some(0));
    // A restart does not fill it up again on the same day.
    let again = world.start(&flags).await;
    let error = again.fails("quote", boat("After a restart."), "over_budget").await;
    assert!(error["message"].as_str().unwrap().contains("day leaves"), "{error}");
    again.fails("confirm", json!({ "token": refused }), "over_budget").await;
    drop(again);
    let dear = world.start(&["--budget", "900CNY", "--per-call", "0.01CNY"]).await;
    let error = dear.fails("quote", boat("Too dear."), "over_budget").await;
    assert!(error["message"].as_str().unwrap().contains("--per-call"), "{error}");
    let other = world.start(&["--budget", "900USD"]).await;
    other.fails("quote", boat("Another currency."), "unknown_price").await;
    assert_eq!(world.simulator.bills().len(), 2);
    assert!(world.spent() <= price * 2.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_and_foreign_tokens_send_nothing() {
    let world = World::new().await;
    let agent = world.start(&["--budget", "20CNY"]).await;
    let token = agent.token(boat("A boat.")).await;
    let path = world.quotes().join(format!("{token}.json"));
    let mut quote: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    quote["expires_at"] = json!(1);
    std::fs::write(&path, quote.to_string()).unwrap();
    agent.fails("confirm", json!({ "token": token }), "quote_expired").await;
    // Without a budget a token of a server with one is worth nothing.
    let token = agent.token(boat("A boat.")).await;
    let poor = world.start(&[]).await;
    poor.fails("confirm", json!({ "token": token }), "no_budget").await;
    let other = World::new().await;
    let stranger = other.start(&["--budget", "20CNY"]).await;
    stranger.fails("confirm", json!({ "token": token }), "unknown_token").await;
    assert_eq!(world.simulator.ledger().accepted + other.simulator.ledger().accepted, 0);
    // Cancelled before it was sent, it is not sent by the same token either.
    let edited = agent.token(boat("A boat.")).await;
    assert_ne!(edited, token, "each quote is an intent of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_is_asked_above_the_threshold_if_the_client_can_ask() {
    let world = World::new().await;
    let flags = ["--budget", "20CNY", "--confirm-above", "0.01CNY"];
    let can_ask = || json!({ "elicitation": {} });
    for (answer, is_sent) in [
        (json!({ "action": "accept", "content": { "send": true } }), true),
        (json!({ "action": "accept", "content": { "send": false } }), false),
        (json!({ "action": "decline" }), false),
        (json!({ "action": "cancel" }), false),
    ] {
        let agent = Agent::start(world.command(&flags), can_ask(), answer.clone()).await;
        let quote = agent.ok("quote", boat("A boat.")).await;
        assert_eq!(quote["asks_the_person"], true);
        let answer = agent.call("confirm", json!({ "token": quote["token"] })).await;
        assert_eq!(answer["task_id"].is_string(), is_sent, "{answer}");
        assert!(is_sent || answer["code"] == "not_confirmed", "{answer}");
        let asked =
            agent.sent.lock().unwrap().iter().any(|message| message["method"] == "elicitation/create");
        assert!(asked);
    }
    let agent = world.start(&flags).await;
    let made = agent.make(boat("A client that cannot ask.")).await;
    assert!(made["task_id"].is_string(), "{made}");
    assert_eq!(world.simulator.ledger().accepted, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_until_it_is_reconciled_and_never_sent_again() {
    let world = World::new().await;
    let agent = world.start(&["--budget", "20CNY"]).await;
    let token = agent.token(boat("A boat. [[fault:accept_then_drop]]")).await;
    let token = json!({ "token": token });
    let lost = agent.ok("confirm", token.clone()).await;
    assert!(["unknown", "submitted"].contains(&lost["state"].as_str().unwrap()), "{lost}");
    agent.ok("reconcile", json!({})).await;
    let found = agent.ok("confirm", token.clone()).await;
    let ended = agent.ok("wait", json!({ "id": found["id"], "timeout_seconds": 60 })).await;
    assert_eq!(ended["state"], "settled", "{ended}");
    agent.ok("confirm", token).await;
    assert_eq!((world.simulator.ledger().accepted, files(&world.root(), "mp4")), (1, 1));
    // A refusal costs nothing and says so.
    let refused = agent.token(boat("A boat. [[refuse:QuotaExceeded]]")).await;
    let answer = agent.call("confirm", json!({ "token": refused })).await;
    assert!(answer["code"].is_string() || answer["state"] == "intent", "{answer}");
    assert_eq!(world.simulator.bills().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_reports_progress_and_a_queued_task_can_be_cancelled() {
    let simulator = ark_video_simulator::Simulator::builder().start().await.unwrap();
    let mut world = World::new().await;
    world.simulator = simulator;
    let agent = world.start(&["--budget", "20CNY"]).await;
    let token = agent.token(boat("A boat.")).await;
    agent.ok("confirm", json!({ "token": token })).await;
    let cancelled = agent.ok("cancel", json!({ "id": token })).await;
    assert_eq!(cancelled["money"], "It is cancelled and not billed.", "{cancelled}");
    let made = agent.make(boat("Another boat.")).await;
    assert_eq!(made["state"], "settled", "{made}");
    let ended = agent.ok("wait", json!({ "id": token, "timeout_seconds": 60 })).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    assert!(ended["money"] == "It is not billed.", "{ended}");
    let is_progress = |message: &&Value| {
        message["method"] == "notifications/progress" && message["params"]["progressToken"] == "wait"
    };
    assert!(agent.sent.lock().unwrap().iter().filter(is_progress).count() >= 1);
    agent.fails("cancel", json!({ "id": made["id"] }), "usage").await;
    assert_eq!(world.simulator.bills().len(), 1);
}

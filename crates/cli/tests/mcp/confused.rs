//! A confused agent: a thousand seeded random calls, some of them at once, with forged and stale
//! tokens, changed requests, lost answers, and servers that are killed in between. There are at
//! most as many bills as confirmed quotes, the budget holds, and every video that was paid for can
//! be found with a tool.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agent::{Agent, World, boat};

const CALLS: usize = 1_000;
const SEED: u64 = 23;

/// Numbers that repeat for a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}

/// What the agent knows.
#[derive(Default)]
struct Memory {
    tokens: Vec<String>,
    /// Tokens that were handed to `confirm` while they were valid.
    confirmed: BTreeSet<String>,
}

const PROMPTS: [&str; 8] = [
    "A boat.",
    "A boat.",
    "A kite.",
    "A cat. [[fault:accept_then_drop]]",
    "A dog. [[fault:drop_before_accept]]",
    "A hen. [[fault:half_answer]]",
    "An owl. [[refuse:OutputVideoSensitiveContentDetected]]",
    "A fox. [[fail:InternalServiceError]]",
];

/// A call: the tool and its arguments.
fn call(chance: &mut Chance, memory: &mut Memory, world: &World) -> (&'static str, Value) {
    match chance.below(20) {
        0..=4 => {
            let mut request = boat(PROMPTS[chance.below(PROMPTS.len())]);
            match chance.below(6) {
                0 => request["duration"] = json!(chance.below(20)),
                1 => request["seed"] = json!(chance.below(5)),
                2 => request["unknown"] = json!(1),
                _ => {}
            }
            ("quote", request)
        }
        5..=10 => {
            let known = chance.of(&memory.tokens).cloned();
            let token = match (chance.below(8), known) {
                (0, _) | (_, None) => format!("{:024x}", chance.below(1 << 40)),
                (1, Some(token)) => token.chars().rev().collect(),
                (2, Some(token)) => {
                    // Its quote is gone; a row of the journal is not.
                    let _ = std::fs::remove_file(world.quotes().join(format!("{token}.json")));
                    token
                }
                (_, Some(token)) => token,
            };
            if memory.tokens.contains(&token) {
                memory.confirmed.insert(token.clone());
            }
            ("confirm", json!({ "token": token }))
        }
        11 => ("list", json!({ "account": chance.below(10) == 0 })),
        12 if chance.below(10) == 0 => ("reconcile", json!({})),
        13 => ("budget", json!({})),
        14 => ("check", boat("A boat.")),
        15 => ("explain_error", json!({ "code": "QuotaExceeded" })),
        16 if chance.below(4) == 0 => {
            ("cancel", json!({ "id": chance.of(&memory.tokens).cloned().unwrap_or_default() }))
        }
        17 => ("no_tool", json!({})),
        18 => ("get", json!({ "id": chance.of(&memory.tokens).cloned().unwrap_or_default() })),
        _ => ("wait", json!({ "id": chance.of(&memory.tokens), "timeout_seconds": 0 })),
    }
}

fn learn(memory: &mut Memory, answer: &Value) {
    if let Some(token) = answer.get("expires_in_seconds").and_then(|_| answer["token"].as_str()) {
        memory.tokens.push(token.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confused_agent_pays_once_per_confirmed_quote_and_within_its_budget() {
    let world = World::new().await;
    let (mut chance, mut memory) = (Chance(SEED), Memory::default());
    let price = {
        let agent = world.start(&[]).await;
        let estimate = agent.ok("estimate", boat("A boat.")).await;
        estimate["estimate"]["cost"]["max"]["amount"].as_str().unwrap().parse::<f64>().unwrap()
    };
    let most = price * 40.5;
    let budget = format!("{most:.4}CNY");
    let flags = ["--budget", budget.as_str()];
    let mut agent: Agent = world.start(&flags).await;
    let (mut calls, mut kills) = (0, 0);
    let start = Instant::now();
    while calls < CALLS {
        let at_once = 1 + chance.below(4);
        let batch: Vec<_> = (0..at_once).map(|_| call(&mut chance, &mut memory, &world)).collect();
        calls += at_once;
        let asked = futures_util::future::join_all(
            batch.into_iter().map(|(tool, arguments)| agent.try_call(tool, arguments)),
        );
        if chance.below(45) == 0 {
            // Killed while it works on them.
            let _ = tokio::time::timeout(Duration::from_millis(chance.below(30) as u64), asked).await;
            agent.kill().await;
            agent = world.start(&flags).await;
            kills += 1;
            continue;
        }
        for answer in asked.await.into_iter().flatten() {
            learn(&mut memory, &answer);
        }
        if world.spent() > most {
            break;
        }
    }
    let called = start.elapsed();
    // What killed servers were working on is free again when their leases are over.
    let under_way = ["intent", "submitting", "submitted", "finished", "downloaded"];
    loop {
        let mut open = None;
        for token in &memory.confirmed {
            let task = agent.call("get", json!({ "id": token })).await;
            if under_way.contains(&task["state"].as_str().unwrap_or_default()) {
                open = Some(token);
            }
        }
        let Some(open) = open else { break };
        agent.ok("wait", json!({ "id": open, "timeout_seconds": 10 })).await;
        assert!(start.elapsed() < called + Duration::from_secs(90), "{open} does not end");
    }
    agent.ok("reconcile", json!({})).await;
    let total = agent.ok("list", json!({})).await["total"].as_u64().unwrap();
    let bills = world.simulator.bills();
    println!(
        "{calls} calls in {called:?} of {:?}, {kills} kills, {} quotes, {} confirmed, {total} rows, {} accepted, {} bills, {:.2} of {most:.2} CNY",
        start.elapsed(),
        memory.tokens.len(),
        memory.confirmed.len(),
        world.simulator.ledger().accepted,
        bills.len(),
        world.spent()
    );
    assert!(bills.len() >= 10 && kills >= 5, "or this test says little");
    assert!(world.simulator.ledger().accepted <= memory.confirmed.len());
    assert!(bills.len() <= memory.confirmed.len());
    assert!(world.spent() <= most, "{} CNY", world.spent());
    let mut missing = Vec::new();
    for bill in bills {
        let task = agent.ok("get", json!({ "id": bill.task_id })).await;
        let is_saved = task["video"].as_str().is_some_and(|video| std::path::Path::new(video).is_file());
        let is_linked = task["untrusted"]["content"]["video_url"].is_string();
        if !(is_saved || is_linked) {
            missing.push(task);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

//! Flags inside the prompt: read, weakly checked, billed.

use super::*;

fn flagged(model: &str, flags: &str) -> Value {
    content(model, vec![json!({ "type": "text", "text": format!("A kite over the sea {flags}") })])
}

#[test]
fn flags_are_read_and_billed() {
    let mut env = TestEnv::new();
    let id = env.create(&flagged(M10, "--rs 720p --rt 1:1 --dur 3 --seed 11 --cf false --wm true"));
    let task = env.at(4000).task(&id);
    assert_eq!(
        (&task["resolution"], &task["ratio"], &task["duration"], &task["seed"]),
        (&json!("720p"), &json!("1:1"), &json!(3), &json!(11))
    );
    assert_eq!(task["usage"]["total_tokens"], 73 * 960 * 960 / 1024);
}

#[test]
fn a_bad_resolution_or_duration_is_refused_and_anything_else_is_ignored() {
    let mut env = TestEnv::new();
    for flags in ["--rs 8k", "--dur five", "--duration 99", "--resolution 4k"] {
        assert_refused(env.post(&flagged(M10, flags)), 400, "InvalidParameter");
    }
    let id = env.create(&flagged(M10, "--rt 2:1 --seed -7 --frames 30 --fps 60 --res 480p --cf maybe"));
    let task = env.at(4000).task(&id);
    assert_eq!(
        (&task["resolution"], &task["ratio"], &task["duration"], &task["framespersecond"]),
        (&json!("1080p"), &json!("16:9"), &json!(5), &json!(24))
    );
}

#[test]
fn which_wins_is_a_switch() {
    let body = with(flagged(M10, "--dur 3 --rs 480p"), json!({ "duration": 4 }));
    let got = |mut env: TestEnv| {
        let id = env.create(&body);
        let task = env.at(4000).task(&id);
        (task["duration"].clone(), task["resolution"].clone())
    };
    assert_eq!(got(TestEnv::new()), (json!(4), json!("480p")));
    assert_eq!(got(TestEnv::with_switch("prompt-flag-precedence", "flag_wins")), (json!(3), json!("480p")));
}

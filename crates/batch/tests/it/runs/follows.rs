//! Shots that follow others.

use ark_video_batch::{Link, State};
use serde_json::json;

use crate::runs::test_env::{BATCH, TestEnv, after, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_frame_goes_on_and_a_failed_start_keeps_the_rest_back() {
    let env = TestEnv::new().await;
    let journal = env.journal().await;
    let mut first = env.shot(0);
    first.request["return_last_frame"] = json!(true);
    let mut second = after(env.shot(1), "shot-0000", Link::LastFrame, false);
    second.request["content"] = json!([
        {"type": "text", "text": "It goes on."},
        {"type": "image_url", "image_url": {"url": "ark-video-batch:after"}, "role": "first_frame"},
    ]);
    let mut broken = env.shot(2);
    broken.request["content"] = json!([{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/none.png"}, "role": "nonsense"}]);
    let waits = after(env.shot(3), "shot-0002", Link::LastFrame, false);
    env.plan(&journal, &[first, second, broken, waits]).await;
    let ended = env.run(&journal, env.options()).await;
    let expected = [(State::Settled, 2), (State::Rejected, 1), (State::Intent, 1)];
    assert_eq!(ended.summary.counts, expected.into());
    let first = env.job(&journal, "shot-0000").await;
    assert_eq!(first.files.len(), 2, "the video and its last frame");
    assert!(first.files[1].path.ends_with("shot-0000.last.jpeg"), "{:?}", first.files);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_waits_for_the_approval_of_its_draft() {
    let env = TestEnv::new().await;
    let journal = env.journal().await;
    let draft = json!({"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "A boat."}], "resolution": "480p", "draft": true});
    let draft = with(0, "draft", &env.path("videos/draft.mp4"), draft);
    let last = json!({"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "draft_task", "draft_task": {"id": "ark-video-batch:after"}}], "resolution": "720p"});
    let last = after(with(1, "final", &env.path("videos/final.mp4"), last), "draft", Link::Draft, true);
    env.plan(&journal, &[draft, last]).await;
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 1), (State::NeedsApproval, 1)].into());
    assert_eq!(env.simulator.ledger().accepted, 1);
    let approved = journal.approve(BATCH, "draft").await.unwrap();
    assert_eq!(approved.reopened.len(), 1);
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 2)].into());
    env.check(&journal).await;
}

//! The Rust example of `docs/guide/test-without-paying.md`, which shows everything below this line
//! word for word.

use std::time::Duration;

use ark_video::{Client, model::TextToVideo};
use ark_video_simulator::{Effect, Simulator};

/// What is under test: the part of your application that makes a video.
async fn make(client: &Client, prompt: &str) -> Result<String, ark_video::Error> {
    let request = TextToVideo::new("doubao-seedance-2-0-260128", prompt).duration(5).build();
    let task = client.create(&request).await?.wait().await?;
    Ok(task.content.and_then(|content| content.video_url).unwrap_or_default())
}

#[tokio::test]
async fn a_video_is_made_and_paid_once() -> Result<(), Box<dyn std::error::Error>> {
    // Sixty times as fast as real time: a task of four seconds takes an instant.
    let simulator = Simulator::builder().speed(60.0).start().await?;
    let client = simulator.client().build()?;

    let link = make(&client, "A paper boat.").await?;
    assert!(link.starts_with("http://127.0.0.1"));
    assert_eq!(simulator.bills()[0].price.map(|price| price.to_string()).as_deref(), Some("5.0094 CNY"));

    // The answer to the next create is lost. The task exists, and is paid for: your application
    // must not just try again.
    simulator.fail_next(Effect::AcceptThenDrop { reset: false })?;
    let lost = make(&client, "A paper boat at night.").await.unwrap_err();
    assert!(lost.is_outcome_unknown());
    simulator.advance(Duration::from_secs(3600));
    assert_eq!(simulator.ledger().doubles().count(), 0);

    simulator.shutdown().await;
    Ok(())
}

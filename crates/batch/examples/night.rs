//! A batch from code: forty shots, a budget, a run that a person may end early, and the report. The
//! simulator stands in for the service; for the real one, `Client::from_env()`.
#![expect(clippy::print_stdout, reason = "an example reports on the terminal")]

use std::{fs, path::Path};

use ark_video::model::{TextToVideo, catalog::Catalog};
use ark_video_batch::{
    Cap, CommandCost, Embed, EventKind, Journal, JournalAt, NextCommand, OpenOptions, PageOptions,
    PlanOptions, Runner, RunnerOptions, Scope, ShotList,
};
use ark_video_simulator::Simulator;

type Failure = Box<dyn std::error::Error>;

fn list(folder: &Path) -> Result<ShotList, Failure> {
    let mut list = ShotList::builder("night");
    for shot in 0..40 {
        let prompt = format!("Shot {shot} of a harbour at night.");
        let request = TextToVideo::new("doubao-seedance-2-0-260128", prompt).duration(4).ratio("16:9");
        list = list.shot(format!("s{shot:02}"), &request.build());
    }
    Ok(list.build(folder, Catalog::builtin())?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let list = list(folder.path())?;
    let simulator = Simulator::builder().speed(60.0).start().await?;
    let client = simulator.client().build()?;
    let journal =
        Journal::open(&JournalAt::File(folder.path().join("night.journal")), OpenOptions::default()).await?;
    journal.plan(&list.batch, &list, PlanOptions::default()).await?;
    journal.set_caps(&[Cap { scope: Scope::Batch(list.batch.clone()), amount: "250CNY".parse()? }]).await?;
    // The first run is drained after ten shots; the second does the rest.
    for drained_after in [10, u32::MAX] {
        let runner = Runner::new(client.clone(), journal.clone(), RunnerOptions::new());
        let (mut events, handle, run) = runner.run(std::slice::from_ref(&list.batch));
        let watching = tokio::spawn(async move {
            let mut settled = 0;
            while let Some(event) = events.next().await {
                if let EventKind::Settled { .. } = event.kind {
                    settled += 1;
                    if settled == drained_after {
                        handle.drain();
                    }
                }
            }
            settled
        });
        let summary = run.await?;
        println!("{} settled, {} left", watching.await?, summary.left());
    }
    println!("{} bills, {} twice", simulator.bills().len(), simulator.ledger().doubles().count());
    let page = fs::File::create(folder.path().join("night.html"))?;
    let options = PageOptions {
        made: "today".to_owned(),
        folder: folder.path().to_owned(),
        embed: Embed::Links,
        commands: &|job| {
            vec![NextCommand {
                line: format!("ark-video batch retry shots.toml --shot {}", job.planned.name),
                effect: "Create it again",
                cost: CommandCost::Bill(job.planned.estimate.clone()),
            }]
        },
        redact: &str::to_owned,
    };
    journal.write_report(&list.batch, page, options).await?;
    journal.close().await;
    Ok(())
}

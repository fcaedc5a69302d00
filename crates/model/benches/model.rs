//! What a create costs before it reaches a socket: decode, check, serialize, on the vendor's own
//! example and on a request with fifty items. At the end the two figures that the project promises,
//! as a ratio of the same run.
//!
//! `cargo bench -p ark-video-model`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a measurement talks to people")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ark_video_model::{
    CreateTaskRequest, ReferenceToVideo, catalog::Catalog, check::Facts, estimate::estimate,
};

const VENDOR: &str = include_str!("../../../schema/examples/requests/vendor-tea.json");

fn vendor() -> String {
    // As it goes on the wire: without the indentation of the file.
    serde_json::to_string(&serde_json::from_str::<CreateTaskRequest>(VENDOR).unwrap()).unwrap()
}

fn fifty() -> String {
    let mut request = ReferenceToVideo::new("doubao-seedance-2-5-260628")
        .prompt("Image 1 to Image 30, Video 1 to Video 10, Audio 9.");
    for n in 0..30 {
        request = request.image(format!("https://media.example.com/picture-{n:04}.png"));
    }
    for n in 0..10 {
        request = request.video(format!("https://media.example.com/video-{n:04}.mp4"));
    }
    for n in 0..9 {
        request = request.audio(format!("https://media.example.com/sound-{n:04}.mp3"));
    }
    let request = request.omni_reference_task_type("reference").ratio("16:9").duration(10);
    serde_json::to_string(&request.resolution("720p").build()).unwrap()
}

fn rows() {
    let catalog = Catalog::builtin();
    for (name, text) in [("vendor", vendor()), ("fifty-items", fifty())] {
        let request: CreateTaskRequest = serde_json::from_str(&text).unwrap();
        assert!(request.check(catalog).is_clean());
        let row = |operation: &str, rounds: Vec<f64>| {
            println!("{:<36}{:>9.0} ns", format!("{name}/{operation}"), rounds[rounds.len() / 2]);
        };
        row("decode", rounds(|| serde_json::from_str::<CreateTaskRequest>(black_box(&text)).unwrap()));
        row("check", rounds(|| black_box(&request).check(catalog)));
        row("serialize", rounds(|| serde_json::to_vec(black_box(&request)).unwrap()));
        row("decode-check-serialize", rounds(|| all(black_box(&text), catalog)));
        row("decode-serialize", rounds(|| floor(black_box(&text))));
        row("estimate", rounds(|| estimate(black_box(&request), catalog, &Facts::new(), None)));
    }
}

fn all(text: &str, catalog: &Catalog) -> Vec<u8> {
    let request: CreateTaskRequest = serde_json::from_str(text).unwrap();
    assert!(!request.check(catalog).is_refused());
    serde_json::to_vec(&request).unwrap()
}

fn floor(text: &str) -> Vec<u8> {
    let request: CreateTaskRequest = serde_json::from_str(text).unwrap();
    serde_json::to_vec(&request).unwrap()
}

/// Nanoseconds a call in each of many short rounds, the shortest first: that one is what the code
/// costs, without what else the machine does. Outside of `cargo bench` a single call.
fn rounds<T>(mut call: impl FnMut() -> T) -> Vec<f64> {
    let (rounds, calls) = if is_measured() { (60, 2_000) } else { (1, 1) };
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                black_box(call());
            }
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.iter().map(|time| time.as_nanos() as f64 / f64::from(calls)).collect()
}

fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

fn promises() {
    let catalog = Catalog::builtin();
    let text = vendor();
    let request: CreateTaskRequest = serde_json::from_str(&text).unwrap();
    let check = rounds(|| black_box(&request).check(catalog))[0];
    let (whole, floor) =
        (rounds(|| all(black_box(&text), catalog))[0], rounds(|| floor(black_box(&text)))[0]);
    println!("promise: check of the vendor's example {check:.0} ns (at most 1000)");
    println!(
        "promise: decode + check + serialize {whole:.0} ns, {:.2} times decode + encode alone, {floor:.0} ns (at most 2.5)",
        whole / floor
    );
}

fn main() {
    rows();
    if is_measured() {
        promises();
    }
}

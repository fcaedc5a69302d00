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
use criterion::Criterion;

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
    serde_json::to_string(&request.ratio("16:9").duration(10).resolution("720p").build()).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let catalog = Catalog::builtin();
    for (name, text) in [("vendor", vendor()), ("fifty-items", fifty())] {
        let request: CreateTaskRequest = serde_json::from_str(&text).unwrap();
        assert!(request.check(catalog).is_clean());
        let mut group = criterion.benchmark_group(name);
        group.bench_function("decode", |b| {
            b.iter(|| serde_json::from_str::<CreateTaskRequest>(black_box(&text)).unwrap())
        });
        group.bench_function("check", |b| b.iter(|| black_box(&request).check(catalog)));
        group.bench_function("serialize", |b| b.iter(|| serde_json::to_vec(black_box(&request)).unwrap()));
        group.bench_function("decode-check-serialize", |b| b.iter(|| all(black_box(&text), catalog)));
        group.bench_function("decode-serialize", |b| b.iter(|| floor(black_box(&text))));
        group.bench_function("estimate", |b| {
            b.iter(|| estimate(black_box(&request), catalog, &Facts::new(), None))
        });
        group.finish();
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

/// The best of many short rounds, in nanoseconds a call: what the code costs, without what else the
/// machine does.
fn best(mut call: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..60 {
        let start = Instant::now();
        for _ in 0..2_000 {
            call();
        }
        best = best.min(start.elapsed());
    }
    best.as_nanos() as f64 / 2_000.0
}

fn promises() {
    let catalog = Catalog::builtin();
    let text = vendor();
    let request: CreateTaskRequest = serde_json::from_str(&text).unwrap();
    let check = best(|| drop(black_box(black_box(&request).check(catalog))));
    let (whole, floor) =
        (best(|| drop(black_box(all(&text, catalog)))), best(|| drop(black_box(floor(&text)))));
    println!("promise: check of the vendor's example {check:.0} ns (at most 1000)");
    println!(
        "promise: decode + check + serialize {whole:.0} ns, {:.2} times decode + encode alone, {floor:.0} ns (at most 2.5)",
        whole / floor
    );
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        promises();
    }
}

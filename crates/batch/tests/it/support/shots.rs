//! The shots of tests that count bills: the smallest video, the same for all, so that it is
//! rendered once.

use std::path::Path;

use ark_video_batch::{Cost, Planned};
use serde_json::json;

pub(crate) const MODEL: &str = "doubao-seedance-1-0-pro-fast-251015";
/// More than any of these videos costs.
const ESTIMATE: u64 = 50_000;
/// In every prompt; nothing that a worker says may hold it.
pub(crate) const SECRET: &str = "a paper boat crosses a puddle";

/// Its owner is in a field that the service keeps, so that the history is independent of the
/// journal. Runners do not read it: their tags are disabled.
pub(crate) fn shot(place: usize, folder: &Path) -> Planned {
    let name = format!("shot-{place:06}");
    let request = json!({
        "model": MODEL,
        "content": [{"type": "text", "text": format!("{name}: {SECRET}.")}],
        "resolution": "480p", "ratio": "1:1", "frames": 29, "seed": 7,
        "safety_identifier": name,
    });
    Planned {
        output: folder.join(format!("videos/{name}.mp4")),
        place: i64::try_from(place).unwrap(),
        request_hash: name.clone(),
        name,
        request,
        inputs: Vec::new(),
        after: None,
        tags: Vec::new(),
        priority: 0,
        estimate: Some(Cost { tokens: ESTIMATE, micros: 0, currency: String::new() }),
    }
}

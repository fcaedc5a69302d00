//! Requests stored with everything that is known of them before they are sent: one JSON document
//! each, which reads back as the same value and has a JSON Schema. Arguments are images to animate.
#![expect(clippy::print_stdout, reason = "an example reports on the terminal")]

use ark_video_media::{MediaRole, ResolvedMedia, facts_of_request};
use ark_video_model::{
    CreateTaskRequest, ErrorCode, ImageSource, ImageToVideo, Task, TextToVideo,
    catalog::{Catalog, Decimal, Site},
    check::{Facts, Mode, Report},
    estimate::{Estimate, estimate},
};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

const MODEL: &str = "doubao-seedance-2-0-260128";

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct StoredRequest {
    owner: String,
    site: Site,
    budget: Decimal,
    request: CreateTaskRequest,
    mode: Mode,
    facts: Facts,
    report: Report,
    estimate: Estimate,
    task: Option<Task>,
    error: Option<ErrorCode>,
}

impl StoredRequest {
    fn new(owner: &str, request: CreateTaskRequest, catalog: &Catalog) -> Self {
        let facts = facts_of_request(&request);
        Self {
            owner: owner.to_owned(),
            site: Site::Volcengine,
            budget: Decimal::default(),
            mode: request.mode(),
            report: request.check_with(catalog, &facts),
            estimate: estimate(&request, catalog, &facts, Some(Site::Volcengine)),
            request,
            facts,
            task: None,
            error: None,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What is newer than this version: a file of the form of schema/models.json, or a part of one.
    let overlay = serde_json::json!({ "switches": { "tos-media": "off" } });
    let catalog = Catalog::builtin().overlaid(&overlay)?;
    let mut requests = vec![TextToVideo::new(MODEL, "A paper boat.").duration(5).ratio("16:9").build()];
    for path in std::env::args_os().skip(1) {
        let image = ResolvedMedia::of_file(path.as_ref(), MediaRole::FirstFrame)?;
        let data = ImageSource::data(image.kind.as_str(), &std::fs::read(&path)?);
        requests.push(ImageToVideo::new(MODEL, data).prompt("It comes to life.").build());
    }
    for request in requests {
        let stored = StoredRequest { budget: "10".parse()?, ..StoredRequest::new("anna", request, &catalog) };
        let text = serde_json::to_string(&stored)?;
        assert_eq!(serde_json::from_str::<StoredRequest>(&text)?, stored);
        let price = stored.estimate.price.map(|price| format!("{} {}", price.max, price.currency));
        println!("{:?}: {}; at most {price:?}; {} bytes", stored.mode, stored.report, text.len());
    }
    println!("{} bytes of schema", serde_json::to_string(&schema_for!(StoredRequest))?.len());
    Ok(())
}

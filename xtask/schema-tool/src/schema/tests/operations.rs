//! Documents of the operations beside the create, as OpenAPI in every form that is read: each is
//! taken in as the base of its operation, adds what it alone says, and asks nothing the second
//! time.

use serde_json::Value;

use crate::codegen;
use crate::schema::fixtures::Fixture;
use crate::schema::import::Operation;
use crate::schema::intake::Arrival;
use crate::schema::update::{self, Options, Update};
use crate::schema::{files, source};

/// What every document says around its paths.
const FRAME: &str = "
openapi: VERSION
info: { title: Video tasks, version: '7' }
servers:
  - url: https://api.example.com/v1
PATHS
components:
  schemas:
    video.task:
      type: object
      required: [id, status]
      properties:
        id: { type: string, description: The task. }
        status: { type: string, enum: [queued, running, cancelled, succeeded, failed, expired] }
        queue_position: { INTEGER_OR_NULL, description: Tasks before this one. }
    video.page:
      type: object
      properties:
        total: { type: integer }
        items: { type: array, items: { $ref: '#/components/schemas/video.task' } }
";

const GET: &str = "
paths:
  /api/v3/contents/generations/tasks/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string } }
    get:
      responses:
        '200':
          content: { application/json: { schema: { $ref: '#/components/schemas/video.task' } } }
";

const LIST: &str = "
paths:
  /api/v3/contents/generations/tasks:
    get:
      parameters:
        - { name: page_num, in: query, schema: { type: integer, minimum: 1 } }
      responses:
        '200':
          content: { application/json: { schema: { $ref: '#/components/schemas/video.page' } } }
";

const DELETE: &str = "
paths:
  /api/v3/contents/generations/tasks/{id}:
    delete:
      responses:
        '200': { description: Gone. }
";

/// Beside the call that causes it.
const CALLBACK: &str = "
paths:
  /api/v3/contents/generations/tasks:
    post:
      requestBody:
        content: { application/json: { schema: { type: object, properties: { model: { type: string } } } } }
      callbacks:
        changed:
          '{$request.body#/callback_url}':
            post:
              requestBody:
                content: { application/json: { schema: { $ref: '#/components/schemas/video.task' } } }
              responses:
                '200': { description: Seen. }
";

/// The place that 3.1 has for what a service calls.
const WEBHOOK: &str = "
webhooks:
  changed:
    post:
      requestBody:
        content: { application/json: { schema: { $ref: '#/components/schemas/video.task' } } }
      responses:
        '200': { description: Seen. }
";

/// The forms: a version, and whether it is written as JSON.
const FORMS: [(&str, &str, bool); 4] = [
    ("3.0.yaml", "3.0.3", false),
    ("3.0.json", "3.0.3", true),
    ("3.1.yaml", "3.1.0", false),
    ("3.1.json", "3.1.0", true),
];

fn written(paths: &str, version: &str, as_json: bool) -> String {
    let nullable = match version.starts_with("3.0") {
        true => "type: integer, nullable: true",
        false => "type: [integer, 'null']",
    };
    let yaml = FRAME.replace("PATHS", paths.trim()).replace("VERSION", version);
    let yaml = yaml.replace("INTEGER_OR_NULL", nullable);
    if !as_json {
        return yaml;
    }
    let value: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn each_operation_is_taken_in_from_each_form() {
    let first = Fixture::first(&crate::root()).unwrap();
    let added = ["new field `Task.queue_position`"];
    for (operation, paths, changes) in [
        (Operation::Get, GET, &added[..]),
        (Operation::List, LIST, &added[..]),
        (Operation::Callback, CALLBACK, &added[..]),
        (Operation::Callback, WEBHOOK, &added[..]),
        (Operation::Delete, DELETE, &[]),
    ] {
        let fixture = first.again().unwrap();
        let mut expected = changes;
        let forms = FORMS.iter().filter(|(_, version, _)| paths != WEBHOOK || version.starts_with("3.1"));
        for (name, version, as_json) in forms {
            let row = format!("{operation} as {name}");
            let file = fixture.incoming(&(name, written(paths, version, *as_json).into_bytes())).unwrap();
            let plan = || -> Update {
                let arrival = Arrival {
                    file: file.clone(),
                    received: Some("2026-11-29".to_owned()),
                    operation: (paths == CALLBACK).then_some(operation),
                    ..Arrival::default()
                };
                update::plan(fixture.root(), &arrival, &Options::default())
                    .unwrap_or_else(|error| panic!("{row}: {error:#}"))
            };
            let update = plan();
            assert_eq!(update.questions, [""; 0], "{row}:\n{}", update.report);
            let said: Vec<&str> = update.changes.iter().map(|change| change.what.as_str()).collect();
            assert_eq!(said, expected, "{row}:\n{}", update.report);
            files::commit(fixture.root(), &update.files).unwrap();
            let sources = source::Sources::read(fixture.root()).unwrap();
            let base = sources.base(operation).unwrap_or_else(|| panic!("{row}: it is no base"));
            assert_eq!(
                (base.path(), base.publisher.as_str(), base.edition.as_str()),
                (format!("schema/vendor/{operation}/{name}"), "example.com", "7"),
                "{row}"
            );
            if *as_json {
                let again = plan();
                assert_eq!((again.questions.len(), again.files.len()), (0, 0), "{row}");
            }
            // The next form says the same.
            expected = &[];
        }
        codegen::run(fixture.root(), true).unwrap_or_else(|error| panic!("{operation}: {error:#}"));
    }
}

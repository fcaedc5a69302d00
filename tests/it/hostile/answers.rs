//! Answers of the API with a hostile text in each field that may hold one, made from the OpenAPI
//! document.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::service::{Reply, Request};
use super::{HOSTILE_HEADER, HOSTILE_ID, hostile};

/// The model that commands ask for.
pub(super) const MODEL: &str = "doubao-seedance-2-0-260128";

/// The document's schemas.
pub(super) struct Schemas(Value);

impl Schemas {
    pub(super) fn read() -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("schema/ark-video.openapi.json");
        Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }

    /// A body of this schema: hostile text where text may be, `number` where a number may be, and
    /// one field more in each object than the document knows.
    pub(super) fn body(&self, name: &str, number: &Value) -> Value {
        self.value(&self.0["components"]["schemas"][name], name, number, &mut BTreeSet::new())
    }

    /// The fields of a schema that may hold text, as `Task.error.code`.
    pub(super) fn fields(&self, name: &str) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        self.value(&self.0["components"]["schemas"][name], name, &json!(1), &mut fields);
        fields
    }

    /// The schemas of all answers of the API, those of errors left out.
    pub(super) fn answers(&self) -> BTreeSet<String> {
        let operations = self.0["paths"].as_object().unwrap().values().flat_map(|path| {
            path.as_object().unwrap().values().map(|operation| &operation["responses"]["200"]["content"])
        });
        let named = operations.filter_map(|content| content["application/json"]["schema"]["$ref"].as_str());
        named.map(|name| name.rsplit('/').next().unwrap().to_owned()).collect()
    }

    /// The schemas of all bodies of errors.
    pub(super) fn errors(&self) -> BTreeSet<String> {
        let responses = self.0["components"]["responses"].as_object().unwrap().values();
        let forms = responses.flat_map(|response| {
            response["content"]["application/json"]["schema"]["anyOf"].as_array().unwrap()
        });
        let named = forms.map(|form| form["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
        // What gateways and management interfaces send in their place is described, and belongs to
        // no operation.
        named.chain(["ManagementError", "DetailError"].map(str::to_owned)).collect()
    }

    fn value(&self, schema: &Value, place: &str, number: &Value, fields: &mut BTreeSet<String>) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.value(&self.0["components"]["schemas"][name], place, number, fields);
        }
        if let Some(forms) = schema["anyOf"].as_array() {
            let form = forms.iter().find(|form| form["type"] != "null").unwrap();
            return self.value(form, place, number, fields);
        }
        let is = |kind: &str| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|one| one == kind),
            one => one == kind,
        };
        if let Some(properties) = schema["properties"].as_object() {
            let known = properties.iter().map(|(name, schema)| {
                (name.clone(), self.value(schema, &format!("{place}.{name}"), number, fields))
            });
            let mut object: Map<String, Value> = known.collect();
            object.insert(hostile("unknown"), hostile("value").into());
            return Value::Object(object);
        }
        if is("array") {
            return json!([self.value(&schema["items"], place, number, fields)]);
        }
        if is("boolean") {
            return json!(true);
        }
        if is("integer") || is("number") {
            return number.clone();
        }
        fields.insert(place.to_owned());
        let mut text = hostile(place);
        if place.to_ascii_lowercase().ends_with(".code") {
            // Messages begin with it, and are cut: what follows it would not be seen.
            text.truncate(text.trim_end_matches('x').len());
        }
        text.into()
    }
}

/// One way to answer requests to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Tasks in this state, under the ids that are asked for; the second of a list has an odd id.
    Tasks(&'static str),
    /// The same, in a state that is hostile text.
    UnknownState,
    /// The same, where numbers are text.
    NumbersAsText,
    /// Tasks under an id that nobody asked for.
    OtherId,
    /// An error of this status, of the schema with this number among [`Schemas::errors`].
    Error(u16, usize),
    /// `{"error": "…"}`
    TextError,
    /// An error with a code as long as any other text.
    LongCode,
    /// A page with a title, and headers of a gateway.
    Page,
    /// JSON that ends too early, with headers of a gateway.
    CutShort,
    /// A redirect.
    Redirect,
    /// No HTTP.
    Noise,
}

impl Api {
    pub(super) const ALL: [Self; 17] = [
        Self::Tasks("queued"),
        Self::Tasks("failed"),
        Self::Tasks("succeeded"),
        Self::UnknownState,
        Self::NumbersAsText,
        Self::OtherId,
        Self::Error(400, 0),
        Self::Error(404, 1),
        Self::Error(403, 2),
        Self::Error(401, 3),
        Self::Error(503, 1),
        Self::TextError,
        Self::LongCode,
        Self::Page,
        Self::CutShort,
        Self::Redirect,
        Self::Noise,
    ];

    pub(super) fn reply(self, schemas: &Schemas, request: &Request) -> Reply {
        let gateway = [
            ("Content-Type", HOSTILE_HEADER),
            ("X-Request-Id", "02-; touch PWNED $(PWNED) `PWNED`"),
            ("Retry-After", HOSTILE_HEADER),
            ("Date", HOSTILE_HEADER),
            ("Location", "https://PWNED.example;$(PWNED)/"),
        ];
        match self {
            Self::Tasks(status) => tasks(schemas, request, &json!(5), &|task| task["status"] = json!(status)),
            Self::UnknownState => tasks(schemas, request, &json!(5), &|task| {
                task["status"] = json!(hostile("Task.status"));
            }),
            Self::NumbersAsText => tasks(schemas, request, &json!(hostile("number")), &|task| {
                task["status"] = json!("succeeded");
            }),
            Self::OtherId => tasks(schemas, request, &json!(5), &|task| {
                (task["id"], task["status"]) = (json!(hostile("Task.id")), json!("queued"));
            }),
            Self::Error(status, form) => {
                let form = schemas.errors().into_iter().nth(form).unwrap();
                Reply::json(status, &schemas.body(&form, &json!(5)))
            }
            Self::TextError => Reply::json(400, &json!({ "error": hostile("error") })),
            Self::LongCode => {
                Reply::json(404, &json!({ "code": hostile("code"), "message": hostile("message") }))
            }
            Self::Page => {
                let page = format!("<html><title>{}</title>{}", &hostile("t")[..100], hostile("page"));
                Reply::of(502, &gateway, page.as_bytes())
            }
            Self::CutShort => {
                Reply::of(200, &gateway, &json!({ "id": hostile("cut") }).to_string().as_bytes()[..99])
            }
            Self::Redirect => Reply::of(302, &gateway, b""),
            Self::Noise => Reply::raw(hostile("HTTP/1.1").as_bytes()),
        }
    }
}

/// Tasks under the ids that are asked for, as `edit` leaves them; the second of a list has an odd
/// id. A create gets the id that `edit` gives to `cgt-1`.
pub(super) fn tasks(
    schemas: &Schemas,
    request: &Request,
    number: &Value,
    edit: &dyn Fn(&mut Value),
) -> Reply {
    let of = |id: &str| {
        let mut task = schemas.body("Task", number);
        task["id"] = json!(id);
        edit(&mut task);
        task
    };
    if request.method == "POST" {
        let mut created = schemas.body("CreateTaskResponse", number);
        created["id"] = of("cgt-1")["id"].take();
        return Reply::json(200, &created);
    }
    if request.path.starts_with("/models") {
        let mut models = schemas.body("ModelList", number);
        // Only models that make videos are shown.
        models["data"][0]["domain"] = json!("VideoGeneration");
        return Reply::json(200, &models);
    }
    if request.is_list() {
        let mut list = schemas.body("TaskList", &json!(2));
        list["items"] = json!([of("cgt-1"), of(HOSTILE_ID)]);
        return Reply::json(200, &list);
    }
    match request.id() {
        Some(id) if request.method == "GET" => Reply::json(200, &of(&id)),
        _ => Reply::json(200, &json!({})),
    }
}

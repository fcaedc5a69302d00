//! Documents of every kind that say the same come to the same normal form; what cannot be read is
//! refused with its place.

use super::*;

const PAGE: &str = include_str!("../../../fixtures/first-edition.txt");

fn fails(text: &str) -> String {
    format!("{:#}", read(text.as_bytes()).unwrap_err())
}

/// The page's two JSON values.
fn body_and_answers() -> (Value, Value) {
    let after = |heading: &str| {
        let text = PAGE.split_once(&format!("\n{heading}\n")).unwrap().1;
        strict::first_json(text, 1).unwrap().unwrap()
    };
    (after("请求体"), after("响应"))
}

fn as_openapi(version: &str) -> Value {
    let page = read(PAGE.as_bytes()).unwrap();
    json!({
        "openapi": version,
        "info": { "title": "Video generation", "version": "1" },
        "paths": { "/api/v3/contents/generations/tasks": {
            "get": { "responses": {} },
            "post": {
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Create.Request" },
                    "example": page.example,
                } } },
                "responses": { "200": { "content": { "application/json": { "schema": page.response } } }, "400": {} },
            },
        } },
        "components": { "schemas": { "Create.Request": page.request, "Unused": { "type": "object" } } },
    })
}

#[test]
fn the_page_that_we_were_given() {
    let page = read(PAGE.as_bytes()).unwrap();
    assert_eq!(page.kind, Kind::ApifoxPage);
    assert_eq!(page.title.as_deref(), Some("创建视频生成任务 API(doubao-2.0)"));
    assert_eq!(page.request["required"], json!(["model", "content"]));
    assert_eq!(
        page.request["properties"]["content"]["items"]["required"],
        json!(["type", "image_url", "role"])
    );
    assert_eq!(page.response, json!({ "type": "object", "properties": {} }));
    let example = page.example.unwrap();
    assert_eq!(example["model"], "doubao-seedance-2-0-260128");
    assert_eq!((example["content"].as_array().unwrap().len(), &example["duration"]), (5, &json!(11)));
    assert_eq!(page.answers, ["200"]);
}

#[test]
fn every_kind_comes_to_the_same_form() {
    let page = read(PAGE.as_bytes()).unwrap();
    let same = |bytes: &[u8], kind: Kind| {
        let other = read(bytes).unwrap_or_else(|error| panic!("{}: {error:#}", kind.as_str()));
        assert_eq!(other.kind, kind);
        assert_eq!(other.document(), page.document(), "{}", kind.as_str());
        assert_eq!(other.example, page.example, "{}", kind.as_str());
    };
    same(format!("\u{feff}{}", PAGE.replace('\n', "\r\n")).as_bytes(), Kind::ApifoxPage);
    let (body, answers) = body_and_answers();
    let project = json!({
        "apifoxProject": "1.0.0",
        "info": { "name": "project" },
        "apiCollection": [{ "name": "root", "items": [{ "name": "folder", "items": [
            { "name": "get", "api": { "method": "get", "path": "/api/v3/contents/generations/tasks/{id}" } },
            { "name": "create", "api": { "method": "post", "path": "/api/v3/contents/generations/tasks", "requestBody": body, "responses": answers } },
        ] }] }],
    });
    same(project.to_string().as_bytes(), Kind::ApifoxExport);
    same(as_openapi("3.0.3").to_string().as_bytes(), Kind::OpenApi30);
    same(serde_json::to_string_pretty(&as_openapi("3.1.0")).unwrap().as_bytes(), Kind::OpenApi31);
    let markdown = format!("# Video\n\n## OpenAPI Specification\n\n```yaml\n{}\n```\n", as_openapi("3.0.1"));
    same(markdown.as_bytes(), Kind::ApifoxMarkdown);
    let mut schema = page.request.clone();
    schema["examples"] = json!([page.example]);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    same(schema.to_string().as_bytes(), Kind::JsonSchema);
}

#[test]
fn the_tables_of_a_markdown_export() {
    let text = "# POST create\n\nPOST /api/v3/contents/generations/tasks\n\n> Body 请求参数\n\n```json\n{\"model\": \"m\"}\n```\n\n### 请求参数\n\n\
        |名称|位置|类型|必选|说明|\n|---|---|---|---|---|\n|Authorization|header|string| 是 |none|\n|body|body|object| 否 |none|\n|» model|body|string| 是 |the model|\n\
        |» content|body|[object]| 是 |none|\n|»» type|body|string| 是 |none|\n|»» image_url|body|object¦null| 否 |none|\n|»»» url|body|string| 是 |none|\n|» seed|body|integer(int64)| 否 |none|\n\n\
        ### 返回数据结构\n\n状态码 **200**\n\n|名称|类型|必选|约束|说明|\n|---|---|---|---|---|\n|» id|string|true|none|none|\n";
    let read = read(text.as_bytes()).unwrap();
    assert_eq!(read.request["required"], json!(["model", "content"]));
    assert_eq!(read.request["properties"]["model"], json!({"type": "string", "description": "the model"}));
    let item = &read.request["properties"]["content"]["items"];
    assert_eq!(item["properties"]["image_url"]["type"], json!(["object", "null"]));
    assert_eq!(item["properties"]["image_url"]["required"], json!(["url"]));
    assert_eq!(read.request["properties"]["seed"], json!({"type": "integer"}));
    assert_eq!(read.response["required"], json!(["id"]));
    assert_eq!((read.example, read.answers), (Some(json!({"model": "m"})), vec!["200".to_owned()]));
    assert_eq!(
        fails(&text.replace("integer(int64)", "long")),
        "line 22: `seed` has the type `long`, which is none of JSON's"
    );
}

#[test]
fn the_dialect_of_3_0_and_what_is_left_out() {
    let mut document = as_openapi("3.0.3");
    let post = "/paths/~1api~1v3~1contents~1generations~1tasks/post";
    *document.pointer_mut(&format!("{post}/requestBody/content/application~1json/schema")).unwrap() = json!({
        "type": "object", "properties": {
            "mood": { "type": "string", "nullable": true, "enum": ["calm"], "example": "calm", "default": "calm" },
            "level": { "type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false },
            "tone": { "$ref": "#/components/schemas/Tone", "description": "hidden" },
            "tint": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Tone" }] },
        },
    });
    document["components"]["schemas"]["Tone"] = json!({ "type": "object", "properties": {} });
    let read = read(document.to_string().as_bytes()).unwrap();
    let property = |name: &str| read.request["properties"][name].clone();
    assert_eq!(
        property("mood"),
        json!({"type": ["string", "null"], "enum": ["calm", null], "x-default": "calm"})
    );
    assert_eq!(property("level"), json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}));
    assert_eq!(property("tone"), json!({"$ref": "#/$defs/Tone"}));
    assert_eq!(property("tint"), json!({"anyOf": [{"$ref": "#/$defs/Tone"}, {"type": "null"}]}));
    assert_eq!(read.definitions.keys().collect::<Vec<_>>(), ["Tone"]);
    assert_eq!(read.definitions["Tone"]["x-role"], "request");
    assert_eq!(
        read.left_out,
        ["`description` beside a `$ref`, which OpenAPI 3.0 ignores", "`example` of a schema"]
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (text, part) in [
        ("", "line 1, column 1: it is empty"),
        ("hello", "line 1, column 1: it holds no schema that can be read; what can be read is"),
        ("[]", "the document is a list, not an object"),
        ("{\"a\": 1}", "its members are a"),
        ("{\"swagger\": \"2.0\"}", "at /swagger"),
        ("{\"openapi\": \"4.0\"}", "at /openapi: version `4.0`"),
        ("{\"openapi\": \"3.1.0\"}", "at /paths"),
        ("{\"apifoxProject\": \"1.0.0\"}", "at /apiCollection: no operation of this API is described"),
        ("{\"type\": \"string\"}", "at /properties"),
        ("openapi: 3.1.0\npaths: [", "line 2"),
        ("x\n请求体\n", "line 2: nothing follows the heading `请求体`"),
        ("请求体\n{}", "the page ends without a line `响应`"),
        ("请求体\n{}\n响应\n[]", "the JSON under `请求体` has no `jsonSchema`"),
    ] {
        let message = fails(text);
        assert!(message.contains(part), "{text:?}: {message}");
    }
    assert!(
        fails("请求体\n\n{\"a\": }").contains("is broken: line 3, column 7"),
        "{}",
        fails("请求体\n\n{\"a\": }")
    );
    assert!(
        fails(&PAGE.replace("\"code\": 200", "\"code\": 201")).contains("none of the answers has code 200")
    );
    let half = &PAGE[..PAGE.find("\"generate_audio\"").unwrap()];
    let message = fails(half);
    assert!(message.contains("is broken: line ") && message.contains("the text ends too early"), "{message}");
    assert!(format!("{:#}", read(b"\xff\xfe{\0").unwrap_err()).contains("UTF-16"));
    assert!(format!("{:#}", read(b"ok\nab\xff").unwrap_err()).contains("line 2, column 3: it is not UTF-8"));
}

#[test]
fn names_are_checked() {
    let with = |properties: Value, definitions: Value| {
        fails(&json!({ "type": "object", "properties": properties, "$defs": definitions }).to_string())
    };
    let text = json!({ "type": "string" });
    for hostile in ["../x", "r#fn", "", "a b", "1st", "日本", "a\u{0}", "__/../__"] {
        let message = with(json!({ hostile: text }), json!({}));
        assert!(
            message.contains("at /$defs/CreateTaskRequest/properties:")
                && message.contains("no name that a field can have"),
            "{message}"
        );
    }
    assert!(with(json!({ "new": text }), json!({})).contains("at /$defs/CreateTaskRequest/properties/new"));
    for rust in ["self", "super", "crate"] {
        assert!(with(json!({ rust: text }), json!({})).contains("keep for themselves"));
    }
    assert!(with(json!({ "aB": text, "a_b": text }), json!({})).contains("would both be the field `a_b`"));
    assert!(
        with(json!({ "a": { "$ref": "other.json#/x" } }), json!({}))
            .contains("at /$defs/CreateTaskRequest/properties/a/$ref: `other.json#/x`")
    );
    assert!(
        with(json!({ "a": { "$ref": "#/$defs/Gone" } }), json!({})).contains("`#/$defs/Gone` is no type")
    );
    let message = with(
        json!({ "a": { "$ref": "#/$defs/A" } }),
        json!({ "A": { "properties": { "b": { "$ref": "#/$defs/B" } } }, "B": { "items": { "$ref": "#/$defs/A" } } }),
    );
    assert!(message.contains("at /$defs/B: the `$ref`s go in a circle, A → B → A"), "{message}");
    assert!(with(json!({ "a": 1 }), json!({})).contains("a schema is an object or a boolean, not a number"));
    assert!(
        with(json!({ "a": text }), json!({ "../x": text }))
            .contains("`../x` is no name that a type can have")
    );
    for kept in ["type", "match", "fn", "$id2", "x-y"] {
        let schema = json!({ "type": "object", "properties": { kept: text } });
        read(schema.to_string().as_bytes()).unwrap_or_else(|error| panic!("{kept}: {error:#}"));
    }
}

/// A page as Apifox writes it into a Markdown file.
fn markdown_page(title: &str, path: &str, property: &str, example: &str) -> String {
    format!(
        "# {title}\n\n## OpenAPI Specification\n\n```yaml\nopenapi: 3.0.1\ninfo:\n  title: ''\npaths:\n  {path}:\n    post:\n      \
         summary: {title}\n      requestBody:\n        content:\n          application/json:\n            schema:\n              \
         type: object\n              properties:\n                model:\n                  type: string\n                \
         {property}:\n                  type: array\n                  items:\n                    type: object\n            \
         example: {example}\n      responses:\n        '200':\n          description: ''\n```\n\n\n"
    )
}

#[test]
fn a_file_that_joins_pages_is_read_at_the_page_of_this_api() {
    let ours = markdown_page("Create", "/seedance/v3/contents/generations/tasks", "content", "{}");
    let foreign = markdown_page("Unified", "/v2/videos/generations", "prompt", "{}");
    for (name, text) in [("first", format!("{ours}{foreign}{foreign}")), ("last", format!("{foreign}{ours}"))]
    {
        let read = read(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(read.title.as_deref(), Some("Create"), "{name}");
        assert!(read.left_out.iter().any(|note| note.starts_with("the page at line")), "{name}");
    }
    let only = fails(&foreign);
    assert!(only.contains("no operation of this API is described"), "{only}");
    let twice = fails(&format!("{ours}{ours}"));
    assert!(twice.starts_with("2 pages of this file describe the operation `create`"), "{twice}");
}

#[test]
fn an_example_that_is_no_json_costs_the_example_alone() {
    let with = |example: &str| {
        let text = markdown_page("Create", "/volc/v1/contents/generations/tasks", "content", example);
        let read = read(text.as_bytes()).unwrap();
        (read.example, read.repaired)
    };
    let commented = r#""{\r\n  \"model\": \"a\"\r\n  // \"seed\": 11\r\n}""#;
    assert_eq!(with(commented), (Some(json!({ "model": "a" })), Vec::new()));
    let (example, warnings) = with(r#""{ model: a }""#);
    assert_eq!(example, None);
    assert!(warnings[0].starts_with("the document's own example of a request is not JSON"), "{warnings:?}");
}

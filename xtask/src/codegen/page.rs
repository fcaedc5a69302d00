//! Cuts the request schema, the answers and the example out of the vendor's page.
//!
//! The page is text with JSON in it: two headings, each followed by one JSON value. Nothing here corrects
//! anything; that is what the overlays are for.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};

/// What the page holds, as it stands there.
#[derive(Debug)]
pub(crate) struct Page {
    /// JSON Schema of the request body.
    pub(crate) request: Value,
    /// JSON Schema of the answer with code 200.
    pub(crate) response: Value,
    /// The page's own example of a request body, parsed.
    pub(crate) example: Value,
}

const REQUEST_HEADING: &str = "请求体";
const RESPONSE_HEADING: &str = "响应";

impl Page {
    /// Reads the page.
    pub(crate) fn cut(text: &str) -> Result<Self> {
        let body = json_after(text, REQUEST_HEADING)?;
        let request = body
            .get("jsonSchema")
            .cloned()
            .ok_or_else(|| anyhow!("the JSON under `{REQUEST_HEADING}` has no `jsonSchema`"))?;
        let example = body
            .pointer("/examples/0/value")
            .and_then(Value::as_str)
            .ok_or_else(|| anyhow!("the JSON under `{REQUEST_HEADING}` has no text at /examples/0/value"))?;
        let example = serde_json::from_str(example)
            .context("the page's example (/examples/0/value) is not the JSON text that it should be")?;
        let answers = json_after(text, RESPONSE_HEADING)?;
        let answers = answers
            .as_array()
            .ok_or_else(|| anyhow!("the JSON under `{RESPONSE_HEADING}` is not a list of answers"))?;
        let response = answers
            .iter()
            .find(|answer| answer.get("code") == Some(&json!(200)))
            .and_then(|answer| answer.get("jsonSchema"))
            .cloned()
            .ok_or_else(|| {
                anyhow!("the answers under `{RESPONSE_HEADING}` have none with code 200 and a `jsonSchema`")
            })?;
        Ok(Self { request, response, example })
    }

    /// The page as one JSON Schema document: what the overlays start from.
    pub(crate) fn into_document(self) -> Value {
        let mut document = Map::new();
        document.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        document.insert("title".into(), json!("Ark video-generation task API"));
        document.insert("$ref".into(), json!("#/$defs/CreateTaskRequest"));
        document.insert(
            "$defs".into(),
            json!({ "CreateTaskRequest": self.request, "CreateTaskResponse": self.response }),
        );
        Value::Object(document)
    }
}

/// The one JSON value that follows a line which holds nothing but the heading.
fn json_after(text: &str, heading: &str) -> Result<Value> {
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        offset += line.len();
        if line.trim() == heading {
            let mut values = serde_json::Deserializer::from_str(&text[offset..]).into_iter::<Value>();
            return match values.next() {
                Some(Ok(value)) => Ok(value),
                Some(Err(error)) => Err(anyhow!(
                    "the JSON under `{heading}` is broken at line {} of the page: {error}",
                    index + 1 + error.line()
                )),
                None => bail!("nothing follows the heading `{heading}` (line {} of the page)", index + 1),
            };
        }
    }
    bail!("the page has no line `{heading}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../schema/vendor/create-task.apifox.txt");

    #[test]
    fn the_page_that_we_were_given() {
        let page = Page::cut(PAGE).unwrap();
        assert_eq!(page.request["required"], json!(["model", "content"]));
        assert_eq!(
            page.request["properties"]["content"]["items"]["required"],
            json!(["type", "image_url", "role"])
        );
        assert_eq!(page.response, json!({ "type": "object", "properties": {} }));
        assert_eq!(page.example["model"], "doubao-seedance-2-0-260128");
        assert_eq!(page.example["content"].as_array().unwrap().len(), 5);
        assert_eq!(page.example["duration"], 11);
    }

    #[test]
    fn what_is_missing_or_broken_is_named() {
        let fails = |text: &str| Page::cut(text).unwrap_err().to_string();
        assert_eq!(fails(""), "the page has no line `请求体`");
        assert_eq!(fails("x\n请求体\n"), "nothing follows the heading `请求体` (line 2 of the page)");
        assert!(
            fails("请求体\n\n{\"a\": }").contains("broken at line 3 of the page"),
            "{}",
            fails("请求体\n\n{\"a\": }")
        );
        assert!(fails("请求体\n{}").contains("no `jsonSchema`"));
        let cut = &PAGE[..PAGE.find("响应").unwrap()];
        assert_eq!(fails(cut), "the page has no line `响应`");
        assert!(fails(&PAGE.replace("\"code\": 200", "\"code\": 201")).contains("none with code 200"));
    }
}

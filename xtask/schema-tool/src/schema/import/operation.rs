//! Which operation of the API a described call is: by method and path, and where these say nothing
//! by the shape of its bodies. Knows no publisher: every mount of the API ends in the same path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where every mount of this API has its tasks.
const TASKS: &str = "/contents/generations/tasks";

/// An operation that a document can describe. In the order in which a document of several is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Create,
    Get,
    List,
    Callback,
    Delete,
    Models,
}

impl Operation {
    pub(crate) const ALL: [Self; 6] =
        [Self::Create, Self::Get, Self::List, Self::Callback, Self::Delete, Self::Models];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::List => "list",
            Self::Callback => "callback",
            Self::Delete => "delete",
            Self::Models => "models",
        }
    }

    /// The type of `$defs` that the operation's answer (for a callback, its body) is; delete
    /// answers nothing.
    pub(crate) fn answer(self) -> Option<&'static str> {
        match self {
            Self::Create => Some(super::RESPONSE),
            Self::Get => Some("Task"),
            Self::List => Some("TaskList"),
            Self::Callback => Some("TaskCallback"),
            Self::Delete => None,
            Self::Models => Some("ModelList"),
        }
    }

    /// Its id in `x-api`.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Create => "createTask",
            Self::Get => "getTask",
            Self::List => "listTasks",
            Self::Callback => "",
            Self::Delete => "deleteTask",
            Self::Models => "listModels",
        }
    }

    /// What a call is. `request` and `answer` are the schemas of its bodies, or null.
    pub(super) fn of(method: &str, path: &str, request: &Value, answer: &Value) -> Option<Self> {
        let path = path.split('?').next().unwrap_or(path).trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or("");
        let names_one = last.starts_with(['{', ':', '<', '$']);
        match method.to_ascii_lowercase().as_str() {
            "post" if path.ends_with(TASKS) => Some(Self::Create),
            "post" | "put" if is_task(request) => Some(Self::Callback),
            // Another publisher's mount; a document of tables names no path.
            "post" if path.is_empty() || has(request, "content") => Some(Self::Create),
            "get" if last == "models" => Some(Self::Models),
            "get" if path.ends_with(TASKS) => Some(Self::List),
            "get" if names_one => Some(Self::Get),
            "get" if is_list(answer) => Some(Self::List),
            "get" => Some(Self::Get),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// Whether the path is the one that every mount of the API has.
    pub(super) fn is_known_path(path: &str) -> bool {
        path.trim_end_matches('/').contains(TASKS)
    }
}

fn has(schema: &Value, name: &str) -> bool {
    schema.pointer(&format!("/properties/{name}")).is_some()
}

fn is_task(schema: &Value) -> bool {
    has(schema, "status") && (has(schema, "id") || has(schema, "task_id"))
}

fn is_list(schema: &Value) -> bool {
    ["items", "data", "list"]
        .iter()
        .any(|name| schema.pointer(&format!("/properties/{name}/type")) == Some(&Value::from("array")))
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
            format!("`{text}` is not an operation; expected one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn by_method_and_path_then_by_shape() {
        let task = json!({ "properties": { "id": {}, "status": {} } });
        let page = json!({ "properties": { "data": { "type": "array" } } });
        let create = json!({ "properties": { "model": {}, "content": {} } });
        let other = json!({ "properties": { "model": {}, "prompt": {} } });
        let nothing = Value::Null;
        for (method, path, request, answer, expected) in [
            ("POST", "/api/v3/contents/generations/tasks", &nothing, &nothing, Some(Operation::Create)),
            ("post", "/seedance/v3/tasks/", &create, &nothing, Some(Operation::Create)),
            ("post", "/v2/videos/generations", &other, &nothing, None),
            ("post", "/your/callback", &task, &nothing, Some(Operation::Callback)),
            ("get", "/volc/v1/contents/generations/tasks", &nothing, &nothing, Some(Operation::List)),
            ("get", "/v3/contents/generations/tasks?page_num=1", &nothing, &nothing, Some(Operation::List)),
            ("get", "/v3/contents/generations/tasks/{task_id}", &nothing, &nothing, Some(Operation::Get)),
            ("get", "/v3/contents/generations/tasks/:id", &nothing, &nothing, Some(Operation::Get)),
            ("get", "/v3/query", &nothing, &page, Some(Operation::List)),
            ("get", "/v3/query", &nothing, &task, Some(Operation::Get)),
            ("get", "/api/v3/models", &nothing, &page, Some(Operation::Models)),
            ("delete", "/v3/contents/generations/tasks/{id}", &nothing, &nothing, Some(Operation::Delete)),
            ("options", "/x", &nothing, &nothing, None),
        ] {
            assert_eq!(Operation::of(method, path, request, answer), expected, "{method} {path}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for one in Operation::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
        }
        assert!("update".parse::<Operation>().unwrap_err().contains("expected one of create, get"));
    }
}

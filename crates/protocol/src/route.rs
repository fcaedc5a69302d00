//! Which endpoint a method and a path mean. The one place where the paths are written.

use http::{Method, request::Parts};

use crate::{ApiError, RequestError, path};

pub(crate) const TASKS: &str = "/contents/generations/tasks";
pub(crate) const MODELS: &str = "/models";

/// One operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /contents/generations/tasks`: the only one that costs money.
    Create,
    /// `GET /contents/generations/tasks/{id}`.
    Get,
    /// `GET /contents/generations/tasks`.
    List,
    /// `DELETE /contents/generations/tasks/{id}`: cancels a queued task, deletes the record of a
    /// finished one.
    Delete,
    /// `GET /models`.
    Models,
}

impl Endpoint {
    /// Lower-case name, for logs: `create`, `get`, `list`, `delete`, `models`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Models => "models",
        }
    }
}

/// An endpoint with the task id its path names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Create a task.
    Create,
    /// Get one task.
    Get {
        /// The task's id, unescaped.
        id: String,
    },
    /// List tasks.
    List,
    /// Cancel or delete one task.
    Delete {
        /// The task's id, unescaped.
        id: String,
    },
    /// List models.
    Models,
}

impl Route {
    /// Reads the method and path of a request; `prefix` is where the API is mounted, such as
    /// `/api/v3`.
    ///
    /// # Errors
    /// There is nothing at this path: 404.
    pub fn from_parts(parts: &Parts, prefix: &str) -> Result<Self, ApiError> {
        let path = parts.uri.path();
        below(path, prefix)
            .and_then(|below| route(&parts.method, below))
            .ok_or_else(|| ApiError::no_such_path(path))
    }

    /// The operation, without the id.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Create => Endpoint::Create,
            Self::Get { .. } => Endpoint::Get,
            Self::List => Endpoint::List,
            Self::Delete { .. } => Endpoint::Delete,
            Self::Models => Endpoint::Models,
        }
    }
}

impl From<&Route> for Endpoint {
    fn from(route: &Route) -> Self {
        route.endpoint()
    }
}

/// Finds the endpoint of a request; `path` is what follows the mount point, still escaped
/// (`/contents/…`).
///
/// As at the vendor, whatever is POSTed below the tasks path is a create: there is no
/// `/{id}/cancel`.
#[must_use]
pub fn route(method: &Method, path: &str) -> Option<Route> {
    if path == MODELS {
        return (method == Method::GET).then_some(Route::Models);
    }
    let rest = path.strip_prefix(TASKS)?;
    let rest = if rest == "/" { "" } else { rest };
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    if method == Method::POST {
        return Some(Route::Create);
    }
    if rest.is_empty() {
        return (method == Method::GET).then_some(Route::List);
    }
    let id = path::unsegment(&rest[1..])?;
    if method == Method::GET {
        Some(Route::Get { id })
    } else if method == Method::DELETE {
        Some(Route::Delete { id })
    } else {
        None
    }
}

/// The path below the mount point `prefix`, or `None` if the request is for something else on that
/// host.
#[must_use]
pub fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

pub(crate) fn task_path(id: &str) -> Result<String, RequestError> {
    Ok(format!("{TASKS}/{}", path::segment(id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_one_path() {
        let id = || "a/b".to_owned();
        for (method, path, expected) in [
            (Method::POST, "/contents/generations/tasks", Some(Route::Create)),
            (Method::POST, "/contents/generations/tasks/x/cancel", Some(Route::Create)),
            (Method::GET, "/contents/generations/tasks", Some(Route::List)),
            (Method::GET, "/contents/generations/tasks/", Some(Route::List)),
            (Method::GET, "/contents/generations/tasks/a%2Fb", Some(Route::Get { id: id() })),
            (Method::DELETE, "/contents/generations/tasks/a%2Fb", Some(Route::Delete { id: id() })),
            (Method::GET, "/models", Some(Route::Models)),
            (Method::GET, "/contents/generations/tasks/a/b", None),
            (Method::DELETE, "/contents/generations/tasks", None),
            (Method::PUT, "/contents/generations/tasks/a", None),
            (Method::GET, "/contents/generations/tasksx", None),
            (Method::POST, "/models", None),
            (Method::GET, "/", None),
        ] {
            assert_eq!(route(&method, path), expected, "{method} {path}");
            if let Some(route) = expected {
                let method_of = match Endpoint::from(&route) {
                    Endpoint::Create => Method::POST,
                    Endpoint::Delete => Method::DELETE,
                    _ => Method::GET,
                };
                assert_eq!(method_of, method, "{path}");
            }
        }
    }

    #[test]
    fn only_what_is_below_the_mount_point_is_ours() {
        assert_eq!(below("/api/v3/models", "/api/v3"), Some("/models"));
        assert_eq!(below("/api/v3/models", "/api/v3/"), Some("/models"));
        assert_eq!(below("/models", ""), Some("/models"));
        assert_eq!(below("/api/v33/models", "/api/v3"), None);
        assert_eq!(below("/other", "/api/v3"), None);
    }
}

//! `GET /contents/generations/tasks`: a page of the tasks of the last 7 days.
//!
//! No time filter, no order that is promised, no cursor: a page is a hint, pages shift while one
//! reads them.

use std::collections::BTreeSet;

use ark_video_model::{ServiceTier, TaskList, TaskStatus};
use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::{ApiError, BaseUrl, RequestError, Route, answer, path, route};

/// Largest `page_size` and `page_num` the service takes (list page, 2026-10).
pub const MAX_PAGE: u32 = 500;

const PAGE_NUM: &str = "page_num";
const PAGE_SIZE: &str = "page_size";
const STATUS: &str = "filter.status";
const TASK_IDS: &str = "filter.task_ids";
const MODEL: &str = "filter.model";
const SERVICE_TIER: &str = "filter.service_tier";

/// Which tasks to list. Without filters: page 1 of 20 tasks.
///
/// ```
/// use ark_video_protocol::{BaseUrl, list};
///
/// let base = BaseUrl::parse(BaseUrl::BYTEPLUS_AP)?;
/// let request = list::Request::new().page_size(50).status("running").to_http(&base)?;
/// assert_eq!(request.uri().query(), Some("page_size=50&filter.status=running"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// Page, from 1 to 500; the service's default is 1.
    pub page_num: Option<u32>,
    /// Tasks on a page, 1 to 500; the service's default is 20.
    pub page_size: Option<u32>,
    /// Only tasks in this state. `expired` is not documented as a filter (list page, 2026-10).
    pub status: Option<TaskStatus>,
    /// Only these tasks. The key is repeated for each; about 100 fit into an address that every
    /// proxy takes.
    pub task_ids: Vec<String>,
    /// Only tasks of this model or endpoint id, exactly. Needed when the key is limited to some
    /// models.
    pub model: Option<String>,
    /// Only tasks of this tier.
    pub service_tier: Option<ServiceTier>,
    /// Query parameters that we do not know, as they are.
    pub extra: Vec<(String, String)>,
}

impl Request {
    /// No filter at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the page, from 1.
    #[must_use]
    pub fn page_num(mut self, page: u32) -> Self {
        self.page_num = Some(page);
        self
    }

    /// Sets the number of tasks on a page, 1 to 500.
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// Asks only for tasks in this state.
    #[must_use]
    pub fn status(mut self, status: impl Into<TaskStatus>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Asks only for these tasks.
    #[must_use]
    pub fn task_ids(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.task_ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Asks only for tasks of this model or endpoint id.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Asks only for tasks of this tier.
    #[must_use]
    pub fn service_tier(mut self, tier: impl Into<ServiceTier>) -> Self {
        self.service_tier = Some(tier.into());
        self
    }

    /// Client half. The caller adds the key. Empty values are left out, as the official clients do.
    ///
    /// # Errors
    /// So many ids that they do not fit into an address (64 KiB).
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        let page_num = self.page_num.map(|page| page.to_string());
        let page_size = self.page_size.map(|size| size.to_string());
        let single = [
            (PAGE_NUM, page_num.as_deref()),
            (PAGE_SIZE, page_size.as_deref()),
            (STATUS, self.status.as_ref().map(TaskStatus::as_str)),
            (MODEL, self.model.as_deref()),
            (SERVICE_TIER, self.service_tier.as_ref().map(ServiceTier::as_str)),
        ];
        let pairs = single
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(self.task_ids.iter().map(|id| (TASK_IDS, id.as_str())))
            .filter(|(_, value)| !value.is_empty())
            .chain(self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Ok(answer::bare(Method::GET, base.join(route::TASKS, &path::query(pairs))?))
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`.
    ///
    /// # Errors
    /// Another path, or a page that is not a number. Ranges are for the service to judge.
    pub fn from_http(parts: &Parts, _body: &Bytes, prefix: &str) -> Result<Self, ApiError> {
        match Route::from_parts(parts, prefix)? {
            Route::List => {}
            _ => return Err(ApiError::no_such_path(parts.uri.path())),
        }
        let mut read = Self::new();
        let pairs = path::pairs(parts.uri.query().unwrap_or_default())
            .map_err(|pair| ApiError::invalid(None, format!("The query `{pair}` is not UTF-8.")))?;
        for (name, value) in pairs {
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                PAGE_NUM => read.page_num = Some(number(PAGE_NUM, &value)?),
                PAGE_SIZE => read.page_size = Some(number(PAGE_SIZE, &value)?),
                STATUS => read.status = Some(value.into()),
                TASK_IDS => read.task_ids.push(value),
                MODEL => read.model = Some(value),
                SERVICE_TIER => read.service_tier = Some(value.into()),
                _ => read.extra.push((name, value)),
            }
        }
        Ok(read)
    }
}

fn number(name: &str, value: &str) -> Result<u32, ApiError> {
    value.parse().map_err(|_| {
        let message =
            format!("The parameter `{name}` specified in the request is not valid: it must be an integer.");
        ApiError::invalid(Some(name), message)
    })
}

/// Client half: reads the answer to the question for the tasks with the ids `asked`; for any tasks
/// if there are none.
///
/// # Errors
/// The service refused, or the answer cannot be read, or holds a task that was not asked for: ids
/// are compared exactly.
pub fn decode(response: &Response<Bytes>, requested: &[String]) -> Result<TaskList, ApiError> {
    let list: TaskList = answer::read(response, answer::MAX_LIST_ANSWER, "a list of tasks")?;
    if let Some(error) = answer::refused(response, &list.extra) {
        return Err(error);
    }
    let requested: BTreeSet<&str> =
        requested.iter().map(String::as_str).filter(|id| !id.is_empty()).collect();
    let came: BTreeSet<&str> = list.items.iter().map(|task| task.id.as_str()).collect();
    match (requested.difference(&came).next().or(requested.first()), came.difference(&requested).next()) {
        (Some(missing), Some(other)) => {
            Err(ApiError::of_other(missing, other).unwrap_or_else(|| ApiError::from_answer(response)))
        }
        _ => Ok(list),
    }
}

/// Server half: writes the answer.
#[must_use]
pub fn encode(list: &TaskList) -> Response<Bytes> {
    answer::ok(list)
}

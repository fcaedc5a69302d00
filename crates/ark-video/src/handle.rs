//! A task by its id: get, wait, download, cancel, forget. Everything here can be dropped and
//! started again.

use std::{fmt, sync::Arc};

use ark_video_model::{CreateTaskResponse, Task};
use serde::{Serialize, Serializer};

use crate::{Client, Error};

/// A task and the client that reaches it.
///
/// It is its id and nothing else: [`TaskHandle::id`] can be stored (the handle also serialises as
/// that string), and [`Client::task`] makes the handle again, in another process too.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    client: Client,
    id: String,
    /// Whether a create of this client has just made it, so that it is known to exist.
    created: bool,
    response: Option<Arc<CreateTaskResponse>>,
}

impl TaskHandle {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id, created: false, response: None }
    }

    /// One whose create was found by reconciling.
    pub(crate) fn found(client: Client, id: String) -> Self {
        Self { client, id, created: true, response: None }
    }

    pub(crate) fn created(client: Client, response: CreateTaskResponse) -> Self {
        let id = response.id.clone();
        Self { client, id, created: true, response: Some(Arc::new(response)) }
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The service's whole answer to the create; `None` if this handle was made from an id.
    #[must_use]
    pub fn response(&self) -> Option<&CreateTaskResponse> {
        self.response.as_deref()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn is_created(&self) -> bool {
        self.created
    }

    /// Gets the task as it is now.
    ///
    /// # Errors
    /// [`Error::Read`], whatever came in place of the task: that it cannot be read says nothing
    /// about a task that was created. [`Error::Request`] for an id that no path can hold.
    pub async fn get(&self) -> Result<Task, Error> {
        self.client.get(&self.id).await.map_err(Error::of_known_task)
    }

    /// Takes the task out of the queue, see [`Client::cancel`].
    ///
    /// # Errors
    /// As [`Client::cancel`].
    pub async fn cancel(&self) -> Result<(), Error> {
        self.client.cancel(&self.id).await
    }

    /// Deletes the task's record, see [`Client::forget`].
    ///
    /// # Errors
    /// As [`Client::forget`].
    pub async fn forget(&self) -> Result<(), Error> {
        self.client.forget(&self.id).await
    }
}

impl fmt::Display for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.id)
    }
}

impl Serialize for TaskHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.id)
    }
}

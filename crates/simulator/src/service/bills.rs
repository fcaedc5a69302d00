//! The ledger: what the real service would have charged.

/// One bill: a task that succeeded. Nothing else is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bill {
    /// The task.
    pub task_id: String,
    /// Model id with its date; for an endpoint id, the model behind it.
    pub model: String,
    /// Billed tokens, as in the task's `usage`.
    pub tokens: i64,
    /// `X-Client-Request-Id` of the create, where it had one: two bills with one intent behind them differ here at most.
    pub client_request_id: Option<String>,
    /// When it was charged, in milliseconds since 1970.
    pub at: i64,
}

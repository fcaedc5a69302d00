//! What our own checks say of a request before it is sent, and what follows from it. The rules are the model crate's.

use std::fmt;

use ark_video_model::{
    CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, Report},
};

use crate::{Client, CreateOptions, Error};

/// What to do with a request that our checks refuse. Doubts are never a reason not to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckPolicy {
    /// Do not send it: [`Error::Rejected`].
    #[default]
    Refuse,
    /// Send it all the same. What was found is in [`crate::Prepared::report`].
    WarnOnly,
    /// Do not look.
    Off,
}

impl Client {
    /// What this client knows of models, their abilities and prices: [`crate::ClientBuilder::catalog`], or the built-in one.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.inner.catalog.as_deref().unwrap_or_else(|| Catalog::builtin())
    }

    pub(crate) fn report(&self, request: &CreateTaskRequest, options: &CreateOptions) -> Report {
        match options.check {
            CheckPolicy::Off => Report::default(),
            _ => request.check_with(self.catalog(), &options.facts),
        }
    }

    /// A create with the default policy and nothing but the request: no copy of it is made.
    pub(crate) fn passes(&self, request: &CreateTaskRequest) -> Result<(), Error> {
        judge(CheckPolicy::Refuse, || request.check_with(self.catalog(), &Facts::new()))
    }
}

/// Turns a refusal into the error.
pub(crate) fn judge(policy: CheckPolicy, report: impl FnOnce() -> Report) -> Result<(), Error> {
    if policy != CheckPolicy::Refuse {
        return Ok(());
    }
    let report = report();
    if report.is_refused() { Err(Error::Rejected(Box::new(report))) } else { Ok(()) }
}

/// The refusals of a report, as the text of the error.
pub(crate) struct Rejection<'r>(pub(crate) &'r Report);

impl fmt::Display for Rejection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The request was refused before sending:")?;
        for finding in self.0.refusals() {
            write!(f, "\n- {finding}")?;
        }
        f.write_str("\nNothing was sent, nothing is billed. Mend it; if the rule is outdated, lay a newer catalog over it or send it with CheckPolicy::WarnOnly.")
    }
}

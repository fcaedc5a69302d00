//! What our own checks say of a request before it is sent, and what follows from it. The rules are
//! the model crate's.

use std::fmt;

use ark_video_model::{catalog::Catalog, check::Report};

use crate::{Client, Error};

/// What to do with a request that our checks refuse. Doubts are never a reason not to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckPolicy {
    /// Do not send it: [`Error::InvalidRequest`].
    #[default]
    Refuse,
    /// Send it anyway. What was found is in [`crate::create::Prepared::report`].
    WarnOnly,
    /// Do not check.
    Off,
}

impl Client {
    /// What this client knows of models, their abilities and prices:
    /// [`crate::ClientBuilder::catalog`], or the built-in one.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.inner.catalog.as_deref().unwrap_or_else(|| Catalog::builtin())
    }
}

/// Turns a refusal into the error.
pub(crate) fn judge(policy: CheckPolicy, report: &Report) -> Result<(), Error> {
    if policy == CheckPolicy::Refuse && report.is_refused() {
        return Err(Error::InvalidRequest(Box::new(report.clone())));
    }
    Ok(())
}

/// The refusals of a report, as the text of the error.
pub(crate) struct Findings<'r>(pub(crate) &'r Report);

impl fmt::Display for Findings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The request was refused before sending:")?;
        self.0.refusals().try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

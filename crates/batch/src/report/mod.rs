//! What people read afterwards: counts, costs, a page, an export. Reads the journal, changes
//! nothing.

mod cost;
mod html;
mod media;
mod summary;
mod unfinished;

pub use cost::{CostLine, CostReport, GroupBy};
pub use html::{Head, Page, PageOptions, ReportError};
pub use media::Embed;
pub use summary::{Durations, Eta, open_jobs};
pub use unfinished::{Reasons, Unfinished, unfinished};

//! What people read afterwards: counts, costs, a page, an export. Reads the journal, changes
//! nothing.

mod card;
mod cost;
mod group;
mod html;
mod media;
mod options;
mod page;
mod summary;
mod unfinished;

pub use cost::{CostLine, CostReport, GroupBy};
pub use media::Embed;
pub use options::{CommandCost, NextCommand, PageOptions};
pub use page::ReportError;
pub use summary::{Durations, Eta, open_jobs};
pub use unfinished::{Reasons, Unfinished, unfinished};

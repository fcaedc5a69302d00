//! Reads a batch for its page: sums and what needs the user first, then the jobs in the order of
//! the list, page by page, so that a hundred thousand jobs need no more memory than their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::group::Group;
use super::html::{Head, Page, TAGS};
use super::options::PageOptions;
use super::unfinished::Reasons;
use crate::{BillKind, Budget, Job, Journal, JournalError, Scope, TOKENS};

/// Jobs in memory at once.
const AT_ONCE: usize = 500;
/// Jobs that are listed at the top.
const URGENT: usize = 100;

impl Journal {
    /// Writes the page of a batch, job by job as they are read.
    ///
    /// # Errors
    /// The journal cannot be read, or `out` cannot be written to. A video that cannot be read is
    /// reported on its card.
    pub async fn write_report<W: Write + Send>(
        &self,
        batch: &str,
        out: W,
        options: PageOptions<'_>,
    ) -> Result<W, ReportError> {
        let keys = self.keys_in_list_order(batch).await?;
        let reasons = Reasons::read(self, batch).await?;
        let explained = |mut job: Job| {
            job.reason = reasons.of(&job).or(job.reason).map(|reason| (options.redact)(&reason));
            job
        };
        let mut urgent = Vec::new();
        let mut tags = BTreeSet::new();
        let mut counts = [0; 5];
        let mut jobs = InOrder::of(self, &keys);
        while let Some((position, job)) = jobs.next().await? {
            let group = Group::of(job.state);
            counts[group as usize] += 1;
            if tags.len() < TAGS {
                tags.extend(job.planned.tags.iter().cloned());
            }
            if group.is_urgent() && !job.superseded && urgent.len() < URGENT {
                urgent.push((position, explained(job)));
            }
        }
        // Decisions are for now, failures for later.
        urgent.sort_by_key(|(_, job)| Group::of(job.state) as usize);
        let head = Head {
            title: batch.to_owned(),
            made: options.made.clone(),
            counts,
            budgets: self.budgets_of(batch).await?,
            extra_bills: self.extra_bills(batch).await?,
            tags: tags.into_iter().take(TAGS).collect(),
            urgent,
        };
        let mut page = Page::begin(out, head, &options)?;
        let mut jobs = InOrder::of(self, &keys);
        while let Some((position, job)) = jobs.next().await? {
            page.card(position, &explained(job))?;
        }
        Ok(page.end()?)
    }

    /// What is billed, reserved and allowed for a batch, in each unit.
    async fn budgets_of(&self, batch: &str) -> Result<Vec<Budget>, JournalError> {
        let scope = Scope::Batch(batch.to_owned());
        let mut budgets = self.budgets().await?;
        budgets.retain(|budget| budget.scope == scope);
        // Money first.
        budgets.sort_by_key(|budget| budget.unit == TOKENS);
        Ok(budgets)
    }

    async fn extra_bills(&self, batch: &str) -> Result<Vec<String>, JournalError> {
        let prefix = format!("{batch}/");
        let bills = self.bills().await?.into_iter();
        let extra = bills.filter(|bill| bill.kind == BillKind::Extra && bill.key.starts_with(&prefix));
        Ok(extra.map(|bill| bill.task_id).collect())
    }
}

/// Jobs by their keys, with their position among these.
struct InOrder<'a> {
    journal: &'a Journal,
    keys: &'a [String],
    next: usize,
    read: BTreeMap<String, Job>,
}

impl<'a> InOrder<'a> {
    fn of(journal: &'a Journal, keys: &'a [String]) -> Self {
        Self { journal, keys, next: 0, read: BTreeMap::new() }
    }

    /// The next one that is still in the journal.
    async fn next(&mut self) -> Result<Option<(usize, Job)>, JournalError> {
        while let Some(key) = self.keys.get(self.next) {
            if self.next.is_multiple_of(AT_ONCE) {
                let end = self.keys.len().min(self.next + AT_ONCE);
                self.read = self.journal.jobs_of(&self.keys[self.next..end]).await?;
            }
            self.next += 1;
            if let Some(job) = self.read.remove(key) {
                return Ok(Some((self.next - 1, job)));
            }
        }
        Ok(None)
    }
}

/// Why the page of a batch was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The page cannot be written.
    #[error("the page cannot be written")]
    Page(#[from] io::Error),
}

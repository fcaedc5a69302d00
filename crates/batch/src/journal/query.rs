//! Reading jobs: one, a page of many, how many in which state.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{Stream, TryStreamExt as _, stream};

use crate::{Job, State};

use super::db::Tx;
use super::error::{ErrorContext, StoreError};
use super::schema::JOB;
use super::{JobFilter, Journal, JournalError, rows};

const CONTEXT: ErrorContext = ErrorContext { what: "Reading jobs", so: "Nothing was sent because of it." };

/// No statement takes more parameters than this, in either database.
const LONGEST: usize = 1_000;

/// Jobs in memory at once.
const PAGE: usize = 500;

/// Keys that are read at once: each time the table is scanned, as it has no index by position.
const KEYS: i64 = 10_000;

/// The jobs of a filter, page by page in the order of their keys.
pub(crate) struct Pages<'j> {
    journal: &'j Journal,
    filter: JobFilter,
    last: Option<String>,
}

impl Pages<'_> {
    /// The next jobs; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Job>>, JournalError> {
        let page = self.journal.jobs(&self.filter, self.last.as_deref(), PAGE).await?;
        let Some(end) = page.last() else { return Ok(None) };
        self.last = Some(end.key.clone());
        Ok(Some(page))
    }
}

impl Journal {
    pub(crate) fn pages(&self, filter: JobFilter) -> Pages<'_> {
        Pages { journal: self, filter, last: None }
    }

    /// All jobs of a filter, in the order of their keys, read from the journal in pages as they are
    /// polled.
    pub fn stream(&self, filter: JobFilter) -> impl Stream<Item = Result<Job, JournalError>> + Send + '_ {
        stream::try_unfold(self.pages(filter), async |mut pages| {
            Ok(pages.next().await?.map(|page| (stream::iter(page.into_iter().map(Ok)), pages)))
        })
        .try_flatten()
    }

    /// A job by its key.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or the row is damaged.
    pub async fn job(&self, key: &str) -> Result<Option<Job>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let row = self.inner.db.one(JOB.select("WHERE key = $1"), vec![key.into()]).await?;
            row.as_ref().map(rows::job).transpose()
        })
        .await
    }

    /// The job of a task.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or the row is damaged.
    pub(crate) async fn job_of_task(&self, task_id: &str) -> Result<Option<Job>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let row = self.inner.db.one(JOB.select("WHERE task_id = $1"), vec![task_id.into()]).await?;
            row.as_ref().map(rows::job).transpose()
        })
        .await
    }

    /// The keys of a batch's jobs in the order of the list; of several revisions the oldest first.
    pub(crate) async fn keys_in_list_order(&self, batch: &str) -> Result<Vec<String>, JournalError> {
        let sql = "SELECT key, place FROM ark_job WHERE batch = $1 AND (place, key) > ($2, $3) \
                   ORDER BY place, key LIMIT $4";
        let mut keys: Vec<String> = Vec::new();
        let mut last = (i64::MIN, String::new());
        loop {
            let rows = self.with_retry(CONTEXT, || async {
                let values = vec![batch.into(), last.0.into(), last.1.as_str().into(), KEYS.into()];
                let rows = self.inner.db.all(sql, values).await?;
                rows.iter()
                    .map(|row| Ok((row.int("place")?, row.text("key")?)))
                    .collect::<Result<Vec<_>, StoreError>>()
            });
            let rows = rows.await?;
            let Some(end) = rows.last() else { return Ok(keys) };
            last.clone_from(end);
            keys.extend(rows.into_iter().map(|(_, key)| key));
        }
    }

    /// The jobs of these keys, at most a thousand.
    pub(crate) async fn jobs_of(&self, keys: &[String]) -> Result<BTreeMap<String, Job>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut values = Vec::new();
            let condition = rows::one_of("key", keys.iter().map(String::as_str), &mut values);
            let found = self.inner.db.all(JOB.select(&format!("WHERE {condition}")), values).await?;
            found.iter().map(|row| rows::job(row).map(|job| (job.key.clone(), job))).collect()
        })
        .await
    }

    /// How many jobs of a batch are accounted for at what was reserved ([`Job::unmetered`]).
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or such a row is damaged.
    pub async fn unmetered(&self, batch: &str) -> Result<u64, JournalError> {
        self.with_retry(CONTEXT, || async {
            // The text narrows it down, and the row itself decides: a request may hold a field of
            // that name.
            let condition = "WHERE batch = $1 AND body LIKE '%\"unmetered\":true%'";
            let rows = self.inner.db.all(JOB.select(condition), vec![batch.into()]).await?;
            rows.iter().map(|row| Ok(u64::from(rows::job(row)?.unmetered))).sum::<Result<u64, StoreError>>()
        })
        .await
    }

    /// The next jobs after the key `after`, by key, at most `limit`: page by page, however many
    /// there are. An empty page is the end.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or a row is damaged.
    pub async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, JournalError> {
        self.with_retry(CONTEXT, || self.page(filter, after, limit)).await
    }

    async fn page(
        &self,
        filter: &JobFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let mut after = after.unwrap_or_default().to_owned();
        let mut tx = self.inner.db.snapshot().await?;
        let batches = match &filter.batch {
            Some(batch) => vec![batch.clone()],
            None => {
                let rows = tx.all("SELECT name FROM ark_batch", Vec::new()).await?;
                rows.iter().map(|row| row.text("name")).collect::<Result<_, _>>()?
            }
        };
        let states = if filter.states.is_empty() { &State::ALL[..] } else { &filter.states };
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            let wanted = (limit - jobs.len()).min(LONGEST);
            let keys = keys(&mut tx, states, &batches, &after, wanted).await?;
            let Some(last) = keys.last() else { break };
            after.clone_from(last);
            let mut values = Vec::new();
            let condition = rows::one_of("key", keys.iter().map(String::as_str), &mut values);
            let sql = JOB.select(&format!("WHERE {condition} ORDER BY key"));
            for row in tx.all(sql, values).await? {
                let job = rows::job(&row)?;
                if matches(filter, &job) {
                    jobs.push(job);
                }
            }
            if keys.len() < wanted {
                break;
            }
        }
        Ok(jobs)
    }

    /// How many jobs are in which state, of one batch or of all. Revisions that a newer one has
    /// taken the place of count too.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn counts(&self, batch: Option<&str>) -> Result<BTreeMap<State, u64>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut values = Vec::new();
            let states = rows::states("state", &State::ALL, &mut values);
            let of = batch.map_or(String::new(), |batch| {
                values.push(batch.into());
                format!(" AND batch = ${}", values.len())
            });
            let sql =
                format!("SELECT state, COUNT(*) AS jobs FROM ark_job WHERE {states}{of} GROUP BY state");
            let rows = self.inner.db.all(sql, values).await?;
            rows.iter()
                .map(|row| {
                    let state =
                        row.text("state")?.parse().map_err(|error: String| StoreError::damaged(error))?;
                    Ok((state, u64::try_from(row.int("jobs")?).unwrap_or_default()))
                })
                .collect::<Result<_, StoreError>>()
        })
        .await
    }
}

/// The next keys of these states and batches. Each state's are in order in the index; only as many
/// as are wanted are read, however many there are.
async fn keys(
    tx: &mut Tx,
    states: &[State],
    batches: &[String],
    after: &str,
    wanted: usize,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT key FROM ark_job WHERE state = $1 AND batch = $2 AND key > $3 ORDER BY key LIMIT $4";
    let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
    let mut keys = BTreeSet::new();
    for state in states {
        for batch in batches {
            let values = vec![state.as_str().into(), batch.as_str().into(), after.into(), limit.into()];
            for row in tx.all(sql, values).await? {
                keys.insert(row.text("key")?);
            }
        }
    }
    Ok(keys.into_iter().take(wanted).collect())
}

fn matches(filter: &JobFilter, job: &Job) -> bool {
    let is_in = |list: &[String], text: &str| list.is_empty() || list.iter().any(|one| one == text);
    is_in(&filter.names, &job.planned.name)
        && is_in(&filter.models, job.model())
        && (filter.tags.is_empty() || filter.tags.iter().any(|tag| job.planned.tags.contains(tag)))
}

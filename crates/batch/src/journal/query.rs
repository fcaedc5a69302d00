//! Reading jobs: one, a page of many, how many in which state.

use std::collections::BTreeMap;

use crate::{Job, State};

use super::db::Value;
use super::error::{Doing, Trouble};
use super::schema::JOB;
use super::{JobFilter, Journal, JournalError, rows};

const DOING: Doing = Doing { what: "Reading jobs", so: "Nothing was sent because of it." };

impl Journal {
    /// A job by its key.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or the row is damaged.
    pub async fn job(&self, key: &str) -> Result<Option<Job>, JournalError> {
        let look = async {
            let row = self.inner.db.one(JOB.select("WHERE key = $1"), vec![key.into()]).await?;
            row.as_ref().map(rows::job).transpose()
        };
        look.await.map_err(|trouble| self.told(DOING, trouble))
    }

    /// The job of a task.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or the row is damaged.
    pub async fn job_of_task(&self, task_id: &str) -> Result<Option<Job>, JournalError> {
        let look = async {
            let row = self.inner.db.one(JOB.select("WHERE task_id = $1"), vec![task_id.into()]).await?;
            row.as_ref().map(rows::job).transpose()
        };
        look.await.map_err(|trouble| self.told(DOING, trouble))
    }

    /// The next jobs after the key `after`, by key, at most `limit`: page by page, however many there are. An empty page is
    /// the end.
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
        self.page(filter, after, limit).await.map_err(|trouble| self.told(DOING, trouble))
    }

    async fn page(&self, filter: &JobFilter, after: Option<&str>, limit: usize) -> Result<Vec<Job>, Trouble> {
        let mut after = after.unwrap_or_default().to_owned();
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            let wanted = limit - jobs.len();
            let (sql, values) = select(filter, &after, wanted);
            let page = self.inner.db.all(sql, values).await?;
            for row in &page {
                let job = rows::job(row)?;
                after.clone_from(&job.key);
                if filter.tags.is_empty() || filter.tags.iter().any(|tag| job.planned.tags.contains(tag)) {
                    jobs.push(job);
                }
            }
            if page.len() < wanted {
                break;
            }
        }
        Ok(jobs)
    }

    /// How many jobs are in which state, of one batch or of all. Revisions that a newer one has taken the place of count too.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn counts(&self, batch: Option<&str>) -> Result<BTreeMap<State, u64>, JournalError> {
        let look = async {
            let mut values = Vec::new();
            let condition = batch.map_or(String::new(), |batch| {
                values.push(batch.into());
                " WHERE batch = $1".to_owned()
            });
            let sql = format!("SELECT state, COUNT(*) AS jobs FROM ark_job{condition} GROUP BY state");
            let rows = self.inner.db.all(sql, values).await?;
            rows.iter()
                .map(|row| {
                    let state =
                        row.text("state")?.parse().map_err(|error: String| Trouble::damaged(error))?;
                    Ok((state, u64::try_from(row.int("jobs")?).unwrap_or_default()))
                })
                .collect::<Result<_, Trouble>>()
        };
        look.await.map_err(|trouble| self.told(DOING, trouble))
    }
}

fn select(filter: &JobFilter, after: &str, limit: usize) -> (String, Vec<Value>) {
    let mut values = vec![after.into()];
    let mut conditions = vec!["key > $1".to_owned()];
    if let Some(batch) = &filter.batch {
        values.push(batch.as_str().into());
        conditions.push(format!("batch = ${}", values.len()));
    }
    if !filter.states.is_empty() {
        conditions.push(rows::states("state", &filter.states, &mut values));
    }
    for (column, texts) in [("name", &filter.names), ("model", &filter.models)] {
        if !texts.is_empty() {
            conditions.push(rows::one_of(column, texts.iter().map(String::as_str), &mut values));
        }
    }
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let rest = format!("WHERE {} ORDER BY key LIMIT ${}", conditions.join(" AND "), values.len());
    (JOB.select(&rest), values)
}

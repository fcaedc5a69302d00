//! A job as a row and back. The body holds all of it; the columns beside it are what is searched
//! and compared.

use crate::{Job, State};

use super::db::{Row, Value};
use super::error::StoreError;
use super::schema::JOB;

/// How many columns come before the body.
const BODY: usize = 14;

pub(super) fn token(job: &Job) -> &str {
    job.attempt.as_ref().map_or("", |attempt| &attempt.token)
}

fn runner(job: &Job) -> &str {
    job.attempt.as_ref().map_or("", |attempt| &attempt.runner)
}

fn columns(job: &Job) -> Vec<Value> {
    vec![
        job.key.as_str().into(),
        job.batch.as_str().into(),
        job.planned.name.as_str().into(),
        i64::from(job.revision).into(),
        job.planned.place.into(),
        job.state.as_str().into(),
        job.seq.into(),
        token(job).into(),
        runner(job).into(),
        job.model().into(),
        job.task_id.clone().into(),
        job.planned.priority.into(),
        job.changed_at.into(),
        job.created_at.into(),
    ]
}

/// The values of a job's row, checksum included.
pub(super) fn values(job: &Job) -> Result<Vec<Value>, StoreError> {
    let mut values = columns(job);
    let body = serde_json::to_string(job).map_err(|error| {
        StoreError::refused(format!("the job {} cannot be written as JSON ({error})", job.key))
    })?;
    values.push(body.into());
    Ok(JOB.with_checksum(values))
}

/// The job of a row, if nothing of it is damaged.
pub(super) fn job(row: &Row) -> Result<Job, StoreError> {
    let found = JOB.verify_checksum(row)?;
    let Some(Value::Text(Some(body))) = found.get(BODY) else {
        return Err(StoreError::damaged("a row of ark_job has no body"));
    };
    let job: Job = serde_json::from_str(body).map_err(|error| {
        StoreError::damaged(format!(
            "the row {:?} of ark_job cannot be read ({error})",
            row.text("key").unwrap_or_default()
        ))
    })?;
    if found.get(..BODY) == Some(columns(&job).as_slice()) {
        Ok(job)
    } else {
        Err(StoreError::damaged(format!("the row {:?} of ark_job contradicts itself", job.key)))
    }
}

/// A list of texts for `IN (…)`, from parameter `first` on; pushes the values.
pub(super) fn one_of<'a>(
    column: &str,
    texts: impl IntoIterator<Item = &'a str>,
    values: &mut Vec<Value>,
) -> String {
    let mut places = Vec::new();
    for text in texts {
        values.push(text.into());
        places.push(format!("${}", values.len()));
    }
    format!("{column} IN ({})", places.join(", "))
}

pub(super) fn states(column: &str, states: &[State], values: &mut Vec<Value>) -> String {
    one_of(column, states.iter().map(|state| state.as_str()), values)
}

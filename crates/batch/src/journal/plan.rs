//! A list compared with the jobs that the journal has of a batch. What was not sent follows the
//! list; what was sent is never touched, and a changed shot gets a new revision beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::list::{hex, same_intent};
use crate::{Job, Planned, PlannedJobs, State};

use super::db::Tx;
use super::decisions::begin_again;
use super::error::{ErrorContext, StoreError};
use super::schema::{BATCH, JOB};
use super::transition::Transition;
use super::{Journal, JournalError, PlanChange, PlanOptions, claims, rows};

/// Names, and so at most that many new rows, in one transaction.
pub(super) const CHUNK: usize = 200;

/// Nothing was sent for these, or it is known that nothing came of it.
const UNSENT: [State; 4] = [State::Intent, State::NeedsApproval, State::OverBudget, State::Rejected];

/// A task exists or may exist, and its video is not in its place.
const UNFETCHED: [State; 5] =
    [State::Submitting, State::Unknown, State::Held, State::Submitted, State::Finished];

/// What the list makes of the rows of one name.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    Add(u32),
    Readd,
    Replace,
    Touch,
    /// Sent, and its video is not here yet: the video goes where the list has it now.
    Move,
    Keep,
    Supersede,
    /// The row of this revision, sent for what the list has again, is the current one once more.
    Restore(u32),
}

impl Journal {
    /// Plans a list as a batch. Planning the same list again changes nothing; after a crash in the
    /// middle it completes the plan. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or two jobs have one name. Jobs that were planned before the
    /// error stay planned.
    pub async fn plan(
        &self,
        batch: &str,
        list: &(impl PlannedJobs + ?Sized),
        options: PlanOptions,
    ) -> Result<PlanChange, JournalError> {
        let context = ErrorContext {
            what: "Planning the list",
            so: "Nothing was sent; planning the list again goes on where this stopped.",
        };
        self.with_retry(context, || self.plan_all(batch, list, &options)).await
    }

    async fn plan_all(
        &self,
        batch: &str,
        list: &(impl PlannedJobs + ?Sized),
        options: &PlanOptions,
    ) -> Result<PlanChange, StoreError> {
        let names = names_of(list);
        if let Some(pair) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(StoreError::refused(format!("two jobs have the name {}", pair[0].0)));
        }
        let list_hash = hash_of(&names);
        if let Some(path) = &options.list {
            let row = self.inner.db.one(BATCH.select("WHERE name = $1"), vec![batch.into()]).await?;
            if let Some(row) = row.as_ref().map(super::batches::read).transpose()? {
                self.compare_list(&row, path, list, &list_hash).await?;
            }
            self.remember_list(batch, path).await?;
        }
        self.note_list(batch, &list_hash).await?;
        let mut change = PlanChange::default();
        let mut jobs = list.planned();
        loop {
            let mut chunk: Vec<Planned> = jobs.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            // Rows are locked in the order of their names, as by everyone.
            chunk.sort_by(|one, other| one.name.cmp(&other.name));
            self.plan_chunk(batch, &chunk, &mut change).await?;
        }
        if change.added.len() >= CHUNK && self.inner.db.is_server() {
            // Until the server has counted, it finds names by reading all rows.
            self.inner.db.all("ANALYZE ark_job", Vec::new()).await?;
        }
        if options.drop_missing {
            self.drop_missing(batch, &names, &mut change).await?;
        }
        change.sort();
        Ok(change)
    }

    async fn plan_chunk(
        &self,
        batch: &str,
        chunk: &[Planned],
        change: &mut PlanChange,
    ) -> Result<(), StoreError> {
        let mut tx = self.inner.db.write().await?;
        let mut values = vec![batch.into()];
        let names = rows::one_of("name", chunk.iter().map(|planned| planned.name.as_str()), &mut values);
        let sql = JOB.select(&format!("WHERE batch = $1 AND {names} ORDER BY key"));
        let mut found: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for row in tx.all_locked(sql, values).await? {
            let job = rows::job(&row)?;
            found.entry(job.planned.name.clone()).or_default().push(job);
        }
        let mut new = Vec::new();
        let mut edits = Vec::new();
        for planned in chunk {
            let name = planned.name.clone();
            let mut old = found.remove(&name).unwrap_or_default();
            old.sort_by_key(|job| job.revision);
            let act = decide(&old, planned);
            let list = match act {
                Act::Add(_) | Act::Readd => &mut change.added,
                Act::Replace => &mut change.changed,
                Act::Touch | Act::Move | Act::Keep => &mut change.unchanged,
                Act::Supersede => &mut change.superseded,
                Act::Restore(_) => {
                    if old.last().is_some_and(|last| UNSENT.contains(&last.state)) {
                        &mut change.changed
                    } else {
                        &mut change.superseded
                    }
                }
            };
            list.push(name);
            match act {
                Act::Keep => {}
                Act::Add(revision) => {
                    new.push(fresh(batch, wanted(planned, revision, &old), revision, self.now()))
                }
                Act::Supersede => {
                    let revision = old.last().map_or(1, |last| last.revision + 1);
                    new.push(fresh(batch, wanted(planned, revision, &old), revision, self.now()));
                    edits.push((act, old, planned));
                }
                _ => edits.push((act, old, planned)),
            }
        }
        if new.is_empty() && edits.is_empty() {
            return Ok(());
        }
        if !new.is_empty() {
            let mut values = Vec::new();
            for job in &new {
                values.extend(rows::values(job)?);
            }
            tx.execute(JOB.insert_missing(new.len()), values).await?;
            claims::notify(&mut tx).await?;
        }
        for (act, old, planned) in edits {
            self.edit(&mut tx, &act, &old, planned).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn edit(&self, tx: &mut Tx, act: &Act, old: &[Job], planned: &Planned) -> Result<(), StoreError> {
        let Some(before) = current(old) else { return Ok(()) };
        let mut next = before.clone();
        match act {
            Act::Readd | Act::Replace | Act::Touch => {
                if *act != Act::Touch {
                    if before.state != State::Intent {
                        begin_again(tx, &mut next, "the list has it (again)", self.now()).await?;
                    }
                    next.reason = None;
                }
                next.planned = wanted(planned, before.revision, old);
                claims::free(tx, &next.key).await?;
            }
            Act::Move => next.planned.output = wanted(planned, before.revision, old).output,
            Act::Supersede => next.superseded = true,
            Act::Restore(revision) => {
                next.superseded = true;
                if UNSENT.contains(&next.state) {
                    next.state = State::Dropped;
                    next.reason = Some("the list has again what an earlier revision was sent for".to_owned());
                }
                if let Some(earlier) = old.iter().find(|job| job.revision == *revision) {
                    let mut restored = earlier.clone();
                    restored.superseded = false;
                    self.put(tx, earlier, restored, None).await?;
                }
            }
            Act::Add(_) | Act::Keep => return Ok(()),
        }
        self.put(tx, before, next, None).await?;
        Ok(())
    }

    async fn drop_missing(
        &self,
        batch: &str,
        names: &[(String, String)],
        change: &mut PlanChange,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let mut tx = self.inner.db.write().await?;
            let mut values = vec![batch.into(), after.as_str().into()];
            let states = rows::states("state", &UNSENT, &mut values);
            let rest = format!("WHERE batch = $1 AND key > $2 AND {states} ORDER BY key LIMIT {CHUNK}");
            let page = tx.all_locked(JOB.select(&rest), values).await?;
            let full = page.len() == CHUNK;
            for row in &page {
                let before = rows::job(row)?;
                after.clone_from(&before.key);
                if names.binary_search_by(|(name, _)| name.cmp(&before.planned.name)).is_ok() {
                    continue;
                }
                let mut next = before.clone();
                next.state = State::Dropped;
                next.reason = Some("the list no longer has it".to_owned());
                if let Transition::Done(job) = self.put(&mut tx, &before, next, None).await? {
                    change.dropped.push(job.planned.name);
                }
            }
            tx.commit().await?;
            if !full {
                return Ok(());
            }
        }
    }
}

/// The names of all jobs with the hashes of their requests, by name.
pub(super) fn names_of(list: &(impl PlannedJobs + ?Sized)) -> Vec<(String, String)> {
    let mut names: Vec<_> = list.planned().map(|planned| (planned.name, planned.request_hash)).collect();
    names.sort_unstable();
    names
}

/// Whether two lists request the same under the same names.
pub(super) fn hash_of(names: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for text in names.iter().flat_map(|(name, hash)| [name, hash]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex(&hash.finalize())
}

fn fresh(batch: &str, planned: Planned, revision: u32, now: i64) -> Job {
    let again = if revision == 1 { String::new() } else { format!("@{revision}") };
    Job {
        key: format!("{batch}/{}{again}", planned.name),
        batch: batch.to_owned(),
        planned,
        revision,
        state: State::Intent,
        seq: 1,
        changed_at: now,
        attempt: None,
        task_id: None,
        created_at: None,
        task: None,
        settled: None,
        unmetered: false,
        earlier: Vec::new(),
        files: Vec::new(),
        reason: None,
        candidates: Vec::new(),
        approved: false,
        superseded: false,
        given_up: false,
    }
}

/// The row that stands for the list, of all revisions of a name in their order.
pub(super) fn current(old: &[Job]) -> Option<&Job> {
    old.iter().rev().find(|job| !job.superseded)
}

/// Whether both request the same video.
pub(super) fn same_video(one: &Planned, other: &Planned) -> bool {
    let after = |planned: &Planned| planned.after.as_ref().map(|after| (after.job.clone(), after.link));
    after(one) == after(other) && same_intent(one, other)
}

pub(super) fn decide(old: &[Job], planned: &Planned) -> Act {
    let Some(last) = current(old) else {
        return Act::Add(old.last().map_or(1, |last| last.revision + 1));
    };
    let is_unsent = UNSENT.contains(&last.state);
    if same_video(&last.planned, planned) {
        return match last.state {
            State::Dropped if !last.given_up => Act::Readd,
            _ if is_unsent && last.planned != wanted(planned, last.revision, old) => Act::Touch,
            state
                if UNFETCHED.contains(&state)
                    && last.planned.output != wanted(planned, last.revision, old).output =>
            {
                Act::Move
            }
            _ => Act::Keep,
        };
    }
    let is_alive = |job: &&Job| {
        job.superseded && !matches!(job.state, State::Failed | State::Gone | State::Dropped | State::Rejected)
    };
    if let Some(job) = old.iter().filter(is_alive).find(|job| same_video(&job.planned, planned)) {
        return Act::Restore(job.revision);
    }
    if is_unsent || last.state == State::Dropped { Act::Replace } else { Act::Supersede }
}

/// What a row of this revision holds of the list: its video does not take the path of an earlier
/// one's.
fn wanted(planned: &Planned, revision: u32, old: &[Job]) -> Planned {
    let mut planned = planned.clone();
    let is_taken = old
        .iter()
        .any(|job| job.revision < revision && job.attempt.is_some() && job.planned.output == planned.output);
    if is_taken {
        planned.output = revised(&planned.output, revision);
    }
    planned
}

pub(crate) fn revised(path: &Path, revision: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".r{revision}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

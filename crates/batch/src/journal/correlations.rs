//! Marks of creates: which `execution_expires_after` a model's attempts of the last 7 days have, so
//! that no two runners give the same one. A mark is taken in the transaction that writes down the
//! attempt, and given back when nothing was sent with it.
//!
//! They are kept among the buckets, which say the same: from when on something may be taken again.

use ark_video::{
    create::{CORRELATIONS_KEPT, Correlation, CorrelationsInUse},
    transport::UnixMillis,
};

use crate::{Attempt, JobFilter, State};

use super::db::Tx;
use super::error::{ErrorContext, StoreError};
use super::shared_limits::WHOLE;
use super::{Journal, JournalError};

const KEPT: i64 = CORRELATIONS_KEPT.as_secs().cast_signed() * 1000;

fn prefix(model: &str) -> String {
    format!("mark:{model}:")
}

pub(super) fn of(attempt: &Attempt) -> Option<Correlation> {
    serde_json::from_value(attempt.search.as_ref()?.get("marks")?.clone()).ok()
}

fn expiry(attempt: &Attempt) -> Option<i64> {
    of(attempt)?.expiry
}

impl Journal {
    /// Takes an attempt's mark; `false` if another create of the last 7 days has it.
    pub(super) async fn take_mark(
        &self,
        tx: &mut Tx,
        model: &str,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        let Some(expiry) = expiry(attempt) else { return Ok(true) };
        let now = self.shared_now(tx).await?;
        let free_at = now.saturating_add(KEPT);
        // One statement, so that of two runners one finds what the other has written.
        let sql = "INSERT INTO ark_bucket (name, next_at, complement) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at, complement = excluded.complement \
                   WHERE ark_bucket.next_at <= $4";
        let name = format!("{}{expiry}", prefix(model));
        let values = vec![name.into(), free_at.into(), (WHOLE - free_at).into(), now.into()];
        Ok(tx.execute(sql, values).await? == 1)
    }

    /// Gives an attempt's mark back: it is proven that nothing was created with it.
    pub(super) async fn return_mark(
        &self,
        tx: &mut Tx,
        model: &str,
        attempt: Option<&Attempt>,
    ) -> Result<(), StoreError> {
        if let Some(expiry) = attempt.and_then(expiry) {
            let name = format!("{}{expiry}", prefix(model));
            tx.execute("DELETE FROM ark_bucket WHERE name = $1", vec![name.into()]).await?;
        }
        Ok(())
    }

    /// The marks that creates of this model have, for [`ark_video::Create::in_use`]:
    /// those of the last 7 days, and those whose task is still looked for.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn marks_in_use(&self, model: &str) -> Result<CorrelationsInUse, JournalError> {
        let context = ErrorContext { what: "Reading the marks in use", so: "Nothing was sent." };
        let mut in_use = self
            .with_retry(context, || async {
                let mut tx = self.inner.db.snapshot().await?;
                let now = self.shared_now(&mut tx).await?;
                let prefix = prefix(model);
                // `;` follows `:`.
                let end = format!("mark:{model};");
                let sql =
                    "SELECT name, next_at FROM ark_bucket WHERE name >= $1 AND name < $2 AND next_at > $3";
                let mut in_use = CorrelationsInUse::at(now);
                for row in tx.all(sql, vec![prefix.as_str().into(), end.into(), now.into()]).await? {
                    let expiry = row.text("name")?.strip_prefix(&prefix).and_then(|value| value.parse().ok());
                    in_use.add(&marked(expiry), row.int("next_at")?.saturating_sub(KEPT), true);
                }
                Ok(in_use)
            })
            .await?;
        // Read after the marks: who takes one meanwhile changes its row, and `free_mark` notices.
        let filter = JobFilter {
            states: vec![State::Submitting, State::Unknown, State::Held],
            models: vec![model.to_owned()],
            ..JobFilter::default()
        };
        let mut pages = self.pages(filter);
        while let Some(page) = pages.next().await? {
            for attempt in page.iter().filter_map(|job| job.attempt.as_ref()) {
                in_use.add(&marked(expiry(attempt)), attempt.at, false);
            }
        }
        Ok(in_use)
    }

    /// Lets a mark be taken again before its time, where all are in use: that of a create whose
    /// task is known, which was sent at `used_at`. `false` if another runner was faster.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn free_mark(
        &self,
        model: &str,
        expiry: i64,
        used_at: UnixMillis,
    ) -> Result<bool, JournalError> {
        let context = ErrorContext { what: "Giving a mark free", so: "It is as it was; nothing was sent." };
        self.with_retry(context, || async {
            let mut tx = self.inner.db.write().await?;
            let sql = "DELETE FROM ark_bucket WHERE name = $1 AND next_at = $2";
            let name = format!("{}{expiry}", prefix(model));
            let freed = tx.execute(sql, vec![name.into(), used_at.saturating_add(KEPT).into()]).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(freed == 1)
        })
        .await
    }
}

/// These marks and no others.
pub(super) fn marked(expiry: Option<i64>) -> Correlation {
    let mut marks = Correlation::default();
    marks.expiry = expiry;
    marks
}

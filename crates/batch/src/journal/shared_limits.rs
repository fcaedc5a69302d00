//! What all runners of a journal share of the account's limits: how many tasks run, and permits at
//! a rate.

use ark_video::transport::UnixMillis;

use crate::Job;

use super::db::{Db, Row, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::PACE;
use super::{Journal, JournalError, Permit, SlotRequest, Slots};

/// `next_at` and `complement` of a bucket add up to this: whatever flips in one of them shows.
pub(super) const WHOLE: i64 = 1 << 62;

/// No bucket is booked further ahead than this, in microseconds: more of it comes from a clock that
/// was put back.
const FURTHEST: i64 = 600_000_000;

/// The slot that a row takes.
pub(super) fn slot(job: &Job) -> Option<&str> {
    let attempt = job.attempt.as_ref().filter(|_| job.state.is_running())?;
    Some(&attempt.slot)
}

fn read(row: &Row) -> Result<(i64, Option<i64>), StoreError> {
    PACE.verify_checksum(row)?;
    Ok((row.int("running")?, row.maybe_int("ceiling")?))
}

fn with_checksum(model: &str, running: i64, ceiling: Option<i64>) -> Vec<Value> {
    PACE.with_checksum(vec![model.into(), running.into(), ceiling.into()])
}

async fn lock(tx: &mut Tx, model: &str) -> Result<(i64, Option<i64>), StoreError> {
    let sql = PACE.select("WHERE model = $1");
    loop {
        let rows = tx.all_locked(sql.as_str(), vec![model.into()]).await?;
        if let Some(row) = rows.first() {
            return read(row);
        }
        tx.execute(PACE.insert_missing(1), with_checksum(model, 0, None)).await?;
    }
}

async fn write(tx: &mut Tx, model: &str, running: i64, ceiling: Option<i64>) -> Result<(), StoreError> {
    tx.execute(PACE.upsert(1), with_checksum(model, running, ceiling)).await?;
    Ok(())
}

/// Frees the slot that a row leaves and takes the one that it enters; `false` if there is none for
/// `request`.
pub(super) async fn change(
    tx: &mut Tx,
    before: Option<&Job>,
    after: &Job,
    request: Option<&SlotRequest>,
) -> Result<bool, StoreError> {
    let (from, to) = (before.and_then(slot), slot(after));
    if from == to {
        return Ok(true);
    }
    let mut models: Vec<_> = [from, to].into_iter().flatten().collect();
    models.sort_unstable();
    for model in models {
        let (mut running, ceiling) = lock(tx, model).await?;
        if to == Some(model) {
            if request.is_some_and(|request| !has_room(running, ceiling, request.ceiling)) {
                return Ok(false);
            }
            running += 1;
        } else if running > 0 {
            running -= 1;
        } else {
            return Err(StoreError::damaged(format!("fewer than no tasks of {model} would run")));
        }
        write(tx, model, running, ceiling).await?;
    }
    Ok(true)
}

fn has_room(running: i64, ceiling: Option<i64>, request: u32) -> bool {
    running < ceiling.unwrap_or(i64::MAX).min(i64::from(request))
}

/// Whether it is worth trying, seen without waiting for anybody.
pub(super) async fn may_have_room(db: &Db, request: &SlotRequest) -> Result<bool, StoreError> {
    let row = db.one(PACE.select("WHERE model = $1"), vec![request.model.as_str().into()]).await?;
    let (running, ceiling) = row.as_ref().map(read).transpose()?.unwrap_or_default();
    Ok(has_room(running, ceiling, request.ceiling))
}

impl Journal {
    /// How many tasks run, and how many may, of a model.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn slots(&self, model: &str) -> Result<Slots, JournalError> {
        let context = ErrorContext { what: "Reading how many tasks run", so: "" };
        self.with_retry(context, || async {
            let row = self.inner.db.one(PACE.select("WHERE model = $1"), vec![model.into()]).await?;
            let (running, ceiling) = row.as_ref().map(read).transpose()?.unwrap_or_default();
            let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
            Ok(Slots { running: small(running), ceiling: ceiling.map(small) })
        })
        .await
    }

    /// Sets how many tasks of a model all runners of the journal may have running together.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    #[cfg(test)]
    pub(crate) async fn set_ceiling(&self, model: &str, ceiling: u32) -> Result<(), JournalError> {
        let context = ErrorContext { what: "Setting how many tasks may run", so: "It is as it was." };
        self.with_retry(context, || async {
            let mut tx = self.inner.db.write().await?;
            let (running, _) = lock(&mut tx, model).await?;
            write(&mut tx, model, running, Some(i64::from(ceiling))).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Takes `n` permits of a bucket that all runners of the journal share and that fills with
    /// `per_second` permits. They are used from now on at that rate; the next call gets the ones
    /// after them. Taking several at once spares writes.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the rate is no positive number.
    pub(crate) async fn take_permit(
        &self,
        bucket: &str,
        per_second: f64,
        n: u32,
    ) -> Result<Permit, JournalError> {
        let context = ErrorContext { what: "Taking a turn", so: "Nothing was asked or sent." };
        self.with_retry(context, || self.permit(bucket, per_second, n.max(1))).await
    }

    async fn permit(&self, bucket: &str, per_second: f64, n: u32) -> Result<Permit, StoreError> {
        let cost = 1_000_000.0 * f64::from(n) / per_second;
        if !(per_second > 0.0 && cost.is_finite()) {
            return Err(StoreError::refused(format!("{per_second} permits in a second are no rate")));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is cut to a range that fits")]
        let cost = cost.ceil().clamp(1.0, 1e15) as i64;
        let mut tx = self.inner.db.write().await?;
        let now = self.shared_now(&mut tx).await? * 1_000;
        let furthest = FURTHEST.max(cost.saturating_mul(2));
        let taken = tx
            .one(
                "INSERT INTO ark_bucket (name, next_at, complement) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at, complement = excluded.complement \
                 WHERE ark_bucket.next_at <= $4 OR ark_bucket.next_at > $5 RETURNING next_at",
                vec![
                    bucket.into(),
                    (now + cost).into(),
                    (WHOLE - now - cost).into(),
                    now.into(),
                    (now + furthest).into(),
                ],
            )
            .await?;
        let permit = if taken.is_some() {
            Permit::Ready(n)
        } else {
            let sql = "SELECT next_at, complement FROM ark_bucket WHERE name = $1";
            let row = tx.one(sql, vec![bucket.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
            let (next_at, complement) = (row.int("next_at")?, row.int("complement")?);
            if next_at.checked_add(complement) != Some(WHOLE) {
                return Err(StoreError::damaged(format!("the bucket {bucket:?} is damaged")));
            }
            let wait = ((next_at - now).max(0) + 999) / 1_000;
            return Ok(Permit::At(self.now() + wait));
        };
        tx.commit().await?;
        Ok(permit)
    }

    /// The clock that all runners of the journal share: the file's machine's, or the server's.
    pub(super) async fn shared_now(&self, tx: &mut Tx) -> Result<UnixMillis, StoreError> {
        if matches!(tx, Tx::Sqlite(_)) {
            return Ok(self.now());
        }
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now";
        Ok(tx.one(sql, Vec::new()).await?.ok_or(sqlx::Error::RowNotFound)?.int("now")?)
    }
}

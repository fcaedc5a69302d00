//! Budgets and their scopes: what each row holds of which budget, budgets moved with the rows,
//! caps. A budget is the sum of what the rows hold of it; [`held`] is the only place that says how
//! much that is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Amount, Cap, Cost, Job, Scope, TOKENS};

use super::db::{Row, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::rows::one_of;
use super::schema::BUDGET;
use super::{Budget, Journal, JournalError, Submitting};

/// Under this name stands the cap of each day.
const EACH_DAY: &str = "day:*";

/// Scope and unit, as in the table.
pub(super) type BudgetKey = (String, String);

/// What is reserved and what is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) reserved: i64,
    pub(super) settled: i64,
}

fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::Batch(name) => format!("batch:{name}"),
        Scope::Day(day) => format!("day:{day}"),
        Scope::Tag(tag) => format!("tag:{tag}"),
    }
}

fn scope_of(text: &str) -> Result<Scope, StoreError> {
    match text.split_once(':') {
        Some(("batch", name)) => Ok(Scope::Batch(name.to_owned())),
        Some(("day", day)) => Ok(Scope::Day(day.to_owned())),
        Some(("tag", tag)) => Ok(Scope::Tag(tag.to_owned())),
        _ => Err(StoreError::damaged(format!("a budget has the scope {text:?}, which is none"))),
    }
}

/// Where a job's money of one day is counted.
fn scopes(job: &Job, day: &str) -> BTreeSet<String> {
    let mut scopes: BTreeSet<_> =
        job.planned.tags.iter().map(|tag| scope_text(&Scope::Tag(tag.clone()))).collect();
    scopes.insert(scope_text(&Scope::Batch(job.batch.clone())));
    scopes.insert(scope_text(&Scope::Day(day.to_owned())));
    scopes
}

fn parts(cost: &Cost) -> Result<Vec<(String, i64)>, StoreError> {
    let whole = |number: u64| {
        i64::try_from(number)
            .map_err(|_| StoreError::refused(format!("{number} is more than a budget can count")))
    };
    let mut parts = Vec::new();
    if cost.tokens > 0 {
        parts.push((TOKENS.to_owned(), whole(cost.tokens)?));
    }
    if cost.micros > 0 && !cost.currency.is_empty() {
        parts.push((cost.currency.clone(), whole(cost.micros)?));
    }
    Ok(parts)
}

/// What a row holds of which budget.
pub(super) fn held(job: &Job) -> Result<BTreeMap<BudgetKey, Sums>, StoreError> {
    let mut held: BTreeMap<BudgetKey, Sums> = BTreeMap::new();
    let mut add = |day: &str, cost: &Cost, settled: bool| -> Result<(), StoreError> {
        for (unit, number) in parts(cost)? {
            for scope in scopes(job, day) {
                let sums = held.entry((scope, unit.clone())).or_default();
                *(if settled { &mut sums.settled } else { &mut sums.reserved }) += number;
            }
        }
        Ok(())
    };
    if let Some(attempt) = &job.attempt {
        if job.state.holds_reservation() {
            add(&attempt.day, &attempt.reserved, false)?;
        }
        if let Some(cost) = &job.settled {
            add(&attempt.day, cost, true)?;
        }
    }
    for spent in &job.earlier {
        add(&spent.day, &spent.cost, true)?;
    }
    Ok(held)
}

/// Adds to `changes` what a row holds more or less of each budget than before.
pub(super) fn differ(
    changes: &mut BTreeMap<BudgetKey, Sums>,
    before: Option<&Job>,
    after: &Job,
) -> Result<(), StoreError> {
    for (key, sums) in held(after)? {
        let change = changes.entry(key).or_default();
        change.reserved += sums.reserved;
        change.settled += sums.settled;
    }
    for (key, sums) in before.map(held).transpose()?.unwrap_or_default() {
        let change = changes.entry(key).or_default();
        change.reserved -= sums.reserved;
        change.settled -= sums.settled;
    }
    changes.retain(|_, sums| *sums != Sums::default());
    Ok(())
}

struct BudgetRow {
    sums: Sums,
    cap: Option<i64>,
}

fn read(row: &Row) -> Result<(BudgetKey, BudgetRow), StoreError> {
    BUDGET.verify_checksum(row)?;
    let key = (row.text("scope")?, row.text("unit")?);
    let sums = Sums { reserved: row.int("reserved")?, settled: row.int("settled")? };
    Ok((key, BudgetRow { sums, cap: row.maybe_int("cap")? }))
}

fn with_checksum(key: &BudgetKey, row: &BudgetRow) -> Vec<Value> {
    BUDGET.with_checksum(vec![
        key.0.as_str().into(),
        key.1.as_str().into(),
        row.sums.reserved.into(),
        row.sums.settled.into(),
        row.cap.into(),
    ])
}

/// The budgets of these scopes, and those in `needed` even if they are new; no other transaction
/// changes them before this one ends. New ones are made before any is locked, and both in the order
/// of their keys: there is no deadlock.
async fn lock(
    tx: &mut Tx,
    scopes: &BTreeSet<String>,
    needed: impl Iterator<Item = &BudgetKey>,
) -> Result<BTreeMap<BudgetKey, BudgetRow>, StoreError> {
    let mut values = Vec::new();
    let condition = one_of("scope", scopes.iter().map(String::as_str), &mut values);
    let sql = BUDGET.select(&format!("WHERE {condition} ORDER BY scope, unit"));
    let read_all = |rows: Vec<Row>| rows.iter().map(read).collect::<Result<BTreeMap<_, _>, _>>();
    let known = read_all(tx.all(sql.as_str(), values.clone()).await?)?;
    let missing: BTreeSet<_> = needed.filter(|key| !known.contains_key(*key)).collect();
    // One that writes a file has locked all of it.
    if missing.is_empty() && matches!(tx, Tx::Sqlite(_)) {
        return Ok(known);
    }
    if !missing.is_empty() {
        let new = |key: &BudgetKey| with_checksum(key, &BudgetRow { sums: Sums::default(), cap: None });
        let rows = missing.len();
        tx.execute(BUDGET.insert_missing(rows), missing.into_iter().flat_map(new).collect()).await?;
    }
    read_all(tx.all_locked(sql, values).await?)
}

async fn write(tx: &mut Tx, rows: &[(BudgetKey, BudgetRow)]) -> Result<(), StoreError> {
    let values = rows.iter().flat_map(|(key, row)| with_checksum(key, row)).collect();
    tx.execute(BUDGET.upsert(rows.len()), values).await?;
    Ok(())
}

/// Changes budgets; with `request`, only if each cap leaves room for it, and returns the refusal if
/// one does not.
pub(super) async fn change(
    tx: &mut Tx,
    changes: &BTreeMap<BudgetKey, Sums>,
    request: Option<&Job>,
) -> Result<Option<Submitting>, StoreError> {
    let mut scopes: BTreeSet<_> = changes.keys().map(|(scope, _)| scope.clone()).collect();
    let attempt = request.and_then(|job| Some((job, job.attempt.as_ref()?)));
    if let Some((job, attempt)) = attempt {
        scopes.extend(self::scopes(job, &attempt.day));
        scopes.insert(EACH_DAY.to_owned());
    }
    if scopes.is_empty() {
        return Ok(None);
    }
    let mut budgets = lock(tx, &scopes, changes.keys()).await?;
    if let Some((job, attempt)) = attempt {
        let own = self::scopes(job, &attempt.day);
        if let Some(refused) = judge(&budgets, &own, &attempt.day, &attempt.reserved)? {
            return Ok(Some(refused));
        }
    }
    let mut moved = Vec::new();
    for (key, change) in changes {
        let Some(mut row) = budgets.remove(key) else {
            return Err(StoreError::damaged(format!("the budget {} in {} cannot be found", key.0, key.1)));
        };
        row.sums.reserved += change.reserved;
        row.sums.settled += change.settled;
        if row.sums.reserved < 0 || row.sums.settled < 0 {
            return Err(StoreError::damaged(format!(
                "the budget {} in {} would fall below zero",
                key.0, key.1
            )));
        }
        moved.push((key.clone(), row));
    }
    if !moved.is_empty() {
        write(tx, &moved).await?;
    }
    Ok(None)
}

fn judge(
    budgets: &BTreeMap<BudgetKey, BudgetRow>,
    scopes: &BTreeSet<String>,
    day: &str,
    request: &Cost,
) -> Result<Option<Submitting>, StoreError> {
    let parts = parts(request)?;
    let today = scope_text(&Scope::Day(day.to_owned()));
    for scope in scopes {
        let named = if *scope == today { EACH_DAY } else { scope };
        let caps: Vec<_> = budgets
            .iter()
            .filter(|((of, _), _)| of == named)
            .filter_map(|((_, unit), row)| Some((unit, row.cap?)))
            .collect();
        let known = |unit: &str| parts.iter().find(|(of, _)| of == unit).map(|(_, number)| *number);
        for &(unit, cap) in &caps {
            let Some(number) = known(unit) else {
                // A job priced in another currency is fine as long as that one has a cap of its
                // own.
                let other =
                    *unit != TOKENS && caps.iter().any(|(of, _)| *of != TOKENS && known(of).is_some());
                if other {
                    continue;
                }
                return Ok(Some(Submitting::NoPrice { scope: scope_of(scope)?, unit: unit.clone() }));
            };
            let sums = budgets.get(&(scope.clone(), unit.clone())).map(|row| row.sums).unwrap_or_default();
            if sums.reserved.saturating_add(sums.settled).saturating_add(number) > cap {
                return Ok(Some(Submitting::NoRoom {
                    scope: scope_of(scope)?,
                    unit: unit.clone(),
                    cap: count(cap),
                    reserved: count(sums.reserved),
                    settled: count(sums.settled),
                }));
            }
        }
    }
    Ok(None)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn cap_key(scope: &Scope, unit: &str) -> BudgetKey {
    let scope = match scope {
        Scope::Day(_) => EACH_DAY.to_owned(),
        other => scope_text(other),
    };
    (scope, unit.to_owned())
}

impl Journal {
    /// What is reserved and spent, and where the caps are, by scope and unit. A day's cap stands
    /// with each day that has something, and once with the day `*`.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn budgets(&self) -> Result<Vec<Budget>, JournalError> {
        let context = ErrorContext { what: "Reading the budgets", so: "" };
        self.with_retry(context, || self.all_purses()).await
    }

    async fn all_purses(&self) -> Result<Vec<Budget>, StoreError> {
        let rows = self.inner.db.all(BUDGET.select("ORDER BY scope, unit"), Vec::new()).await?;
        let rows: BTreeMap<_, _> = rows.iter().map(read).collect::<Result<_, _>>()?;
        rows.iter()
            .map(|((scope, unit), row)| {
                let each_day = || rows.get(&(EACH_DAY.to_owned(), unit.clone())).and_then(|row| row.cap);
                let cap = if scope.starts_with("day:") { each_day() } else { row.cap };
                Ok(Budget {
                    scope: scope_of(scope)?,
                    unit: unit.clone(),
                    reserved: count(row.sums.reserved),
                    settled: count(row.sums.settled),
                    cap: cap.map(count),
                })
            })
            .collect()
    }

    /// Sets these caps, in place of those on the same scope in the same unit; others stay. What is
    /// reserved already stays reserved, even above a lower cap.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub async fn set_caps(&self, caps: &[Cap]) -> Result<(), JournalError> {
        let mut wanted = BTreeMap::new();
        for cap in caps {
            let (unit, number) = match &cap.amount {
                Amount::Tokens(tokens) => (TOKENS, *tokens),
                Amount::Money { micros, currency } => (currency.as_str(), *micros),
            };
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            wanted.insert(cap_key(&cap.scope, unit), Some(number));
        }
        self.write_caps(wanted).await
    }

    /// Takes a cap away; `unit` is `tokens` or a currency.
    ///
    /// # Errors
    ///
    /// When that cannot be written.
    pub async fn lift_cap(&self, scope: &Scope, unit: &str) -> Result<(), JournalError> {
        self.write_caps(BTreeMap::from([(cap_key(scope, unit), None)])).await
    }

    async fn write_caps(&self, wanted: BTreeMap<BudgetKey, Option<i64>>) -> Result<(), JournalError> {
        let context =
            ErrorContext { what: "Setting the caps", so: "They are as they were; nothing was sent." };
        self.with_retry(context, || async {
            if wanted.is_empty() {
                return Ok(());
            }
            let mut tx = self.inner.db.write().await?;
            let scopes = wanted.keys().map(|(scope, _)| scope.clone()).collect();
            let mut budgets = lock(&mut tx, &scopes, wanted.keys()).await?;
            let mut rows = Vec::new();
            for (key, cap) in &wanted {
                let sums = budgets.remove(key).map(|row| row.sums).unwrap_or_default();
                rows.push((key.clone(), BudgetRow { sums, cap: *cap }));
            }
            write(&mut tx, &rows).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}

//! Whether the journal is what it has to be: the file whole, each row as it was written, budgets
//! and counts the sums of the rows. Changes nothing.

use std::collections::BTreeMap;

use super::budgets::{BudgetKey, Sums, differ};
use super::db::Tx;
use super::error::{ErrorContext, StoreError};
use super::schema::{BUDGET, JOB, PACE, TABLES};
use super::shared_limits::{WHOLE, slot};
use super::{Finding, Journal, JournalError, JournalErrorKind, rows};

/// Rows in memory at once.
const PAGE: usize = 500;

/// More findings than this say nothing new.
const ENOUGH: usize = 100;

impl Journal {
    /// Reads the whole journal as one snapshot; other runners go on meanwhile. Nothing may be sent
    /// while there are findings. At most about a hundred are returned.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read at all.
    pub async fn audit(&self) -> Result<Vec<Finding>, JournalError> {
        let context = ErrorContext { what: "Auditing the journal", so: "Nothing was sent." };
        self.with_retry(context, || self.audit_all()).await
    }

    async fn audit_all(&self) -> Result<Vec<Finding>, StoreError> {
        let mut tx = self.inner.db.snapshot().await?;
        let mut findings = Vec::new();
        if matches!(tx, Tx::Sqlite(_)) {
            for row in tx.all("PRAGMA integrity_check(10)", Vec::new()).await? {
                let what = row.text("integrity_check")?;
                if what != "ok" {
                    findings.push(Finding { place: "the file".to_owned(), what });
                }
            }
        }
        for table in TABLES.into_iter().filter(|table| table.name != JOB.name) {
            for row in tx.all(table.select(""), Vec::new()).await? {
                found(&mut findings, table.name, table.verify_checksum(&row).map(drop))?;
            }
        }
        for row in tx.all("SELECT name, next_at, complement FROM ark_bucket", Vec::new()).await? {
            if row.int("next_at")?.checked_add(row.int("complement")?) != Some(WHOLE) {
                let what = format!("the bucket {:?} is damaged", row.text("name")?);
                findings.push(Finding { place: "ark_bucket".to_owned(), what });
            }
        }
        let (budgets, running) = sums(&mut tx, &mut findings).await?;
        if findings.is_empty() {
            compare(&mut tx, &budgets, &running, &mut findings).await?;
        }
        Ok(findings)
    }
}

/// Damage is a finding; that nothing can be read is an error.
fn found(findings: &mut Vec<Finding>, place: &str, result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Reported(JournalErrorKind::Damaged, what)) => {
            findings.push(Finding { place: place.to_owned(), what });
            Ok(())
        }
        other => other,
    }
}

type Totals = (BTreeMap<BudgetKey, Sums>, BTreeMap<String, i64>);

async fn sums(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<Totals, StoreError> {
    let (mut budgets, mut running) = Totals::default();
    let mut after = String::new();
    let sql = JOB.select(&format!("WHERE key > $1 ORDER BY key LIMIT {PAGE}"));
    loop {
        let page = tx.all(sql.as_str(), vec![after.as_str().into()]).await?;
        for row in &page {
            let key = row.text("key")?;
            if key <= after {
                findings.push(Finding {
                    place: JOB.name.to_owned(),
                    what: "the rows are out of order".to_owned(),
                });
                return Ok((budgets, running));
            }
            after = key;
            let result = rows::job(row).and_then(|job| {
                if let Some(slot) = slot(&job) {
                    *running.entry(slot.to_owned()).or_default() += 1;
                }
                differ(&mut budgets, None, &job)
            });
            found(findings, JOB.name, result)?;
        }
        if page.len() < PAGE || findings.len() >= ENOUGH {
            return Ok((budgets, running));
        }
    }
}

async fn compare(
    tx: &mut Tx,
    budgets: &BTreeMap<BudgetKey, Sums>,
    running: &BTreeMap<String, i64>,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut kept = BTreeMap::new();
    for row in tx.all(BUDGET.select(""), Vec::new()).await? {
        let sums = Sums { reserved: row.int("reserved")?, settled: row.int("settled")? };
        kept.insert((row.text("scope")?, row.text("unit")?), sums);
    }
    for key in kept.keys().chain(budgets.keys().filter(|key| !kept.contains_key(*key))) {
        let of = |sums: &BTreeMap<BudgetKey, Sums>| sums.get(key).copied().unwrap_or_default();
        let (has, should) = (of(&kept), of(budgets));
        if has != should {
            findings.push(Finding {
                place: BUDGET.name.to_owned(),
                what: format!(
                    "{} in {} has {} reserved and {} spent; its jobs add up to {} and {}",
                    key.0, key.1, has.reserved, has.settled, should.reserved, should.settled
                ),
            });
        }
    }
    let mut counted = BTreeMap::new();
    for row in tx.all(PACE.select(""), Vec::new()).await? {
        counted.insert(row.text("model")?, row.int("running")?);
    }
    for model in counted.keys().chain(running.keys().filter(|model| !counted.contains_key(*model))) {
        let of = |counts: &BTreeMap<String, i64>| counts.get(model).copied().unwrap_or_default();
        let (has, should) = (of(&counted), of(running));
        if has != should {
            let what = format!("{model} has {has} running; its jobs are {should}");
            findings.push(Finding { place: PACE.name.to_owned(), what });
        }
    }
    let twice = "SELECT task_id FROM ark_job WHERE task_id IS NOT NULL GROUP BY task_id HAVING COUNT(*) > 1";
    for row in tx.all(twice, Vec::new()).await? {
        let what = format!("several jobs have the task {}", row.text("task_id")?);
        findings.push(Finding { place: JOB.name.to_owned(), what });
    }
    Ok(())
}

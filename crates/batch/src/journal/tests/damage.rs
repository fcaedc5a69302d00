//! Files that are not what they were: flipped bits, cut ends, other programs' databases, newer
//! formats, older copies.

use std::fs;
use std::path::Path;

use ark_video_test_support::times;
use sqlx::{AssertSqlSafe, PgConnection};

use super::super::db::Value;
use super::super::schema::META;
use super::*;
use crate::{JobFilter, JournalErrorKind};

/// A journal with jobs everywhere on their way, whose file holds all of it.
async fn written(place: &TestJournal) -> Journal {
    let journal = place.open().await;
    let names: Vec<_> = (0..42).map(|number| format!("{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let jobs = plan_of(&journal, &names).await;
    let caps =
        [crate::Cap { scope: crate::Scope::Day(String::new()), amount: crate::Amount::Tokens(1_000_000) }];
    journal.set_caps(&caps).await.unwrap();
    journal.set_ceiling(MODEL, 100).await.unwrap();
    let states = [
        State::Submitting,
        State::Unknown,
        State::Held,
        State::Submitted,
        State::Finished,
        State::Downloaded,
        State::Settled,
        State::Failed,
        State::Gone,
    ];
    for (number, job) in jobs.iter().enumerate().skip(6) {
        let state = states[number % states.len()];
        let slots = journal.slots(MODEL).await.unwrap().running;
        if slots < 10 || state == State::Settled {
            bring(&journal, job, state, &format!("cgt-{number}")).await;
        }
    }
    // Rows enough that most of the file is content.
    let list: Vec<_> = (0..300).map(|number| planned(&format!("{number}"))).collect();
    journal.plan("c", &list, PlanOptions::default()).await.unwrap();
    let _ = journal.late_response("b/00", 9, "t", "cgt-extra").await.unwrap();
    let _ = journal.take_permit("list", 1.0, 1).await.unwrap();
    journal.runner_started("host-1-aa", "host", 1).await.unwrap();
    journal
}

/// Everything that the journal would say.
async fn error_text(journal: &Journal) -> Result<String, JournalError> {
    let jobs = journal.jobs(&JobFilter::default(), None, 1_000).await?;
    let bodies: Vec<_> = jobs.iter().map(|job| serde_json::to_string(job).unwrap()).collect();
    Ok(format!(
        "{bodies:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        journal.budgets().await?,
        journal.batches().await?,
        journal.bills().await?,
        journal.slots(MODEL).await?,
        journal.counts(None).await?,
        journal.runners_alive(Duration::from_secs(99)).await?,
        journal.take_permit("list", 1.0, 1).await?,
    ))
}

/// What an opened journal says, if it does not notice that something is wrong.
async fn unnoticed(place: &TestJournal) -> Option<String> {
    let journal = place.try_open().await.ok()?;
    let noticed = !journal.audit().await.is_ok_and(|findings| findings.is_empty());
    let text = if noticed { None } else { error_text(&journal).await.ok() };
    journal.close().await;
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_is_silent() {
    let place = TestJournal::new();
    let journal = written(&place).await;
    clean(&journal.audit().await.unwrap());
    let expected = error_text(&journal).await.unwrap();
    journal.close().await;
    let whole = fs::read(place.path()).unwrap();
    let (mut noticed, mut harmless, mut silent) = (0, 0, Vec::new());
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let bits = times(100, 300);
    for _ in 0..bits {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = usize::try_from(random >> 16).unwrap() % (whole.len() * 8);
        let flipped = TestJournal { folder: tempfile::tempdir().unwrap(), clock: place.clock.clone() };
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(flipped.path(), bytes).unwrap();
        match unnoticed(&flipped).await {
            None => noticed += 1,
            Some(text) if text == expected => harmless += 1,
            Some(_) => silent.push(bit),
        }
    }
    assert!(silent.is_empty(), "bits {silent:?} of {} bytes changed something silently", whole.len());
    assert_eq!(noticed + harmless, bits);
    assert!(noticed >= bits / 2, "{noticed} noticed, {harmless} without effect");
}

#[tokio::test]
async fn a_cut_file_is_refused() {
    let place = TestJournal::new();
    written(&place).await.close().await;
    let whole = fs::read(place.path()).unwrap();
    for cut in [whole.len() - 100, whole.len() - 4096, whole.len() / 2, 4096, 100, 50] {
        let place = TestJournal::new();
        fs::write(place.path(), &whole[..cut]).unwrap();
        let error = place.try_open().await.unwrap_err();
        assert_eq!(error.kind(), JournalErrorKind::Damaged, "{cut}: {error}");
        assert!(error.to_string().contains("Nothing was sent."), "{error}");
        assert_eq!(fs::read(place.path()).unwrap().len(), cut, "the evidence is as it was");
    }
}

#[tokio::test]
async fn what_is_no_journal_is_not_touched() {
    let place = TestJournal::new();
    let other = place.folder.path().join("other.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&other).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)").execute(&pool).await.unwrap();
    pool.close().await;
    for content in [fs::read(&other).unwrap(), b"my notes\n".repeat(50), b"x".to_vec()] {
        fs::write(place.path(), &content).unwrap();
        let error = place.try_open().await.unwrap_err();
        assert_eq!(error.kind(), JournalErrorKind::Foreign, "{error}");
        assert_eq!(fs::read(place.path()).unwrap(), content);
    }
    let at = JournalAt::File(place.folder.path().to_owned());
    let error = Journal::open(&at, OpenOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), JournalErrorKind::Foreign, "{error}");
}

fn format_values(format: &str) -> (i64, String) {
    let sealed = META.with_checksum(vec!["format".into(), format.into()]);
    let Some(Value::Int(Some(crc))) = sealed.last() else { panic!() };
    (*crc, format!("UPDATE ark_meta SET value = '{format}', crc = {crc} WHERE key = 'format'"))
}

pub(super) async fn set_format(connection: &mut PgConnection, format: &str) {
    sqlx::raw_sql(AssertSqlSafe(format_values(format).1)).execute(connection).await.unwrap();
}

#[tokio::test]
async fn another_format_is_refused() {
    for (format, kind, part) in [
        ("3", JournalErrorKind::Newer, "it has format 3, and this version knows 2"),
        ("0", JournalErrorKind::Damaged, "it has format 0, which no version wrote"),
        ("x", JournalErrorKind::Damaged, "its format is missing"),
    ] {
        let place = TestJournal::new();
        let journal = place.open().await;
        let sql = AssertSqlSafe(format_values(format).1);
        sqlx::raw_sql(sql).execute(writer(&journal)).await.unwrap();
        journal.close().await;
        let error = place.try_open().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_named_and_not_sent() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let jobs = plan_of(&journal, &["a"]).await;
    let sql = "UPDATE ark_job SET body = replace(body, 'secret', 'sacred')";
    sqlx::raw_sql(sql).execute(writer(&journal)).await.unwrap();
    for error in [
        journal.submitting(&jobs[0], attempt("t"), &slot()).await.unwrap_err(),
        journal.job("b/a").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), JournalErrorKind::Damaged);
        let text = error.to_string();
        assert!(text.contains("the row \"b/a\" of ark_job is damaged"), "{text}");
        assert!(!text.contains("sacred"), "{text}");
    }
    let findings = journal.audit().await.unwrap();
    assert!(findings[0].to_string().contains("b/a"), "{findings:?}");
}

#[tokio::test]
async fn purses_and_counts_that_are_no_sums_are_found() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let jobs = plan_of(&journal, &["a"]).await;
    submit(&journal, &jobs[0], "t").await;
    // A row that another program took out.
    sqlx::raw_sql("DELETE FROM ark_job").execute(writer(&journal)).await.unwrap();
    let findings: Vec<_> = journal.audit().await.unwrap().iter().map(ToString::to_string).collect();
    let expected = "ark_purse: batch:b in tokens has 100 reserved and 0 spent; its jobs add up to 0 and 0";
    assert!(findings.iter().any(|finding| finding == expected), "{findings:?}");
    assert!(findings.iter().any(|finding| finding == "ark_pace: seedance-2 has 1 running; its jobs are 0"));
}

#[tokio::test]
async fn a_copy_is_a_journal() {
    let place = TestJournal::new();
    let journal = written(&place).await;
    let copy = TestJournal::new();
    assert!(journal.backup(&copy.path()).await.unwrap());
    assert!(journal.backup(&copy.path()).await.unwrap(), "over the last one");
    let opened = copy.open().await;
    clean(&opened.audit().await.unwrap());
    assert_eq!(opened.counts(None).await.unwrap(), journal.counts(None).await.unwrap());
    assert!(journal.backup(Path::new("/nowhere/at/all")).await.is_err());
    clean(&journal.audit().await.unwrap());
}

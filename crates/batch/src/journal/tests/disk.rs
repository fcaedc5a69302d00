//! Disks that refuse: full, limited, read-only. No send without a commit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;
use crate::{JobFilter, JournalErrorKind};

/// The folder in which a re-executed test does its half.
const HALF: &str = "ARK_VIDEO_JOURNAL_TEST_HALF";

fn half() -> Option<std::path::PathBuf> {
    std::env::var_os(HALF).map(Into::into)
}

/// This test once more, in another process that `command` begins.
#[track_caller]
fn again(command: &mut Command, folder: &std::path::Path) {
    let name = std::thread::current().name().unwrap().to_owned();
    let ran = command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(HALF, folder)
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && text.contains("1 passed"), "{text}");
}

fn large(token: &str) -> Attempt {
    Attempt { search: Some(json!("x".repeat(20_000))), ..attempt(token) }
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_sent() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let jobs = plan_of(&journal, &["a", "c"]).await;
    let pool = writer(&journal);
    let pages: i64 =
        sqlx::query_scalar("SELECT page_count FROM pragma_page_count").fetch_one(pool).await.unwrap();
    let limit = async |pages: i64| {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(sql).execute(pool).await.unwrap();
    };
    limit(pages).await;
    let error = journal.submitting(&jobs[0], large("t"), &slot()).await.unwrap_err();
    assert_eq!(error.kind(), JournalErrorKind::Full, "{error}");
    assert!(error.is_transient());
    let text = error.to_string();
    assert!(text.contains("the disk is full") && text.contains("Nothing was sent"), "{text}");
    assert_eq!(journal.job("b/a").await.unwrap().unwrap(), jobs[0]);
    assert_eq!(journal.slots(MODEL).await.unwrap().running, 0);
    clean(&journal.audit().await.unwrap());
    limit(1_000_000).await;
    let sent = journal.submitting(&jobs[0], large("t"), &slot()).await.unwrap();
    assert!(matches!(sent, Submitting::Done(_)));
    clean(&journal.audit().await.unwrap());
}

/// By the system's own limit of a file's size: what was reported as written is on disk, and nothing
/// else.
#[test]
fn a_disk_that_refuses_loses_no_step() {
    let run = |work: std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    };
    let open = |folder: std::path::PathBuf| async move {
        let at = JournalAt::File(folder.join("night.sqlite"));
        Journal::open(&at, OpenOptions::default()).await.unwrap()
    };
    let request = SlotRequest { model: MODEL.to_owned(), ceiling: 1_000 };
    if let Some(folder) = half() {
        return run(Box::pin(async move {
            let journal = open(folder.clone()).await;
            let jobs = journal.jobs(&JobFilter::default(), None, 1_000).await.unwrap();
            let mut sent = Vec::new();
            for job in &jobs {
                match journal.submitting(job, large("t"), &request).await {
                    Ok(Submitting::Done(job)) => sent.push(job.key),
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => {
                        assert!(error.is_transient(), "{error}");
                        assert!(error.to_string().contains("Nothing was sent"), "{error}");
                        fs::write(folder.join("sent"), sent.join("\n")).unwrap();
                        return;
                    }
                }
            }
            panic!("the limit was not met");
        }));
    }
    let place = TestJournal::new();
    let folder = place.folder.path().to_owned();
    run(Box::pin({
        let folder = folder.clone();
        async move {
            let journal = open(folder).await;
            let list: Vec<_> = (0..200).map(|number| planned(&format!("{number}"))).collect();
            journal.plan("b", &list, PlanOptions::default()).await.unwrap();
            journal.close().await;
        }
    }));
    again(Command::new("sh").args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""]), &folder);
    let mut sent: Vec<_> =
        fs::read_to_string(folder.join("sent")).unwrap().lines().map(ToOwned::to_owned).collect();
    run(Box::pin(async move {
        let journal = open(folder).await;
        clean(&journal.audit().await.unwrap());
        let filter = JobFilter { states: vec![State::Submitting], ..JobFilter::default() };
        let found: Vec<_> =
            journal.jobs(&filter, None, 1_000).await.unwrap().into_iter().map(|job| job.key).collect();
        sent.sort();
        assert!(!sent.is_empty());
        assert_eq!(found, sent);
    }));
}

#[test]
fn a_read_only_folder_is_told() {
    let refused = |path: std::path::PathBuf| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error =
            runtime.block_on(Journal::open(&JournalAt::File(path), OpenOptions::default())).unwrap_err();
        assert_eq!(error.kind(), JournalErrorKind::Denied, "{error}");
        assert!(
            error.to_string().contains("Nothing was sent. Give this user the right to write there"),
            "{error}"
        );
    };
    if let Some(folder) = half() {
        refused(folder.join("night.sqlite"));
        refused(folder.join("new.sqlite"));
        refused(folder.join("new folder/new.sqlite"));
        return;
    }
    let place = TestJournal::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { place.open().await.close().await });
    let rights = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    rights(&place.path(), 0o444);
    rights(place.folder.path(), 0o555);
    // Root may write everywhere.
    let is_root = fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"));
    if is_root {
        again(Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "--"]), place.folder.path());
    } else {
        refused(place.path());
        refused(place.folder.path().join("new.sqlite"));
    }
    rights(place.folder.path(), 0o700);
}

#[tokio::test]
async fn a_missing_journal_is_made_or_told() {
    let place = TestJournal::new();
    let path = place.folder.path().join("new/folder/night.sqlite");
    let at = JournalAt::File(path.clone());
    let error =
        Journal::open(&at, OpenOptions { create: false, ..OpenOptions::default() }).await.unwrap_err();
    assert_eq!(error.kind(), JournalErrorKind::Missing, "{error}");
    assert!(!path.exists());
    Journal::open(&at, OpenOptions::default()).await.unwrap().close().await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    Journal::open(&at, OpenOptions { create: false, ..OpenOptions::default() }).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

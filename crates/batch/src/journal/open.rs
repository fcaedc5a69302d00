//! Opening: connections with the settings that durability hangs on, our tables and no others, one
//! clear sentence for everything that is not as it has to be.
#![expect(clippy::disallowed_methods, reason = "waits for another process's lock")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::db::{Db, Tx, Value};
use super::error::{ErrorContext, JournalErrorKind, StoreError};
use super::migrations::{FORMAT, has_our_tables, migrate};
use super::schema::{APPLICATION_ID, META};
use super::{Inner, Journal, JournalAt, JournalError, OpenOptions, file};

const APPLICATION: &str = "ark-video journal";

const CONTEXT: ErrorContext = ErrorContext { what: "Opening the journal", so: "Nothing was sent." };

/// How long to wait for another process's lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to leave a file alone that another process is making.
const PAUSE: Duration = Duration::from_millis(20);

/// Read by all but the writer: the state of the rows, pages of a report, an audit.
const READERS: u32 = 4;

/// Two programs that find no tables at once make them one after the other under this lock.
const CREATION_LOCK: i64 = 0x6172_6b76;

impl Journal {
    /// Opens a journal, or makes it. A link to a journal is followed: what belongs beside it is
    /// then beside the file that it leads to. The file of a new one is the user's alone (0600), and
    /// so is its folder if it is new.
    ///
    /// # Errors
    ///
    /// When it is missing, something else, damaged, newer than this version, may not be written, on
    /// a network file system, or the server cannot be reached or refuses. Nothing foreign is
    /// touched.
    pub async fn open(at: &JournalAt, options: OpenOptions) -> Result<Self, JournalError> {
        let (place, opened) = match at {
            JournalAt::File(path) => {
                let path = file::real(path);
                (path.display().to_string(), open_file(&path, &options).await)
            }
            #[cfg(feature = "postgres")]
            JournalAt::Postgres(address) => {
                let (place, db) = super::server::open(address).await;
                let opened = match db {
                    Ok(db) => prove(db, options.create).await,
                    Err(error) => Err(error),
                };
                (place, opened)
            }
            #[cfg(not(feature = "postgres"))]
            JournalAt::Postgres(_) => {
                let what = "this build has no PostgreSQL, it was made without the feature `postgres`";
                let error = StoreError::Reported(JournalErrorKind::Unsupported, what.to_owned());
                ("at the given address".to_owned(), Err(error))
            }
        };
        match opened {
            Ok(db) => match super::identity::id_of(&db, &*options.random).await {
                Ok(id) => Ok(Self {
                    inner: Arc::new(Inner { db, clock: options.clock, place, id: Mutex::new(id) }),
                    retry: None,
                }),
                Err(error) => {
                    db.close().await;
                    Err(error.into_error(&place, CONTEXT))
                }
            },
            Err(error) => Err(error.into_error(&place, CONTEXT)),
        }
    }
}

async fn open_file(path: &Path, options: &OpenOptions) -> Result<Db, StoreError> {
    file::prepare(path, options.create)?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(LOCK_TIMEOUT)
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    let pool = |connections| {
        PoolOptions::<Sqlite>::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(60))
            .test_before_acquire(false)
            // A full disk ends a transaction behind sqlx's back (sqlite.org/lang_transaction.html);
            // its connection would then refuse to begin another one for ever.
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let mut waited = Duration::ZERO;
    let writer = loop {
        match pool(1).connect_with(connect.clone()).await {
            // The change to WAL does not wait for a process that is making the same file, whatever
            // `busy_timeout` says.
            Err(error) if waited < LOCK_TIMEOUT && is_busy(&error) => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            opened => break opened?,
        }
    };
    let readers = pool(READERS).connect_lazy_with(connect);
    prove(Db::Sqlite { writer, readers }, options.create).await
}

/// SQLite's primary code 5 (sqlite.org/rescode.html).
fn is_busy(error: &sqlx::Error) -> bool {
    let code =
        error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i64>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

async fn prove(db: Db, create: bool) -> Result<Db, StoreError> {
    let proven = async {
        let mut tx = db.write().await?;
        let format = if is_new(&mut tx, create).await? { 0 } else { format_of(&mut tx).await? };
        if format < FORMAT {
            migrate(&mut tx).await?;
            mark(&mut tx).await?;
        }
        tx.commit().await?;
        let mut tx = db.snapshot().await?;
        if !tx.is_server() {
            check_file(&mut tx).await?;
        }
        Ok(())
    };
    let proven: Result<(), StoreError> = proven.await;
    match proven {
        Ok(()) => Ok(db),
        Err(error) => {
            db.close().await;
            Err(error)
        }
    }
}

async fn number(tx: &mut Tx, sql: &str, values: Vec<Value>) -> Result<i64, StoreError> {
    Ok(tx.one(sql, values).await?.ok_or(sqlx::Error::RowNotFound)?.int("number")?)
}

async fn is_new(tx: &mut Tx, create: bool) -> Result<bool, StoreError> {
    let (tables, is_ours) = if !tx.is_server() {
        let mark = tx.one("PRAGMA application_id", Vec::new()).await?.ok_or(sqlx::Error::RowNotFound)?;
        let tables = number(tx, "SELECT COUNT(*) AS number FROM sqlite_schema", Vec::new()).await?;
        (tables, mark.int("application_id")? == APPLICATION_ID)
    } else {
        tx.all("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", vec![CREATION_LOCK.into()]).await?;
        let named = "SELECT COUNT(*) AS number FROM information_schema.tables \
                     WHERE table_schema = current_schema() AND table_name = $1";
        let meta = number(tx, named, vec![META.name.into()]).await?;
        let jobs = number(tx, named, vec!["ark_job".into()]).await?;
        (meta + jobs, meta > 0)
    };
    match (tables, is_ours) {
        (0, _) if create => Ok(true),
        (0, _) => Err(StoreError::Reported(JournalErrorKind::Missing, "there is none".to_owned())),
        (_, true) => Ok(false),
        (_, false) => {
            let what = "the database belongs to another program".to_owned();
            Err(StoreError::Reported(JournalErrorKind::Foreign, what))
        }
    }
}

/// Says what the database is, and in which format.
async fn mark(tx: &mut Tx) -> Result<(), StoreError> {
    if !tx.is_server() {
        tx.execute(format!("PRAGMA application_id = {APPLICATION_ID}"), Vec::new()).await?;
    }
    for (key, value) in [("application", APPLICATION.to_owned()), ("format", FORMAT.to_string())] {
        tx.execute(META.upsert(1), META.with_checksum(vec![key.into(), value.into()])).await?;
    }
    Ok(())
}

async fn format_of(tx: &mut Tx) -> Result<i64, StoreError> {
    let mut application = None;
    let mut format = None;
    for row in tx.all(META.select(""), Vec::new()).await? {
        META.verify_checksum(&row)?;
        let value = row.text("value")?;
        match row.text("key")?.as_str() {
            "application" => application = Some(value),
            "format" => format = value.parse::<i64>().ok(),
            _ => {}
        }
    }
    if application.as_deref() != Some(APPLICATION) {
        let what = "the database belongs to another program".to_owned();
        return Err(StoreError::Reported(JournalErrorKind::Foreign, what));
    }
    match format {
        Some(format @ 1..=FORMAT) => Ok(format),
        Some(newer) if newer > FORMAT => Err(StoreError::Reported(
            JournalErrorKind::Newer,
            format!("it has format {newer}, and this version knows {FORMAT}"),
        )),
        Some(older) => Err(StoreError::damaged(format!("it has format {older}, which no version wrote"))),
        None => Err(StoreError::damaged("its format is missing")),
    }
}

/// That the tables are the ones that were made, and the pages hang together.
async fn check_file(tx: &mut Tx) -> Result<(), StoreError> {
    if !has_our_tables(tx).await? {
        return Err(StoreError::damaged("its tables are not the ones that were made"));
    }
    for row in tx.all("PRAGMA quick_check(1)", Vec::new()).await? {
        let what = row.text("quick_check")?;
        if what != "ok" {
            return Err(StoreError::damaged(what));
        }
    }
    Ok(())
}

//! The tables and how they change from one format to the next: `migrations/*.sql`, in a table of
//! versions that is ours alone. Each leaves all rows as they are: a damaged row stays damaged, and
//! is found where rows are read.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqlSafeStr as _};

use super::db::Tx;
use super::error::{ErrorContext, StoreError};
use super::{Journal, JournalError};

/// Names and statements, in their order. What was released is never changed.
const STEPS: [(&str, &str); 2] = [
    ("tables", include_str!("../../migrations/0001_tables.sql")),
    ("claims", include_str!("../../migrations/0002_claims.sql")),
];

/// The format that this version reads and writes: how many steps there are.
pub(super) const FORMAT: i64 = STEPS.len() as i64;

/// Another program's migrations may be in the same database: earlier versions had a queue that kept
/// its own there.
const TABLE: &str = "ark_migration";

/// `text` is the database's type of a text that is compared byte by byte.
fn migrator(text: &str) -> Migrator {
    let steps = STEPS.iter().zip(1..).map(|((name, sql), version)| {
        let sql = AssertSqlSafe(sql.replace("TEXT", text)).into_sql_str();
        Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    // The transaction around it holds a lock that all versions take.
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// Brings the tables to this version's format. Not by [`Migrator::run`], whose future is not known
/// to be `Send`.
pub(super) async fn migrate(tx: &mut Tx) -> Result<(), StoreError> {
    let migrated = match tx {
        Tx::Sqlite(tx) => migrator("TEXT").run_direct(None, &mut **tx, false).await,
        #[cfg(feature = "postgres")]
        Tx::Postgres(tx) => migrator("TEXT COLLATE \"C\"").run_direct(None, &mut **tx, false).await,
    };
    migrated.map_err(failed)
}

fn failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::Sql(error),
        other => StoreError::damaged(format!("its tables cannot be brought to format {FORMAT} ({other})")),
    }
}

const SCHEMA: &str = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name LIKE 'ark\\_%' ESCAPE '\\' ORDER BY sql";

/// Whether the tables of a file are the ones that the migrations make.
pub(super) async fn has_our_tables(tx: &mut Tx) -> Result<bool, StoreError> {
    let mut fresh = SqliteConnectOptions::new().in_memory(true).disable_statement_logging().connect().await?;
    migrator("TEXT").run_direct(None, &mut fresh, false).await.map_err(failed)?;
    let expected: Vec<String> = sqlx::query_scalar(SCHEMA).fetch_all(&mut fresh).await?;
    let found = tx.all(SCHEMA, Vec::new()).await?;
    let found = found.iter().map(|row| row.text("sql")).collect::<Result<Vec<_>, _>>()?;
    Ok(found == expected)
}

/// What the queue of earlier versions left: the journal knows all of it. A file is the journal's
/// alone; on a server the tables may be other programs' too, so only what is ours goes.
const OLD_QUEUE: [(&str, &str); 2] = [
    (
        "SELECT name FROM sqlite_schema WHERE name = 'Jobs'",
        "DROP TABLE Jobs; DROP TABLE IF EXISTS Workers; DROP TABLE IF EXISTS _sqlx_migrations",
    ),
    (
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'apalis' AND table_name = 'jobs'",
        "DELETE FROM apalis.jobs WHERE job_type LIKE 'ark:%'",
    ),
];

impl Journal {
    /// Takes away what the queue of earlier versions left. Only while no other runner lives: it may
    /// be of such a version.
    pub(crate) async fn drop_old_queue(&self) -> Result<(), JournalError> {
        let context =
            ErrorContext { what: "Taking away the queue of an earlier version", so: "It does no harm." };
        let (find, take) = OLD_QUEUE[usize::from(self.inner.db.is_server())];
        self.with_retry(context, || async {
            if self.inner.db.one(find, Vec::new()).await?.is_some() {
                let mut tx = self.inner.db.write().await?;
                for statement in take.split("; ") {
                    tx.execute(statement, Vec::new()).await?;
                }
                tx.commit().await?;
            }
            Ok(())
        })
        .await
    }
}

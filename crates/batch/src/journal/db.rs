//! One way to speak to both databases: values to bind, rows read by name, transactions. Knows no
//! table.

#[cfg(feature = "postgres")]
use sqlx::postgres::{PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Error, Row as _, Transaction};

pub(super) enum Db {
    /// One connection writes, so that the tasks of this process queue up here and not at the file's
    /// lock; some read.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

/// What is bound to a statement, and what a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

pub(super) enum Row {
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(PgRow),
}

impl Row {
    pub(super) fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column),
        }
    }

    pub(super) fn maybe_int(&self, column: &str) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column),
        }
    }

    pub(super) fn text(&self, column: &str) -> Result<String, Error> {
        self.maybe_text(column)?.ok_or_else(|| empty(column))
    }

    pub(super) fn int(&self, column: &str) -> Result<i64, Error> {
        self.maybe_int(column)?.ok_or_else(|| empty(column))
    }
}

fn empty(column: &str) -> Error {
    Error::ColumnDecode { index: column.to_owned(), source: "nothing is in it".into() }
}

macro_rules! bound {
    ($database:ty, $sql:expr, $values:expr) => {{
        let mut query = sqlx::query::<$database>(AssertSqlSafe($sql));
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Int(number) => query.bind(number),
            };
        }
        query
    }};
}

impl Db {
    /// Whether it is PostgreSQL, which several machines may use at once.
    pub(super) fn is_server(&self) -> bool {
        !matches!(self, Self::Sqlite { .. })
    }

    /// A transaction that writes. On SQLite it holds the file's lock from the start, so that what
    /// was read in it stays true.
    pub(super) async fn write(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite { writer, .. } => Ok(Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// A transaction that sees one snapshot of the journal, however long it takes.
    pub(super) async fn snapshot(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Tx::Sqlite(readers.begin().await?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Ok(Tx::Postgres(pool.begin_with(begin).await?))
            }
        }
    }

    /// Rows, outside any transaction.
    pub(super) async fn all(&self, sql: impl Into<String>, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let sql = sql.into();
        match self {
            Self::Sqlite { readers, .. } => {
                let rows = bound!(Sqlite, sql, values).fetch_all(readers).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => {
                let rows = bound!(Postgres, sql, values).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row, outside any transaction.
    pub(super) async fn one(&self, sql: impl Into<String>, values: Vec<Value>) -> Result<Option<Row>, Error> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Rolled back when it is dropped.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) fn is_server(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    /// How many rows it changed.
    pub(super) async fn execute(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<u64, Error> {
        let sql = sql.into();
        match self {
            Self::Sqlite(tx) => Ok(bound!(Sqlite, sql, values).execute(&mut **tx).await?.rows_affected()),
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => Ok(bound!(Postgres, sql, values).execute(&mut **tx).await?.rows_affected()),
        }
    }

    pub(super) async fn all(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let sql = sql.into();
        match self {
            Self::Sqlite(tx) => {
                let rows = bound!(Sqlite, sql, values).fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => {
                let rows = bound!(Postgres, sql, values).fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    pub(super) async fn one(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// Rows that no other transaction can change before this transaction ends. Give an order: who
    /// locks in one order never deadlocks.
    pub(super) async fn all_locked(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let mut sql = sql.into();
        if self.is_server() {
            sql.push_str(" FOR UPDATE");
        }
        self.all(sql, values).await
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

//! The rows with a checksum: the columns of each table in the order of their checksum, and the
//! statements that follow from that. How the tables are made is in `migrations/`; columns that are
//! not named here are outside of the checksum.

use std::fmt::Write as _;

use crc::{CRC_32_ISCSI, Crc, Table as Lookup};

use super::db::{Row, Value};
use super::error::StoreError;

/// In the header of an SQLite file that is a journal: `ARKV`.
pub(super) const APPLICATION_ID: i64 = 0x4152_4b56;

#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Text(&'static str),
    Int(&'static str),
    MaybeText(&'static str),
    MaybeInt(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Int(name) | Self::MaybeText(name) | Self::MaybeInt(name) => name,
        }
    }
}

/// Each row ends in `crc`: the CRC-32C of all other columns, because SQLite notices no flipped bit
/// in a row.
#[derive(Debug)]
pub(super) struct TableSchema {
    pub(super) name: &'static str,
    /// The first `keys` of them are the primary key.
    pub(super) columns: &'static [Column],
    pub(super) keys: usize,
}

use Column::{Int, MaybeInt, MaybeText, Text};

pub(super) const META: TableSchema =
    TableSchema { name: "ark_meta", columns: &[Text("key"), Text("value")], keys: 1 };

pub(super) const JOB: TableSchema = TableSchema {
    name: "ark_job",
    columns: &[
        Text("key"),
        Text("batch"),
        Text("name"),
        Int("revision"),
        Int("place"),
        Text("state"),
        Int("seq"),
        Text("token"),
        Text("runner"),
        Text("model"),
        MaybeText("task_id"),
        Int("priority"),
        Int("changed_at"),
        MaybeInt("created_at"),
        Text("body"),
    ],
    keys: 1,
};

pub(super) const BUDGET: TableSchema = TableSchema {
    name: "ark_purse",
    columns: &[Text("scope"), Text("unit"), Int("reserved"), Int("settled"), MaybeInt("cap")],
    keys: 2,
};

pub(super) const PACE: TableSchema =
    TableSchema { name: "ark_pace", columns: &[Text("model"), Int("running"), MaybeInt("ceiling")], keys: 1 };

pub(super) const BATCH: TableSchema = TableSchema {
    name: "ark_batch",
    columns: &[
        Text("name"),
        Text("list_hash"),
        Int("paused"),
        MaybeText("reason"),
        Text("options"),
        Int("created_at"),
    ],
    keys: 1,
};

pub(super) const RUNNER: TableSchema = TableSchema {
    name: "ark_runner",
    columns: &[Text("id"), Text("host"), Int("pid"), Int("started_at"), Int("seen_at"), Int("stopping")],
    keys: 1,
};

pub(super) const BILL: TableSchema = TableSchema {
    name: "ark_bill",
    columns: &[Text("task_id"), Text("key"), Int("attempt"), Text("kind"), Int("found_at"), Text("reason")],
    keys: 1,
};

/// Tables with a checksum.
pub(super) const TABLES: [&TableSchema; 7] = [&META, &JOB, &BUDGET, &PACE, &BATCH, &RUNNER, &BILL];

static CRC: Crc<u32, Lookup<16>> = Crc::<u32, Lookup<16>>::new(&CRC_32_ISCSI);

/// Each value with its kind and length, so that no two rows have the same bytes.
pub(super) fn checksum(values: &[Value]) -> i64 {
    let mut digest = CRC.digest();
    for value in values {
        match value {
            Value::Text(Some(text)) => {
                digest.update(b"t");
                digest.update(&(text.len() as u64).to_le_bytes());
                digest.update(text.as_bytes());
            }
            Value::Int(Some(number)) => {
                digest.update(b"i");
                digest.update(&number.to_le_bytes());
            }
            Value::Text(None) | Value::Int(None) => digest.update(b"-"),
        }
    }
    i64::from(digest.finalize())
}

impl TableSchema {
    fn key_names(&self) -> String {
        let names: Vec<_> = self.columns.iter().take(self.keys).map(|column| column.name()).collect();
        names.join(", ")
    }

    fn names(&self) -> String {
        let mut names = String::new();
        for column in self.columns {
            names.push_str(column.name());
            names.push_str(", ");
        }
        names.push_str("crc");
        names
    }

    /// What an update gives back: everything of its rows.
    pub(super) fn returning(&self) -> String {
        format!("RETURNING {}", self.names())
    }

    /// Everything of it; `rest` is what stands behind the table's name.
    pub(super) fn select(&self, rest: &str) -> String {
        format!("SELECT {} FROM {} {rest}", self.names(), self.name)
    }

    /// So many rows at once, as [`Self::with_checksum`] gives their values.
    pub(super) fn insert(&self, rows: usize) -> String {
        let width = self.columns.len() + 1;
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.name, self.names());
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=width {
                let _ = write!(sql, "{}${}", if column == 1 { "" } else { ", " }, row * width + column);
            }
            sql.push(')');
        }
        sql
    }

    /// As [`Self::insert`], leaving alone what is there.
    pub(super) fn insert_missing(&self, rows: usize) -> String {
        format!("{} ON CONFLICT ({}) DO NOTHING", self.insert(rows), self.key_names())
    }

    /// As [`Self::insert`], in the place of what is there.
    pub(super) fn upsert(&self, rows: usize) -> String {
        let mut sql = format!("{} ON CONFLICT ({}) DO UPDATE SET ", self.insert(rows), self.key_names());
        for column in self.columns.iter().skip(self.keys) {
            let _ = write!(sql, "{0} = excluded.{0}, ", column.name());
        }
        sql.push_str("crc = excluded.crc");
        sql
    }

    /// All columns of the rows that `condition` picks; its parameters follow those of the columns.
    pub(super) fn update(&self, condition: impl FnOnce(usize) -> String) -> String {
        let mut sql = format!("UPDATE {} SET ", self.name);
        for (index, column) in self.columns.iter().enumerate() {
            let _ = write!(sql, "{} = ${}, ", column.name(), index + 1);
        }
        let width = self.columns.len() + 1;
        let _ = write!(sql, "crc = ${width} WHERE {}", condition(width));
        sql
    }

    /// The values of a row with their checksum behind them.
    pub(super) fn with_checksum(&self, mut values: Vec<Value>) -> Vec<Value> {
        debug_assert_eq!(values.len(), self.columns.len(), "{}", self.name);
        values.push(checksum(&values).into());
        values
    }

    /// The values of a row whose checksum is right.
    pub(super) fn verify_checksum(&self, row: &Row) -> Result<Vec<Value>, StoreError> {
        let mut values = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            values.push(
                match column {
                    Text(name) => row.text(name).map(Value::from),
                    Int(name) => row.int(name).map(Value::from),
                    MaybeText(name) => row.maybe_text(name).map(Value::from),
                    MaybeInt(name) => row.maybe_int(name).map(Value::from),
                }
                .map_err(|_| self.damaged(&values))?,
            );
        }
        let found = row.int("crc").map_err(|_| self.damaged(&values))?;
        if found == checksum(&values) { Ok(values) } else { Err(self.damaged(&values)) }
    }

    fn damaged(&self, values: &[Value]) -> StoreError {
        let key: Vec<_> = values
            .iter()
            .take(self.keys)
            .filter_map(|value| match value {
                Value::Text(text) => text.as_deref(),
                Value::Int(_) => None,
            })
            .collect();
        StoreError::damaged(format!(
            "the row {:?} of {} is damaged: its checksum is not right",
            key.join(" "),
            self.name
        ))
    }
}

//! Tasks, lists and models as text.

use std::fmt::Write as _;

use ark_video::model::{ModelInfo, Task, TaskList};
use jiff::Timestamp;

use crate::escape::{one_line, shortened};

/// The widest cell of a table, in characters.
const WIDEST: usize = 160;

/// `3.4 MB`, as file managers write it.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// `47 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn seconds(count: u64) -> String {
    match count {
        0..90 => format!("{count} s"),
        90..5400 => format!("{} min {} s", count / 60, count % 60),
        _ => format!("{} h {} min", count / 3600, count % 3600 / 60),
    }
}

/// `2026-11-22 10:15:00 UTC`, of a time in seconds or milliseconds.
pub(crate) fn time(unix: i64) -> String {
    match Timestamp::from_millisecond(ark_video::unix_millis(unix)) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{unix} s after 1970"),
    }
}

/// A task, one fact per line.
pub(crate) fn task(task: &Task) -> String {
    let mut text = one_line(&task.to_string());
    let mut add = |name: &str, value: String| text.push_str(&format!("\n{name:<10}{value}"));
    add("model", one_line(&task.model));
    if let Some(at) = task.created_at {
        add("created", time(at));
    }
    if let Some(at) = task.updated_at {
        add("updated", time(at));
    }
    if let Some(url) = task.video_url() {
        add("video", format!("{}\n          (available for 24 hours)", one_line(url)));
    }
    if let Some(url) = task.last_frame_url() {
        add("frame", one_line(url));
    }
    text
}

/// A table of tasks, and the number of all tasks.
pub(crate) fn list(list: &TaskList) -> String {
    if list.items.is_empty() {
        return "no tasks".to_owned();
    }
    let mut rows = vec![["ID", "STATUS", "CREATED", "MODEL", "VIDEO", "TOKENS"].map(str::to_owned)];
    rows.extend(list.items.iter().map(row));
    let mut text = table(&rows);
    let shown = list.items.len();
    if let Some(total) = list.total.filter(|total| *total > shown as i64) {
        text.push_str(&format!("\n{shown} of {total} tasks: see --limit and --page"));
    }
    text
}

fn row(task: &Task) -> [String; 6] {
    let facts = [
        task.resolution.as_ref().map(ToString::to_string),
        task.ratio.as_ref().map(ToString::to_string),
        task.duration.map(|seconds| format!("{seconds} s")),
        task.frames.map(|frames| format!("{frames} frames")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let tokens = task.usage.as_ref().and_then(|usage| usage.completion_tokens);
    [
        task.id.clone(),
        task.status.to_string(),
        task.created_at.map(time).unwrap_or_default(),
        task.model.clone(),
        facts.join(" "),
        tokens.map(|tokens| tokens.to_string()).unwrap_or_default(),
    ]
}

/// The service's models.
pub(crate) fn models(models: &[&ModelInfo]) -> String {
    if models.is_empty() {
        return "no models".to_owned();
    }
    let mut rows = vec![["MODEL", "STATUS", "TASKS"].map(str::to_owned)];
    rows.extend(models.iter().map(|model| {
        let status = model.status.as_ref().map_or("available".to_owned(), ToString::to_string);
        [model.id.clone(), status, model.task_type.clone().unwrap_or_default().join(", ")]
    }));
    table(&rows)
}

/// Columns as wide as their widest cell.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    // Each cell is escaped twice rather than kept: a table may have a hundred thousand rows.
    let shown = |cell: &String| shortened(&one_line(cell), WIDEST);
    let width = |at: usize| rows.iter().map(|row| shown(&row[at]).chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut table = String::new();
    for row in rows {
        if !table.is_empty() {
            table.push('\n');
        }
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = write!(table, "{}{:<width$}", if at == 0 { "" } else { "  " }, shown(cell));
        }
        table.truncate(table.trim_end_matches(' ').len());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_write_them() {
        assert_eq!([999, 1_500, 3_449_000].map(bytes), ["999 bytes", "2 kB", "3.4 MB"]);
        assert_eq!([0, 89, 200, 7_500].map(seconds), ["0 s", "89 s", "3 min 20 s", "2 h 5 min"]);
        assert_eq!(time(1_700_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(time(i64::MAX), "2262-04-11 23:47:16 UTC");
    }

    #[test]
    fn a_list_is_a_table() {
        let page: TaskList = serde_json::from_str(
            r#"{"total": 3, "items": [
                {"id": "cgt-1", "model": "doubao-seedance-2-0-260128", "status": "succeeded", "created_at": 1700000000,
                 "resolution": "720p", "ratio": "16:9", "duration": 5, "usage": {"completion_tokens": 108900}},
                {"id": "cgt-22", "model": "m\u001b[2J", "status": "queued"}]}"#,
        )
        .unwrap();
        insta::assert_snapshot!(list(&page), @r#"
        ID      STATUS     CREATED                  MODEL                       VIDEO          TOKENS
        cgt-1   succeeded  2023-11-14 22:13:20 UTC  doubao-seedance-2-0-260128  720p 16:9 5 s  108900
        cgt-22  queued                              m\u{1b}[2J
        2 of 3 tasks: see --limit and --page
        "#);
        insta::assert_snapshot!(task(&page.items[0]), @r#"
        cgt-1: succeeded (720p, 16:9, 5 s, 108900 tokens)
        model     doubao-seedance-2-0-260128
        created   2023-11-14 22:13:20 UTC
        "#);
        assert_eq!(list(&serde_json::from_str(r#"{"items": null}"#).unwrap()), "no tasks");
    }
}

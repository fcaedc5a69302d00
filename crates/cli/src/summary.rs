//! Tasks, lists and models as text.

use std::fmt::Write as _;

use ark_video::model::{Task, TaskList};
use ark_video_batch::grouped;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::escape::{one_line, shortened};
use crate::json::ServiceModel;
use crate::price;

/// The widest cell of a table, in characters.
const WIDEST: usize = 160;
/// What is left of a column that is cut to fit the terminal.
const NARROWEST: usize = 12;

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
    match Timestamp::from_millisecond(ark_video::transport::unix_millis(unix)) {
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
pub(crate) fn list(list: &TaskList, columns: Option<u16>) -> String {
    if list.items.is_empty() {
        return "no tasks".to_owned();
    }
    let mut rows = vec![["ID", "STATUS", "CREATED", "MODEL", "VIDEO", "TOKENS"].map(str::to_owned)];
    rows.extend(list.items.iter().map(row));
    let mut text = table(&rows, columns);
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
        tokens.map(|tokens| u64::try_from(tokens).map_or(tokens.to_string(), grouped)).unwrap_or_default(),
    ]
}

/// The service's models.
pub(crate) fn models(models: &[ServiceModel<'_>], columns: Option<u16>) -> String {
    if models.is_empty() {
        return "no models".to_owned();
    }
    let mut rows = vec![["MODEL", "STATUS", "TASKS", price::SECOND, price::MILLION].map(str::to_owned)];
    rows.extend(models.iter().map(|row| {
        let model = row.model;
        let status = model.status.as_ref().map_or("available".to_owned(), ToString::to_string);
        let [second, million] = price::cells(row.price.as_ref());
        [model.id.clone(), status, model.task_type.clone().unwrap_or_default().join(", "), second, million]
    }));
    table(&rows, columns)
}

/// Columns as wide as their widest cell. On a narrow terminal the widest are cut, but neither the
/// first nor the last (an id, a reason); where that is not enough, each row becomes a paragraph.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], columns: Option<u16>) -> String {
    // Each cell is escaped twice rather than kept: a table may have a hundred thousand rows.
    let shown = |cell: &String| shortened(&one_line(cell), WIDEST);
    let width = |at: usize| rows.iter().map(|row| shown(&row[at]).width()).max().unwrap_or(0);
    let mut widths: [usize; N] = std::array::from_fn(width);
    let most = columns.map_or(usize::MAX, usize::from);
    while widths.iter().sum::<usize>() + 2 * N.saturating_sub(1) > most {
        let widest = (1..N - 1).filter(|at| widths[*at] > NARROWEST).max_by_key(|at| widths[*at]);
        let Some(widest) = widest else { return paragraphs(rows) };
        widths[widest] -= 1;
    }
    let mut table = String::new();
    for row in rows {
        if !table.is_empty() {
            table.push('\n');
        }
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let cell = cut(shown(cell), width);
            let gap = width - cell.width();
            let _ = write!(table, "{}{cell}{:gap$}", if at == 0 { "" } else { "  " }, "");
        }
        table.truncate(table.trim_end_matches(' ').len());
    }
    table
}

/// At most so many columns of a terminal.
fn cut(text: String, most: usize) -> String {
    if text.width() <= most {
        return text;
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if cut.width() >= most {
            cut.pop();
            break;
        }
    }
    cut.push('…');
    cut
}

/// A row a paragraph: its first cell, then the others with their names.
fn paragraphs<const N: usize>(rows: &[[String; N]]) -> String {
    let Some((names, rows)) = rows.split_first() else { return String::new() };
    let longest = names.iter().skip(1).map(|name| name.width()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let mut cells = names.iter().zip(row.iter().map(|cell| one_line(cell)));
        let first = cells.next().map(|(_, first)| first).unwrap_or_default();
        let _ = write!(text, "{}{first}", if text.is_empty() { "" } else { "\n" });
        for (name, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            let _ = write!(text, "\n  {name:<longest$}  {cell}");
        }
    }
    text
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
    fn wide_characters_align_and_a_narrow_terminal_loses_nothing() {
        let rows = [
            ["SHOT", "PROMPT", "STATE"],
            ["港口", "A harbour at night, seen from the sea", "done"],
            ["s1", "夜晚的港口，从海上看", "failed"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        insta::assert_snapshot!(table(&rows, None), @r"
        SHOT  PROMPT                                 STATE
        港口  A harbour at night, seen from the sea  done
        s1    夜晚的港口，从海上看                   failed
        ");
        insta::assert_snapshot!(table(&rows, Some(40)), @r"
        SHOT  PROMPT                      STATE
        港口  A harbour at night, seen …  done
        s1    夜晚的港口，从海上看        failed
        ");
        insta::assert_snapshot!(table(&rows, Some(20)), @r"
        港口
          PROMPT  A harbour at night, seen from the sea
          STATE   done
        s1
          PROMPT  夜晚的港口，从海上看
          STATE   failed
        ");
        for columns in 26..60 {
            let text = table(&rows, Some(columns));
            assert!(text.lines().all(|line| line.width() <= usize::from(columns)), "{columns}: {text}");
        }
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
        insta::assert_snapshot!(list(&page, None), @r#"
        ID      STATUS     CREATED                  MODEL                       VIDEO          TOKENS
        cgt-1   succeeded  2023-11-14 22:13:20 UTC  doubao-seedance-2-0-260128  720p 16:9 5 s  108,900
        cgt-22  queued                              m\u{1b}[2J
        2 of 3 tasks: see --limit and --page
        "#);
        insta::assert_snapshot!(task(&page.items[0]), @r#"
        cgt-1: succeeded (720p, 16:9, 5 s, 108900 tokens)
        model     doubao-seedance-2-0-260128
        created   2023-11-14 22:13:20 UTC
        "#);
        assert_eq!(list(&serde_json::from_str(r#"{"items": null}"#).unwrap(), None), "no tasks");
    }
}

//! Markdown tables that a machine reads too: found by their header row, so that text around them
//! may move.

/// One row below the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Line in the document, from 1.
    pub(crate) line: usize,
    pub(crate) cells: Vec<String>,
}

impl Row {
    pub(crate) fn cell(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", String::as_str)
    }
}

/// The rows of the table whose header is exactly `header`; `None` when the document has no such
/// table.
pub(crate) fn find(markdown: &str, header: &[&str]) -> Option<Vec<Row>> {
    let mut lines = markdown.lines().enumerate();
    lines.by_ref().find(|(_, line)| cells(line).is_some_and(|cells| cells == header))?;
    lines.next()?; // the dashes
    Some(lines.map_while(|(at, line)| cells(line).map(|cells| Row { line: at + 1, cells })).collect())
}

fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

/// The names in a cell, with or without back quotes, separated by commas or blanks; `-` is "none".
pub(crate) fn names(cell: &str) -> Vec<String> {
    cell.split([',', ' '])
        .map(|name| name.trim_matches('`'))
        .filter(|name| !name.is_empty() && *name != "-")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# T\n\n| other | x |\n|---|---|\n| a | b |\n\n| crate | may use |\n|---|---|\n| `model` | - |\n| cli | `model`, protocol |\n\nend | of | text\n";

    #[test]
    fn a_table_is_found_by_its_header_and_ends_with_its_last_row() {
        let rows = find(TEXT, &["crate", "may use"]).expect("there");
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].line, rows[1].cell(0)), (10, "cli"));
        assert_eq!(names(rows[0].cell(0)), ["model"]);
        assert!(names(rows[0].cell(1)).is_empty());
        assert_eq!(names(rows[1].cell(1)), ["model", "protocol"]);
        assert_eq!(rows[1].cell(7), "");
    }

    #[test]
    fn a_missing_table_is_none() {
        assert_eq!(find(TEXT, &["crate", "must use"]), None);
    }
}

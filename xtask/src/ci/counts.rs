//! How many tests a runner says it ran, read from its closing lines: cargo-nextest's `Summary` and
//! libtest's `test result:`. Pure; anything else is no count.

use std::ops::AddAssign;

/// Whose output it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Nextest,
    /// `cargo test`, documentation tests included.
    Libtest,
}

/// Tests by how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Filtered out or marked as ignored by the runner itself.
    pub(crate) skipped: usize,
}

impl Counts {
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }

    /// Reads one more line of a runner's output. nextest closes with one line and shows libtest's
    /// lines of failed tests before it, so its last word counts; libtest has one line for each
    /// binary.
    pub(crate) fn read(&mut self, line: &str, runner: Runner) {
        match (runner, Self::from_line(line, runner)) {
            (_, None) => {}
            (Runner::Nextest, Some(counts)) => *self = counts,
            (Runner::Libtest, Some(counts)) => *self += counts,
        }
    }

    fn from_line(line: &str, runner: Runner) -> Option<Self> {
        let line = without_colours(line);
        let list = match runner {
            Runner::Nextest => line.trim().strip_prefix("Summary [")?.split_once("run: ")?.1,
            Runner::Libtest => line.strip_prefix("test result: ")?.split_once(". ")?.1,
        };
        let mut counts = Self::default();
        for part in without_brackets(list).split([',', ';']) {
            let mut parts = part.split_whitespace();
            let Some(number) = parts.next().and_then(|n| n.parse::<usize>().ok()) else { continue };
            match parts.collect::<Vec<_>>().join(" ").as_str() {
                "passed" => counts.passed += number,
                "failed" | "exec failed" | "timed out" => counts.failed += number,
                "skipped" | "ignored" => counts.skipped += number,
                _ => {}
            }
        }
        Some(counts)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    fn read(runner: Runner, lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        for line in lines {
            counts.read(line, runner);
        }
        counts
    }

    #[test]
    fn nextest_summaries_are_read() {
        for (line, expected) in [
            ("     Summary [   0.152s] 12 tests run: 12 passed, 3 skipped", counts(12, 0, 3)),
            ("     Summary [   1.000s] 1 test run: 1 passed, 0 skipped", counts(1, 0, 0)),
            (
                "     Summary [   9.1s] 5/10 tests run: 2 passed (1 slow, 1 flaky), 1 failed, 1 exec failed, 1 timed out, 2 skipped",
                counts(2, 3, 2),
            ),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] \u{1b}[1m12\u{1b}[0m tests run: \u{1b}[1m12\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
                counts(12, 0, 0),
            ),
        ] {
            assert_eq!(read(Runner::Nextest, &[line]), expected, "{line}");
        }
    }

    #[test]
    fn what_nextest_shows_of_failed_tests_is_not_counted_twice() {
        let lines = [
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 67 filtered out; finished in 0.83s",
            "    Summary [ 0.1s] 9 tests run: 9 passed, 0 skipped",
            "     Summary [   1.152s] 68 tests run: 67 passed, 1 failed, 0 skipped",
            "        FAIL [   0.695s] (68/68) xtask::bin/xtask tidy::tests::x",
        ];
        assert_eq!(read(Runner::Nextest, &lines), counts(67, 1, 0));
    }

    #[test]
    fn libtest_results_are_added_up() {
        let lines = [
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
            "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ];
        assert_eq!(read(Runner::Libtest, &lines), counts(10, 2, 1));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "test a ... ok",
            "12 passed",
            "Summary of the run: 3 passed",
            "Summary [",
            "test result: ",
            "",
            "\u{1b}[",
        ] {
            assert_eq!(read(Runner::Nextest, &[line]), Counts::default(), "{line}");
            assert_eq!(read(Runner::Libtest, &[line]), Counts::default(), "{line}");
        }
    }
}

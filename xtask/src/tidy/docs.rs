//! The documents: links between files of the repository lead somewhere, the two READMEs say the
//! same with the same code, the changelog has a head to write under. Never checks URLs outside the
//! repository.

use super::{Finding, Repo, is_vendored};

pub(crate) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings: Vec<Finding> = repo
        .with_ending(".md")
        .filter(|(path, _)| !is_vendored(path))
        .flat_map(|(path, text)| links(path, text, repo))
        .collect();
    findings.extend(readmes(repo.text("README.md"), repo.text("README.zh-CN.md")));
    findings.extend(changelog(repo.text("CHANGELOG.md")));
    findings.extend(decisions(repo));
    findings
}

/// Every decision is in the list of decisions, has a date, and follows the number before it.
fn decisions(repo: &Repo) -> Vec<Finding> {
    const FOLDER: &str = "docs/decisions/";
    let list = repo.text("docs/decisions/README.md").unwrap_or_default();
    let pages = repo
        .with_ending(".md")
        .filter_map(|(path, text)| Some((path.strip_prefix(FOLDER)?, text)))
        .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_digit()));
    let mut findings = Vec::new();
    for (number, (name, text)) in (1..).zip(pages) {
        let mut finding =
            |file: &str, message: String| findings.push(Finding::new(format!("{FOLDER}{file}"), 0, message));
        if !list.contains(&format!("({name})")) {
            finding("README.md", format!("`{name}` is not in the list: add its row"));
        }
        if !name.starts_with(&format!("{number:04}-")) {
            finding(name, format!("its number must be {number:04}: numbers have no gaps"));
        }
        if !text.lines().nth(2).is_some_and(|line| line.starts_with("20")) {
            finding(name, "its third line must start with the date of the decision".to_owned());
        }
    }
    findings
}

/// A markdown text taken apart: what stands outside of code fences, the headings, and the fenced
/// blocks.
struct Parts<'a> {
    prose: Vec<(usize, &'a str)>,
    headings: Vec<(usize, &'a str)>,
    blocks: Vec<(usize, String)>,
}

fn parts(text: &str) -> Parts<'_> {
    let mut parts = Parts { prose: Vec::new(), headings: Vec::new(), blocks: Vec::new() };
    let mut open: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let fence = &start[..start.len() - start.trim_start_matches('`').len()];
        match open {
            Some(opened) if fence.len() >= opened.len() && start.trim_end() == fence => open = None,
            Some(_) => {
                if let Some((_, block)) = parts.blocks.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
            None if fence.len() >= 3 => {
                open = Some(fence);
                parts.blocks.push((at + 1, format!("{}\n", start.trim_start_matches('`').trim())));
            }
            None => {
                if line.starts_with('#') && line.trim_start_matches('#').starts_with(' ') {
                    parts.headings.push((at + 1, line));
                }
                parts.prose.push((at + 1, line));
            }
        }
    }
    parts
}

fn links(path: &str, text: &str, repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, prose) in parts(text).prose {
        for target in targets(prose) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let resolved = if file.is_empty() { Some(path.to_owned()) } else { resolve(path, file) };
            let Some(resolved) = resolved.filter(|r| r.is_empty() || repo.paths.contains(r)) else {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("the link `{target}` leads to no file of the repository: correct or remove it"),
                ));
                continue;
            };
            let anchored = repo.text(&resolved).filter(|_| resolved.ends_with(".md") && !anchor.is_empty());
            if let Some(other) = anchored
                && !parts(other).headings.iter().any(|(_, heading)| slug(heading) == anchor)
            {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("the link `{target}`: {resolved} has no heading `#{anchor}`"),
                ));
            }
        }
    }
    findings
}

/// Link targets of a line of prose that point into the repository.
fn targets(prose: &str) -> Vec<&str> {
    let inline = prose.match_indices("](").filter_map(|(at, _)| prose[at + 2..].split(')').next());
    let reference = prose.starts_with('[').then(|| prose.split_once("]: ").map(|(_, rest)| rest)).flatten();
    inline
        .chain(reference)
        .filter_map(|target| target.split_whitespace().next())
        .map(|target| target.trim_matches(['<', '>']))
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// A relative link as a path from the root; `None` when it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if let Some(rooted) = link.strip_prefix('/') {
        return resolve("", rooted);
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/").trim_start_matches('/').to_owned())
}

/// The anchor that a rendered heading gets.
fn slug(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

fn readmes(english: Option<&str>, chinese: Option<&str>) -> Vec<Finding> {
    let (Some(english), Some(chinese)) = (english, chinese) else {
        let missing = if english.is_none() { "README.md" } else { "README.zh-CN.md" };
        return vec![Finding::new(missing, 0, "is missing: both READMEs are part of the project")];
    };
    let (english, chinese) = (parts(english), parts(chinese));
    let levels = |p: &Parts<'_>| -> Vec<usize> {
        p.headings.iter().map(|(_, h)| h.len() - h.trim_start_matches('#').len()).collect()
    };
    let mut findings = Vec::new();
    if levels(&english) != levels(&chinese) {
        let message = format!(
            "its {} headings do not stand as the {} of README.md do: translate section by section",
            chinese.headings.len(),
            english.headings.len()
        );
        findings.push(Finding::new("README.zh-CN.md", 0, message));
    }
    for (there, here) in english.blocks.iter().zip(&chinese.blocks).filter(|(there, here)| there.1 != here.1)
    {
        let message = format!("the code differs from README.md:{}: code is not translated, copy it", there.0);
        findings.push(Finding::new("README.zh-CN.md", here.0, message));
    }
    if english.blocks.len() != chinese.blocks.len() {
        let message = format!("{} code blocks, README.md has {}", chinese.blocks.len(), english.blocks.len());
        findings.push(Finding::new("README.zh-CN.md", 0, message));
    }
    findings
}

fn changelog(text: Option<&str>) -> Option<Finding> {
    let Some(text) = text else { return Some(Finding::new("CHANGELOG.md", 0, "is missing")) };
    let head = text.lines().enumerate().find(|(_, line)| line.starts_with("## "));
    let is_version = |line: &str| {
        let inner = line
            .trim_start_matches("## ")
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
            .unwrap_or("");
        inner == "Unreleased"
            || (inner.split('.').count() == 3 && inner.starts_with(|c: char| c.is_ascii_digit()))
    };
    match head {
        Some((_, line)) if is_version(line) => None,
        other => Some(Finding::new(
            "CHANGELOG.md",
            other.map_or(0, |(at, _)| at + 1),
            "the first section must be `## [Unreleased]` or `## [1.2.3] - date`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_links(text: &str) -> Vec<String> {
        let repo = Repo::of(&[
            ("docs/a.md", text),
            ("docs/b.md", "# One two\n"),
            ("schema/x.json", "{}"),
            ("README.md", ""),
        ]);
        links("docs/a.md", text, &repo).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "# Top\n[b](b.md) [c](./b.md#one-two) ![x](../schema/x.json) [r](/README.md) [f](../schema/) [self](#top)\n[web](https://example.com/none) [m](mailto:a@b)\n```\n[no](none.md)\n```\n\n[b]: b.md\n";
        assert_eq!(run_links(text), [""; 0]);
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let findings =
            run_links("# T\n[x](none.md)\n[y](b.md#three)\n[z](../../out.md)\n[b]: gone.md \"title\"\n");
        assert_eq!(findings.len(), 4, "{findings:?}");
        assert!(findings[0].starts_with("docs/a.md:2: the link `none.md`"));
        assert!(findings[1].contains("docs/b.md has no heading `#three`"));
    }

    #[test]
    fn an_anchor_is_the_heading_as_it_is_rendered() {
        assert_eq!(slug("## 3. A create, step by step"), "3-a-create-step-by-step");
        assert_eq!(slug("# `a_b` 中文"), "a_b-中文");
    }

    #[test]
    fn readmes_agree_in_headings_and_code() {
        let english = "# A\n## B\n```sh\n# not a heading\nrun\n```\n";
        assert_eq!(readmes(Some(english), Some("# 甲\n## 乙\n文\n```sh\n# not a heading\nrun\n```\n")), []);
        let other = readmes(Some(english), Some("# 甲\n```sh\nrun it\n```\n```\nmore\n```\n"));
        assert_eq!(other.len(), 3, "{other:?}");
        assert!(other[1].to_string().starts_with("README.zh-CN.md:2: the code differs from README.md:3"));
        assert_eq!(readmes(None, None)[0].file, "README.md");
        assert_eq!(readmes(Some(""), None)[0].file, "README.zh-CN.md");
    }

    #[test]
    fn every_decision_is_listed_dated_and_numbered() {
        let dated = "# 0001: A\n\n2026-11-30\n";
        let files = [
            ("docs/decisions/README.md", "[0001](0001-a.md) [0003](0003-c.md)"),
            ("docs/decisions/0001-a.md", dated),
            ("docs/decisions/0002-b.md", dated),
            ("docs/decisions/dependencies.md", ""),
        ];
        let messages = |files: &[(&str, &str)]| {
            decisions(&Repo::of(files)).iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(messages(&files), "docs/decisions/README.md: `0002-b.md` is not in the list: add its row");
        let gap = [files[0], files[1], ("docs/decisions/0003-c.md", "# 0003: C\n")];
        assert_eq!(messages(&gap).lines().count(), 2, "{}", messages(&gap));
    }

    #[test]
    fn the_changelog_has_a_head() {
        for good in ["# C\n\n## [Unreleased]\n", "## [0.1.0] - 2026-11-23\n"] {
            assert_eq!(changelog(Some(good)), None);
        }
        assert_eq!(changelog(Some("# C\n## Later\n")).map(|f| f.line), Some(2));
        assert!(changelog(Some("# C\n")).is_some() && changelog(None).is_some());
    }

    #[test]
    fn a_longer_fence_may_hold_a_shorter_one() {
        let parts = parts("````md\n```\n[x](y)\n```\n````\n# H\n");
        assert_eq!((parts.blocks.len(), parts.headings.len()), (1, 1));
    }
}

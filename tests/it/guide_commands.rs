//! Every `ark-video` command line of the README and the guides is accepted by the argument parser.
//! Runs nothing.

use std::fs;

use crate::cli::Shell;
use crate::examples::repository;

/// The arguments of a shell line up to a comment, a pipe or a redirection; double quotes group.
fn arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            arguments.push(part.to_owned());
            continue;
        }
        for argument in part.split_whitespace() {
            if argument == "#" || argument == "|" || argument.contains('>') {
                return arguments;
            }
            arguments.push(argument.to_owned());
        }
    }
    arguments
}

#[tokio::test]
async fn every_command_in_the_guides_is_accepted_by_the_parser() {
    let guides = fs::read_dir(repository("docs/guide")).unwrap().map(|entry| entry.unwrap().path());
    let pages = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let shell = Shell::new();
    let mut seen = 0;
    for page in pages.chain([repository("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        let lines = text.lines().map(|line| line.trim_start_matches("$ "));
        let commands =
            lines.flat_map(|line| line.split(" && ")).filter_map(|line| line.strip_prefix("ark-video "));
        // Prose about it, and a dependency in a manifest.
        let no_command = |command: &str| command.starts_with("is ") || command.starts_with("= ");
        for command in commands.filter(|command| !no_command(command)) {
            let mut line = arguments(command);
            // Before `--`, which starts the command to audit.
            let at = line.iter().position(|argument| argument == "--").unwrap_or(line.len());
            line.insert(at, "--help".to_owned());
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let ran = shell.run(&line).await;
            assert_eq!(ran.code, 0, "{}: {command}: {}", page.display(), ran.stderr);
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

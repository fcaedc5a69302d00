//! `man`: a page for each command, from the definition of the command line. Writes files in one
//! folder, and nothing else.

use std::io::Write;
use std::path::Path;

use ark_video::files::write_private;
use ark_video::model::catalog::Catalog;
use clap::Arg;
use clap_mangen::Man;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// `man FOLDER`
pub(crate) fn run(session: &Session, folder: &Path) -> Result<(), Failure> {
    let at = session.cwd.join(folder);
    let written = std::fs::create_dir_all(&at).and_then(|()| write(args::command(None), &at));
    written.map_err(|error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Output, format!("cannot write man pages to {}: {why}", folder.display()))
    })
}

/// Writes the page of a command and those of its commands.
fn write(command: clap::Command, folder: &Path) -> std::io::Result<()> {
    let command = command
        .mut_args(described)
        .mut_subcommands(|sub| if sub.get_name() == "help" { sub.hide(true) } else { sub });
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write(sub.clone(), folder)?;
    }
    let path = command.get_bin_name().unwrap_or_default().trim_start_matches("ark-video").trim().to_owned();
    let has_commands = command.has_subcommands();
    let source = concat!("ark-video ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).date(Catalog::builtin().edition.to_string()).source(source).manual(source);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    page.write_all(sections(&args::notes(&path)).as_bytes())?;
    if !path.is_empty() {
        page.write_all(b".SH \"SEE ALSO\"\nark\\-video(1) has the global options and the exit codes.\n")?;
    }
    let path = folder.join(man.get_filename());
    write_private(&path, &page)?;
    readable(&path)
}

/// An option with its description, also where the short help omits it, and its values in one line:
/// clap_mangen's list of them has empty paragraphs, which mandoc warns about.
fn described(arg: Arg) -> Arg {
    let arg = arg.hide_short_help(false);
    let values = arg.get_possible_values();
    if values.is_empty() || arg.is_hide_possible_values_set() {
        return arg;
    }
    let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = format!("{help} [possible values: {}]", values.join(", "));
    arg.long_help(help).hide_possible_values(true)
}

/// Unlike other files of the command, pages are for every user.
#[cfg(unix)]
fn readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Notes and examples as roff: a paragraph a line, indented lines as they are.
fn sections(notes: &str) -> String {
    let mut page = String::new();
    let (mut is_new, mut is_literal) = (true, false);
    let mut add = |line: &str| {
        page.push_str(line);
        page.push('\n');
    };
    for line in notes.lines().filter(|line| !line.is_empty()) {
        let literal = line.starts_with("  ");
        if is_literal && !literal {
            add(".fi");
        }
        if let Some(heading) = line.strip_suffix(':').filter(|_| !literal) {
            add(&format!(".SH \"{}\"", heading.to_uppercase()));
            (is_new, is_literal) = (false, false);
            continue;
        }
        match (literal, is_literal) {
            (true, false) => add(".nf"),
            (false, _) if is_new => add(".SH NOTES"),
            (false, _) => add(".PP"),
            (true, true) => {}
        }
        add(&escaped(line.strip_prefix("  ").unwrap_or(line)));
        (is_new, is_literal) = (false, literal);
    }
    if is_literal {
        add(".fi");
    }
    page
}

/// Text that roff does not interpret.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_paragraphs_and_examples_lines() {
        insta::assert_snapshot!(sections("One.\nTwo-way.\n\nExamples:\n  a -b \\\n  .c\nLast."), @r#"
        .SH NOTES
        One.
        .PP
        Two\-way.
        .SH "EXAMPLES"
        .nf
        a \-b \e
        \&.c
        .fi
        .PP
        Last.
        "#);
    }
}

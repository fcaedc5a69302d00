//! Names of shots and paths of videos: what may stand in them, and that no two videos meet in one
//! place. Pure; touches no file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::finding::{At, Findings, is_hidden, shown};
use super::shape::Shot;

/// Longest file name, in bytes: room for `.part`, `.ark-video.json` and the like beside it.
const LONGEST: usize = 150;

/// Why a name cannot be a shot's.
pub(super) fn fault(name: &str) -> Option<&'static str> {
    let reserved = |c: char| "/\\:*?\"<>|#@".contains(c);
    if name.is_empty() || name.chars().count() > 100 || name.len() > LONGEST - 20 {
        Some("A name has 1 to 100 characters, and at most 130 bytes.")
    } else if name.chars().any(is_hidden) {
        Some("There is a control character in it, or one that hides or turns text.")
    } else if name.chars().any(reserved) {
        Some("None of / \\ : * ? \" < > | # @ may stand in a name: it becomes a file's.")
    } else {
        component(name)
    }
}

/// Why a component cannot be a part of a path on every system.
fn component(part: &str) -> Option<&'static str> {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if part.is_empty() {
        Some("It is absolute, or a part of it is empty.")
    } else if part.starts_with('.') {
        Some("It begins with a dot: it would be hidden, or lead out of its folder.")
    } else if part.starts_with(['-', ' ']) || part.ends_with(['.', ' ']) {
        Some("It begins with a dash or a space, or ends with a dot or a space.")
    } else if device {
        Some("Windows keeps this name for a device.")
    } else if part.len() > LONGEST {
        Some("It is longer than 150 bytes.")
    } else {
        None
    }
}

/// What a template is filled in with.
pub(super) struct TemplateValues<'a> {
    pub(super) batch: &'a str,
    pub(super) name: &'a str,
    pub(super) model: &'a str,
    pub(super) seed: Option<i64>,
    /// From 0.
    pub(super) place: usize,
    /// `mp4` or `mov`.
    pub(super) extension: &'a str,
    pub(super) variant: bool,
}

impl<'a> TemplateValues<'a> {
    /// Those of the job with this seed and place in the list.
    pub(super) fn of(
        shot: &'a Shot,
        body: &'a Map<String, Value>,
        batch: &'a str,
        seed: Option<i64>,
        place: usize,
    ) -> Self {
        let seed = seed.or_else(|| body.get("seed").and_then(Value::as_i64));
        Self {
            batch,
            name: &shot.name,
            model: body.get("model").and_then(Value::as_str).unwrap_or_default(),
            seed: seed.filter(|seed| *seed >= 0),
            place,
            extension: if body.get("output_format").and_then(Value::as_str) == Some("mov") {
                "mov"
            } else {
                "mp4"
            },
            variant: shot.has_variants(),
        }
    }
}

/// The path of a video within the output folder.
pub(super) fn output(template: Option<&str>, values: &TemplateValues<'_>) -> Result<String, String> {
    let default = format!("{}.{}", if values.variant { "{name}-{seed}" } else { "{name}" }, values.extension);
    let path = filled(template.unwrap_or(&default), values)?;
    if path.chars().any(|c| is_hidden(c) || "\\:*?\"<>|".contains(c)) {
        return Err("None of \\ : * ? \" < > | and no hidden character may stand in a path.".to_owned());
    }
    if let Some(fault) = path.split('/').find_map(component) {
        return Err(fault.to_owned());
    }
    if !path.to_ascii_lowercase().ends_with(&format!(".{}", values.extension)) {
        return Err(format!("The video is an {0}: the name must end in .{0}.", values.extension));
    }
    Ok(path)
}

fn filled(template: &str, values: &TemplateValues<'_>) -> Result<String, String> {
    let mut path = String::with_capacity(template.len() + values.name.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let (word, after) = after.split_once('}').ok_or("A { is never closed.")?;
        match word {
            "name" => path.push_str(values.name),
            "batch" => path.push_str(values.batch),
            "index" => path.push_str(&format!("{:04}", values.place + 1)),
            "model" => path.extend(
                values.model.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }),
            ),
            "seed" => match values.seed {
                Some(seed) => path.push_str(&seed.to_string()),
                None => return Err("There is no seed to put into {seed}.".to_owned()),
            },
            other => {
                return Err(format!(
                    "{{{}}} is nothing that can be filled in: there are {{name}}, {{seed}}, {{index}}, {{batch}} and {{model}}.",
                    shown(other)
                ));
            }
        }
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// The names and outputs that a list has used so far, in lower case, with the shot or job that uses
/// them; `None` where that is the same text.
#[derive(Default)]
pub(super) struct UsedNames {
    names: BTreeMap<String, Option<Box<str>>>,
    outputs: BTreeMap<String, Option<Box<str>>>,
}

/// Uses a name. Who used it before.
fn replace(used: &mut BTreeMap<String, Option<Box<str>>>, name: String, by: &str) -> Option<String> {
    let by = (name != by).then(|| by.into());
    match used.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(by);
            None
        }
        Entry::Occupied(mut entry) => {
            let first = entry.insert(by);
            Some(first.map_or_else(|| entry.key().clone(), String::from))
        }
    }
}

impl UsedNames {
    /// Takes a shot's name, or says why not; names that only differ in case would meet on many
    /// disks.
    pub(super) fn name(&mut self, at: At<'_>, name: &str, findings: &mut Findings<'_>) -> bool {
        let before = findings.count();
        if let Some(message) = fault(name) {
            findings.say("name", at, message).advice("Rename the shot.");
        } else if let Some(first) = replace(&mut self.names, name.to_lowercase(), name) {
            let message = match first == name {
                true => "Another shot has this name.".to_owned(),
                false => {
                    format!("Another shot is called `{}`: only upper and lower case differ.", shown(&first))
                }
            };
            findings.say("name", at, message).advice("Rename one of them.");
        }
        findings.count() == before
    }

    /// Takes a video's path, without its extension: the last frame lies beside it.
    pub(super) fn output(&mut self, at: At<'_>, job: &str, path: &str, findings: &mut Findings<'_>) {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_lowercase();
        if let Some(first) = replace(&mut self.outputs, stem, job) {
            let message = format!("{} goes to the same place, {}.", shown(&first), shown(path));
            findings
                .say("output", at, message)
                .advice("Put {name}, and with variants {seed}, into `output`.");
        }
    }
}

/// Where a video goes: the list's folder, the output folder, the path in it.
pub(super) fn place(base: &Path, folder: &str, path: &str) -> PathBuf {
    base.join(folder).join(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(name: &str) -> TemplateValues<'_> {
        TemplateValues {
            batch: "b",
            name,
            model: "ep-1/../x",
            seed: Some(7),
            place: 2,
            extension: "mp4",
            variant: false,
        }
    }

    #[test]
    fn a_template_is_filled_in() {
        let path = |template: &str| output(Some(template), &values("tea"));
        assert_eq!(output(None, &values("tea")).as_deref(), Ok("tea.mp4"));
        assert_eq!(
            output(None, &TemplateValues { variant: true, ..values("tea") }).as_deref(),
            Ok("tea-7.mp4")
        );
        assert_eq!(
            path("{batch}/{index}-{name}-{seed}-{model}.MP4").as_deref(),
            Ok("b/0003-tea-7-ep-1____x.MP4")
        );
        for template in [
            "{nme}.mp4",
            "{name.mp4",
            "/etc/{name}.mp4",
            "../{name}.mp4",
            "a/../{name}.mp4",
            "a//b.mp4",
            "a.mov",
            "a",
            ".mp4",
            "a\\b.mp4",
            "c:a.mp4",
            "nul.mp4",
            "a/con .x.mp4",
            " a.mp4",
            "a\u{202e}4pm.mp4",
            "a\n.mp4",
        ] {
            assert!(path(template).is_err(), "{template:?}");
        }
        assert!(path(&format!("{}.mp4", "x".repeat(150))).is_err());
        assert!(output(Some("{seed}.mp4"), &TemplateValues { seed: None, ..values("tea") }).is_err());
    }

    #[test]
    fn names_that_would_be_trouble_are_refused() {
        for name in ["kettle", "Act 1 - the boat", "第一幕", "a.b_c-d", "01"] {
            assert_eq!(fault(name), None, "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "a\\b",
            "a#1",
            "a@2",
            "-rf",
            "a ",
            "a.",
            "COM1",
            "nul.tar",
            "a\u{0}b",
            "a\u{7f}",
            "\u{202e}gpm.4pm",
            "a\u{200b}b",
            "a:b",
            "a|b",
            "a*",
            "\u{feff}a",
        ] {
            assert!(fault(name).is_some(), "{name:?}");
        }
        assert!(fault(&"é".repeat(66)).is_some());
    }

    proptest! {
        #[test]
        fn a_path_never_leaves_its_folder(template in "\\PC{0,20}|[./{}a-z\\\\]{0,12}(mp4)?", name in "[a-z./\\\\]{0,8}") {
            if let Ok(path) = output(Some(&template), &values(&name)) {
                let joined = place(Path::new("/base"), "videos", &path);
                prop_assert!(joined.starts_with("/base/videos"));
                prop_assert!(joined.components().all(|part| part != std::path::Component::ParentDir));
            }
        }
    }
}

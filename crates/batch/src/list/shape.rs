//! A shot as it was written: our own members, typed one by one, and the API's, over the defaults.
//! Says what has the wrong form, all of it at once; what the request means is the checks' to judge.

use std::collections::{BTreeMap, BTreeSet};

use ark_video::model::catalog::Catalog;
use ark_video::model::check::{Facts, check_json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::finding::{At, Findings, shown};
use crate::Link;

/// The members of a shot that are not the API's. The schema for editors has the same
/// (`schema/ark-video.batch.schema.json`).
pub(super) const OWN: [&str; 12] = [
    "name",
    "output",
    "seeds",
    "variants",
    "after",
    "tags",
    "prompt",
    "first_frame",
    "last_frame",
    "references",
    "draft_task",
    "extra_body",
];
/// What a shot is made from: where it names any itself, the defaults' do not apply.
const MEDIA: [&str; 5] = ["first_frame", "last_frame", "references", "draft_task", "content"];
/// What a final has from its draft, so that defaults for it do not apply.
const OF_THE_DRAFT: [&str; 12] = [
    "prompt",
    "duration",
    "frames",
    "ratio",
    "seed",
    "seeds",
    "variants",
    "generate_audio",
    "camera_fixed",
    "draft",
    "tools",
    "omni_reference_task_type",
];
/// Jobs that one shot may make.
const MOST_VARIANTS: usize = 10_000;
/// The largest seed (create page, 2026-10).
const MOST_SEED: i64 = 4_294_967_295;

/// Which shot a shot follows, as it was written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AfterField {
    pub(super) shot: String,
    pub(super) link: Link,
    #[serde(default)]
    pub(super) approve: bool,
}

/// A shot, with the defaults under it.
pub(super) struct Shot {
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) output: Option<String>,
    /// One for each job; a single `None` where there are no variants.
    pub(super) seeds: Vec<Option<i64>>,
    /// The member that the variants are from.
    pub(super) variants_by: &'static str,
    pub(super) after: Option<AfterField>,
    pub(super) tags: Vec<String>,
    pub(super) prompt: Option<String>,
    pub(super) first_frame: Option<String>,
    pub(super) last_frame: Option<String>,
    pub(super) references: Vec<String>,
    pub(super) draft_task: Option<String>,
    /// The API's own members.
    pub(super) request: Map<String, Value>,
    /// Members that the user insists on, known or not.
    pub(super) extra: Map<String, Value>,
    /// Whether something of its form is wrong: then something may be missing that was meant to be
    /// there.
    pub(super) broken: bool,
    inherited: BTreeSet<String>,
}

impl Shot {
    /// The place of a member, in the shot or in the defaults.
    pub(super) fn at<'a>(&'a self, pointer: &'a str) -> At<'a> {
        let first = pointer.split('/').nth(1).unwrap_or_default();
        if self.inherited.contains(first) {
            At::Inherited(self.place, &self.name, pointer)
        } else {
            At::Shot(self.place, &self.name, pointer)
        }
    }

    /// Writes the id of its model in the place of a name.
    pub(super) fn set_model_id(&mut self, ids: &BTreeMap<String, String>) {
        if let Some(Value::String(model)) = self.request.get_mut("model")
            && let Some(id) = ids.get(model)
        {
            model.clone_from(id);
        }
    }

    pub(super) fn has_variants(&self) -> bool {
        self.seeds.iter().any(Option::is_some)
    }

    pub(super) fn link(&self) -> Option<Link> {
        self.after.as_ref().map(|after| after.link)
    }

    /// Reads a shot. What is wrong with it is said; what is left of it is given all the same.
    pub(super) fn read(
        place: usize,
        shot: &Value,
        defaults: &Map<String, Value>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let before = findings.count();
        let unnamed = format!("shot {}", place + 1);
        let Some(own) = shot.as_object() else {
            findings.say("type", At::Shot(place, &unnamed, ""), "A shot must be an object.");
            return None;
        };
        let name = match own.get("name") {
            Some(Value::String(name)) => name.clone(),
            given => {
                let what =
                    if given.is_some() { "`name` must be a string." } else { "The shot has no `name`." };
                findings.say("name", At::Shot(place, &unnamed, ""), what);
                unnamed
            }
        };
        let (mut members, inherited) = merged(own, defaults);
        members.remove("name");
        let mut taken = Taken { place, name: &name, inherited: &inherited, findings };
        let output = taken.one(&mut members, "output", "a text");
        let seeds: Option<Vec<i64>> =
            taken.one(&mut members, "seeds", "a list of integers from 0 to 4294967295");
        let variants: Option<i64> = taken.one(&mut members, "variants", "an integer from 1 to 10000");
        let after = taken.one(
            &mut members,
            "after",
            "an object with `shot`, `link` (last_frame, draft or extend) and perhaps `approve`",
        );
        let tags = taken.one(&mut members, "tags", "a list of texts").unwrap_or_default();
        let prompt = taken.one(&mut members, "prompt", "a text");
        let first_frame =
            taken.one(&mut members, "first_frame", "a text: a file, an https URL or asset://ID");
        let last_frame = taken.one(&mut members, "last_frame", "a text: a file, an https URL or asset://ID");
        let references = taken
            .one(&mut members, "references", "a list of texts: files, https URLs or asset://ID")
            .unwrap_or_default();
        let draft_task = taken.one(&mut members, "draft_task", "a text: the id of a draft's task");
        let extra = taken.one(&mut members, "extra_body", "an object").unwrap_or_default();
        let mut read = Self {
            place,
            name,
            output,
            seeds: vec![None],
            variants_by: if variants.is_some() { "variants" } else { "seeds" },
            after,
            tags,
            prompt,
            first_frame,
            last_frame,
            references,
            draft_task,
            request: members,
            extra,
            broken: false,
            inherited,
        };
        read.expand(seeds, variants, findings);
        read.check_tags(findings);
        read.check_content(findings);
        read.broken = findings.count() > before;
        Some(read)
    }

    /// One job for each seed.
    fn expand(&mut self, seeds: Option<Vec<i64>>, variants: Option<i64>, findings: &mut Findings<'_>) {
        let wrong = |findings: &mut Findings<'_>, this: &Self, member: &str, message: &str| {
            findings.say("variants", this.at(member), message).advice.clear();
        };
        let base = self.request.get("seed").and_then(Value::as_i64).filter(|seed| *seed >= 0);
        let said_seed = self.request.contains_key("seed") && !self.inherited.contains("seed");
        let seeds: Vec<i64> = match (seeds, variants) {
            (None, None) => return,
            (Some(_), Some(_)) => {
                return wrong(findings, self, "/variants", "`seeds` and `variants` say the same: keep one.");
            }
            (Some(_), None) if said_seed => {
                return wrong(findings, self, "/seed", "`seed` and `seeds` say the same: keep one.");
            }
            (Some(seeds), None) => seeds,
            (None, Some(count))
                if usize::try_from(count).is_ok_and(|count| (1..=MOST_VARIANTS).contains(&count)) =>
            {
                let first = base.unwrap_or(1);
                (first..first.saturating_add(count)).collect()
            }
            (None, Some(_)) => {
                return wrong(findings, self, "/variants", "`variants` must be an integer from 1 to 10000.");
            }
        };
        let distinct: BTreeSet<i64> = seeds.iter().copied().collect();
        if seeds.is_empty() || seeds.len() > MOST_VARIANTS {
            return wrong(findings, self, "/seeds", "`seeds` must hold 1 to 10000 seeds.");
        }
        if distinct.len() != seeds.len() {
            return wrong(findings, self, "/seeds", "A seed stands twice in `seeds`.");
        }
        if seeds.iter().any(|seed| !(0..=MOST_SEED).contains(seed)) {
            return wrong(findings, self, "/seeds", "A seed must be an integer from 0 to 4294967295.");
        }
        self.request.remove("seed");
        self.seeds = seeds.into_iter().map(Some).collect();
    }

    fn check_tags(&self, findings: &mut Findings<'_>) {
        let odd = |tag: &&String| {
            tag.is_empty() || tag.chars().count() > 100 || tag.chars().any(super::finding::is_hidden)
        };
        if let Some(at) = self.tags.iter().position(|tag| odd(&tag)) {
            let pointer = format!("/tags/{at}");
            findings.say("tags", self.at(&pointer), "A tag is 1 to 100 visible characters.");
        }
    }

    /// `content` is the whole input, or there is none.
    fn check_content(&self, findings: &mut Findings<'_>) {
        let conveniences = [
            ("prompt", self.prompt.is_some()),
            ("first_frame", self.first_frame.is_some()),
            ("last_frame", self.last_frame.is_some()),
            ("references", !self.references.is_empty()),
            ("draft_task", self.draft_task.is_some()),
            ("after", self.after.is_some()),
        ];
        let said = conveniences.iter().find(|(_, said)| *said).map(|(name, _)| *name);
        if let (true, Some(said)) = (self.request.contains_key("content"), said) {
            findings
                .say(
                    "content",
                    self.at("/content"),
                    format!("`content` is the whole input, and `{said}` adds to it."),
                )
                .advice("Keep one of them.");
        }
        if self.draft_task.is_some() && self.link() == Some(Link::Draft) {
            findings.say("content", self.at("/draft_task"), "The draft is named twice, here and in `after`.");
        }
    }
}

/// Reads our own members out of a shot.
struct Taken<'t, 'd> {
    place: usize,
    name: &'t str,
    inherited: &'t BTreeSet<String>,
    findings: &'t mut Findings<'d>,
}

impl Taken<'_, '_> {
    fn one<T: DeserializeOwned>(
        &mut self,
        members: &mut Map<String, Value>,
        name: &str,
        expected: &str,
    ) -> Option<T> {
        let value = members.remove(name)?;
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let mut pointer = format!("/{name}");
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                serde_path_to_error::Segment::Map { key } => pointer.push_str(&format!("/{key}")),
                _ => break,
            }
        }
        let at = match self.inherited.contains(name) {
            true => At::Inherited(self.place, self.name, &pointer),
            false => At::Shot(self.place, self.name, &pointer),
        };
        self.findings.say("type", at, format!("`{name}` must be {expected}."));
        None
    }
}

/// The defaults under a shot. A null takes a default away.
fn merged(own: &Map<String, Value>, defaults: &Map<String, Value>) -> (Map<String, Value>, BTreeSet<String>) {
    let says = |name: &str| own.get(name).is_some_and(|value| !value.is_null());
    let link = own.get("after").and_then(|after| after.get("link")).and_then(Value::as_str);
    let media = MEDIA.iter().any(|name| says(name)) || says("after");
    let is_final = says("draft_task") || link == Some("draft");
    let displaced = |name: &str| match name {
        "prompt" => says("content"),
        "content" => says("prompt"),
        "seeds" | "variants" => says("seeds") || says("variants") || says("seed"),
        "seed" => says("seeds"),
        "duration" => says("frames"),
        "frames" => says("duration"),
        _ => false,
    };
    let mut members = Map::new();
    let mut inherited = BTreeSet::new();
    for (name, value) in defaults {
        let name = name.as_str();
        let gives_way =
            (media && MEDIA.contains(&name)) || (is_final && OF_THE_DRAFT.contains(&name)) || displaced(name);
        let kept = !own.contains_key(name) && !value.is_null() && !gives_way;
        if kept {
            members.insert(name.to_owned(), value.clone());
            inherited.insert(name.to_owned());
        }
    }
    members.extend(
        own.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
    );
    (members, inherited)
}

/// What may not stand in the defaults, or is none of ours beside the shots.
pub(super) fn check_head(head: &Map<String, Value>, known: &[&str], findings: &mut Findings<'_>) {
    for name in head.keys().filter(|name| !known.contains(&name.as_str())) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let message = format!("`{}` is not a field of a list.", shown(name));
        findings
            .say("unknown-member", At::List(&pointer), message)
            .advice(format!("A list has {}; common fields are in `defaults`.", known.join(", ")));
    }
    let Some(defaults) = head.get("defaults").and_then(Value::as_object) else {
        return;
    };
    for name in ["name", "after"].into_iter().filter(|name| defaults.contains_key(*name)) {
        let pointer = format!("/defaults/{name}");
        findings.say("defaults", At::List(&pointer), format!("`{name}` is each shot's own."));
    }
}

/// A column of a table that is not a field: what may be meant.
pub(super) fn unknown_column(name: &str, catalog: &Catalog, findings: &mut Findings<'_>) {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-', ' '], "");
    let own = OWN.iter().find(|own| plain(own) == plain(name) || is_near(own, name));
    let meant = match (name.to_ascii_lowercase().as_str(), own) {
        ("id" | "shot" | "title", _) => Some("name"),
        ("text", _) => Some("prompt"),
        ("image", _) => Some("first_frame"),
        ("file" | "filename", _) => Some("output"),
        (_, own) => own.copied(),
    };
    let advice = match meant {
        Some(meant) => format!("Did you mean `{meant}`?"),
        // The checks know the names of other APIs.
        None => {
            let body = json!({ "model": "m", "content": [], name: "" });
            let (_, report) = check_json(&body, catalog, &Facts::new());
            let found = report.findings.into_iter().find(|finding| finding.rule == "unknown-member");
            found
                .map(|finding| finding.advice.into_owned())
                .filter(|advice| advice.contains('`'))
                .unwrap_or_else(|| {
                    "Rename or remove the column; fields that only you know go into `extra_body`.".to_owned()
                })
        }
    };
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let message = match name {
        "" => "A column has no name.".to_owned(),
        name => format!("The column `{}` is neither a field of a shot nor of the API.", shown(name)),
    };
    findings.say("unknown-member", At::List(&pointer), message).advice(advice);
}

/// Whether two names differ by one letter, or by two neighbours in the other order.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.chars().collect(), other.to_lowercase().chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (rest, other_rest) = (&one[same..], &other[same..]);
    let tail = |a: &[char], b: &[char], skip: (usize, usize)| a.get(skip.0..) == b.get(skip.1..);
    let swapped =
        rest.len() > 1 && other_rest.len() > 1 && rest[0] == other_rest[1] && rest[1] == other_rest[0];
    tail(rest, other_rest, (1, 0))
        || tail(rest, other_rest, (0, 1))
        || tail(rest, other_rest, (1, 1))
        || (swapped && tail(rest, other_rest, (2, 2)))
}

/// Whether a member is ours and not the API's.
pub(super) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

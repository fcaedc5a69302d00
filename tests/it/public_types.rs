//! The traits of every public type: `docs/reference/public-types.md`, written from what the
//! compiler says and compared with the sources, so that no type is missing.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use ark_video_media as media;
use ark_video_model as model;
use ark_video_protocol as protocol;
use ark_video_transport as transport;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/public-types.md");
const TRAITS: [&str; 8] =
    ["Debug", "Clone", "PartialEq", "Serialize", "Deserialize", "JsonSchema", "Error", "Send + Sync"];

/// What a type is for, and which of [`TRAITS`] it must have.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Values that users store, log and compare.
    Data,
    /// Borrows from other data.
    View,
    /// Makes data.
    Builder,
    Error,
    /// Changes over time, or holds a resource.
    State,
}

impl Kind {
    fn required(self) -> &'static [&'static str] {
        match self {
            Self::Data => &["Debug", "Clone", "PartialEq", "Serialize", "Deserialize", "Send + Sync"],
            Self::View => &["Debug", "Clone", "PartialEq", "Send + Sync"],
            Self::Builder => &["Debug", "Clone", "Send + Sync"],
            Self::Error => &["Debug", "Serialize", "Error", "Send + Sync"],
            Self::State => &["Debug", "Send + Sync"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::View => "view",
            Self::Builder => "builder",
            Self::Error => "error",
            Self::State => "state",
        }
    }
}

struct Row {
    name: String,
    kind: Kind,
    has: [bool; 8],
}

/// Whether a type has a trait. An inherent constant takes precedence over that of a trait, and
/// exists only where the bound holds.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "one of the two is used for each type")]
        trait Without {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Without for T {}
        #[allow(dead_code, reason = "one of the two is used for each type")]
        struct With<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "one of the two is used for each type")]
        impl<T: ?Sized + $($bound)+> With<T> {
            const HAS: bool = true;
        }
        <With<$type>>::HAS
    }};
}

macro_rules! rows {
    ($($kind:ident: $($type:ty),+;)+) => {
        vec![$($(Row {
            name: stringify!($type).replace(' ', ""),
            kind: Kind::$kind,
            has: [
                has!($type: std::fmt::Debug),
                has!($type: Clone),
                has!($type: PartialEq),
                has!($type: serde::Serialize),
                has!($type: serde::de::DeserializeOwned),
                has!($type: schemars::JsonSchema),
                has!($type: Error),
                has!($type: Send + Sync),
            ],
        }),+),+]
    };
}

fn model_rows() -> Vec<Row> {
    use model::{catalog::*, check::*, error_code::*, estimate::*, prompt::*, *};
    rows! {
        Data: AudioContent, AudioRole, ContentItem, CreateTaskRequest, CreateTaskResponse, DraftTaskContent, DraftTaskRef,
            ErrorCode, ImageContent, ImageRole, MediaUrl, Modalities, ModelInfo, ModelList, ModelStatus,
            OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier, Task, TaskCallback, TaskContent, TaskError,
            TaskList, TaskStatus, TextContent, Tool, ToolType, ToolUsage, Usage, VideoContent, VideoRole;
        View: OtherObject, OtherValue;
        Builder: AudioSource, DraftToVideo, FirstAndLastFrame, ImageSource, ImageToVideo, ReferenceToVideo, TextToVideo,
            VideoSource;
        Data: AnyCell, AudioLimits, Availability, Billing, Catalog, Cell<i64>, Confidence, Decimal, Defaults, DurationRule,
            Factors, Family, Format, ImageLimits, InputSeconds, RequestLimits, Map<u8>, MediaLimits, MisspelledId, Model,
            OpenQuestion, Pixels, PlanName, Price, Rate, Site, Source, Span<i64>, StepRange, StringSet, VideoLimits;
        View: ModelRules<'static>, Why<'static>, WhySkipped<'static>;
        Error: CatalogError, NotDecimal;
        Data: Facts, Finding, MediaFacts, MediaFormat, MediaKind, Mode, Note, Report, Severity;
        Data: ErrorClass;
        View: ErrorInfo;
        Data: Bill, BilledLength, Estimate, PriceEstimate;
        Data: ExtractedFlag, Setting;
        View: PromptFlag<'static>, PromptFlags<'static>;
    }
}

fn media_rows() -> Vec<Row> {
    use media::*;
    rows! {
        Data: Complete, MediaOrigin, MediaRole, ResolvedMedia;
        View: MediaSpec<'static>;
        Error: MediaSpecError, ProbeError;
    }
}

fn protocol_rows() -> Vec<Row> {
    use protocol::{
        body::*, callback::*, download::*, limit::*, outcome::*, reconcile::*, retry::*, wait::*, watch::*, *,
    };
    rows! {
        Data: ApiError, RequestedSettings, Backoff, BaseUrl, Class, Difference, Endpoint, EnvelopeKind, RetryAfter, Route, SendErrorKind,
            SendStage;
        View: Cause<'static>, Failure<'static>;
        Error: ApiError, BaseUrlError, RequestError, SendError;
        Data: create::Request, get::Request, list::Request, delete::Request, models::Request;
        Data: Source;
        View: Token, Segment, BodyPlan;
        Data: Hint, TokenHash, Heard;
        Error: CallbackError;
        State: Inbox;
        Data: DownloadRetry, Expected, Head, Kept, UrlPolicy, Part, InsecureHttp, AddressPolicy;
        View: ErrorKind<'static>;
        State: Attempts;
        Error: DownloadRefusal;
        Data: RateLimitKey, RateLimits, Permit;
        State: RateLimiter;
        Data: CreateOutcome, Refusal, UnknownReason, Unread;
        Data: Candidate, Doubt, Evidence, Correlation, CorrelationOptions, ReconcileOptions, UnresolvedCreate, Verdict, TimeWindow;
        Data: ReconcileStep;
        State: ClockOffsets, CorrelationsInUse, Reconciler;
        Data: Deletion, GiveUp, RetryContext, RetryOptions, RetryStep;
        State: Retries, RetryBudget;
        Data: PollFailure, Step, StopReason, WaitOptions;
        View: PollResult<'static>;
        State: WaitPlan;
        Data: Poll, PollRequest, CouldNotPoll, Ticket, WatchEvent, WatchOptions, WatchStep, Watched;
        State: Watch;
    }
}

fn transport_rows() -> Vec<Row> {
    use transport::*;
    rows! {
        Data: FileSource, SaveOptions, SaveProgress, Saved, StorageErrorKind, StoredMedia, Timeouts;
        Builder: HttpTransportBuilder;
        Error: SaveError, SettingError, SourceError, StorageError;
        State: Fetched, HttpTransport, Proxy, RequestBody, SignedUrl, Staged, SystemClock, SystemRandom;
    }
}

fn crates() -> [(&'static str, Vec<Row>); 4] {
    [
        ("model", model_rows()),
        ("media", media_rows()),
        ("protocol", protocol_rows()),
        ("transport", transport_rows()),
    ]
}

#[test]
fn every_public_type_has_the_traits_of_its_kind() {
    let mut lacking = Vec::new();
    for (name, rows) in crates() {
        for row in rows {
            let has: Vec<&str> =
                TRAITS.iter().zip(row.has).filter(|(_, has)| *has).map(|(name, _)| *name).collect();
            let missing: Vec<_> = row.kind.required().iter().filter(|one| !has.contains(one)).collect();
            if !missing.is_empty() {
                lacking.push(format!("{name}: {} ({}) lacks {missing:?}", row.name, row.kind.name()));
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn every_public_type_of_the_sources_is_in_the_table() {
    for (name, rows) in crates() {
        let base =
            |name: &str| name.split('<').next().unwrap_or(name).rsplit(':').next().unwrap_or(name).to_owned();
        let listed: BTreeSet<String> = rows.iter().map(|row| base(&row.name)).collect();
        let declared = declared(&crate_folder(name));
        assert!(declared.len() > 5, "{name}: the sources were not read");
        let missing: Vec<_> = declared.difference(&listed).collect();
        assert!(missing.is_empty(), "public in crates/{name}, and not in this file: {missing:?}");
    }
}

/// A struct with public fields can get another field without breaking its users.
#[test]
fn every_public_struct_with_public_fields_is_non_exhaustive() {
    let mut open = Vec::new();
    for (name, _) in crates() {
        for source in sources(&crate_folder(name)) {
            let lines: Vec<&str> = source.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub struct ")) {
                let mut before = lines[..at].iter().rev().take_while(|line| !line.is_empty());
                let mut fields = lines[at + 1..].iter().take_while(|line| **line != "}");
                let has_fields = line.ends_with('{') && fields.any(|field| field.starts_with("pub "));
                if has_fields && !before.any(|line| *line == "#[non_exhaustive]") {
                    open.push(format!("{name}: {line}"));
                }
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name).join("src")
}

/// The text of every source file below a folder, without test modules.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            texts.push(text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned());
        }
    }
    texts
}

/// Names of `pub struct` and `pub enum` below a folder. The lint `unreachable_pub` ensures that
/// they are public.
fn declared(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources(folder) {
        names.extend(source.lines().filter_map(|line| {
            let line = line.trim_start();
            let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            Some(rest[..end].to_owned()).filter(|name| !name.is_empty())
        }));
    }
    names
}

#[test]
fn the_page_is_what_the_compiler_says() {
    let mut page = String::from(
        "# Public types and their traits\n\n\
         Written by `cargo nextest run -p ark-video-tests public_types` with `INSTA_UPDATE=always`; a test compares it.\n\
         `data` is stored, logged and compared; a `view` borrows; a `state` changes or holds a resource.\n\
         `JsonSchema` needs the feature `schemars` of ark-video-model.\n",
    );
    for (name, rows) in crates() {
        let heads = TRAITS.join(" | ");
        let _ = write!(
            page,
            "\n## ark-video-{name}\n\n| type | kind | {heads} |\n|---|---|{}\n",
            "---|".repeat(8)
        );
        for row in rows {
            let marks = row.has.map(|has| if has { "yes" } else { "-" }).join(" | ");
            let _ = writeln!(page, "| `{}` | {} | {marks} |", row.name, row.kind.name());
        }
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(PAGE, &page).unwrap();
    }
    let committed = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        committed == page,
        "docs/reference/public-types.md is not what the compiler says; see its first lines"
    );
}

/// The root of the model holds wire types and builders; everything else is in a module.
#[test]
fn the_root_of_the_model_is_small() {
    let names = root_names(&fs::read_to_string(crate_folder("model").join("lib.rs")).unwrap());
    assert!((30..=45).contains(&names.len()), "{} names: {names:?}", names.len());
}

fn root_names(source: &str) -> Vec<String> {
    let statements = source.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let list = |statement: &str| {
        let names =
            statement.split_once('{').map_or(statement, |(_, names)| names).trim_end_matches(['}', '\n']);
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    statements.flat_map(list).collect()
}

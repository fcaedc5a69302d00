//! `doctor`: what a create needs, checked without creating anything. One free LIST request; bounded
//! in time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ark_video::download::check_room;
use ark_video::error::SendErrorKind;
use ark_video::files::{Staged, available_space};
use ark_video::{BaseUrl, Client, Error, ListQuery, RetryOptions, Timeouts};
use ark_video_batch::JournalAt;
use jiff::Timestamp;
use jiff::civil::Date;

use super::batch::journal;
use crate::api_failure;
use crate::args::{DoctorArgs, JournalArgs};
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Diagnosis, Health, HealthCheck};
use crate::output::Form;
use crate::session::{Session, interrupted};
use crate::settings::Settings;
use crate::summary;

/// From connecting to the end of the answer.
const ANSWER: Duration = Duration::from_secs(10);
/// A journal on a slow disk is not waited for longer.
const JOURNAL: Duration = Duration::from_secs(10);
/// Journals of the current folder that are opened.
const JOURNALS: usize = 5;
/// Searches for lost tasks allow for a clock that is this far off, in milliseconds.
const CLOCK_OFF: u64 = 30_000;
/// Prices and limits change every few months.
const CATALOG_DAYS: i32 = 90;
/// Less free space than this holds few videos.
const LOW_SPACE: u64 = 2 << 30;

impl Diagnosis {
    fn add(&mut self, name: &'static str, status: Health, detail: impl Into<String>, fix: &str) {
        let fix = (!fix.is_empty()).then(|| fix.to_owned());
        self.checks.push(HealthCheck { name, status, detail: one_line(&detail.into()), fix, exit: None });
        self.status = self.status.max(status);
    }

    fn ok(&mut self, name: &'static str, detail: impl Into<String>) {
        self.add(name, Health::Ok, detail, "");
    }

    fn warn(&mut self, name: &'static str, detail: impl Into<String>, fix: &str) {
        self.add(name, Health::Warn, detail, fix);
    }

    fn fail(&mut self, name: &'static str, exit: Exit, detail: impl Into<String>, fix: &str) {
        self.add(name, Health::Fail, detail, fix);
        if let Some(check) = self.checks.last_mut() {
            check.exit = Some(exit);
        }
    }

    fn failure(&mut self, name: &'static str, failure: &Failure) {
        let hints = failure.hints.join("; ");
        let fix = if hints.is_empty() { "fix the setting, or name another one" } else { &hints };
        self.fail(name, failure.exit, failure.message.clone(), fix);
    }
}

/// `doctor`
pub(crate) async fn run(session: &mut Session, args: &DoctorArgs) -> Result<(), Failure> {
    let mut diagnosis = Diagnosis { status: Health::Ok, checks: Vec::new() };
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    match session.settings(&stdin) {
        Ok(settings) => connection(session, &settings, &mut diagnosis).await?,
        Err(failure) => diagnosis.failure("configuration", &failure),
    }
    catalog(session, &mut diagnosis);
    journals(session, args, &mut diagnosis).await;
    disk(&session.cwd.join(args.output_dir.as_deref().unwrap_or(Path::new(""))), &mut diagnosis);
    report(session, &diagnosis)
}

fn report(session: &Session, diagnosis: &Diagnosis) -> Result<(), Failure> {
    match session.output.form {
        Form::Json => session.output.json(diagnosis),
        Form::Quiet => {}
        Form::Text => {
            for HealthCheck { name, status, detail, fix, .. } in &diagnosis.checks {
                session.output.line(format_args!("{:<4}  {name:<13}  {detail}", status.as_str()));
                if let Some(fix) = fix {
                    session.output.line(format_args!("{:21}fix: {fix}", ""));
                }
            }
        }
    }
    let failed: Vec<&HealthCheck> =
        diagnosis.checks.iter().filter(|check| check.status == Health::Fail).collect();
    let Some(first) = failed.first() else { return Ok(()) };
    let names: Vec<&str> = failed.iter().map(|check| check.name).collect();
    Err(Failure::new(first.exit.unwrap_or(Exit::Internal), format!("failed: {}", names.join(", ")))
        .hint("nothing was created and nothing is billed"))
}

/// The lines that need an answer of the service.
async fn connection(
    session: &mut Session,
    settings: &Settings,
    diagnosis: &mut Diagnosis,
) -> Result<(), Failure> {
    let simulated = if session.flags.simulate {
        Some(session.connect(settings, session.catalog()?).await?)
    } else {
        None
    };
    let mut warnings = Vec::new();
    let client = match &simulated {
        Some(connection) => Ok(connection.client.clone()),
        None => {
            let builder = Client::builder()
                .retry(RetryOptions::never())
                .timeouts(Timeouts::new().connect(ANSWER / 2).read(ANSWER))
                .clock(std::sync::Arc::clone(&session.clock));
            settings.client(builder, &mut |warning| warnings.push(warning))
        }
    };
    let client = match client {
        Ok(client) => client,
        Err(failure) => {
            let name = if settings.key.is_none() { "key" } else { "settings" };
            diagnosis.failure(name, &failure);
            return Ok(());
        }
    };
    let listed = tokio::select! {
        listed = async { client.list(&ListQuery::new().page_size(1)).await } => listed.map(drop),
        () = session.interrupts.next() => return Err(interrupted()),
    };
    Lines { session, settings, base: client.base_url(), again: session.again() }.all(
        listed.as_ref().err(),
        &warnings,
        client.clock_offset(),
        diagnosis,
    );
    if let Some(connection) = simulated
        && let Some(running) = connection.simulator
    {
        drop(running);
    }
    Ok(())
}

/// What the lines are about.
struct Lines<'a> {
    session: &'a Session,
    settings: &'a Settings,
    base: &'a BaseUrl,
    again: String,
}

impl Lines<'_> {
    fn all(
        &self,
        error: Option<&Error>,
        warnings: &[String],
        offset: Option<i64>,
        diagnosis: &mut Diagnosis,
    ) {
        let failure = error.map(|error| api_failure::of(error, &self.again));
        let exit = failure.as_ref().map_or(Exit::Internal, |failure| failure.exit);
        let kind = match error {
            Some(Error::NotSent(sent)) => Some(sent.cause.kind),
            _ => None,
        };
        let status = error.and_then(Error::status);
        let why = error.map(cause).unwrap_or_default();
        let fix = |more: &str| {
            let advice = error.map(|error| error.advice().into_owned()).unwrap_or_default();
            if more.is_empty() { advice } else { more.to_owned() }
        };

        let source = self.settings.key.as_ref().map_or("the simulator", |key| key.by.as_str());
        match status {
            _ if error.is_none() => diagnosis.ok("key", format!("from {source}; the service accepts it")),
            Some(401 | 403) => {
                let fix = format!("use a key of the site {}; the key comes from: {source}", self.base.host());
                diagnosis.fail("key", exit, why.clone(), &fix);
            }
            _ => diagnosis.warn("key", format!("from {source}; not checked"), "fix the failure below first"),
        }

        let base = format!("{} (from {})", self.base, self.settings.base_url.by);
        match (status, warnings.first()) {
            (Some(404), _) => {
                let fix = "the path is /api/v3 with most services; set --base-url, ARK_BASE_URL or base_url";
                diagnosis.fail("base URL", exit, format!("{base}: {why}"), fix);
            }
            (_, Some(warning)) => {
                diagnosis.warn("base URL", format!("{base}: {warning}"), "check that you trust this host")
            }
            _ => diagnosis.ok("base URL", base),
        }

        match (self.proxy(), kind) {
            (Some(from), Some(SendErrorKind::Proxy)) => {
                diagnosis.fail("proxy", exit, format!("from {from}: {why}"), &fix(""));
            }
            (Some(from), _) => diagnosis.ok("proxy", format!("from {from}")),
            (None, _) => diagnosis.ok("proxy", "none"),
        }

        match (self.base.is_https(), kind) {
            (true, Some(SendErrorKind::Tls)) => {
                let fix = failure.as_ref().map(|failure| failure.hints.join("; ")).unwrap_or_default();
                diagnosis.fail("TLS", exit, why.clone(), &fix);
            }
            (true, None) => diagnosis.ok("TLS", "the certificate is trusted"),
            (true, Some(_)) => diagnosis.warn("TLS", "not checked", "fix the failed connection first"),
            (false, _) if self.base.is_loopback() => diagnosis.ok("TLS", "not needed on this machine"),
            (false, _) => diagnosis.warn("TLS", "not used: the key is sent unencrypted", "use https"),
        }
        if let Some(unread) = self.unreadable_certificates() {
            diagnosis.warn("certificates", unread, "fix or unset the variable");
        }

        match (error, status, kind) {
            (None, ..) => diagnosis.ok("service", "it answers; nothing was created and nothing is billed"),
            (_, Some(401 | 403 | 404), _) => diagnosis.ok("service", "it answers"),
            (_, _, Some(SendErrorKind::Proxy | SendErrorKind::Tls)) => {
                diagnosis.warn("service", "not reached", "fix the failure above first");
            }
            (_, Some(429), _) => diagnosis.warn("service", why, &fix("")),
            _ => diagnosis.fail("service", exit, why, &fix("")),
        }

        match offset.map(i64::unsigned_abs) {
            None => {
                diagnosis.warn("clock", "not checked: no answer gave the time", "fix the failure above first")
            }
            Some(off) if off <= CLOCK_OFF => {
                diagnosis.ok("clock", format!("{:.1} s from the service's", off as f64 / 1e3));
            }
            Some(off) => {
                let off = summary::seconds(off / 1000);
                diagnosis.warn("clock", format!("{off} from the service's"), "set the clock, best by NTP");
            }
        }
    }

    /// Where the proxy comes from, if there is one for this base URL.
    fn proxy(&self) -> Option<String> {
        if self.base.is_loopback() {
            return None;
        }
        let of = |name: &&str| self.session.env.get(*name).is_some_and(|value| !value.is_empty());
        let variable = || ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().find(of);
        self.settings.proxy.as_ref().map(|proxy| proxy.by.clone()).or_else(|| variable().map(str::to_owned))
    }

    fn unreadable_certificates(&self) -> Option<String> {
        let missing = |name: &&str| self.session.env.get(*name).is_some_and(|path| !Path::new(path).exists());
        let name = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(missing)?;
        Some(format!("{name} names a path that does not exist"))
    }
}

/// The cause alone: what it means and what to do are lines of their own.
fn cause(error: &Error) -> String {
    match error {
        Error::NotSent(sent) => sent.cause.message.clone(),
        Error::Api(refused) => {
            let error = &refused.error;
            format!("HTTP {} {}: {}", error.status, error.code.as_str(), error.message)
        }
        other => other.to_string(),
    }
}

fn catalog(session: &Session, diagnosis: &mut Diagnosis) {
    let catalog = match session.catalog() {
        Ok(catalog) => catalog,
        Err(failure) => return diagnosis.failure("catalog", &failure),
    };
    let today = Timestamp::from_millisecond(session.clock.now()).unwrap_or_default();
    let today = today.to_zoned(jiff::tz::TimeZone::UTC).date();
    let age = catalog.edition.parse::<Date>().ok().and_then(|date| today.since(date).ok());
    let days = age.map_or(0, |age| age.get_days());
    let text = format!("of {}, {days} days old", catalog.edition);
    if days <= CATALOG_DAYS {
        diagnosis.ok("catalog", text);
    } else {
        let fix =
            "prices and limits may have changed: update ark-video, or pass a newer catalog with --catalog";
        diagnosis.warn("catalog", text, fix);
    }
}

/// Opens the named journal, or those of the current folder.
async fn journals(session: &Session, args: &DoctorArgs, diagnosis: &mut Diagnosis) {
    let named = JournalArgs { journal: args.journal.clone(), batch: None };
    let found: Vec<JournalAt> = match journal::place(session, &named, None) {
        Ok(at) => vec![at],
        Err(failure) if args.journal.is_some() => return diagnosis.failure("journal", &failure),
        Err(_) => files_named_journal(&session.cwd).into_iter().map(JournalAt::File).collect(),
    };
    if found.is_empty() {
        diagnosis.ok("journal", "none here");
    }
    for at in found {
        match tokio::time::timeout(JOURNAL, journal::at_place(&at, false)).await {
            Ok(Ok(journal)) => diagnosis.ok("journal", format!("{} can be used", journal.place())),
            Ok(Err(failure)) => diagnosis.failure("journal", &failure),
            Err(_) => {
                let text = format!("not open within {} s", JOURNAL.as_secs());
                diagnosis.warn("journal", text, "check for a frozen runner or a slow disk");
            }
        }
    }
}

fn files_named_journal(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.is_file() && path.extension().is_some_and(|e| e == "journal")).collect();
    found.sort();
    found.truncate(JOURNALS);
    found
}

fn disk(folder: &Path, diagnosis: &mut Diagnosis) {
    let shown = folder.display();
    let probe = folder.join("probe");
    match (Staged::beside(&probe), available_space(folder)) {
        (Err(error), _) => {
            let why = crate::media::reason(&error);
            let fix = "make the folder writable, or choose another one with --output-dir";
            diagnosis.fail("disk", Exit::Output, format!("cannot write to {shown}: {why}"), fix);
        }
        (Ok(_), Ok(free)) => {
            let text = format!("{} free in {shown}", summary::bytes(free));
            if check_room(&probe).is_err() {
                diagnosis.fail(
                    "disk",
                    Exit::DiskFull,
                    text,
                    "free some space: nothing is created on a full disk",
                );
            } else if free < LOW_SPACE {
                diagnosis.warn("disk", text, "free some space before a batch");
            } else {
                diagnosis.ok("disk", text);
            }
        }
        (Ok(_), Err(_)) => diagnosis.ok("disk", format!("{shown} is writable; the free space is unknown")),
    }
}

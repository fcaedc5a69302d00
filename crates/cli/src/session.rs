//! One run of the command: its flags, its streams, and its client, real or simulated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use ark_video::model::catalog::Catalog;
use ark_video::{Client, RateLimits, transport::Clock};
use ark_video_simulator::{Builder, Simulator};
use secrecy::ExposeSecret;

use crate::args::{ConfirmArgs, GlobalArgs};
use crate::catalog;
use crate::cost_limit::{self, Most};
use crate::env::{Interrupts, Terminal};
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::media_fetch::MediaFetch;
use crate::model_names::{ModelNames, ModelSite};
use crate::output::Output;
use crate::settings::{self, Setting, Settings};
use crate::simulator::{self, Running};
use crate::storage::{self, StoreContext};

/// The context of a command.
pub(crate) struct Session {
    pub(crate) flags: GlobalArgs,
    pub(crate) output: Output,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    pub(crate) terminal: Terminal,
    pub(crate) interrupts: Interrupts,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stdin: Option<Box<dyn Read + Send>>,
}

/// A client, and the simulator behind it if there is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) simulator: Option<Running>,
}

impl Session {
    /// Reads all of standard input. Ctrl-C ends it.
    pub(crate) async fn read_stdin(&mut self) -> Result<Vec<u8>, Failure> {
        let Some(mut stdin) = self.stdin.take() else { return Ok(Vec::new()) };
        if self.terminal.stdin {
            self.output.note("reading standard input; end it with Ctrl-D");
        }
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = Vec::new();
            stdin.read_to_end(&mut text).map(|_| text)
        });
        let read = tokio::select! {
            read = reading => read,
            () = self.interrupts.next() => return Err(interrupted()),
        };
        read.map_err(std::io::Error::other)
            .and_then(|read| read)
            .map_err(|error| Failure::new(Exit::Input, format!("cannot read standard input: {error}")))
    }

    /// Asks for confirmation.
    pub(crate) async fn confirm(&mut self, question: &str) -> Result<(), Failure> {
        let no = |why: &str| Failure::new(Exit::Usage, why);
        let (true, true, Some(mut stdin)) = (self.terminal.stdin, self.terminal.stderr, self.stdin.take())
        else {
            return Err(no("confirmation is needed, and there is no terminal").hint("add --yes to confirm"));
        };
        self.output.ask(format_args!("{question} [y/N]"));
        let reading = tokio::task::spawn_blocking(move || line(&mut stdin));
        let answer = tokio::select! {
            answer = reading => answer.unwrap_or_default(),
            () = self.interrupts.next() => return Err(interrupted()),
        };
        if matches!(answer.as_str(), "y" | "yes") { Ok(()) } else { Err(no("nothing was done")) }
    }

    /// Asks for confirmation of a cost above the threshold of the flags or the configuration.
    pub(crate) async fn confirm_cost(
        &mut self,
        args: &ConfirmArgs,
        settings: &Settings,
        most: &Most,
    ) -> Result<(), Failure> {
        let flag = args.confirm_above.clone().map(|value| Setting::new(value, "--confirm-above"));
        let Some(threshold) = flag.or_else(|| settings.confirm_above.clone()).filter(|_| !args.yes) else {
            return Ok(());
        };
        let Some(why) = cost_limit::above(&threshold, most)? else { return Ok(()) };
        let parsed = self.terminal.stdin && self.terminal.stderr && self.stdin.is_some();
        self.confirm(&format!("This may cost {why}. Send it?")).await.map_err(|mut failure| {
            if failure.exit == Exit::Usage {
                failure.exit = Exit::Parked;
                failure.message = match parsed {
                    true => "not confirmed; nothing was sent, nothing is billed".to_owned(),
                    false => format!(
                        "confirmation is needed: this may cost {why}; nothing was sent, nothing is billed"
                    ),
                };
            }
            failure
        })
    }

    /// Prompts for an answer; `None` without a terminal.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<Option<String>, Failure> {
        if !(self.terminal.stdin && self.terminal.stderr) {
            return Ok(None);
        }
        let Some(mut stdin) = self.stdin.take() else { return Ok(None) };
        self.output.ask(question);
        let reading = tokio::task::spawn_blocking(move || line(&mut stdin));
        tokio::select! {
            answer = reading => Ok(Some(answer.unwrap_or_default())),
            () = self.interrupts.next() => Err(interrupted()),
        }
    }

    /// The settings, without connecting. `stdin` is the content of standard input, for
    /// `--api-key-file -`.
    pub(crate) fn settings(&self, stdin: &[u8]) -> Result<Settings, Failure> {
        if self.flags.simulate {
            let storage = self.configured().and_then(|settings| settings.storage);
            let mut settings = Settings::of_simulator();
            settings.storage = storage;
            return Ok(settings);
        }
        let mut warn = |warning: String| self.output.warn(warning);
        let settings = settings::resolve(&self.flags, &self.env, &self.cwd, stdin, &mut warn)?;
        if let Some(key) = &settings.key {
            self.output.hide(key.value.expose_secret());
        }
        settings.headers.iter().for_each(|(_, value)| self.output.hide(value.expose_secret()));
        Ok(settings)
    }

    /// The catalog of models and prices: the built-in one with the overlay of `--catalog`.
    pub(crate) fn catalog(&self) -> Result<Cow<'static, Catalog>, Failure> {
        catalog::load(self.flags.catalog.as_deref(), &self.cwd)
    }

    /// The names of models in use.
    pub(crate) fn model_names<'a>(&'a self, catalog: &'a Catalog) -> ModelNames<'a> {
        ModelNames::new(catalog, self.model_site(), &self.output)
    }

    /// Whose models are meant. No key is read for it: a command that needs one reports its errors.
    fn model_site(&self) -> ModelSite {
        if self.flags.simulate {
            return Settings::of_simulator().model_site();
        }
        self.configured().unwrap_or_else(Settings::of_simulator).model_site()
    }

    /// The settings where no key is needed; `None` where they cannot be resolved.
    fn configured(&self) -> Option<Settings> {
        let flags = GlobalArgs { api_key_file: None, ..self.flags.clone() };
        settings::resolve(&flags, &self.env, &self.cwd, &[], &mut |_| {}).ok()
    }

    /// The settings of a command that uses the storage alone.
    pub(crate) fn storage_settings(&self) -> Result<Settings, Failure> {
        let flags = GlobalArgs { api_key_file: None, ..self.flags.clone() };
        settings::resolve(&flags, &self.env, &self.cwd, &[], &mut |_| {})
    }

    /// What a store is opened with.
    pub(crate) fn store_context<'a>(&'a self, settings: &'a Settings) -> StoreContext<'a> {
        StoreContext { settings, env: &self.env, cwd: &self.cwd, output: &self.output }
    }

    /// Whence a simulator fetches media: this machine and the storage.
    pub(crate) async fn media_fetch(&self, settings: &Settings) -> Result<MediaFetch, Failure> {
        let hosts = storage::host(&self.store_context(settings)).await.into_iter().collect();
        Ok(MediaFetch::new(Arc::new(settings.transport()?), hosts))
    }

    /// Standard input for the one argument that reads it, if one does.
    pub(crate) async fn one_stdin(&mut self, readers: usize) -> Result<Vec<u8>, Failure> {
        match readers {
            0 => Ok(Vec::new()),
            1 => self.read_stdin().await,
            _ => Err(Failure::new(
                Exit::Usage,
                "several flags read standard input, but it can be read only once",
            )),
        }
    }

    /// Whether the key comes from standard input.
    pub(crate) fn key_from_stdin(&self) -> bool {
        !self.flags.simulate && self.flags.api_key_file.as_deref().is_some_and(|path| path.as_os_str() == "-")
    }

    /// The client for these settings; with `--simulate`, that of a new simulator with this catalog.
    pub(crate) async fn connect(
        &self,
        settings: &Settings,
        catalog: Cow<'static, Catalog>,
    ) -> Result<Connection, Failure> {
        self.connect_within(settings, catalog, RateLimits::default()).await
    }

    /// As [`Session::connect`], with these rate limits.
    pub(crate) async fn connect_within(
        &self,
        settings: &Settings,
        catalog: Cow<'static, Catalog>,
        limits: RateLimits,
    ) -> Result<Connection, Failure> {
        if self.flags.simulate {
            let mut builder = Simulator::builder().catalog(catalog);
            if settings.storage.is_some() {
                let fetch = self.media_fetch(settings).await?;
                builder = builder.measure_media(move |url, _| fetch.clone().facts(url));
            }
            return self.simulated(builder, limits).await;
        }
        let client = self.client_of(settings, limits)?;
        Ok(Connection { client, simulator: None })
    }

    /// A client for a command that needs nothing else from outside.
    pub(crate) async fn client(&mut self) -> Result<Client, Failure> {
        if self.flags.simulate {
            return Err(Failure::new(Exit::Usage, "the simulator of --simulate ends with this command and has no tasks")
                .hint("use it with `generate`, `models` and `batch run`; otherwise run `ark-video simulate` and set ARK_BASE_URL to it"));
        }
        let stdin = if self.key_from_stdin() { self.read_stdin().await? } else { Vec::new() };
        let settings = self.settings(&stdin)?;
        self.client_of(&settings, RateLimits::default())
    }

    fn client_of(&self, settings: &Settings, limits: RateLimits) -> Result<Client, Failure> {
        let builder = Client::builder().limits(limits).clock(Arc::clone(&self.clock));
        settings.client(builder, &mut |warning| self.output.warn(warning))
    }

    /// The client of a new simulator.
    pub(crate) async fn simulated(
        &self,
        builder: Builder,
        limits: RateLimits,
    ) -> Result<Connection, Failure> {
        let running = simulator::start(builder).await?;
        let client = Client::builder()
            .api_key(running.simulator.api_key())
            .base_url(running.simulator.base_url())
            .limits(limits)
            .clock(Arc::clone(&self.clock))
            .build()
            .map_err(|error| crate::api_failure::of(&error, &self.again()))?;
        Ok(Connection { client, simulator: Some(running) })
    }

    /// The command line prefix that reaches the same service.
    pub(crate) fn again(&self) -> String {
        let flags = &self.flags;
        let mut parts = vec!["ark-video".to_owned()];
        let mut add = |flag: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{flag} {}", quoted(&value))))
        };
        add("--profile", flags.profile.clone());
        add("--config", flags.config.as_ref().map(|path| path.display().to_string()));
        add("--base-url", flags.base_url.clone());
        add("--api-key-file", flags.api_key_file.as_ref().map(|path| path.display().to_string()));
        add("--ca-cert", flags.ca_cert.as_ref().map(|path| path.display().to_string()));
        for name in flags.headers.iter().filter_map(|header| Some(header.expose_secret().split_once(':')?.0))
        {
            // Its value may be a key.
            parts.push(format!("--header {}", quoted(&format!("{name}: …"))));
        }
        if flags.insecure_http {
            parts.push("--insecure-http".to_owned());
        }
        parts.join(" ")
    }
}

/// An answer, in lower case.
fn line(stdin: &mut dyn Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while stdin.read(&mut byte).is_ok_and(|count| count == 1) && byte[0] != b'\n' && line.len() < 100 {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).trim().to_lowercase()
}

/// Ctrl-C while nothing is in flight.
pub(crate) fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted")
}

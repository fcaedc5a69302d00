//! The paid call: marks, permit, one send, and an honest word about how it ended.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use ark_video_model::{
    CreateTaskRequest, CreateTaskResponse,
    check::{Facts, Report},
};
use ark_video_protocol::{
    Endpoint,
    limit::Lane,
    outcome::{self, CreateOutcome, Refusal},
    reconcile::{Marks, MarksInUse, STAMP_RANDOM, StampOptions, Unknown, allocate},
    retry::{RetryOptions, RetryStep},
};
use ark_video_transport::{SendError, SendErrorKind};

use crate::{
    AcceptedWithoutId, Attachments, Call, CheckPolicy, Client, Error, NotSent, OutcomeUnknown, Refused,
    TaskHandle, call::locked, checks::judge,
};

/// What is written down when the first byte is about to leave.
type BeforeFirstByte = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// How to create. The default sends the request as it is, exactly once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateOptions {
    /// Whether to send again what was provably not sent, and what was refused in a way that may pass (the pace, a part of the service that failed
    /// first); nothing else ever is.
    /// Default: send once.
    pub retry: RetryOptions,
    /// Values to put into the request by which its task can be found again if its id is lost. Default none.
    pub marks: StampOptions,
    /// The marks of other creates of the model in the last 7 days: none of them is given again. Default none.
    pub marks_in_use: Arc<MarksInUse>,
    /// The local files that the request refers to.
    pub attachments: Attachments,
    /// What to do with a request that our checks refuse. Default: do not send it.
    pub check: CheckPolicy,
    /// What is known of the media in the request, for the checks; `ark-video-media` reads it from headers. Default nothing.
    pub facts: Facts,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self {
            retry: RetryOptions::never(),
            marks: StampOptions::none(),
            marks_in_use: Arc::default(),
            attachments: Attachments::default(),
            check: CheckPolicy::default(),
            facts: Facts::new(),
        }
    }
}

impl CreateOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends again what was not sent, and what was refused because of the pace, within these bounds.
    #[must_use]
    pub fn retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    /// Puts marks into the request, see [`StampOptions`].
    #[must_use]
    pub fn marks(mut self, marks: StampOptions) -> Self {
        self.marks = marks;
        self
    }

    /// Says which marks other creates have.
    #[must_use]
    pub fn marks_in_use(mut self, in_use: impl Into<Arc<MarksInUse>>) -> Self {
        self.marks_in_use = in_use.into();
        self
    }

    /// Hands over the files that the request refers to.
    #[must_use]
    pub fn attachments(mut self, attachments: Attachments) -> Self {
        self.attachments = attachments;
        self
    }

    /// Says what to do with a request that our checks refuse.
    #[must_use]
    pub fn check(mut self, check: CheckPolicy) -> Self {
        self.check = check;
        self
    }

    /// Tells the checks what is known of the media in the request.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }
}

/// A create as it is about to be sent: the request with its marks. Keep what [`Client::record`] gives before sending,
/// and a crash in the middle of it can be reconciled like any other unknown outcome.
#[derive(Debug, Clone)]
pub struct Prepared {
    request: CreateTaskRequest,
    marks: Marks,
    options: CreateOptions,
    report: Report,
}

impl Prepared {
    /// The request, marks included.
    #[must_use]
    pub fn request(&self) -> &CreateTaskRequest {
        &self.request
    }

    /// The marks that were put in.
    #[must_use]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Whether it should have got an `execution_expires_after` of its own, and all are taken by creates that are still
    /// looked for: its task could not be told from others.
    #[must_use]
    pub fn lacks_mark(&self) -> bool {
        self.options.marks.expiry && self.request.execution_expires_after.is_none()
    }

    /// What our checks say of it; nothing with [`CheckPolicy::Off`].
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl Client {
    /// Creates a task. **Costs money when the task succeeds.** Sends exactly once.
    ///
    /// Dropping the future may leave a request on its way whose answer nobody reads; let it run to its end.
    ///
    /// # Errors
    /// Every way a create can end has its case, see the table at the [crate's top](crate#what-a-create-can-end-in).
    pub async fn create(&self, request: &CreateTaskRequest) -> Result<TaskHandle, Error> {
        self.passes(request)?;
        self.create_raw(request).await.map(|created| TaskHandle::created(self.clone(), created.id))
    }

    /// As [`Client::create`], with the whole answer, and without our checks: whatever it is, it is sent.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create_raw(&self, request: &CreateTaskRequest) -> Result<CreateTaskResponse, Error> {
        static DEFAULT: LazyLock<CreateOptions> = LazyLock::new(CreateOptions::default);
        self.send_prepared(request, &Marks::default(), &DEFAULT, &|| Ok(()), None).await
    }

    /// As [`Client::create`], with files, marks or repeats.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create_with(
        &self,
        request: &CreateTaskRequest,
        options: &CreateOptions,
    ) -> Result<TaskHandle, Error> {
        self.create_prepared(&self.prepare(request, options)).await
    }

    /// Puts the marks into a request and checks it, so that it can be written down before it is sent. Sends nothing.
    #[must_use]
    pub fn prepare(&self, request: &CreateTaskRequest, options: &CreateOptions) -> Prepared {
        let mut random = [0; STAMP_RANDOM];
        self.inner.random.fill(&mut random);
        let mut request = request.clone();
        let marks = allocate(&mut request, &options.marks, &options.marks_in_use, random);
        let report = self.report(&request, options);
        Prepared { request, marks, options: options.clone(), report }
    }

    /// The record of a create that is about to be sent, in case it is never heard of again: written down before, it lets
    /// [`Client::reconcile`] look for the task after a crash. Its window is a quarter of an hour from now.
    #[must_use]
    pub fn record(&self, prepared: &Prepared) -> Unknown {
        let now = self.clock().now();
        let (ended, clocks) = (now.saturating_add(15 * 60 * 1000), locked(&self.inner.pace.clocks));
        Unknown::of_send(&prepared.request, prepared.marks.clone(), now, ended, &clocks)
    }

    /// Sends what [`Client::prepare`] made.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create_prepared(&self, prepared: &Prepared) -> Result<TaskHandle, Error> {
        self.create_prepared_if(prepared, || Ok(())).await
    }

    /// As [`Client::create_prepared`]; asks once more right before each send, when the rates have let it wait as long as they do.
    /// For those whose right to send runs out: what `may` gives as a reason against it ends as not sent.
    ///
    /// # Errors
    /// As [`Client::create`]; [`Error::NotSent`] with that reason.
    pub async fn create_prepared_if(
        &self,
        prepared: &Prepared,
        may: impl Fn() -> Result<(), String> + Send + Sync,
    ) -> Result<TaskHandle, Error> {
        judge(prepared.options.check, || prepared.report.clone())?;
        let created =
            self.send_prepared(&prepared.request, &prepared.marks, &prepared.options, &may, None).await?;
        Ok(TaskHandle::created(self.clone(), created.id))
    }

    /// As [`Client::create_prepared`]; calls `write_down` right before the first byte of each send leaves, when the
    /// connection stands. A record that is written there exists exactly when something may have been sent: without it, a
    /// crash left nothing behind. Its error means that nothing is sent. It must not take long, and must not wait for
    /// another task.
    ///
    /// # Errors
    /// As [`Client::create`]; [`Error::NotSent`] with what `write_down` gave.
    pub async fn create_recorded(
        &self,
        prepared: &Prepared,
        write_down: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<TaskHandle, Error> {
        judge(prepared.options.check, || prepared.report.clone())?;
        let before: BeforeFirstByte = Arc::new(write_down);
        let created = self
            .send_prepared(&prepared.request, &prepared.marks, &prepared.options, &|| Ok(()), Some(before))
            .await?;
        Ok(TaskHandle::created(self.clone(), created.id))
    }

    async fn send_prepared(
        &self,
        request: &CreateTaskRequest,
        marks: &Marks,
        options: &CreateOptions,
        may: &(dyn Fn() -> Result<(), String> + Send + Sync),
        before_first_byte: Option<BeforeFirstByte>,
    ) -> Result<CreateTaskResponse, Error> {
        let lane = Lane::create(&request.model, request.resolution.as_ref());
        let mut tries = self.tries(options.retry.clone());
        loop {
            // Anew for each try, because there is hardly ever a second: what was sent need not be kept.
            let http = options.attachments.to_http(request, &self.inner.base)?;
            let http = http.map(|body| match &before_first_byte {
                Some(before) => body.before_first_byte(before.clone()),
                None => body,
            });
            self.permit(&lane).await;
            may().map_err(|reason| {
                let call = Call::new(Endpoint::Create, None, String::new());
                let cause = SendError::not_sent(SendErrorKind::Other, reason);
                Error::NotSent(Box::new(NotSent { call, cause }))
            })?;
            let sent_at = self.clock().now();
            let (call, result) = self.send(Endpoint::Create, None, http, tries.count()).await;
            let outcome = match outcome::of_create(result) {
                CreateOutcome::Accepted(created) => {
                    self.paced(&lane, None);
                    tries.succeeded(self);
                    return Ok(created);
                }
                other => other,
            };
            let ended_at = self.clock().now();
            let step =
                tries.after(self, |retries, moment, budget| retries.after_create(&outcome, moment, budget));
            let search = || {
                let clocks = locked(&self.inner.pace.clocks);
                Unknown::of_send(request, marks.clone(), sent_at, ended_at, &clocks)
            };
            let error = match outcome {
                CreateOutcome::NotSent(cause) => Error::NotSent(Box::new(NotSent { call, cause })),
                CreateOutcome::Refused { class, error } => {
                    Error::Refused(Box::new(Refused { call, class, error }))
                }
                CreateOutcome::AcceptedWithoutId(unread) => {
                    let lost = AcceptedWithoutId::new(search(), unread, call, sent_at, ended_at);
                    Error::AcceptedWithoutId(Box::new(lost))
                }
                CreateOutcome::Unknown(why) => Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(
                    search(),
                    &why,
                    call,
                    sent_at,
                    ended_at,
                ))),
                // A case added later is not known to be harmless.
                other => {
                    let why = SendError::maybe_sent(SendErrorKind::Other, format!("{other:?}"));
                    let why = outcome::UnknownReason::NoAnswer(why);
                    Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(
                        search(),
                        &why,
                        call,
                        sent_at,
                        ended_at,
                    )))
                }
            };
            self.paced(&lane, Some(&error));
            // Said once more, in the words of this file: nothing else may ever be sent twice.
            let harmless = match &error {
                Error::NotSent(_) => true,
                Error::Refused(refused) => matches!(refused.class, Refusal::Throttled | Refusal::Transient),
                _ => false,
            };
            match step {
                RetryStep::After(pause) if harmless => self.clock().sleep(pause).await,
                _ => return Err(error),
            }
        }
    }
}

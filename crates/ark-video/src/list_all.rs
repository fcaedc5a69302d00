//! All tasks of a query as one stream. Pages shift while they are read, so ids are deduplicated,
//! the end is certain, and what slipped between two pages is looked for again.

use std::collections::{HashMap, VecDeque};

use ark_video_model::Task;
use ark_video_protocol::{ApiError, Endpoint, list::MAX_PAGE};
use futures_core::Stream;
use futures_util::stream::try_unfold;

use crate::{
    Client, Error, ListQuery,
    error::{Call, ReadCause, ReadError},
};

/// Readings from the first page to the last, as long as fewer tasks were seen than the service
/// counts.
const READINGS: u32 = 3;
/// Pages in a row without a task that this reading has not shown already. One can be chance: as
/// many tasks were created meanwhile as a page holds. With a second one the service does not turn
/// pages.
const REPEATED: u32 = 2;

struct Pages {
    client: Client,
    query: ListQuery,
    /// The page that a reading begins with.
    first: u32,
    page: u32,
    size: usize,
    /// Every id, and the reading that showed it last.
    seen: HashMap<String, u32>,
    /// Pages in a row that showed nothing new.
    repeated: u32,
    ready: VecDeque<Task>,
    /// What the service counted when this reading began, the pages before it left out.
    counted: Option<usize>,
    readings: u32,
    finished: bool,
    /// Why some are missing; the last that is said.
    missing: Option<Error>,
}

impl Client {
    /// Lists every task of the query, from its page (default 1) to the last, 500 on a page unless
    /// it says otherwise.
    ///
    /// Pages are asked for as fast as the client's limits allow, by default one a second. Tasks
    /// created meanwhile push others to later pages; such repetitions are left out. Tasks that
    /// vanish meanwhile can hide others: where fewer were seen than the service counts, all pages
    /// are read again, up to three times.
    ///
    /// # Errors
    /// As [`Client::list`]; the stream ends after its first error. [`Error::Read`] also after the
    /// last task, if the service counts more than it has shown.
    pub fn list_all(&self, query: ListQuery) -> impl Stream<Item = Result<Task, Error>> + Send + use<> {
        let size = query.page_size.unwrap_or(MAX_PAGE).max(1);
        let pages = Pages {
            client: self.clone(),
            first: query.page_num.unwrap_or(1),
            page: query.page_num.unwrap_or(1),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            query: query.page_size(size),
            seen: HashMap::new(),
            repeated: 0,
            ready: VecDeque::new(),
            counted: None,
            readings: 1,
            finished: false,
            missing: None,
        };
        try_unfold(pages, |mut pages| async move {
            loop {
                if let Some(task) = pages.ready.pop_front() {
                    return Ok(Some((task, pages)));
                }
                if pages.finished {
                    return pages.missing.take().map_or(Ok(None), Err);
                }
                pages.turn().await?;
            }
        })
    }
}

impl Pages {
    async fn turn(&mut self) -> Result<(), Error> {
        self.query.page_num = Some(self.page);
        let list = self.client.list(&self.query).await?;
        let count = list.items.len();
        let mut is_new = false;
        for task in list.items {
            let before = self.seen.insert(task.id.clone(), self.readings);
            is_new |= before != Some(self.readings);
            self.ready.extend(before.is_none().then_some(task));
        }
        self.repeated = if is_new { 0 } else { self.repeated + 1 };
        // A page shorter than asked is the last, unless the service says that there are more: some
        // cap the page size.
        let all = list.total.and_then(|total| usize::try_from(total).ok());
        if self.page == self.first {
            let before = usize::try_from(self.first.saturating_sub(1)).unwrap_or(usize::MAX);
            self.counted = all.map(|all| all.saturating_sub(before.saturating_mul(self.size)));
        }
        let enough = match all {
            Some(all) => self.seen.len() >= all,
            None => count < self.size,
        };
        let no_more = self.page >= MAX_PAGE;
        self.page = self.page.saturating_add(1);
        if count == 0 || enough || no_more {
            self.end(no_more);
        } else if self.repeated >= REPEATED {
            self.finished = true;
            let seen = self.seen.len();
            self.missing = Some(self.incomplete(format!(
                "the service repeats a page whichever is asked for; it shows {seen} tasks, and others may be missing"
            )));
        }
        Ok(())
    }

    fn incomplete(&self, why: String) -> Error {
        // It is about many requests, so there is no id of one.
        let call = Call::new(Endpoint::List, None, String::new());
        let cause = ReadCause::Answer(ApiError::new(200, "", why));
        Error::Read(Box::new(ReadError { call, tries: self.readings, cause }))
    }

    /// The pages are at their end: complete, or they are read again, or an error.
    fn end(&mut self, no_more: bool) {
        let Some(counted) = self.counted.filter(|counted| self.seen.len() < *counted) else {
            self.finished = true;
            return;
        };
        if self.readings < READINGS && !no_more {
            self.readings += 1;
            self.page = self.first;
            return;
        }
        self.finished = true;
        let why = format!("the service counts {counted} tasks and shows {} of them only", self.seen.len());
        self.missing = Some(self.incomplete(why));
    }
}

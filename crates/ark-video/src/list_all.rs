//! All tasks of a query as one stream. Pages shift while they are read, so ids are told apart and the end is certain.

use std::collections::{HashSet, VecDeque};

use ark_video_model::Task;
use ark_video_protocol::list::MAX_PAGE;
use futures_core::Stream;
use futures_util::stream::try_unfold;

use crate::{Client, Error, ListQuery};

struct Pages {
    client: Client,
    query: ListQuery,
    page: u32,
    size: usize,
    seen: HashSet<String>,
    ready: VecDeque<Task>,
    finished: bool,
}

impl Client {
    /// Lists every task of the query, from its page (default 1) to the last, 500 on a page unless it says otherwise.
    ///
    /// Pages are asked for as fast as the client's limits allow, by default one a second. Tasks created meanwhile push others to later pages; such
    /// repetitions are left out. Tasks that vanish meanwhile can hide others: for certainty, list again.
    ///
    /// # Errors
    /// As [`Client::list`]; the stream ends after its first error.
    pub fn list_all(&self, query: ListQuery) -> impl Stream<Item = Result<Task, Error>> + Send + use<> {
        let size = query.page_size.unwrap_or(MAX_PAGE).max(1);
        let pages = Pages {
            client: self.clone(),
            page: query.page_num.unwrap_or(1),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            query: query.page_size(size),
            seen: HashSet::new(),
            ready: VecDeque::new(),
            finished: false,
        };
        try_unfold(pages, |mut pages| async move {
            loop {
                if let Some(task) = pages.ready.pop_front() {
                    return Ok(Some((task, pages)));
                }
                if pages.finished {
                    return Ok(None);
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
        self.ready.extend(list.items.into_iter().filter(|task| self.seen.insert(task.id.clone())));
        // A page shorter than asked is the last, unless the service says that there are more: some cap the page size.
        let all = list.total.and_then(|total| usize::try_from(total).ok());
        let enough = match all {
            Some(all) => self.seen.len() >= all,
            None => count < self.size,
        };
        self.finished = count == 0 || enough || self.page >= MAX_PAGE;
        self.page = self.page.saturating_add(1);
        Ok(())
    }
}

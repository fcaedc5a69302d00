//! Reading LIST to its end although its pages shift, its order is nobody's promise and its page
//! size may be cut.

use std::collections::BTreeSet;

use ark_video_model::TaskList;

use crate::{UnixMillis, list, unix_millis};

/// Tasks that must have come newest first before an older one is taken for the end of what matters.
const TRUSTED_ORDER: usize = 50;
/// Steps back after a page that shrank, per search.
const STEPS_BACK: u32 = 20;
/// Further readings when fewer tasks were seen than the service counts.
const READ_AGAIN: u32 = 2;

/// One search through all pages.
#[derive(Debug, Clone)]
pub(super) struct Paging {
    page: u32,
    size: u32,
    seen: BTreeSet<Box<str>>,
    /// What the service counted on the first page of this reading, and on the last page read.
    counted: Option<(usize, usize)>,
    newest_first: bool,
    last_created: Option<UnixMillis>,
    steps_back: u32,
    readings: u32,
    /// Some tasks may have slipped through between two pages.
    incomplete: bool,
}

impl Paging {
    pub(super) fn new(size: u32) -> Self {
        Self {
            page: 1,
            size: size.clamp(1, list::MAX_PAGE),
            seen: BTreeSet::new(),
            counted: None,
            newest_first: true,
            last_created: None,
            steps_back: 0,
            readings: 1,
            incomplete: false,
        }
    }

    pub(super) fn request(&self) -> list::Request {
        list::Request::new().page_num(self.page).page_size(self.size)
    }

    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Whether this task has not been on a page of this search before.
    pub(super) fn is_first_sight(&mut self, id: &str) -> bool {
        self.seen.insert(id.into())
    }

    /// Takes in the page that was asked for, after its tasks were seen. Tasks created before
    /// `horizon` matter to nobody. Answers whether there is another page to ask for.
    pub(super) fn turn(&mut self, page: &TaskList, horizon: UnixMillis) -> bool {
        let items = page.items.len();
        let total = page.total.and_then(|total| usize::try_from(total).ok()).filter(|total| *total >= items);
        for task in &page.items {
            let created = task.created_at.map(unix_millis);
            let in_order = match (self.last_created, created) {
                (Some(last), Some(this)) => this <= last,
                (_, None) => false,
                (None, _) => true,
            };
            self.newest_first &= in_order;
            self.last_created = created;
        }
        if self.page == 1
            && items > 0
            && items < self.size as usize
            && total.is_some_and(|total| total > items)
        {
            // The service gives smaller pages than it was asked for.
            self.size = items as u32;
        }
        let shrank = matches!((self.counted, total), (Some((_, last)), Some(now)) if now < last);
        self.counted = total.map(|total| (self.counted.map_or(total, |(first, _)| first), total));
        if shrank && self.page > 1 && self.steps_back < STEPS_BACK {
            // Something above was deleted: what moved up onto the page before was never seen.
            self.steps_back += 1;
            self.page -= 1;
            self.last_created = None;
            return true;
        }
        self.incomplete |= shrank && self.page > 1;
        let past_horizon = self.last_created.is_some_and(|at| at.saturating_add(999) < horizon);
        if self.newest_first && self.seen.len() >= TRUSTED_ORDER && past_horizon {
            return false;
        }
        let position = (self.page as usize - 1) * self.size as usize + items;
        let at_end = items == 0 || total.is_some_and(|total| position >= total);
        if !at_end && self.page < list::MAX_PAGE {
            self.page += 1;
            return true;
        }
        let missed = !at_end || self.counted.is_some_and(|(first, _)| self.seen.len() < first);
        if !missed {
            return false;
        }
        if !at_end || self.readings > READ_AGAIN {
            self.incomplete = true;
            return false;
        }
        self.readings += 1;
        self.page = 1;
        self.counted = None;
        self.last_created = None;
        true
    }
}

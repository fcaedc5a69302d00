//! What agents may spend: the caps of a day, of a start of the server and of a session, in the
//! journal, where each attempt reserves and settles. Nothing is created without it.

use ark_video::transport::UnixMillis;
use ark_video_batch::{Amount, Cap, Cost, Journal, JournalError, Scope, TOKENS};
use serde::Serialize;

use super::error::ToolError;
use crate::args::McpArgs;
use crate::cost;
use crate::cost_limit::{self, Most};
use crate::json::Amounts;
use crate::settings::Setting;

/// What the person gave.
pub(super) struct Wallet {
    session: Amount,
    per_call: Option<Amount>,
    confirm_above: Option<Setting<Amount>>,
    /// The tag of this start.
    start: String,
}

/// A budget and what is left of it.
#[derive(Debug, Serialize)]
pub(super) struct Left {
    /// `day` (UTC, all servers on the journal), `server_start` or `session`.
    of: &'static str,
    budget: Amounts,
    reserved: Amounts,
    spent: Amounts,
    left: Amounts,
    #[serde(skip)]
    unit: String,
    #[serde(skip)]
    room: u64,
}

impl Wallet {
    /// Sets the caps of the day and of this start.
    pub(super) async fn open(
        journal: &Journal,
        args: &McpArgs,
        confirm_above: Option<Setting<Amount>>,
        start: String,
    ) -> Result<Option<Self>, JournalError> {
        let Some(budget) = args.budget.clone() else { return Ok(None) };
        let day = args.budget_day.clone().unwrap_or_else(|| budget.clone());
        let session = args.budget_session.clone().unwrap_or_else(|| budget.clone());
        let caps = [(Scope::Day(String::new()), day), (Scope::Tag(start.clone()), budget)];
        journal.set_caps(&caps.map(|(scope, amount)| Cap { scope, amount })).await?;
        let flag = args.confirm_above.clone().map(|amount| Setting::new(amount, "--confirm-above"));
        let confirm_above = flag.or(confirm_above);
        Ok(Some(Self { session, per_call: args.per_call.clone(), confirm_above, start }))
    }

    /// Sets the cap of a session.
    pub(super) async fn open_session(&self, journal: &Journal, tag: &str) -> Result<(), JournalError> {
        let cap = Cap { scope: Scope::Tag(tag.to_owned()), amount: self.session.clone() };
        journal.set_caps(&[cap]).await
    }

    /// The tags of what a session creates: its money is counted on them.
    pub(super) fn tags(&self, session: &str) -> Vec<String> {
        vec![self.start.clone(), session.to_owned()]
    }

    /// What is left of each budget.
    pub(super) async fn left(
        &self,
        journal: &Journal,
        session: &str,
        now: UnixMillis,
    ) -> Result<Vec<Left>, JournalError> {
        let today =
            jiff::Timestamp::from_millisecond(now).unwrap_or_default().strftime("%Y-%m-%d").to_string();
        let budgets = journal.budgets().await?;
        let has_today = |unit: &str| {
            let day = Scope::Day(today.clone());
            budgets.iter().any(|budget| budget.scope == day && budget.unit == unit)
        };
        let name = |scope: &Scope, unit: &str| match scope {
            Scope::Day(day) => (*day == today || (day == "*" && !has_today(unit))).then_some("day"),
            Scope::Tag(tag) if *tag == self.start => Some("server_start"),
            Scope::Tag(tag) if tag == session => Some("session"),
            _ => None,
        };
        let left = |budget: &ark_video_batch::Budget| {
            let (of, cap) = (name(&budget.scope, &budget.unit)?, budget.cap?);
            let room = cap.saturating_sub(budget.reserved.saturating_add(budget.settled));
            let amount = |number| Amounts::from(budget.amount(number));
            Some(Left {
                of,
                budget: amount(cap),
                reserved: amount(budget.reserved),
                spent: amount(budget.settled),
                left: amount(room),
                unit: budget.unit.clone(),
                room,
            })
        };
        Ok(budgets.iter().filter_map(left).collect())
    }

    /// Whether a video of this cost is within the limit of a call and what is left. The journal
    /// decides again when it is sent.
    pub(super) async fn allows(
        &self,
        journal: &Journal,
        session: &str,
        now: UnixMillis,
        most: Option<&Cost>,
    ) -> Result<(), ToolError> {
        let most = most.ok_or_else(|| ToolError::new("unknown_price", "The cost is unknown."))?;
        if let Some(limit) = &self.per_call {
            let (unit, limit) = match limit {
                Amount::Tokens(tokens) => (TOKENS, *tokens),
                Amount::Money { micros, currency } => (currency.as_str(), *micros),
            };
            within("--per-call", unit, limit, most)?;
        }
        for left in self.left(journal, session, now).await? {
            within(left.of, &left.unit, left.room, most)?;
        }
        Ok(())
    }

    /// Why the person has to agree first, as a part of a question.
    pub(super) fn asks(&self, most: &Cost) -> Result<Option<String>, ToolError> {
        let Some(threshold) = &self.confirm_above else { return Ok(None) };
        let price = ark_video::model::catalog::Decimal::from_millionths(most.micros);
        let money = (!most.currency.is_empty()).then(|| vec![(price, most.currency.clone())]);
        Ok(cost_limit::above(threshold, &Most { tokens: Some(most.tokens), money })?)
    }

    /// The limit of a call, for `budget`.
    pub(super) fn per_call(&self) -> Option<Amounts> {
        self.per_call.clone().map(Amounts::from)
    }
}

fn within(of: &str, unit: &str, room: u64, most: &Cost) -> Result<(), ToolError> {
    let number = match unit {
        TOKENS => most.tokens,
        currency if currency == most.currency => most.micros,
        currency => {
            let billed = if most.currency.is_empty() { "at an unknown price" } else { &most.currency };
            let message = format!("The budget {of} is in {currency}, and this is billed in {billed}.");
            return Err(ToolError::new("unknown_price", message));
        }
    };
    if number <= room {
        return Ok(());
    }
    let shown = |number| cost::amount(&Amount::in_unit(unit, number));
    let message = format!("This may cost up to {}, and {of} leaves {}.", shown(number), shown(room));
    Err(ToolError::new("over_budget", message))
}

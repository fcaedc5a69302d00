//! Costs and amounts as text: two decimals and separators. Decides nothing.

use ark_video::model::{
    catalog::{Catalog, Decimal, Span},
    estimate::Estimate,
};
use ark_video_batch::{Amount, Cost, grouped};

/// `5.01 CNY (108,900 tokens at 46.00 CNY per million tokens; list prices of 2026-10)`
pub(crate) fn estimated(estimate: &Estimate, catalog: &Catalog) -> String {
    let tokens = estimate.tokens.map(|tokens| format!("{} tokens", tokens_text(tokens)));
    match &estimate.price {
        Some(price) => {
            let currency = &price.currency;
            let date =
                catalog.prices.iter().filter(|row| row.currency == *currency).map(|row| &row.date).max();
            let date = date.map(|date| format!("; list prices of {date}")).unwrap_or_default();
            format!(
                "{} {currency} ({} at {} {currency} per million tokens{date})",
                range(price.min, price.max),
                tokens.unwrap_or_default(),
                range(price.per_million_tokens.min, price.per_million_tokens.max),
            )
        }
        None => {
            let why = estimate.assumptions.first().map_or("", |why| why.trim_end_matches('.'));
            let tokens = tokens.map(|tokens| format!("{tokens}; ")).unwrap_or_default();
            format!("the price is unknown ({tokens}{why})")
        }
    }
}

/// `5.01 CNY (108,900 tokens)`; what is unknown is named.
pub(crate) fn billed(cost: Option<&Cost>) -> String {
    match cost {
        Some(cost) if !cost.currency.is_empty() => {
            let amount = text(Decimal::from_millionths(cost.micros));
            format!("{amount} {} ({} tokens)", cost.currency, grouped(cost.tokens))
        }
        Some(cost) => format!("{} tokens; the price is unknown", grouped(cost.tokens)),
        None => "unknown: the service gave no usable usage".to_owned(),
    }
}

/// An amount with two decimals and separators: `1,234.50`.
pub(crate) fn text(amount: Decimal) -> String {
    let hundredths = amount.round(2).millionths() / 10_000;
    format!("{}.{:02}", grouped(hundredths / 100), hundredths % 100)
}

/// An amount of a budget with two decimals.
pub(crate) fn amount(amount: &Amount) -> String {
    match amount {
        Amount::Money { micros, currency } => {
            format!("{} {currency}", text(Decimal::from_millionths(*micros)))
        }
        tokens @ Amount::Tokens(_) => tokens.to_string(),
    }
}

/// A range of money; a single value is rounded to the nearest hundredth.
pub(crate) fn range(min: Decimal, max: Decimal) -> String {
    if min == max { text(min) } else { format!("{} to {}", text(rounded_down(min)), text(rounded_up(max))) }
}

/// A range of tokens.
pub(crate) fn tokens_text(tokens: Span<u64>) -> String {
    if tokens.min == tokens.max {
        grouped(tokens.min)
    } else {
        format!("{} to {}", grouped(tokens.min), grouped(tokens.max))
    }
}

/// Rounds up to the next hundredth, so that a limit never seems kept when it is not.
pub(crate) fn rounded_up(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths().div_ceil(10_000).saturating_mul(10_000))
}

/// Rounds down to a hundredth.
fn rounded_down(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths() / 10_000 * 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_away_from_the_other_end() {
        let amount: Decimal = "5.0094".parse().unwrap();
        assert_eq!(
            (rounded_down(amount).to_string(), rounded_up(amount).to_string()),
            ("5.00".into(), "5.01".into())
        );
        let whole: Decimal = "5.00".parse().unwrap();
        assert_eq!((rounded_down(whole), rounded_up(whole)), (whole, whole));
    }
}

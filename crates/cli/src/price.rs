//! The list price of a model: of a second of 720p and of a million tokens. Pure; computed with the
//! estimate's own rules.

use ark_video::model::{
    TextToVideo,
    catalog::{Catalog, Decimal},
    check::Facts,
    estimate::estimate,
};

use crate::cost;
use crate::json::{ListPrice, Money};

/// The columns of a table.
pub(crate) const SECOND: &str = "1 S OF 720P";
pub(crate) const MILLION: &str = "MILLION TOKENS";

/// The price of a text-to-video task of 720p, 16:9, in the default tier with the default audio;
/// `None` where the catalog has none.
pub(crate) fn of(catalog: &Catalog, model: &str) -> Option<ListPrice> {
    let known = catalog.model(model)?;
    let family = catalog.families.get(&known.family)?;
    let (shortest, longest) = (family.duration.value.min, family.duration.value.max);
    let has_720p = family.resolution.value.as_ref().is_none_or(|all| all.contains("720p"));
    let of_length = |seconds: i64| {
        let request = TextToVideo::new(model, "x").resolution("720p").ratio("16:9").duration(seconds);
        estimate(&request.build(), catalog, &Facts::new(), None)
    };
    let (short, long) = (of_length(shortest), of_length(longest));
    let price = long.price.filter(|_| has_720p && longest > shortest)?;
    let tokens = long.tokens?.max.checked_sub(short.tokens?.max)?;
    let per_million = price.per_million_tokens.max;
    let per_second = u128::from(tokens) * u128::from(per_million.millionths())
        / (1_000_000 * u128::try_from(longest - shortest).ok()?);
    let per_second = Decimal::from_millionths(u64::try_from(per_second).ok()?);
    let dates = catalog.prices.iter().filter(|row| row.site == known.site).map(|row| row.date.as_ref());
    Some(ListPrice {
        per_second_720p: Money::new(per_second, &price.currency),
        per_million_tokens: Money::new(per_million, &price.currency),
        date: dates.max()?.to_owned(),
    })
}

/// The cells of a table: of a second of 720p, and of a million tokens.
pub(crate) fn cells(price: Option<&ListPrice>) -> [String; 2] {
    let text = |money: &Money| format!("{} {}", cost::text(money.amount), money.currency);
    match price {
        Some(price) => [text(&price.per_second_720p), text(&price.per_million_tokens)],
        None => ["?".to_owned(), "?".to_owned()],
    }
}

/// Sorts by the price of a second: by currency, unknown prices last.
pub(crate) fn sort<T>(rows: &mut [T], price: impl Fn(&T) -> Option<&ListPrice>) {
    rows.sort_by_key(|row| {
        let second = price(row).map(|price| &price.per_second_720p);
        (second.is_none(), second.map(|money| (money.currency.clone(), money.amount)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_720p_is_21600_tokens() {
        let price = of(Catalog::builtin(), "doubao-seedance-2-0-260128");
        assert_eq!(cells(price.as_ref()), ["0.99 CNY", "46.00 CNY"]);
        assert_eq!(of(Catalog::builtin(), "dreamina-seedance-2-5-premium-260915"), None);
        assert_eq!(of(Catalog::builtin(), "ep-1"), None);
    }
}

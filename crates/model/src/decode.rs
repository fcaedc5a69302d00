//! Reading single members of a JSON object. Requests are read strictly; answers never fail on an
//! odd member.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Finds the members that a type knows; reads a key as its place among them, without allocating.
pub(crate) struct Names<F>(pub(crate) F);

/// A member's key.
pub(crate) enum Key {
    /// Its place among the members of the type.
    Known(usize),
    Other(String),
}

impl<'de, F: Fn(&str) -> Option<usize>> DeserializeSeed<'de> for Names<F> {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<F: Fn(&str) -> Option<usize>> Visitor<'_> for Names<F> {
    type Value = Key;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }
    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        Ok(match (self.0)(name) {
            Some(place) => Key::Known(place),
            None => Key::Other(name.to_owned()),
        })
    }
}

/// The members of an object as they came, duplicates included: the last one counts, as for a reader
/// in order. A map would cost more than all else that is done with them.
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// What was found where a `T` was hoped for.
enum Found<T> {
    Read(T),
    Nothing,
    Odd(Value),
}

/// How to read one kind of JSON value; what a kind does not override is odd.
trait Kind<'de>: Sized {
    fn boolean(value: bool) -> Found<Self> {
        Found::Odd(Value::Bool(value))
    }
    fn integer(value: i64) -> Found<Self> {
        Found::Odd(value.into())
    }
    fn float(value: f64) -> Found<Self> {
        Found::Odd(value.into())
    }
    fn text(value: &str) -> Found<Self> {
        Found::Odd(value.into())
    }
    fn map<A: MapAccess<'de>>(map: A) -> Result<Found<Self>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Found::Odd)
    }
    fn seq<A: SeqAccess<'de>>(seq: A) -> Result<Found<Self>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(Found::Odd)
    }
}

struct KindVisitor<T>(PhantomData<T>);

impl<'de, T: Kind<'de>> DeserializeSeed<'de> for KindVisitor<T> {
    type Value = Found<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Kind<'de>> Visitor<'de> for KindVisitor<T> {
    type Value = Found<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Found<T>, E> {
        Ok(T::boolean(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Found<T>, E> {
        Ok(T::integer(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Found<T>, E> {
        Ok(i64::try_from(value).map_or_else(|_| Found::Odd(value.into()), T::integer))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Found<T>, E> {
        Ok(T::float(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Found<T>, E> {
        Ok(T::text(value))
    }
    fn visit_unit<E: Error>(self) -> Result<Found<T>, E> {
        Ok(Found::Nothing)
    }
    fn visit_none<E: Error>(self) -> Result<Found<T>, E> {
        Ok(Found::Nothing)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Found<T>, A::Error> {
        T::map(map)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Found<T>, A::Error> {
        T::seq(seq)
    }
}

impl Kind<'_> for bool {
    fn boolean(value: bool) -> Found<Self> {
        Found::Read(value)
    }
}

impl Kind<'_> for String {
    fn text(value: &str) -> Found<Self> {
        Found::Read(value.to_owned())
    }
}

/// `5`, and `5.0` as long as it is exact.
impl Kind<'_> for i64 {
    fn integer(value: i64) -> Found<Self> {
        Found::Read(value)
    }
    fn float(value: f64) -> Found<Self> {
        match exact(value) {
            Some(whole) => Found::Read(whole),
            None => Found::Odd(value.into()),
        }
    }
}

/// An integer of a response: a number, or a string of digits, which is kept beside it.
pub(crate) struct IntegerOrDigits {
    value: i64,
    digits: Option<String>,
}

impl Kind<'_> for IntegerOrDigits {
    fn integer(value: i64) -> Found<Self> {
        Found::Read(Self { value, digits: None })
    }
    fn float(value: f64) -> Found<Self> {
        match exact(value) {
            Some(value) => Found::Read(Self { value, digits: None }),
            None => Found::Odd(value.into()),
        }
    }
    fn text(text: &str) -> Found<Self> {
        match integer_of(text) {
            Some(value) => Found::Read(Self { value, digits: Some(text.to_owned()) }),
            None => Found::Odd(text.into()),
        }
    }
}

/// The integer that a string of decimal digits stands for; one minus may precede them.
fn integer_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The string that `value` came as, while it still stands for it: then that is what is written
/// again.
pub(crate) fn digits<'a>(value: i64, name: &str, extra: &'a Map<String, Value>) -> Option<&'a str> {
    if extra.is_empty() {
        return None;
    }
    extra.get(name)?.as_str().filter(|text| integer_of(text) == Some(value))
}

/// A whole number that a float holds exactly; beyond 2^53 neighbours fall together.
fn exact(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= LIMIT).then_some(value as i64)
}

/// An object that reads any JSON object: an answer's part. Read as it comes, without a copy.
struct Total<T>(T);

impl<'de, T: Deserialize<'de>> Kind<'de> for Total<T> {
    fn map<A: MapAccess<'de>>(map: A) -> Result<Found<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|read| Found::Read(Self(read)))
    }
}

/// An open enum, or an object that can refuse: a copy is made first, so that nothing is lost when
/// it does.
struct Of<T>(T);

impl<'de, T: DeserializeOwned> Kind<'de> for Of<T> {
    fn text(value: &str) -> Found<Self> {
        match T::deserialize(StrDeserializer::<serde::de::value::Error>::new(value)) {
            Ok(read) => Found::Read(Self(read)),
            Err(_) => Found::Odd(value.into()),
        }
    }
    fn map<A: MapAccess<'de>>(map: A) -> Result<Found<Self>, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(match T::deserialize(&value) {
            Ok(read) => Found::Read(Self(read)),
            Err(_) => Found::Odd(value),
        })
    }
}

/// A list of what `K` reads, nulls left out. One item that cannot be read makes the whole list odd.
struct List<K, T>(Vec<T>, PhantomData<K>);

impl<'de, K: Kind<'de> + Item<T>, T> Kind<'de> for List<K, T> {
    fn seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Found<Self>, A::Error> {
        let mut items: Vec<T> = Vec::new();
        while let Some(found) = seq.next_element_seed(KindVisitor::<K>(PhantomData))? {
            match found {
                Found::Read(item) => items.push(item.item()),
                Found::Nothing => {}
                Found::Odd(odd) => {
                    let mut all: Vec<Value> = items.into_iter().map(K::value).collect();
                    all.push(odd);
                    while let Some(rest) = seq.next_element()? {
                        all.push(rest);
                    }
                    return Ok(Found::Odd(all.into()));
                }
            }
        }
        Ok(Found::Read(Self(items, PhantomData)))
    }
}

/// The item of a list, and back to JSON, for a list that turns out to be odd half-way.
trait Item<T> {
    fn item(self) -> T;
    fn value(item: T) -> Value;
}

impl Item<String> for String {
    fn item(self) -> String {
        self
    }
    fn value(item: String) -> Value {
        item.into()
    }
}

impl<T: Serialize> Item<T> for Total<T> {
    fn item(self) -> T {
        self.0
    }
    fn value(item: T) -> Value {
        serde_json::to_value(item).unwrap_or_default()
    }
}

impl<T: Serialize> Item<T> for Of<T> {
    fn item(self) -> T {
        self.0
    }
    fn value(item: T) -> Value {
        serde_json::to_value(item).unwrap_or_default()
    }
}

/// For answers: what cannot be read stays in `extra` under its own name.
pub(crate) mod lenient {
    use super::*;

    type Extra = Map<String, Value>;

    fn member<'de, T: Kind<'de>, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<T>, A::Error> {
        match map.next_value_seed(KindVisitor(PhantomData))? {
            // The last of a member that comes twice counts, in whichever form it is.
            Found::Read(value) => {
                forget(name, extra);
                Ok(Some(value))
            }
            Found::Nothing => {
                forget(name, extra);
                Ok(None)
            }
            Found::Odd(value) => {
                extra.insert(name.to_owned(), value);
                Ok(None)
            }
        }
    }

    /// Hardly ever is there anything: the common case must not cost a search.
    #[inline]
    fn forget(name: &str, extra: &mut Extra) {
        if !extra.is_empty() {
            extra.remove(name);
        }
    }

    pub(crate) fn text<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<String>, A::Error> {
        member(map, name, extra)
    }

    pub(crate) fn boolean<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<bool>, A::Error> {
        member(map, name, extra)
    }

    pub(crate) fn integer<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<i64>, A::Error> {
        let Some(read) = member::<IntegerOrDigits, A>(map, name, extra)? else { return Ok(None) };
        if let Some(digits) = read.digits {
            extra.insert(name.to_owned(), digits.into());
        }
        Ok(Some(read.value))
    }

    pub(crate) fn any<'de, A: MapAccess<'de>>(
        map: &mut A,
        _: &str,
        _: &mut Extra,
    ) -> Result<Option<Value>, A::Error> {
        map.next_value()
    }

    pub(crate) fn object<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<T>, A::Error> {
        Ok(member::<Total<T>, A>(map, name, extra)?.map(|object| object.0))
    }

    pub(crate) fn value<'de, T: DeserializeOwned, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<T>, A::Error> {
        Ok(member::<Of<T>, A>(map, name, extra)?.map(|of| of.0))
    }

    pub(crate) fn texts<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<Vec<String>>, A::Error> {
        Ok(member::<List<String, String>, A>(map, name, extra)?.map(|list| list.0))
    }

    pub(crate) fn objects<'de, T: Deserialize<'de> + Serialize, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<Vec<T>>, A::Error> {
        Ok(member::<List<Total<T>, T>, A>(map, name, extra)?.map(|list| list.0))
    }

    pub(crate) fn values<'de, T: DeserializeOwned + Serialize, A: MapAccess<'de>>(
        map: &mut A,
        name: &str,
        extra: &mut Extra,
    ) -> Result<Option<Vec<T>>, A::Error> {
        Ok(member::<List<Of<T>, T>, A>(map, name, extra)?.map(|list| list.0))
    }
}

/// Whether a member that every answer should have came in a form that could not be read: it is
/// empty, and kept in `extra`. Then that is what is written again.
pub(crate) fn unread<T: Default + PartialEq>(member: &T, name: &str, extra: &Map<String, Value>) -> bool {
    !extra.is_empty() && extra.contains_key(name) && *member == T::default()
}

/// For requests: a wrong type is an error; null is as good as absent.
pub(crate) mod strict {
    use super::*;

    pub(crate) fn integer<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<i64>, A::Error> {
        map.next_value_seed(Integer)
    }

    /// Fails while it reads the value, so that the error path names the field.
    struct Integer;

    impl<'de> DeserializeSeed<'de> for Integer {
        type Value = Option<i64>;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<i64>, D::Error> {
            match deserializer.deserialize_any(KindVisitor::<i64>(PhantomData))? {
                Found::Read(value) => Ok(Some(value)),
                Found::Nothing => Ok(None),
                Found::Odd(Value::Number(number)) => {
                    Err(D::Error::custom(format_args!("{number} is not an integer in range")))
                }
                Found::Odd(other) => {
                    Err(D::Error::custom(format_args!("expected an integer, found {}", kind_of(&other))))
                }
            }
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What [`lenient::integer`] takes, for the JSON Schema of the types.
#[cfg(feature = "schemars")]
impl schemars::JsonSchema for IntegerOrDigits {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IntegerOrDigits".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["integer", "string"], "pattern": "^-?[0-9]{1,19}$" })
    }
}

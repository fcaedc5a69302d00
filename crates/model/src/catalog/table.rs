//! The catalog's lists: strings, and rows by name.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A few strings, in their order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct StringSet(Vec<String>);

impl StringSet {
    /// The strings, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the word is among them.
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|known| known == word)
    }

    /// The first word.
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `480p, 720p or 1080p`.
impl fmt::Display for StringSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.len().saturating_sub(1);
        for (index, word) in self.iter().enumerate() {
            let before = match index {
                0 => "",
                _ if index == last => " or ",
                _ => ", ",
            };
            write!(f, "{before}{word}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StringSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Rows by name, in their order; a JSON object, and equal whatever the order.
#[derive(Clone)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(transparent))]
pub struct Map<T>(
    #[cfg_attr(feature = "schemars", schemars(with = "std::collections::BTreeMap<String, T>"))]
    Vec<(String, T)>,
);

impl<T> Map<T> {
    /// The row of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, row)| row)
    }

    /// Every row with its name, in the order of the catalog.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, row)| (key.as_str(), row))
    }

    /// Puts the rows in the order of another table; rows that it lacks stay at the end.
    pub(crate) fn in_order_of(&mut self, other: &Self) {
        let place = |name: &str| other.0.iter().position(|(key, _)| key == name).unwrap_or(usize::MAX);
        self.0.sort_by_key(|(name, _)| place(name));
    }
}

impl<T: PartialEq> PartialEq for Map<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(name, row)| other.get(name) == Some(row))
    }
}

impl<T: fmt::Debug> fmt::Debug for Map<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Serialize> Serialize for Map<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, row) in self.iter() {
            map.serialize_entry(name, row)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Rows<T> {
            type Value = Map<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<T>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = map.next_entry()? {
                    rows.push(row);
                }
                Ok(Map(rows))
            }
        }
        deserializer.deserialize_map(Rows(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'de> Deserialize<'de>>(json: &str) -> T {
        serde_json::from_str(json).expect("reads")
    }

    #[test]
    fn words_read_as_people_say_them() {
        let values: StringSet = read(r#"["480p","720p","1080p"]"#);
        assert_eq!(values.to_string(), "480p, 720p or 1080p");
        assert!(values.contains("720p") && !values.contains("4k"));
        assert_eq!(read::<StringSet>(r#"["4k"]"#).to_string(), "4k");
        assert_eq!(serde_json::to_string(&values).expect("writes"), r#"["480p","720p","1080p"]"#);
    }

    #[test]
    fn a_table_keeps_its_order() {
        let first: Map<u8> = read(r#"{"b":1,"a":2}"#);
        let mut other: Map<u8> = read(r#"{"a":2,"b":1,"0":3}"#);
        other.in_order_of(&first);
        assert_eq!(other.iter().collect::<Vec<_>>(), [("b", &1), ("a", &2), ("0", &3)]);
    }
}

//! Lists that are compiled in or were read at run time: words, and rows by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Text;

/// A few words, in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(Repr);

#[derive(Clone)]
enum Repr {
    Fixed(&'static [&'static str]),
    Read(Vec<String>),
}

impl PartialEq for Repr {
    fn eq(&self, other: &Self) -> bool {
        self.words().eq(other.words())
    }
}

impl Eq for Repr {}

impl Repr {
    fn words(&self) -> impl Iterator<Item = &str> {
        let (fixed, read): (&[&str], &[String]) = match self {
            Self::Fixed(words) => (words, &[]),
            Self::Read(words) => (&[], words),
        };
        fixed.iter().copied().chain(read.iter().map(String::as_str))
    }
}

impl Words {
    /// Words that are compiled in.
    pub(crate) const fn fixed(words: &'static [&'static str]) -> Self {
        Self(Repr::Fixed(words))
    }

    /// The words, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.words()
    }

    /// Whether the word is among them.
    pub fn contains(&self, word: &str) -> bool {
        match &self.0 {
            Repr::Fixed(words) => words.contains(&word),
            Repr::Read(words) => words.iter().any(|known| known == word),
        }
    }

    /// The first word.
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Fixed(words) => words.len(),
            Repr::Read(words) => words.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `480p, 720p or 1080p`.
impl fmt::Display for Words {
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

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|words| Self(Repr::Read(words)))
    }
}

/// Rows by name, in their order; a JSON object, and equal whatever the order.
#[derive(Clone)]
pub struct Table<T: Clone + 'static>(Cow<'static, [(Text, T)]>);

impl<T: Clone + 'static> Table<T> {
    /// Rows that are compiled in.
    pub(crate) const fn fixed(rows: &'static [(Text, T)]) -> Self {
        Self(Cow::Borrowed(rows))
    }

    /// The row of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, row)| row)
    }

    /// Every row with its name, in the order of the catalog.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, row)| (key.as_ref(), row))
    }

    /// Puts the rows in the order of another table; rows that it lacks stay at the end.
    pub(crate) fn in_order_of(&mut self, other: &Self) {
        let place = |name: &str| other.0.iter().position(|(key, _)| key == name).unwrap_or(usize::MAX);
        self.0.to_mut().sort_by_key(|(name, _)| place(name));
    }
}

impl<T: Clone + PartialEq + 'static> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(name, row)| other.get(name) == Some(row))
    }
}

impl<T: Clone + fmt::Debug + 'static> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Clone + Serialize + 'static> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, row) in self.iter() {
            map.serialize_entry(name, row)?;
        }
        map.end()
    }
}

impl<'de, T: Clone + Deserialize<'de> + 'static> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows<T>(std::marker::PhantomData<T>);
        impl<'de, T: Clone + Deserialize<'de> + 'static> Visitor<'de> for Rows<T> {
            type Value = Table<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut rows = Vec::new();
                while let Some((name, row)) = map.next_entry::<String, T>()? {
                    rows.push((Cow::Owned(name), row));
                }
                Ok(Table(Cow::Owned(rows)))
            }
        }
        deserializer.deserialize_map(Rows(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_as_people_say_them() {
        assert_eq!(Words::fixed(&["480p", "720p", "1080p"]).to_string(), "480p, 720p or 1080p");
        assert_eq!(Words::fixed(&["4k"]).to_string(), "4k");
        let read: Words = serde_json::from_str(r#"["480p","720p"]"#).expect("reads");
        assert_eq!(read, Words::fixed(&["480p", "720p"]));
        assert!(read.contains("720p") && !read.contains("4k"));
    }

    #[test]
    fn a_table_keeps_its_order() {
        static ROWS: [(Text, u8); 2] = [(Cow::Borrowed("b"), 1), (Cow::Borrowed("a"), 2)];
        let fixed = Table::fixed(&ROWS);
        let mut read: Table<u8> = serde_json::from_str(r#"{"a":2,"b":1,"0":3}"#).expect("reads");
        read.in_order_of(&fixed);
        assert_eq!(read.iter().collect::<Vec<_>>(), [("b", &1), ("a", &2), ("0", &3)]);
    }
}

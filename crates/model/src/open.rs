//! Future additions of the service: unknown values and kinds, kept unchanged.

use std::fmt;

use serde_json::{Map, Value};

/// A word of an enum that this version does not know.
///
/// It cannot be made outside this crate, so that a known word never hides in `Other`: write
/// `Ratio::from("2:1")`.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct OtherValue(Box<str>);

impl OtherValue {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The word as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OtherValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An object whose kind this version does not know.
#[derive(Clone, PartialEq)]
pub struct OtherObject {
    kind: String,
    members: Map<String, Value>,
}

impl OtherObject {
    pub(crate) fn new(kind: String, members: Map<String, Value>) -> Self {
        Self { kind, members }
    }

    /// The unknown tag.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The whole object, tag included.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

/// As it came.
impl serde::Serialize for OtherObject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

impl fmt::Debug for OtherObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other")
            .field("kind", &self.kind)
            .field("members", &crate::redact::Names(&self.members))
            .finish()
    }
}

/// The traits of an open string enum that has `KNOWN`, `as_str` and `From<&str>`.
macro_rules! string_enum {
    ($name:ident $schema:ident) => {
        impl $name {
            /// Whether this version knows the value.
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }
        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl Default for $name {
            /// The empty word, which no service sends: what stands where an answer lacks the
            /// member.
            fn default() -> Self {
                Self::from("")
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(self.as_str(), f)
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct StringVisitor;
                impl ::serde::de::Visitor<'_> for StringVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("a string, for example ")?;
                        ::std::fmt::Debug::fmt(&$name::KNOWN[0], f)
                    }
                    fn visit_str<E: ::serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok($name::from(text))
                    }
                }
                deserializer.deserialize_str(StringVisitor)
            }
        }
        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                crate::open::string_enum!(@schema $schema $name)
            }
        }
    };
    (@schema closed $name:ident) => {{
        let values: Vec<&str> = $name::KNOWN.iter().map($name::as_str).collect();
        ::schemars::json_schema!({ "type": "string", "enum": values })
    }};
    (@schema open $name:ident) => {
        ::schemars::json_schema!({ "type": "string" })
    };
}
pub(crate) use string_enum;

/// The traits of a union whose branches write their own tag.
///
/// Decoding reads all members and picks the branch by its tag, so that a complaint names the
/// branch.
macro_rules! tagged_union {
    ($name:ident by $tag:literal { $($variant:ident($branch:ty) => $value:literal),* $(,)? }) => {
        impl $name {
            /// The kinds that this version knows, as they stand on the wire.
            pub const KINDS: &'static [&'static str] = &[$($value),*];

            /// The kind, as it stands on the wire.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $value,)*
                    Self::Other(other) => other.kind(),
                }
            }
        }
        $(impl From<$branch> for $name {
            fn from(branch: $branch) -> Self {
                Self::$variant(branch)
            }
        })*
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $(Self::$variant(branch) => ::std::fmt::Debug::fmt(branch, f),)*
                    Self::Other(other) => ::std::fmt::Debug::fmt(other, f),
                }
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(branch) => ::serde::Serialize::serialize(branch, serializer),)*
                    Self::Other(other) => ::serde::Serialize::serialize(other.members(), serializer),
                }
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use ::serde::de::Error as _;
                let crate::decode::Members(mut members) = crate::decode::Members::deserialize(deserializer)?;
                let tag = members.iter().rposition(|(name, _)| name == $tag).map(|at| members.remove(at).1);
                let Some(::serde_json::Value::String(kind)) = tag else {
                    return Err(D::Error::custom(concat!(stringify!($name), ": missing text `", $tag, "`")));
                };
                match kind.as_str() {
                    $($value => {
                        let members = ::serde::de::value::MapDeserializer::new(members.into_iter());
                        <$branch>::deserialize(members).map(Self::$variant).map_err(|error: ::serde_json::Error| {
                            D::Error::custom(format_args!(concat!(stringify!($name), " of type `", $value, "`: {}"), error))
                        })
                    })*
                    _ => {
                        let mut members: ::serde_json::Map<_, _> = members.into_iter().collect();
                        members.insert($tag.to_owned(), kind.as_str().into());
                        Ok(Self::Other(crate::open::OtherObject::new(kind, members)))
                    }
                }
            }
        }
        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let branches = vec![$({
                    let branch = generator.subschema_for::<$branch>();
                    let tag = ::schemars::json_schema!({
                        "type": "object", "properties": { $tag: { "type": "string", "const": $value } }, "required": [$tag]
                    });
                    ::schemars::json_schema!({ "allOf": [branch, tag] })
                }),*];
                ::schemars::json_schema!({ "oneOf": branches })
            }
        }
    };
}
pub(crate) use tagged_union;

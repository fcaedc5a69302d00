//! Places in a request: as a JSON pointer for people, and as a key to sort by.

use crate::generated::Field;

/// A place in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pointer<'a> {
    /// The whole request.
    Whole,
    /// A top-level member.
    Field(Field),
    /// Something in an entry of a list: `/role` of `content[3]`. Empty for the entry itself.
    Entry(Field, usize, &'static str),
    /// A member of an entry that has no name here.
    EntryMember(Field, usize, &'static str, &'a str),
    /// A top-level member that has no name here.
    Member(&'a str),
}

/// A place to sort by: member, entry, part of the entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u16, usize, u8);

impl Order {
    /// The place of the nth thing said, where they are said in their order.
    pub(crate) fn nth(n: usize) -> Self {
        Self(0, n, 0)
    }
}

impl Pointer<'_> {
    pub(crate) fn to_json(self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Field(field) => format!("/{}", field.name()),
            Self::Entry(field, index, rest) => format!("/{}/{index}{rest}", field.name()),
            Self::EntryMember(field, index, rest, name) => {
                format!("/{}/{index}{rest}/{}", field.name(), escaped(name))
            }
            Self::Member(name) => format!("/{}", escaped(name)),
        }
    }

    pub(crate) fn order(self) -> Order {
        match self {
            Self::Whole => Order(0, 0, 0),
            Self::Field(field) => Order(1 + field as u16, 0, 0),
            Self::Entry(field, index, rest) => Order(1 + field as u16, index + 1, rank(rest)),
            Self::EntryMember(field, index, rest, _) => Order(1 + field as u16, index + 1, rank(rest) + 1),
            Self::Member(_) => Order(u16::MAX, 0, 0),
        }
    }
}

/// Members of an entry in the order in which they are written: type, payload, role.
fn rank(rest: &str) -> u8 {
    match rest {
        "" => 0,
        "/type" => 2,
        "/role" => 8,
        _ => 4,
    }
}

/// A name inside a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_json_pointers() {
        assert_eq!(Pointer::Whole.to_json(), "");
        assert_eq!(Pointer::Field(Field::ServiceTier).to_json(), "/service_tier");
        assert_eq!(Pointer::Entry(Field::Content, 3, "/image_url/url").to_json(), "/content/3/image_url/url");
        assert_eq!(
            Pointer::EntryMember(Field::Content, 1, "/image_url", "role").to_json(),
            "/content/1/image_url/role"
        );
        assert_eq!(Pointer::Member("a/b~c").to_json(), "/a~1b~0c");
    }
}

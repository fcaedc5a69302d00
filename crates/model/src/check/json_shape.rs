//! The JSON form of a request as the generated code describes it: which fields an object has and
//! what they hold. Checks nothing.

/// The fields of an object of a request.
pub(crate) struct Shape {
    pub(crate) members: &'static [Member],
}

/// A field of an object.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
}

/// What a field holds.
pub(crate) enum Kind {
    Text,
    Flag,
    Integer,
    #[allow(dead_code, reason = "no request has one today")]
    Any,
    Object(&'static Shape),
    /// Objects distinguished by the value of a field.
    Union(&'static str, &'static [(&'static str, &'static Shape)]),
    List(&'static Kind),
}

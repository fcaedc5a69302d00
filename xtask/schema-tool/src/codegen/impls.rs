//! What every struct needs around its body: decoding, encoding, a `Debug` without secrets, `new`,
//! setters.
//!
//! Requests are decoded strictly (a wrong type is an error that names the field); answers of the
//! service never fail on an odd optional member, they keep it in `extra`.

use proc_macro2::TokenStream;
use quote::quote;

use super::definitions::{Private, Role, Type};
use super::structs::{Body, BodyField};

/// `Deserialize` for every struct.
pub(crate) fn decode(bodies: &[Body<'_>]) -> TokenStream {
    let impls = bodies.iter().map(|body| {
        let name = super::ident(&body.definition.name);
        let expecting = format!("a JSON object ({})", body.definition.name);
        let wire: Vec<&str> = body.fields.iter().map(|f| f.field.name.as_str()).collect();
        let tag = body.structure.tag.as_ref().map(|(tag, _)| tag.as_str());
        let places = wire.iter().copied().chain(tag).enumerate().map(|(place, name)| quote!(#name => #place));
        let idents: Vec<_> = body.fields.iter().map(|f| &f.ident).collect();
        let arms = body.fields.iter().enumerate().map(|(index, field)| {
            let (ident, read) = (&field.ident, read(field, body.structure.role));
            quote!(Key::Known(#index) => #ident = #read,)
        });
        let skip_tag = body.structure.tag.as_ref().map(|_| {
            let index = body.fields.len();
            quote!(Key::Known(#index) => { map.next_value::<::serde::de::IgnoredAny>()?; })
        });
        let finish = body.fields.iter().map(|field| {
            let ident = &field.ident;
            let name = &field.field.name;
            if field.optional {
                return quote!(#ident);
            }
            // Everything of an answer may be missing, but for an object that is all it has.
            if body.structure.role == Role::Request || !field.has_empty {
                quote!(#ident: #ident.ok_or_else(|| ::serde::de::Error::missing_field(#name))?)
            } else {
                quote!(#ident: #ident.unwrap_or_default())
            }
        });
        quote! {
            impl<'de> ::serde::Deserialize<'de> for super::#name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Members;
                    impl<'de> ::serde::de::Visitor<'de> for Members {
                        type Value = super::#name;
                        fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                            f.write_str(#expecting)
                        }
                        fn visit_map<A: ::serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                            let place = |name: &str| Some(match name { #(#places,)* _ => return None });
                            #(let mut #idents = None;)*
                            let mut extra = ::serde_json::Map::new();
                            while let Some(key) = map.next_key_seed(Names(place))? {
                                match key {
                                    #(#arms)*
                                    #skip_tag
                                    Key::Known(_) => { map.next_value::<::serde::de::IgnoredAny>()?; }
                                    Key::Other(name) => { extra.insert(name, map.next_value()?); }
                                }
                            }
                            Ok(super::#name { #(#finish,)* extra })
                        }
                    }
                    deserializer.deserialize_map(Members)
                }
            }
        }
    });
    quote! {
        use crate::decode::{Key, Names, lenient, strict};
        #(#impls)*
    }
}

fn read(field: &BodyField<'_>, role: Role) -> TokenStream {
    let name = &field.field.name;
    if role == Role::Request {
        return match &field.field.ty {
            Type::Int => quote!(strict::integer(&mut map)?),
            _ => quote!(map.next_value()?),
        };
    }
    let how = match (&field.field.ty, field.total) {
        (Type::Text, _) => "text",
        (Type::Bool, _) => "boolean",
        (Type::Int, _) => "integer",
        (Type::Any, _) => "any",
        (Type::Named { .. }, true) => "object",
        (Type::Named { .. }, false) => "value",
        (Type::List(item), _) if **item == Type::Text => "texts",
        (Type::List(_), true) => "objects",
        (Type::List(_), false) => "values",
    };
    let how = super::ident(how);
    quote!(lenient::#how(&mut map, #name, &mut extra)?)
}

/// `Serialize` for every struct: the tag first, then what is set, then the unknown members that no
/// field has taken.
pub(crate) fn encode(bodies: &[Body<'_>]) -> TokenStream {
    let impls = bodies.iter().map(|body| {
        let name = super::ident(&body.definition.name);
        let tag = body.structure.tag.as_ref().map(|(tag, value)| quote!(map.serialize_entry(#tag, #value)?;));
        let response = body.structure.role == Role::Response;
        let unread = |field: &BodyField<'_>| response && field.has_empty && !field.optional;
        let digits = |field: &BodyField<'_>| response && field.field.ty == Type::Int;
        let members = body.fields.iter().map(|field| {
            let (ident, name) = (&field.ident, &field.field.name);
            if field.optional && digits(field) {
                quote!(if let Some(value) = self.#ident {
                    match digits(value, #name, &self.extra) {
                        Some(text) => map.serialize_entry(#name, text)?,
                        None => map.serialize_entry(#name, &value)?,
                    }
                })
            } else if field.optional {
                quote!(if let Some(value) = &self.#ident { map.serialize_entry(#name, value)?; })
            } else if unread(field) {
                quote!(if !unread(&self.#ident, #name, &self.extra) { map.serialize_entry(#name, &self.#ident)?; })
            } else {
                quote!(map.serialize_entry(#name, &self.#ident)?;)
            }
        });
        let taken = body.fields.iter().map(|field| {
            let (ident, name) = (&field.ident, &field.field.name);
            if field.optional {
                quote!(#name => self.#ident.is_some())
            } else if unread(field) {
                quote!(#name => !unread(&self.#ident, #name, &self.extra))
            } else {
                quote!(#name => true)
            }
        });
        let taken_tag = body.structure.tag.as_ref().map(|(tag, _)| quote!(#tag => true,));
        quote! {
            impl ::serde::Serialize for super::#name {
                fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    #tag
                    #(#members)*
                    for (name, value) in &self.extra {
                        let taken = match name.as_str() { #(#taken,)* #taken_tag _ => false };
                        if !taken {
                            map.serialize_entry(name, value)?;
                        }
                    }
                    map.end()
                }
            }
        }
    });
    quote! {
        use ::serde::ser::SerializeMap as _;
        use crate::decode::{digits, unread};
        #(#impls)*
    }
}

/// `Debug` for every struct: what is set, with prompts as lengths, URLs without query and data,
/// unknown members as names.
pub(crate) fn debug(bodies: &[Body<'_>]) -> TokenStream {
    let impls = bodies.iter().map(|body| {
        let name = super::ident(&body.definition.name);
        let title = &body.definition.name;
        let fields = body.fields.iter().map(|field| {
            let ident = &field.ident;
            let label = ident.to_string();
            let shown = match field.field.private {
                None => quote!(value),
                Some(Private::Prompt) => quote!(&crate::redact::Prompt(value)),
                Some(Private::Url) => quote!(&crate::redact::Url(value)),
            };
            if field.optional {
                quote!(if let Some(value) = &self.#ident { out.field(#label, #shown); })
            } else {
                quote!({ let value = &self.#ident; out.field(#label, #shown); })
            }
        });
        quote! {
            impl ::std::fmt::Debug for super::#name {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    let mut out = f.debug_struct(#title);
                    #(#fields)*
                    if !self.extra.is_empty() {
                        out.field("extra", &crate::redact::Names(&self.extra));
                    }
                    out.finish()
                }
            }
        }
    });
    quote! { #(#impls)* }
}

/// `new` for every struct with something required, and a setter per field of what our users write.
pub(crate) fn constructors(bodies: &[Body<'_>]) -> TokenStream {
    let impls = bodies.iter().map(|body| {
        let name = super::ident(&body.definition.name);
        let required: Vec<_> = body.fields.iter().filter(|f| !f.optional).collect();
        let optional: Vec<_> = body.fields.iter().filter(|f| f.optional).map(|f| &f.ident).collect();
        let idents: Vec<_> = required.iter().map(|f| &f.ident).collect();
        let types: Vec<_> = required.iter().map(|f| &f.ty).collect();
        let about = format!("A `{}` with what is required, and nothing else.", body.definition.name);
        let new = (!required.is_empty()).then(|| {
            quote! {
                #[doc = #about]
                pub fn new(#(#idents: impl Into<#types>),*) -> Self {
                    Self { #(#idents: #idents.into(),)* #(#optional: None,)* extra: ::serde_json::Map::new() }
                }
            }
        });
        let setters = (body.structure.role == Role::Request).then(|| setters(body)).into_iter().flatten();
        quote! { impl #name { #new #(#setters)* } }
    });
    quote! {
        use super::*;
        #(#impls)*
    }
}

fn setters(body: &Body<'_>) -> Vec<TokenStream> {
    body.fields
        .iter()
        .filter(|field| field.optional)
        .map(|field| {
            let (ident, docs) = (&field.ident, super::docs(&field.field.docs));
            let ty = inner(&field.ty);
            quote! {
                #docs
                #[must_use]
                pub fn #ident(mut self, #ident: impl Into<#ty>) -> Self {
                    self.#ident = Some(#ident.into());
                    self
                }
            }
        })
        .collect()
}

/// `T` of `Option<T>`; any other type as it is.
fn inner(ty: &syn::Type) -> &syn::Type {
    if let syn::Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner;
    }
    ty
}

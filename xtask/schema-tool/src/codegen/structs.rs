//! Struct bodies: the definitions as Rust, field by field in the order of the schema. Knows no
//! constraint: that is `checks`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Ident, parse_quote};

use super::definitions::{Definition, Field, Role, Shape, Struct, Type};

/// A struct, field by field in the order of the schema.
pub(crate) struct Body<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) structure: &'a Struct,
    pub(crate) fields: Vec<BodyField<'a>>,
}

pub(crate) struct BodyField<'a> {
    pub(crate) field: &'a Field,
    pub(crate) ident: Ident,
    pub(crate) ty: syn::Type,
    /// `Option<…>` in Rust.
    pub(crate) optional: bool,
    /// What an answer that lacks it is read as: empty text, no items, the empty word. An object has
    /// no such thing.
    pub(crate) has_empty: bool,
    /// Its type (or its items' type) is an object of an answer that reads any JSON object.
    pub(crate) total: bool,
}

/// All structs of the document.
pub(crate) fn bodies(definitions: &[Definition]) -> Vec<Body<'_>> {
    let structs = definitions.iter().filter_map(|definition| Some((definition, definition.as_struct()?)));
    structs
        .map(|(definition, structure)| {
            let fields = structure.fields.iter().map(|field| body_field(definitions, field)).collect();
            Body { definition, structure, fields }
        })
        .collect()
}

fn body_field<'a>(definitions: &[Definition], field: &'a Field) -> BodyField<'a> {
    let (ty, optional) = (rust(definitions, &field.ty), !field.required);
    let ty = if optional { parse_quote!(Option<#ty>) } else { ty };
    let has_empty = match &field.ty {
        Type::Named { name, .. } => is(definitions, name, |shape| matches!(shape, Shape::Enum(..))),
        _ => true,
    };
    let total = match &field.ty {
        Type::Named { name, .. } => reads_any_object(definitions, name),
        Type::List(item) => {
            matches!(&**item, Type::Named { name, .. } if reads_any_object(definitions, name))
        }
        _ => false,
    };
    BodyField { field, ident: super::ident(&super::field_name(&field.name)), ty, optional, has_empty, total }
}

/// A type as the struct definitions write it: enums and unions have modules of their own.
fn rust(definitions: &[Definition], ty: &Type) -> syn::Type {
    match ty {
        Type::Text => parse_quote!(String),
        Type::Bool => parse_quote!(bool),
        Type::Int => parse_quote!(i64),
        Type::Any => parse_quote!(::serde_json::Value),
        Type::Named { name, .. } => {
            let ident = super::ident(name);
            match is(definitions, name, |shape| matches!(shape, Shape::Enum(..) | Shape::Union { .. })) {
                true => parse_quote!(super::#ident),
                false => parse_quote!(#ident),
            }
        }
        Type::List(item) => {
            let item = rust(definitions, item);
            parse_quote!(Vec<#item>)
        }
    }
}

fn is(definitions: &[Definition], name: &str, of: impl Fn(&Shape) -> bool) -> bool {
    definitions.iter().any(|definition| definition.name == name && of(&definition.shape))
}

/// Whether decoding the named struct cannot fail on a JSON object: an answer's, with no object that
/// it must have.
fn reads_any_object(definitions: &[Definition], name: &str) -> bool {
    let structure =
        definitions.iter().find(|definition| definition.name == name).and_then(Definition::as_struct);
    structure.is_some_and(|structure| {
        structure.role == Role::Response
            && structure.fields.iter().filter(|field| field.required).all(|field| match &field.ty {
                Type::Named { name, .. } => is(definitions, name, |shape| matches!(shape, Shape::Enum(..))),
                _ => true,
            })
    })
}

/// The struct definitions themselves.
pub(crate) fn emit(bodies: &[Body<'_>]) -> TokenStream {
    let structs = bodies.iter().map(|body| {
        let name = super::ident(&body.definition.name);
        let docs = super::docs([&body.definition.description]);
        let default = body.fields.iter().all(|f| f.optional).then(|| quote!(Default,));
        let fields = body.fields.iter().map(|field| {
            let (ident, ty, docs) = (&field.ident, &field.ty, super::docs(&field.field.docs));
            let schema = schema_attributes(field, body.structure.role);
            quote! { #docs #schema pub #ident: #ty, }
        });
        quote! {
            #docs
            #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
            #[derive(Clone, #default PartialEq)]
            #[non_exhaustive]
            pub struct #name {
                #(#fields)*
                /// Members that this version has no field for, kept and written back.
                #[cfg_attr(feature = "schemars", schemars(flatten))]
                pub extra: ::serde_json::Map<String, ::serde_json::Value>,
            }
        }
    });
    quote! { #(#structs)* }
}

/// Definitions that are another name for one.
pub(crate) fn aliases(definitions: &[Definition]) -> TokenStream {
    let aliases = definitions.iter().filter_map(|definition| match &definition.shape {
        Shape::Alias(target) => {
            let (name, target, docs) = (
                super::ident(&definition.name),
                super::ident(target),
                super::docs([&definition.description]),
            );
            Some(quote! { #docs pub type #name = #target; })
        }
        _ => None,
    });
    quote! { #(#aliases)* }
}

/// What schemars cannot see by itself: names on the wire, and shapes that decoding takes beyond the
/// Rust type.
fn schema_attributes(field: &BodyField<'_>, role: Role) -> Option<TokenStream> {
    let name = &field.field.name;
    let rename = (field.ident != name).then(|| quote!(rename = #name));
    let shape = match &field.field.ty {
        Type::Named { open: true, .. } => Some(quote!(with = "Option<String>")),
        Type::Int if role == Role::Response && field.optional => {
            Some(quote!(with = "Option<crate::decode::IntegerOrDigits>"))
        }
        Type::Int if role == Role::Response => Some(quote!(with = "crate::decode::IntegerOrDigits")),
        Type::List(_) if field.field.nullable && !field.optional => {
            let nullable = format!("Option<{}>", field.ty.to_token_stream());
            Some(quote!(with = #nullable))
        }
        _ => None,
    };
    let parts: Vec<_> = rename.into_iter().chain(shape).collect();
    (!parts.is_empty()).then(|| quote!(#[cfg_attr(feature = "schemars", schemars(#(#parts),*))]))
}

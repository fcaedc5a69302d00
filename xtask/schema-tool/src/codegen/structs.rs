//! Struct bodies: the definitions in the dialect that typify is good at, its output taken apart and put in our order.
//!
//! typify decides names, `Option`, `Vec` and renames. Everything that it would add on top (derives, its own
//! `Deserialize`, alphabetical order, the schema as a comment) is left behind here.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use schemars08::schema::RootSchema;
use serde_json::{Map, Value, json};
use syn::{Ident, Item, ItemStruct};
use typify_impl::{TypeSpace, TypeSpaceSettings};

use super::definitions::{Definition, Field, Role, Shape, Struct, Type};

/// A struct as typify shapes it, field by field in the order of the schema.
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
    /// What an answer that lacks it is read as: empty text, no items, the empty word. An object has no such thing.
    pub(crate) has_empty: bool,
    /// Its type (or its items' type) is an object of an answer that reads any JSON object.
    pub(crate) total: bool,
}

/// Asks typify for all structs of the document.
pub(crate) fn bodies(definitions: &[Definition]) -> Result<Vec<Body<'_>>> {
    let mut settings = TypeSpaceSettings::default();
    for definition in definitions {
        if matches!(definition.shape, Shape::Enum(..) | Shape::Union { .. }) {
            settings.with_replacement(
                &definition.name,
                format!("super::{}", definition.name),
                std::iter::empty(),
            );
        }
    }
    let mut space = TypeSpace::new(&settings);
    let root: RootSchema =
        serde_json::from_value(lower(definitions)).context("the lowered schema is no JSON Schema")?;
    space.add_root_schema(root).map_err(|error| anyhow!("typify: {error}"))?;
    let file: syn::File = syn::parse2(space.to_stream()).context("typify's output does not parse")?;
    let mut items: BTreeMap<String, ItemStruct> = file
        .items
        .into_iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some((item.ident.to_string(), item)),
            _ => None,
        })
        .collect();
    let structs = definitions.iter().filter_map(|definition| Some((definition, definition.as_struct()?)));
    structs
        .map(|(definition, structure)| {
            let item = items
                .remove(&definition.name)
                .ok_or_else(|| anyhow!("typify made no struct `{}`", definition.name))?;
            Ok(Body { definition, structure, fields: fields(definitions, structure, item)? })
        })
        .collect()
}

fn fields<'a>(
    definitions: &[Definition],
    structure: &'a Struct,
    item: ItemStruct,
) -> Result<Vec<BodyField<'a>>> {
    let mut made: BTreeMap<String, syn::Field> = BTreeMap::new();
    let struct_name = item.ident.to_string();
    for field in item.fields {
        let ident = field.ident.clone().ok_or_else(|| anyhow!("typify made `{struct_name}` a tuple"))?;
        let wire = renamed(&field).unwrap_or_else(|| ident.to_string());
        made.insert(wire, field);
    }
    structure
        .fields
        .iter()
        .map(|field| {
            let made = made.remove(&field.name).ok_or_else(|| anyhow!("typify made no field {struct_name}.{}", field.name))?;
            let ty = StdPaths.short(made.ty);
            let optional = matches!(&ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option"));
            let ident = made.ident.ok_or_else(|| anyhow!("a field of `{struct_name}` has no name"))?;
            let has_empty = match &field.ty {
                Type::Named { name, .. } => definitions.iter().any(|d| d.name == *name && matches!(d.shape, Shape::Enum(..))),
                _ => true,
            };
            let total = match &field.ty {
                Type::Named { name, .. } => reads_any_object(definitions, name),
                Type::List(item) => matches!(&**item, Type::Named { name, .. } if reads_any_object(definitions, name)),
                _ => false,
            };
            Ok(BodyField { field, ident, ty, optional, has_empty, total })
        })
        .collect()
}

/// Whether decoding the named struct cannot fail on a JSON object: an answer's, with no object that it must have.
fn reads_any_object(definitions: &[Definition], name: &str) -> bool {
    let structure =
        definitions.iter().find(|definition| definition.name == name).and_then(Definition::as_struct);
    structure.is_some_and(|structure| {
        structure.role == Role::Response
            && structure.fields.iter().filter(|field| field.required).all(|field| match &field.ty {
                Type::Named { name, .. } => {
                    definitions.iter().any(|d| d.name == *name && matches!(d.shape, Shape::Enum(..)))
                }
                _ => true,
            })
    })
}

/// The value of `#[serde(rename = "…")]`.
fn renamed(field: &syn::Field) -> Option<String> {
    let mut name = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // A part that is not `rename` may have any form; what cannot be read is not a rename.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    name
}

/// `::std::option::Option<::std::string::String>` to `Option<String>`.
struct StdPaths;

impl StdPaths {
    fn short(mut self, mut ty: syn::Type) -> syn::Type {
        syn::visit_mut::VisitMut::visit_type_mut(&mut self, &mut ty);
        ty
    }
}

impl syn::visit_mut::VisitMut for StdPaths {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        if path.leading_colon.is_some()
            && path.segments.first().is_some_and(|first| first.ident == "std")
            && let Some(last) = path.segments.last().cloned()
        {
            path.leading_colon = None;
            path.segments = std::iter::once(last).collect();
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

/// The definitions without constraints, tags and defaults: what makes typify write plain structs.
fn lower(definitions: &[Definition]) -> Value {
    let mut lowered = Map::new();
    for definition in definitions {
        let schema = match &definition.shape {
            Shape::Struct(structure) => lower_struct(structure),
            // Replaced by types of our own; typify only needs to know that the name exists.
            Shape::Enum(..) | Shape::Union { .. } => json!({ "type": "string" }),
            Shape::Alias(_) => continue,
        };
        lowered.insert(definition.name.clone(), schema);
    }
    json!({ "$schema": "http://json-schema.org/draft-07/schema#", "definitions": lowered })
}

fn lower_struct(structure: &Struct) -> Value {
    let properties: Map<String, Value> =
        structure.fields.iter().map(|f| (f.name.clone(), lower_type(&f.ty, f.required))).collect();
    let required: Vec<&str> =
        structure.fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn lower_type(ty: &Type, required: bool) -> Value {
    match ty {
        Type::Text => json!({ "type": "string" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int => json!({ "type": "integer", "format": "int64" }),
        Type::Any => json!(true),
        Type::Named { name, .. } => json!({ "$ref": format!("#/definitions/{name}") }),
        // An optional list is absent or there, never "absent when empty".
        Type::List(item) if required => json!({ "type": "array", "items": lower_type(item, true) }),
        Type::List(item) => json!({ "type": ["array", "null"], "items": lower_type(item, true) }),
    }
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

/// What schemars cannot see by itself: names on the wire, and shapes that decoding takes beyond the Rust type.
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

//! Checks of single fields, from the resolved schema: bounds, lengths, known values, empty texts;
//! and the shape of the request as a table, to check JSON that does not decode.
//!
//! What the schema says of several items together stands in `content.allOf` and is written by hand
//! in `crates/model/src/check/combinations.rs`; a rule there that this file does not list stops the
//! run.

use anyhow::{Result, anyhow, bail, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::definitions::{Closed, Definition, Field, Shape, Type};

const ROOT: &str = "CreateTaskRequest";

/// The rules on several items, by their description, each with its function in `combinations.rs`.
const COMBINATIONS: &[&str] = &[
    "A draft stands alone.",
    "At most one first frame.",
    "At most one last frame.",
    "A last frame needs a first frame.",
    "Frames and references are two modes and never mix.",
    "With more than one image, every image says its role.",
];

/// Everything about the request as Rust.
pub(crate) fn emit(document: &Value, definitions: &[Definition]) -> Result<TokenStream> {
    combinations(document)?;
    let root = find(definitions, ROOT)?;
    let Shape::Struct(root_struct) = &root.shape else { bail!("$defs/{ROOT} is no object") };
    let names: Vec<&str> = root_struct.fields.iter().map(|field| field.name.as_str()).collect();
    let idents: Vec<_> =
        names.iter().map(|name| super::ident(&heck::AsUpperCamelCase(name).to_string())).collect();
    let writer = Writer { document, definitions };
    let body = writer.object(ROOT, &quote!(request), &At::Top)?;
    let shapes = shapes(definitions)?;
    Ok(quote! {
        use crate::check::{Kind, Member, Pointer, Shape, Sink};
        /// The members of the request, in their order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(dead_code, reason = "not every member has a rule")]
        pub(crate) enum Field { #(#idents),* }
        impl Field {
            /// The members' names on the wire.
            pub(crate) const NAMES: &'static [&'static str] = &[#(#names),*];
            pub(crate) fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }
        /// What the schema says of single fields.
        pub(crate) fn structure(request: &crate::CreateTaskRequest, sink: &mut Sink) {
            #body
        }
        #shapes
    })
}

/// Every rule on several items has a handwritten implementation.
fn combinations(document: &Value) -> Result<()> {
    let rules =
        document.pointer("/$defs/CreateTaskRequest/properties/content/allOf").and_then(Value::as_array);
    let rules =
        rules.ok_or_else(|| anyhow!("{ROOT}.content has no `allOf` with the rules on several items"))?;
    let found: Vec<&str> = rules.iter().filter_map(|rule| rule["description"].as_str()).collect();
    ensure!(
        found == COMBINATIONS,
        "{ROOT}.content.allOf is not the list of rules that crates/model/src/check/combinations.rs implements; change \
         both and xtask/schema-tool/src/codegen/checks.rs:\n  schema: {found:?}\n  written: {COMBINATIONS:?}"
    );
    Ok(())
}

fn find<'a>(definitions: &'a [Definition], name: &str) -> Result<&'a Definition> {
    definitions
        .iter()
        .find(|definition| definition.name == name)
        .ok_or_else(|| anyhow!("there is no `{name}` in $defs"))
}

/// Where in the request a value stands.
enum At {
    /// A member of the request itself.
    Top,
    /// Inside an entry of a list of the request.
    Entry { list: syn::Ident, path: String },
}

impl At {
    fn place(&self, name: &str) -> TokenStream {
        match self {
            Self::Top => {
                let field = super::ident(&heck::AsUpperCamelCase(name).to_string());
                quote!(Pointer::Field(Field::#field))
            }
            Self::Entry { list, path } => {
                let path = format!("{path}/{name}");
                quote!(Pointer::Entry(Field::#list, index, #path))
            }
        }
    }
}

struct Writer<'a> {
    document: &'a Value,
    definitions: &'a [Definition],
}

impl Writer<'_> {
    fn object(&self, name: &str, access: &TokenStream, at: &At) -> Result<TokenStream> {
        let definition = find(self.definitions, name)?;
        let Shape::Struct(structure) = &definition.shape else { bail!("$defs/{name} is no object") };
        let parts = structure
            .fields
            .iter()
            .map(|field| self.field(name, field, access, at))
            .collect::<Result<Vec<_>>>()?;
        Ok(quote!(#(#parts)*))
    }

    fn field(&self, owner: &str, field: &Field, access: &TokenStream, at: &At) -> Result<TokenStream> {
        let name = field.name.as_str();
        let schema = &self.document["$defs"][owner]["properties"][name];
        let ident = super::ident(&super::field_name(name));
        let place = at.place(name);
        let optional = !field.required;
        let wrap = |check: TokenStream, by: TokenStream| -> TokenStream {
            if check.is_empty() {
                quote!()
            } else if optional {
                quote!(if let Some(value) = #by #access.#ident { #check })
            } else {
                quote!({ let value = #by #access.#ident; #check })
            }
        };
        Ok(match &field.ty {
            Type::Text => wrap(text(schema, name, &place)?, quote!(&)),
            Type::Int => wrap(integer(schema, name, &place)?, quote!()),
            Type::Bool | Type::Any => quote!(),
            Type::Named { name: target, .. } => match &find(self.definitions, target)?.shape {
                Shape::Enum(values, Closed::Yes) => {
                    let values: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
                    let values = listed(&values);
                    wrap(
                        quote!(if !value.is_known() { sink.unknown_word(#place, #name, value.as_str(), #values); }),
                        quote!(&),
                    )
                }
                Shape::Enum(_, Closed::No) => quote!(),
                Shape::Struct(_) => {
                    // What lies inside such an object has no place in a report; the shape alone is
                    // checked.
                    let At::Entry { list, path } = at else { return Ok(quote!()) };
                    if optional {
                        return Ok(quote!());
                    }
                    let inside = At::Entry { list: list.clone(), path: format!("{path}/{name}") };
                    self.object(target, &quote!(#access.#ident), &inside)?
                }
                other => bail!("{owner}.{name}: no check for {other:?}"),
            },
            Type::List(item) => {
                ensure!(matches!(at, At::Top), "{owner}.{name}: a list inside a list");
                let list = super::ident(&heck::AsUpperCamelCase(name).to_string());
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0) as usize;
                let count = if least == 0 {
                    quote!()
                } else {
                    quote!(if value.len() < #least { sink.too_few(#place, #name, #least); })
                };
                let entry = match &**item {
                    Type::Named { name: target, .. } => {
                        self.entry(target, &At::Entry { list: list.clone(), path: String::new() }, &list)?
                    }
                    _ => quote!(),
                };
                if entry.is_empty() {
                    return Ok(wrap(count, quote!(&)));
                }
                wrap(quote!(#count for (index, item) in value.iter().enumerate() { #entry }), quote!(&))
            }
        })
    }

    fn entry(&self, target: &str, at: &At, list: &syn::Ident) -> Result<TokenStream> {
        match &find(self.definitions, target)?.shape {
            Shape::Struct(_) => self.object(target, &quote!(item), at),
            Shape::Union { tag, branches } => {
                let arms = branches
                    .iter()
                    .map(|branch| {
                        let variant = super::ident(branch.strip_suffix("Content").unwrap_or(branch));
                        let body = self.object(branch, &quote!(item), at)?;
                        let used = if body.is_empty() { quote!(_) } else { quote!(item) };
                        Ok(quote!(crate::ContentItem::#variant(#used) => { #body }))
                    })
                    .collect::<Result<Vec<_>>>()?;
                let tag = format!("/{tag}");
                Ok(quote! {
                    match item {
                        #(#arms)*
                        crate::ContentItem::Other(item) => sink.unknown_kind(
                            Pointer::Entry(Field::#list, index, #tag), #target, item.kind(), crate::ContentItem::KINDS,
                        ),
                    }
                })
            }
            // An open enum: any text is valid.
            Shape::Enum(_, Closed::No) => Ok(quote!()),
            other => bail!("$defs/{target}: no check for {other:?}"),
        }
    }
}

fn text(schema: &Value, name: &str, place: &TokenStream) -> Result<TokenStream> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64).map(|bound| bound as usize);
    ensure!(schema.get("pattern").is_none(), "{name}: no check for `pattern`");
    let short = match bound("minLength") {
        None | Some(0) => quote!(),
        Some(1) => quote!(if value.is_empty() { sink.too_short(#place, #name, 1); }),
        Some(least) => quote!(if value.chars().count() < #least { sink.too_short(#place, #name, #least); }),
    };
    let long = bound("maxLength").map(|most| {
        // A text has at most as many characters as bytes: most need no counting.
        quote! {
            if value.len() > #most {
                let found = value.chars().count();
                if found > #most { sink.too_long(#place, #name, found, #most); }
            }
        }
    });
    Ok(quote!(#short #long))
}

fn integer(schema: &Value, name: &str, place: &TokenStream) -> Result<TokenStream> {
    let bounds = |schema: &Value| -> Result<Option<(i64, i64)>> {
        match (schema.get("minimum").and_then(Value::as_i64), schema.get("maximum").and_then(Value::as_i64)) {
            (Some(min), Some(max)) => Ok(Some((min, max))),
            (None, None) => Ok(None),
            _ => bail!("{name}: a range with one end"),
        }
    };
    let mut single = Vec::new();
    let mut range = bounds(schema)?;
    for branch in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        match (branch.get("const").and_then(Value::as_i64), bounds(branch)?) {
            (Some(value), None) => single.push(value),
            (None, Some(found)) => ensure!(range.replace(found).is_none(), "{name}: two ranges"),
            (None, None) if branch.get("type") == Some(&Value::from("null")) => {}
            _ => bail!("{name}: no check for {branch}"),
        }
    }
    let Some((min, max)) = range else {
        ensure!(single.is_empty(), "{name}: single values without a range");
        return Ok(quote!());
    };
    let allowed =
        single.iter().map(|value| format!("{value}, or ")).collect::<String>() + &format!("{min} to {max}");
    let (min, max) = (proc_macro2::Literal::i64_unsuffixed(min), proc_macro2::Literal::i64_unsuffixed(max));
    let single = single.iter().map(|value| proc_macro2::Literal::i64_unsuffixed(*value));
    Ok(
        quote!(if #(value != #single &&)* !(#min..=#max).contains(&value) { sink.outside(#place, #name, value, #allowed); }),
    )
}

fn listed(values: &[&str]) -> String {
    match values {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Every object that a request is made of, as a table.
fn shapes(definitions: &[Definition]) -> Result<TokenStream> {
    let mut wanted = vec![ROOT.to_owned()];
    let mut made = Vec::new();
    let mut next = 0;
    while let Some(name) = wanted.get(next).cloned() {
        next += 1;
        let Shape::Struct(structure) = &find(definitions, &name)?.shape else {
            bail!("$defs/{name} is no object")
        };
        let members = structure
            .fields
            .iter()
            .map(|field| {
                let kind = kind(definitions, &field.ty, &mut wanted)?;
                let (name, required) = (&field.name, field.required);
                Ok(quote!(Member { name: #name, required: #required, kind: #kind }))
            })
            .collect::<Result<Vec<_>>>()?;
        let ident = super::ident(&heck::AsShoutySnakeCase(&name).to_string());
        let root = if name == ROOT { quote!(pub(crate)) } else { quote!() };
        made.push(quote!(#root static #ident: Shape = Shape { members: &[#(#members),*] };));
    }
    Ok(quote!(#(#made)*))
}

fn kind(definitions: &[Definition], ty: &Type, wanted: &mut Vec<String>) -> Result<TokenStream> {
    let mut object = |name: &str| {
        if !wanted.iter().any(|known| known == name) {
            wanted.push(name.to_owned());
        }
        super::ident(&heck::AsShoutySnakeCase(name).to_string())
    };
    Ok(match ty {
        Type::Text => quote!(Kind::Text),
        Type::Bool => quote!(Kind::Flag),
        Type::Int => quote!(Kind::Integer),
        Type::Any => quote!(Kind::Any),
        Type::Named { name, .. } => match &find(definitions, name)?.shape {
            Shape::Enum(..) => quote!(Kind::Text),
            Shape::Struct(_) => {
                let ident = object(name);
                quote!(Kind::Object(&#ident))
            }
            Shape::Union { tag, branches } => {
                let branches = branches
                    .iter()
                    .map(|branch| {
                        let structure = find(definitions, branch)?.as_struct().and_then(|s| s.tag.as_ref());
                        let (_, word) = structure.ok_or_else(|| anyhow!("$defs/{branch} has no tag"))?;
                        let ident = object(branch);
                        Ok(quote!((#word, &#ident)))
                    })
                    .collect::<Result<Vec<_>>>()?;
                quote!(Kind::Union(#tag, &[#(#branches),*]))
            }
            Shape::Alias(_) => bail!("`{name}` is another name"),
        },
        Type::List(item) => {
            let item = kind(definitions, item, wanted)?;
            quote!(Kind::List(&#item))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_become_code_or_stop_the_run() {
        let code = |schema: Value| integer(&schema, "n", &quote!(P)).map(|tokens| tokens.to_string());
        let found = code(json!({"anyOf": [{"const": -1}, {"minimum": 2, "maximum": 30}, {"type": "null"}]}))
            .expect("known");
        assert!(found.contains("value != - 1 &&") && found.contains("\"-1, or 2 to 30\""), "{found}");
        assert_eq!(code(json!({"type": "integer"})).expect("no bounds"), "");
        assert!(code(json!({"minimum": 2})).is_err());
        assert!(code(json!({"anyOf": [{"multipleOf": 4}]})).is_err());
        assert!(text(&json!({"pattern": "x"}), "n", &quote!(P)).is_err());
    }

    #[test]
    fn a_new_rule_on_several_items_stops_the_run() {
        let document = json!({"$defs": {"CreateTaskRequest": {"properties": {"content": {"allOf": [{"description": "New."}]}}}}});
        let error = combinations(&document).expect_err("nobody wrote it").to_string();
        assert!(error.contains("combinations.rs") && error.contains("New."), "{error}");
    }
}

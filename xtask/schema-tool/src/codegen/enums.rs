//! Open string enums and tagged unions, with the texts that are not known kept.

use anyhow::{Result, anyhow, ensure};
use proc_macro2::TokenStream;
use quote::quote;

use super::definitions::{Closed, Definition, EnumValue, Shape};

/// Every string enum of the document.
pub(crate) fn string_enums(definitions: &[Definition]) -> TokenStream {
    let enums = definitions.iter().filter_map(|definition| match &definition.shape {
        Shape::Enum(values, closed) => Some(string_enum(definition, values, *closed)),
        _ => None,
    });
    quote! { #(#enums)* }
}

fn string_enum(definition: &Definition, values: &[EnumValue], closed: Closed) -> TokenStream {
    let name = super::ident(&definition.name);
    let idents: Vec<_> = values.iter().map(|value| super::ident(&value.name)).collect();
    let texts: Vec<_> = values.iter().map(|value| value.value.as_str()).collect();
    let value_docs =
        values.iter().map(|value| super::docs([format!("`{}`: {}", value.value, value.description)]));
    let rule = match closed {
        Closed::Yes => "The service takes these values only; any other text is kept as it came.",
        Closed::No => "Any other text that the service sends is kept as it came.",
    };
    let docs = super::docs([definition.description.as_str(), rule]);
    let schema = match closed {
        Closed::Yes => quote!(closed),
        Closed::No => quote!(open),
    };
    quote! {
        #docs
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#value_docs #idents,)*
            /// A value that this version does not know.
            Other(crate::open::OtherValue),
        }
        impl #name {
            /// The values that this version knows.
            pub const KNOWN: &'static [Self] = &[#(Self::#idents),*];
            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#idents => #texts,)*
                    Self::Other(other) => other.as_str(),
                }
            }
        }
        impl From<&str> for #name {
            fn from(text: &str) -> Self {
                match text {
                    #(#texts => Self::#idents,)*
                    other => Self::Other(crate::open::OtherValue::new(other)),
                }
            }
        }
        crate::open::string_enum!(#name #schema);
    }
}

/// Every tagged union of the document.
pub(crate) fn unions(definitions: &[Definition]) -> Result<TokenStream> {
    let unions = definitions
        .iter()
        .filter_map(|definition| match &definition.shape {
            Shape::Union { tag, branches } => Some(union(definitions, definition, tag, branches)),
            _ => None,
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(quote! { #(#unions)* })
}

fn union(
    definitions: &[Definition],
    definition: &Definition,
    tag: &str,
    branches: &[String],
) -> Result<TokenStream> {
    let suffix = common_suffix(branches);
    let (mut variants, mut types, mut values, mut docs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for branch in branches {
        let target = definitions
            .iter()
            .find(|other| other.name == *branch)
            .ok_or_else(|| anyhow!("{}: the branch `{branch}` is not in $defs", definition.name))?;
        let (branch_tag, value) = target
            .as_struct()
            .and_then(|structure| structure.tag.clone())
            .ok_or_else(|| anyhow!("{}: the branch `{branch}` has no constant `{tag}`", definition.name))?;
        ensure!(
            branch_tag == tag,
            "{}: `{branch}` has the tag `{branch_tag}`, the union has `{tag}`",
            definition.name
        );
        let variant = branch.strip_suffix(&suffix).filter(|name| !name.is_empty()).unwrap_or(branch);
        variants.push(super::ident(variant));
        types.push(super::ident(branch));
        docs.push(super::docs([format!("`{value}`: {}", target.description)]));
        values.push(value);
    }
    let name = super::ident(&definition.name);
    let about = super::docs([definition.description.as_str()]);
    Ok(quote! {
        #about
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #(#docs #variants(super::#types),)*
            /// A kind that this version does not know, kept as it came.
            Other(crate::open::OtherObject),
        }
        crate::open::tagged_union! { #name by #tag { #(#variants(super::#types) => #values),* } }
    })
}

/// The common suffix of all names: `Content` of `TextContent` and `ImageContent`.
pub(crate) fn common_suffix(names: &[String]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    let starts = first.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| &first[at..]);
    let mut shared = starts.filter(|suffix| rest.iter().all(|name| name.ends_with(suffix)));
    shared.next().filter(|suffix| *suffix != first).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_lose_what_all_branches_share() {
        let suffix =
            |names: &[&str]| common_suffix(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(suffix(&["TextContent", "DraftTaskContent"]), "Content");
        assert_eq!(suffix(&["Text", "Image"]), "");
        assert_eq!(suffix(&["Text"]), "");
        assert_eq!(suffix(&["BigRedDog", "BigRedCat"]), "");
    }
}

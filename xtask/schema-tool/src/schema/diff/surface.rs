//! The public Rust of a resolved schema, name by name with its signature: what a user's code can
//! mention. Read from the same definitions that the generator works on, so that what differs here
//! differs in the generated types.

use std::collections::BTreeMap;

use heck::ToSnakeCase as _;
use serde_json::Value;

use crate::codegen::definitions::{self, Definition, Field, Role, Shape, Type};
use crate::codegen::enums;

/// Signatures by name: `Ratio`, `Ratio::R16x9`, `CreateTaskRequest.ratio`,
/// `CreateTaskRequest::new`.
#[derive(Debug, Default)]
pub(crate) struct Surface(pub(crate) BTreeMap<String, String>);

impl Surface {
    /// The surface of a resolved schema; `Err` says why it has none, and then nothing can be said
    /// about Rust.
    pub(crate) fn of(document: &Value) -> Result<Self, String> {
        let definitions = definitions::read(document).map_err(|error| format!("{error:#}"))?;
        let mut surface = Self::default();
        for definition in &definitions {
            surface.add(definition);
        }
        Ok(surface)
    }

    fn add(&mut self, definition: &Definition) {
        let name = &definition.name;
        let mut put = |key: String, signature: String| {
            self.0.insert(key, signature);
        };
        match &definition.shape {
            Shape::Struct(structure) => {
                put(name.clone(), "struct".to_owned());
                let required: Vec<&Field> =
                    structure.fields.iter().filter(|field| !optional(field)).collect();
                let arguments: Vec<String> =
                    required.iter().map(|field| format!("{}: {}", field.name, rust(&field.ty))).collect();
                if !required.is_empty() {
                    put(format!("{name}::new"), arguments.join(", "));
                }
                if required.is_empty() {
                    put(format!("{name}::default"), String::new());
                }
                for field in &structure.fields {
                    let ty = rust(&field.ty);
                    let optional = optional(field);
                    put(
                        format!("{name}.{}", field.name),
                        if optional { format!("Option<{ty}>") } else { ty.clone() },
                    );
                    if optional && structure.role == Role::Request {
                        put(format!("{name}::{}", field.name.to_snake_case()), format!("impl Into<{ty}>"));
                    }
                }
            }
            Shape::Enum(values, _) => {
                put(name.clone(), "enum".to_owned());
                for value in values {
                    put(format!("{name}::{}", value.name), value.value.clone());
                }
            }
            Shape::Union { branches, .. } => {
                put(name.clone(), "union".to_owned());
                // As the generator names them: without the end that all share.
                let suffix = enums::common_suffix(branches);
                for branch in branches {
                    let variant =
                        branch.strip_suffix(&suffix).filter(|rest| !rest.is_empty()).unwrap_or(branch);
                    put(format!("{name}::{branch}"), variant.to_owned());
                }
            }
            Shape::Alias(target) => put(name.clone(), format!("= {target}")),
        }
    }

    /// Whether code written against `self` finds everything of `prefix` unchanged in `other`;
    /// `prefix` is a name, or a name with `.` or `::` and a member.
    pub(crate) fn keeps(&self, other: &Self, name: &str) -> bool {
        self.0.get(name).is_none_or(|signature| other.0.get(name) == Some(signature))
    }
}

/// `Option<…>` in Rust: not required. A list may be null without being optional.
fn optional(field: &Field) -> bool {
    !field.required
}

fn rust(ty: &Type) -> String {
    match ty {
        Type::Text => "String".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int => "i64".to_owned(),
        Type::Any => "Value".to_owned(),
        Type::Named { name, .. } => name.clone(),
        Type::List(item) => format!("Vec<{}>", rust(item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_says_what_the_generated_types_say() {
        let root = crate::root();
        let document = crate::codegen::read_json(&root, crate::codegen::SCHEMA).unwrap();
        let surface = Surface::of(&document).unwrap();
        let types = std::fs::read_to_string(root.join("crates/model/src/generated/types.rs")).unwrap();
        let file = syn::parse_file(&types).unwrap();
        let mut fields = 0;
        for item in &file.items {
            let syn::Item::Struct(item) = item else { continue };
            for field in &item.fields {
                let name = field.ident.as_ref().unwrap().to_string();
                if name == "extra" {
                    continue;
                }
                let ty = &field.ty;
                let key = format!("{}.{}", item.ident, name.trim_end_matches('_'));
                let key = surface.0.keys().find(|known| {
                    **known == key
                        || known
                            .rsplit_once('.')
                            .is_some_and(|(of, field)| item.ident == of && field.to_snake_case() == name)
                });
                let key = key.unwrap_or_else(|| panic!("{}.{name}", item.ident));
                let found = quote::quote!(#ty).to_string().replace(' ', "").replace("super::", "");
                let said = surface.0[key].replace(' ', "");
                assert_eq!(said, found.replace("::serde_json::", ""), "{key}");
                fields += 1;
            }
        }
        assert!(fields > 60, "{fields}");
        assert_eq!(surface.0["CreateTaskRequest::new"], "model: String, content: Vec<ContentItem>");
        assert_eq!(surface.0["Ratio::R16x9"], "16:9");
    }
}

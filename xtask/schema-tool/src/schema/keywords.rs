//! The keywords of JSON Schema.

/// Keywords of JSON Schema 2020-12, and the two notes that reading a document adds.
const KEYWORDS: &str = "$schema $id $ref $defs $comment $anchor $dynamicRef $dynamicAnchor type enum const format title \
    description default deprecated readOnly writeOnly examples properties patternProperties \
    additionalProperties propertyNames required minProperties maxProperties dependentRequired \
    dependentSchemas items prefixItems contains minContains maxContains minItems maxItems \
    uniqueItems minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum \
    multipleOf allOf anyOf oneOf not if then else unevaluatedProperties unevaluatedItems \
    contentEncoding contentMediaType contentSchema discriminator x-default x-role x-enum";

/// Whether a word is a keyword of JSON Schema.
pub(crate) fn is_keyword(word: &str) -> bool {
    KEYWORDS.split(' ').any(|known| known == word)
}

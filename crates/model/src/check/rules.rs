//! What the rules of one check work with: the request, the catalog, and what the model of the
//! request can do.

use std::fmt;

use super::Facts;
use super::content_summary::{ContentSummary, Mode};
use super::pointer::Pointer;
use super::report::{Finding, Sink};
use crate::CreateTaskRequest;
use crate::catalog::{Catalog, Cell, Confidence, Family, Model, ModelRules};
use crate::check::Severity;

/// Everything that a rule may ask.
pub(crate) struct Rules<'a> {
    pub(crate) request: &'a CreateTaskRequest,
    pub(crate) catalog: &'a Catalog,
    pub(crate) facts: &'a Facts,
    pub(crate) scan: ContentSummary,
    pub(crate) mode: Mode,
    pub(crate) model: ModelRules<'a>,
    pub(crate) known: Option<Known<'a>>,
}

/// A model whose rules are known.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) model: &'a Model,
    pub(crate) family: &'a Family,
}

impl<'a> Rules<'a> {
    pub(crate) fn new(
        request: &'a CreateTaskRequest,
        catalog: &'a Catalog,
        facts: &'a Facts,
        scan: ContentSummary,
    ) -> Self {
        let model = catalog.rules_for(&request.model);
        let known = match model {
            ModelRules::Known { model, family } => Some(Known { model, family }),
            _ => None,
        };
        Self { request, catalog, facts, scan, mode: scan.mode(), model, known }
    }

    pub(crate) fn family_name(&self) -> Option<&'a str> {
        self.known.map(|known| known.model.family.as_ref())
    }

    /// How strongly a request that needs the ability is reported; `Off` where nothing speaks
    /// against it.
    pub(crate) fn verdict(&self, known: &Known<'_>, cell: &Cell<Option<bool>>) -> Severity {
        let holds = cell.holds_on(known.model.site);
        match (cell.value.filter(|_| holds), &cell.switch) {
            (Some(true), _) => Severity::Off,
            (Some(false), _) => self.catalog.strength_of(cell),
            (None, Some(switch)) if !holds || cell.confidence == Confidence::Uncertain => {
                self.catalog.strength(switch)
            }
            (None, _) => Severity::Off,
        }
    }

    /// Reports a field that the model lacks. With `idle`, the value asks for nothing that would be
    /// missed.
    pub(crate) fn supports<'s>(
        &self,
        known: &Known<'_>,
        cell: &Cell<Option<bool>>,
        idle: bool,
        (rule, pointer, what): (&'static str, Pointer<'_>, impl fmt::Display),
        sink: &'s mut Sink,
    ) -> Option<&'s mut Finding> {
        let strength = match (self.verdict(known, cell), idle) {
            (Severity::Off, _) | (Severity::Warning, true) => return None,
            (Severity::Error, true) => Severity::Warning,
            (strength, _) => strength,
        };
        let message = if strength == Severity::Error || idle {
            format!("Seedance {} does not take {what}.", known.model.family)
        } else if cell.value == Some(false) && cell.confidence == Confidence::Observed {
            format!("Seedance {} accepts {what}, without effect.", known.model.family)
        } else {
            format!("Whether Seedance {} takes {what} here is not documented.", known.model.family)
        };
        let finding = sink.push(rule, pointer, message).advice("Leave it out, or use a model that has it.");
        Some(finding.from(cell).strength(strength))
    }
}

/// `Seedance 2.0-fast`, for messages.
impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seedance {}", self.model.family)
    }
}

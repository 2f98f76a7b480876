//! Expressions of events, tested against live Python objects.
//!
//! Values are compared by the operators of Python, so that versions and other objects with an order of their own work. Plain texts, which nearly all values are, are compared
//! here, with the same result.

use std::cell::{Cell, OnceCell};

use ftrack_protocol::expression::{
    self, Candidate, Condition, ConditionId, Expression, ExpressionIndex, Held, Operator, PathId,
    Plan,
};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::error;

/// A parsed expression.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct EventExpression {
    parsed: Expression,
    planned: Expression<ConditionId>,
    conditions: Conditions,
}

#[pymethods]
impl EventExpression {
    #[new]
    fn new(py: Python<'_>, text: &str) -> PyResult<Self> {
        let parsed =
            expression::parse(text).map_err(|reason| error::from_expression(py, &reason))?;
        let mut plan = Plan::default();
        let planned = plan.add(&parsed);
        Ok(Self {
            parsed,
            planned,
            conditions: Conditions::new(py, &plan),
        })
    }

    /// Returns whether a mapping satisfies the expression.
    #[pyo3(name = "match")]
    fn matches(&self, candidate: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.planned
            .matches(&Live::new(&self.conditions, candidate))
    }

    /// Returns the syntax tree: `("all" | "any", [operands])`, `("not", operand)` or `(key, operator, value)`.
    fn tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tree(py, &self.parsed)
    }
}

/// Many expressions, tested together.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct EventExpressions {
    planned: Vec<Option<Expression<ConditionId>>>,
    conditions: Conditions,
    index: ExpressionIndex,
}

#[pymethods]
impl EventExpressions {
    #[new]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a list of Python's is taken as a whole"
    )]
    fn new(py: Python<'_>, expressions: Vec<Option<Py<EventExpression>>>) -> Self {
        let mut plan = Plan::default();
        let parsed = expressions
            .iter()
            .map(|it| Some(&it.as_ref()?.get().parsed));
        let parsed: Vec<Option<&Expression>> = parsed.collect();
        let planned = parsed.iter().map(|it| it.map(|it| plan.add(it)));
        Self {
            planned: planned.collect(),
            conditions: Conditions::new(py, &plan),
            index: ExpressionIndex::new(parsed, &plan),
        }
    }

    /// Returns an iterator over the places of the expressions that a mapping may satisfy, each with whether it does for sure.
    fn matching(slf: Py<Self>, candidate: Py<PyAny>) -> MatchingExpressions {
        MatchingExpressions {
            expressions: slf,
            candidate,
            next: 0,
        }
    }
}

/// The expressions that a mapping satisfies, found one after another.
#[pyclass(module = "ftrack_rs._core")]
pub struct MatchingExpressions {
    expressions: Py<EventExpressions>,
    candidate: Py<PyAny>,
    next: usize,
}

#[pymethods]
impl MatchingExpressions {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> Option<(usize, bool)> {
        let expressions = self.expressions.get();
        // Looked at anew, since what was done with the last one may have changed the candidate.
        let candidate = Live::new(&expressions.conditions, self.candidate.bind(py));
        let places = expressions
            .index
            .candidates(self.next, |path| candidate.held(path));
        for place in places {
            self.next = place + 1;
            let expression = expressions.planned[place].as_ref();
            match expression.map(|it| it.matches(&candidate)) {
                Some(Ok(true)) => return Some((place, true)),
                Some(Ok(false)) => {}
                // Whoever asks again gets to see the error.
                Some(Err(_)) | None => return Some((place, false)),
            }
        }
        self.next = expressions.planned.len();
        None
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.candidate)
    }
}

fn tree<'py>(py: Python<'py>, expression: &Expression) -> PyResult<Bound<'py, PyTuple>> {
    let several = |name: &str, operands: &[Expression]| {
        let operands = operands.iter().map(|operand| tree(py, operand));
        let operands = PyList::new(py, operands.collect::<PyResult<Vec<_>>>()?)?;
        (name, operands).into_pyobject(py)
    };
    match expression {
        Expression::All(operands) => several("all", operands),
        Expression::Any(operands) => several("any", operands),
        Expression::Not(operand) => ("not", tree(py, operand)?).into_pyobject(py),
        Expression::Condition(condition) => {
            let key = condition.key.join(".");
            (key, condition.operator.symbol(), &condition.value).into_pyobject(py)
        }
    }
}

/// The conditions of one or many expressions, with their texts as Python takes them.
struct Conditions {
    paths: Vec<Vec<Py<PyString>>>,
    conditions: Vec<LiveCondition>,
}

struct LiveCondition {
    path: PathId,
    condition: Condition,
    /// What to compare with, or the part to look for.
    text: Py<PyString>,
}

impl Conditions {
    fn new(py: Python<'_>, plan: &Plan) -> Self {
        let text = |text: &str| PyString::new(py, text).unbind();
        let names = |path: &[String]| path.iter().map(|name| text(name)).collect();
        let live = |(path, condition): (PathId, &Condition)| LiveCondition {
            path,
            condition: condition.clone(),
            text: text(condition.wanted_part().unwrap_or(&condition.value)),
        };
        Self {
            paths: plan.paths().map(names).collect(),
            conditions: plan.conditions().map(live).collect(),
        }
    }
}

/// A mapping, and what is known of it: each value is looked up and each comparison made once.
struct Live<'a, 'py> {
    conditions: &'a Conditions,
    mapping: &'a Bound<'py, PyAny>,
    values: Vec<OnceCell<Found<'py>>>,
    outcomes: Vec<Cell<Option<bool>>>,
}

/// What a path leads to.
enum Found<'py> {
    Nothing,
    Text(String),
    Object(Bound<'py, PyAny>),
}

impl<'a, 'py> Live<'a, 'py> {
    fn new(conditions: &'a Conditions, mapping: &'a Bound<'py, PyAny>) -> Self {
        Self {
            conditions,
            mapping,
            values: (0..conditions.paths.len())
                .map(|_| OnceCell::new())
                .collect(),
            outcomes: vec![Cell::new(None); conditions.conditions.len()],
        }
    }

    fn value(&self, path: PathId) -> PyResult<&Found<'py>> {
        let value = &self.values[path.0];
        if let Some(found) = value.get() {
            return Ok(found);
        }
        let found = find(self.mapping, &self.conditions.paths[path.0])?;
        Ok(value.get_or_init(|| found))
    }

    fn held(&self, path: PathId) -> Held<'_> {
        match self.value(path) {
            Ok(Found::Nothing) => Held::Nothing,
            Ok(Found::Text(text)) => Held::Text(text),
            Ok(Found::Object(_)) | Err(_) => Held::Other,
        }
    }

    fn test(&self, live: &LiveCondition) -> PyResult<bool> {
        let condition = &live.condition;
        match (self.value(live.path)?, condition.wanted_part()) {
            (Found::Nothing, _) => Ok(false),
            (Found::Text(value), Some(part)) => Ok(value.contains(part)),
            (Found::Text(value), None) => {
                let ordering = value.as_str().cmp(&condition.value);
                Ok(condition.operator.accepts(ordering))
            }
            (Found::Object(value), part) => {
                let outcome = match part {
                    Some(_) => value.contains(&live.text),
                    None => value
                        .rich_compare(&live.text, compare_op(condition.operator))
                        .and_then(|outcome| outcome.is_truthy()),
                };
                Ok(unless_absent(value.py(), outcome)?.unwrap_or(false))
            }
        }
    }
}

impl Candidate<ConditionId> for Live<'_, '_> {
    type Error = PyErr;

    fn compare(&self, condition: &ConditionId) -> PyResult<bool> {
        let outcome = &self.outcomes[condition.0];
        if let Some(known) = outcome.get() {
            return Ok(known);
        }
        let passes = self.test(&self.conditions.conditions[condition.0])?;
        outcome.set(Some(passes));
        Ok(passes)
    }
}

/// Follows a path into nested mappings.
fn find<'py>(mapping: &Bound<'py, PyAny>, path: &[Py<PyString>]) -> PyResult<Found<'py>> {
    let py = mapping.py();
    let mut value = mapping.clone();
    for name in path {
        let name = name.bind(py);
        let inner = match value.cast_exact::<PyDict>() {
            Ok(dictionary) => dictionary.get_item(name)?,
            Err(_) => unless_absent(py, value.get_item(name))?,
        };
        match inner {
            Some(inner) => value = inner,
            None => return Ok(Found::Nothing),
        }
    }
    // A class derived from that of texts may compare in its own way, and a lone surrogate has no form in UTF-8.
    let text = value.cast_exact::<PyString>().ok();
    let text = text.and_then(|text| Some(text.to_cow().ok()?.into_owned()));
    Ok(text.map_or(Found::Object(value), Found::Text))
}

/// Takes what is not there, or cannot be there or be compared, for nothing.
fn unless_absent<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if error.is_instance_of::<PyKeyError>(py)
                || error.is_instance_of::<PyTypeError>(py) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn compare_op(operator: Operator) -> CompareOp {
    match operator {
        Operator::Equal => CompareOp::Eq,
        Operator::NotEqual => CompareOp::Ne,
        Operator::GreaterOrEqual => CompareOp::Ge,
        Operator::LessOrEqual => CompareOp::Le,
        Operator::Greater => CompareOp::Gt,
        Operator::Less => CompareOp::Lt,
    }
}

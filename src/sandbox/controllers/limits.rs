//! What one call may ask for at most.

use super::operation::Operation;
use crate::{config::SandboxOptions, error::ApiError};

/// Refuses a batch that is too long, and one with a query that is nested too deeply.
pub fn check(config: &SandboxOptions, operations: &[Operation]) -> Result<(), ApiError> {
    let (count, most) = (operations.len(), config.batch_limit);
    if count > most {
        return Err(ApiError::validation(format!(
            "An API call may have {most} operations at most; this one has {count}."
        )));
    }
    let deepest = config.query_depth_limit;
    let too_deep = |operation: &Operation| {
        operation
            .expression()
            .is_some_and(|expression| nesting(expression) > deepest)
    };
    if operations.iter().any(too_deep) {
        return Err(ApiError::parse(format!(
            "A query may have {deepest} levels of parentheses at most."
        )));
    }
    Ok(())
}

/// Counts the levels of parentheses outside of quotes.
fn nesting(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut quote = None;
    let mut characters = expression.bytes();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), b'\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (None, b'"' | b'\'') => quote = Some(character),
            (None, b'(') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_count_outside_of_quotes() {
        for (expression, levels) in [
            ("Task", 0),
            ("Task where (name is a) and (name is b)", 1),
            ("Task where (name is a and (name is b))", 2),
            (r#"Task where name is "((\"(" and (id is '((')"#, 1),
            (")) ((", 2),
        ] {
            assert_eq!(nesting(expression), levels, "{expression}");
        }
    }
}

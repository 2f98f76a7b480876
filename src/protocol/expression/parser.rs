//! Parses expressions by recursive descent, in one pass.

use super::{
    ast::{Condition, Expression},
    error::ParseError,
    scanner::Scanner,
};

/// The number of levels that conditions may be nested.
pub const MAX_DEPTH: usize = 100;

/// Parses an expression.
///
/// # Errors
/// Fails when the text is not an expression, or is nested deeper than [`MAX_DEPTH`]. An empty text is none.
pub fn parse(text: &str) -> Result<Expression, ParseError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        depth: 0,
    };
    let expression = parser.disjunction()?;
    if parser.scanner.at_end() {
        Ok(expression)
    } else {
        Err(parser.scanner.expected("`and`, `or` or the end"))
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn disjunction(&mut self) -> Result<Expression, ParseError> {
        self.chain("or", Expression::Any, Self::conjunction)
    }

    fn conjunction(&mut self) -> Result<Expression, ParseError> {
        self.chain("and", Expression::All, Self::negation)
    }

    /// Parses operands with `keyword` between; a single one stays itself.
    fn chain(
        &mut self,
        keyword: &str,
        join: fn(Vec<Expression>) -> Expression,
        operand: fn(&mut Self) -> Result<Expression, ParseError>,
    ) -> Result<Expression, ParseError> {
        let first = operand(self)?;
        if !self.scanner.keyword(keyword) {
            return Ok(first);
        }
        let mut operands = vec![first, operand(self)?];
        while self.scanner.keyword(keyword) {
            operands.push(operand(self)?);
        }
        Ok(join(operands))
    }

    fn negation(&mut self) -> Result<Expression, ParseError> {
        if self.scanner.negation() {
            let operand = self.nested(Self::negation)?;
            return Ok(Expression::Not(Box::new(operand)));
        }
        if self.scanner.character('(') {
            let expression = self.nested(Self::disjunction)?;
            if self.scanner.character(')') {
                return Ok(expression);
            }
            return Err(self.scanner.expected("`and`, `or` or `)`"));
        }
        self.condition().map(Expression::Condition)
    }

    fn nested(
        &mut self,
        parse: fn(&mut Self) -> Result<Expression, ParseError>,
    ) -> Result<Expression, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.scanner.too_deep());
        }
        self.depth += 1;
        let expression = parse(self);
        self.depth -= 1;
        expression
    }

    fn condition(&mut self) -> Result<Condition, ParseError> {
        let Some(key) = self.scanner.key() else {
            return Err(self.scanner.expected("a condition"));
        };
        let Some(operator) = self.scanner.operator() else {
            return Err(self.scanner.expected("an operator"));
        };
        let Some(value) = self.scanner.value()? else {
            return Err(self.scanner.expected("a value"));
        };
        Ok(Condition {
            key: key.split('.').map(str::to_owned).collect(),
            operator,
            value: value.to_owned(),
        })
    }
}

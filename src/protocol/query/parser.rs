//! A recursive descent parser for queries.

use std::ops::Range;

use super::ast::{
    Criterion, Direction, Function, Members, Operator, OrderKey, Path, Projection, Quantifier,
    Query, Segment, Value,
};
use super::error::{ParseError, ParseErrorKind};
use super::lexer::{Token, TokenKind, tokenize};

/// How deep parentheses, `not`, `any`, `has` and subqueries may lie inside each other. The parser and everything that walks
/// its trees recurse once per level; people and the known clients need fewer than ten.
pub const MAX_DEPTH: usize = 64;

/// How many parts a dotted path may have. Each becomes a nested query in the database, which follows some thirty.
pub const MAX_PATH_SEGMENTS: usize = 24;

/// Parses a query expression.
///
/// # Errors
/// Fails when the expression is not a query, or is nested deeper than [`MAX_DEPTH`].
pub fn parse(expression: &str) -> Result<Query, ParseError> {
    let mut parser = Parser {
        expression,
        tokens: tokenize(expression)?,
        index: 0,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.peek().kind {
        TokenKind::End => Ok(query),
        _ => Err(parser.unexpected(query.expectation_at_end())),
    }
}

impl Query {
    /// Says what could still follow this query.
    fn expectation_at_end(&self) -> &'static str {
        if self.offset.is_some() || self.limit.is_some() {
            return "the end of the expression";
        }
        match (&self.criteria, self.order.is_empty()) {
            (None, true) => "`where`, `order by`, `offset`, `limit` or the end of the expression",
            (Some(_), true) => {
                "`and`, `or`, `order by`, `offset`, `limit` or the end of the expression"
            }
            (_, false) => "`,`, `offset`, `limit` or the end of the expression",
        }
    }
}

struct Parser<'e> {
    expression: &'e str,
    tokens: Vec<Token>,
    index: usize,
    depth: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn query(&mut self) -> Parsed<Query> {
        let projections = if self.take_keyword("select") {
            self.projections()?
        } else {
            Vec::new()
        };
        let mut query = Query {
            projections,
            entity_type: self.name("an entity type")?,
            criteria: None,
            group_by: Vec::new(),
            order: Vec::new(),
            offset: None,
            limit: None,
        };
        if self.take_keyword("where") {
            query.criteria = Some(self.criterion()?);
        }
        while self.clause(&mut query)? {}
        Ok(query)
    }

    fn projections(&mut self) -> Parsed<Vec<Projection>> {
        let projections = self.separated(Self::projection)?;
        if self.take_keyword("from") {
            return Ok(projections);
        }
        Err(self.unexpected("`,` or `from`"))
    }

    fn projection(&mut self) -> Parsed<Projection> {
        if self
            .tokens
            .get(self.index + 1)
            .is_some_and(|token| token.kind == TokenKind::OpenParenthesis)
        {
            return self.aggregate();
        }
        self.path().map(Projection::Attribute)
    }

    fn aggregate(&mut self) -> Parsed<Projection> {
        let function = Function::ALL
            .into_iter()
            .find(|function| self.take_keyword(function.keyword()));
        let Some(function) = function else {
            return Err(
                self.unexpected("one of the functions `count`, `sum`, `avg`, `min` and `max`")
            );
        };
        self.expect(&TokenKind::OpenParenthesis, "`(`")?;
        let path = self.path()?;
        self.expect(&TokenKind::CloseParenthesis, "`)`")?;
        Ok(Projection::Aggregate(function, path))
    }

    /// Reads one clause after the criteria; false when there is none.
    fn clause(&mut self, query: &mut Query) -> Parsed<bool> {
        let span = self.peek().span.clone();
        if self.take_keyword("group") {
            self.expect_keyword("by", "`by` after `group`")?;
            once("group by", query.group_by.is_empty()).map_err(|kind| self.error(kind, span))?;
            query.group_by = self.separated(Self::path)?;
        } else if self.take_keyword("order") {
            self.expect_keyword("by", "`by` after `order`")?;
            once("order by", query.order.is_empty()).map_err(|kind| self.error(kind, span))?;
            query.order = self.separated(Self::order_key)?;
        } else if self.take_keyword("offset") {
            once("offset", query.offset.is_none()).map_err(|kind| self.error(kind, span))?;
            query.offset = Some(self.whole_number("a whole number after `offset`")?);
        } else if self.take_keyword("limit") {
            once("limit", query.limit.is_none()).map_err(|kind| self.error(kind, span))?;
            query.limit = Some(self.whole_number("a whole number after `limit`")?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn order_key(&mut self) -> Parsed<OrderKey> {
        let path = self.path()?;
        let direction = if self.take_keyword("desc") || self.take_keyword("descending") {
            Direction::Descending
        } else {
            let _ = self.take_keyword("asc") || self.take_keyword("ascending");
            Direction::Ascending
        };
        Ok(OrderKey { path, direction })
    }

    fn whole_number(&mut self, expected: &'static str) -> Parsed<u64> {
        match self.peek_word().and_then(|word| word.parse().ok()) {
            // The database counts rows with 63 bits.
            Some(number) if i64::try_from(number).is_ok() => {
                self.index += 1;
                Ok(number)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn criterion(&mut self) -> Parsed<Criterion> {
        self.chain("or", Self::conjunction, Criterion::Or)
    }

    fn conjunction(&mut self) -> Parsed<Criterion> {
        self.chain("and", Self::operand, Criterion::And)
    }

    fn chain(
        &mut self,
        keyword: &str,
        operand: fn(&mut Self) -> Parsed<Criterion>,
        join: fn(Vec<Criterion>) -> Criterion,
    ) -> Parsed<Criterion> {
        let first = operand(self)?;
        if !self.take_keyword(keyword) {
            return Ok(first);
        }
        let mut operands = vec![first, operand(self)?];
        while self.take_keyword(keyword) {
            operands.push(operand(self)?);
        }
        Ok(join(operands))
    }

    fn operand(&mut self) -> Parsed<Criterion> {
        if self.take_keyword("not") {
            let operand = self.nested(Self::operand)?;
            return Ok(Criterion::Not(Box::new(operand)));
        }
        if self.take(&TokenKind::OpenParenthesis) {
            let criterion = self.nested(Self::criterion)?;
            self.expect(&TokenKind::CloseParenthesis, "`and`, `or` or `)`")?;
            return Ok(criterion);
        }
        self.condition()
    }

    fn condition(&mut self) -> Parsed<Criterion> {
        let path = self.path()?;
        if self.take_keyword("in") {
            return self.membership(path, false);
        }
        if self.take_keyword("not_in") {
            return self.membership(path, true);
        }
        if self.take_keyword("any") {
            return self.related(path, Quantifier::Any);
        }
        if self.take_keyword("has") {
            return self.related(path, Quantifier::Has);
        }
        let operator = self.operator()?;
        Ok(Criterion::Compare {
            path,
            operator,
            value: self.value()?,
        })
    }

    fn membership(&mut self, path: Path, negated: bool) -> Parsed<Criterion> {
        self.expect(&TokenKind::OpenParenthesis, "`(`")?;
        let members = if self.at_subquery() {
            Members::Subquery(Box::new(self.nested(Self::query)?))
        } else {
            Members::Values(self.separated(Self::value)?)
        };
        self.expect(&TokenKind::CloseParenthesis, "`,` or `)`")?;
        Ok(Criterion::In {
            path,
            negated,
            members,
        })
    }

    /// Tells `in (select id from ...)` from a list whose first value is the bare word `select`.
    fn at_subquery(&self) -> bool {
        let followed_by_word = self
            .tokens
            .get(self.index + 1)
            .is_some_and(|token| token.kind == TokenKind::Word);
        followed_by_word
            && self
                .peek_word()
                .is_some_and(|word| word.eq_ignore_ascii_case("select"))
    }

    fn related(&mut self, path: Path, quantifier: Quantifier) -> Parsed<Criterion> {
        self.expect(&TokenKind::OpenParenthesis, "`(`")?;
        if self.take(&TokenKind::CloseParenthesis) {
            return Ok(Criterion::Related {
                path,
                quantifier,
                criterion: None,
            });
        }
        let criterion = self.nested(Self::criterion)?;
        self.expect(&TokenKind::CloseParenthesis, "`and`, `or` or `)`")?;
        Ok(Criterion::Related {
            path,
            quantifier,
            criterion: Some(Box::new(criterion)),
        })
    }

    fn operator(&mut self) -> Parsed<Operator> {
        let operator = match &self.peek().kind {
            TokenKind::Equal => Some(Operator::Is),
            TokenKind::NotEqual => Some(Operator::IsNot),
            TokenKind::Greater => Some(Operator::Greater),
            TokenKind::GreaterOrEqual => Some(Operator::GreaterOrEqual),
            TokenKind::Less => Some(Operator::Less),
            TokenKind::LessOrEqual => Some(Operator::LessOrEqual),
            TokenKind::Word => self.peek_word().and_then(operator_of_word),
            _ => None,
        };
        match operator {
            Some(operator) => {
                self.index += 1;
                Ok(operator)
            }
            None => Err(self.unexpected("an operator such as `is`, `like`, `in` or `any`")),
        }
    }

    fn value(&mut self) -> Parsed<Value> {
        let token = self.peek();
        let value = match &token.kind {
            TokenKind::Text(text) => Value::Text(text.clone()),
            TokenKind::Word => value_of_word(&self.expression[token.span.clone()]),
            _ => return Err(self.unexpected("a value")),
        };
        self.index += 1;
        Ok(value)
    }

    fn path(&mut self) -> Parsed<Path> {
        let start = self.peek().span.start;
        let mut segments = Vec::new();
        self.segments("an attribute", &mut segments)?;
        while self.take(&TokenKind::OpenBracket) {
            let cast = self.name("an entity type")?;
            self.expect(&TokenKind::CloseBracket, "`]`")?;
            if let Some(segment) = segments.last_mut() {
                segment.cast = Some(cast);
            }
            if !self.at_rest_of_path() {
                break;
            }
            self.segments("an attribute", &mut segments)?;
        }
        if segments.len() > MAX_PATH_SEGMENTS {
            let end = self.tokens[self.index - 1].span.end;
            return Err(self.error(ParseErrorKind::PathTooLong, start..end));
        }
        Ok(Path { segments })
    }

    /// Returns true at the `.name` of `parent[Shot].name`, which the lexer gives as a word of its own.
    fn at_rest_of_path(&self) -> bool {
        self.peek_word().is_some_and(|word| word.starts_with('.'))
    }

    fn segments(&mut self, expected: &'static str, segments: &mut Vec<Segment>) -> Parsed<()> {
        let Some(word) = self.peek_word() else {
            return Err(self.unexpected(expected));
        };
        let names = if segments.is_empty() {
            word
        } else {
            word.strip_prefix('.').unwrap_or(word)
        };
        if !names.split('.').all(is_name) {
            return Err(self.unexpected(expected));
        }
        segments.extend(names.split('.').map(|name| Segment {
            name: name.to_owned(),
            cast: None,
        }));
        self.index += 1;
        Ok(())
    }

    fn name(&mut self, expected: &'static str) -> Parsed<String> {
        match self.peek_word() {
            Some(word) if is_name(word) => {
                let name = word.to_owned();
                self.index += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn separated<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take(&TokenKind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Parses one level deeper, so that no expression can overflow the stack.
    fn nested<T>(&mut self, parse: fn(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep, self.peek().span.clone()));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn peek(&self) -> &Token {
        // The list ends with `End`, which is never passed: only words, texts and symbols are.
        &self.tokens[self.index]
    }

    fn peek_word(&self) -> Option<&str> {
        let token = self.peek();
        (token.kind == TokenKind::Word).then(|| &self.expression[token.span.clone()])
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek().kind == *kind;
        self.index += usize::from(found);
        found
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self
            .peek_word()
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.index += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &TokenKind, expected: &'static str) -> Parsed<()> {
        if self.take(kind) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn expect_keyword(&mut self, keyword: &str, expected: &'static str) -> Parsed<()> {
        if self.take_keyword(keyword) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn unexpected(&self, expected: &'static str) -> ParseError {
        let span = self.peek().span.clone();
        let found = match self.peek().kind {
            TokenKind::End => "the end of the expression".to_owned(),
            _ => format!("`{}`", &self.expression[span.clone()]),
        };
        self.error(ParseErrorKind::Unexpected { expected, found }, span)
    }

    fn error(&self, kind: ParseErrorKind, span: Range<usize>) -> ParseError {
        ParseError {
            kind,
            expression: self.expression.to_owned(),
            span,
        }
    }
}

fn once(clause: &'static str, absent: bool) -> Result<(), ParseErrorKind> {
    if absent {
        Ok(())
    } else {
        Err(ParseErrorKind::RepeatedClause { clause })
    }
}

/// Returns true for what can name a type or an attribute.
fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && word
            .chars()
            .all(|character| character.is_alphanumeric() || character == '_')
}

fn operator_of_word(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "is" => Operator::Is,
        "is_not" => Operator::IsNot,
        "after" | "greater_than" => Operator::Greater,
        "before" | "less_than" => Operator::Less,
        "like" => Operator::Like,
        "not_like" => Operator::NotLike,
        _ => return None,
    })
}

fn value_of_word(word: &str) -> Value {
    match word.to_ascii_lowercase().as_str() {
        "none" | "null" => Value::None,
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => Value::Word(word.to_owned()),
    }
}

//! Query expressions: default projections, and paging by offset and limit.

use crate::error::{Error, Result};
use crate::schema_set::SchemaSet;

/// How many entities one call asks for, unless the user says otherwise.
pub const DEFAULT_PAGE_SIZE: u64 = 500;

/// Adds the default projections of the type to an expression that selects nothing.
///
/// As in the official client, whatever does not start with `select` starts with the name of a type.
pub fn with_default_projections(schemas: &SchemaSet, expression: &str) -> Result<String> {
    if expression.starts_with("select") {
        return Ok(expression.to_owned());
    }
    let name = expression.split(' ').next().unwrap_or_default();
    let entity_type = schemas.get(name)?;
    Ok(format!(
        "select {} from {expression}",
        entity_type.default_projections.join(", ")
    ))
}

/// An expression without its own offset and limit, which are kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagedExpression {
    /// The rest of the text.
    pub text: String,
    /// Number that stood after `offset`.
    pub offset: Option<u64>,
    /// Number that stood after `limit`.
    pub limit: Option<u64>,
}

impl PagedExpression {
    /// Takes the first `offset N` and `limit N` out of an expression.
    ///
    /// The official client looks for them anywhere, even inside quotes; queries in the wild are written against that.
    pub fn parse(expression: &str) -> Self {
        let (text, offset) = take_number(expression.to_owned(), "offset ");
        let (text, limit) = take_number(text, "limit ");
        Self {
            text: text.trim().to_owned(),
            offset,
            limit,
        }
    }

    /// Returns the expression that finds the first match.
    pub fn first(&self) -> Result<String> {
        self.refuse_limit()?;
        Ok(match self.offset {
            Some(offset) => format!("{} offset {offset} limit 1", self.text),
            None => format!("{} limit 1", self.text),
        })
    }

    /// Returns the expression that finds the only match, and a second one if there is.
    pub fn one(&self) -> Result<String> {
        self.refuse_limit()?;
        if self.offset.is_some() {
            return Err(Error::invalid(
                "the expression contains an offset, which makes no sense when selecting a single item",
            ));
        }
        Ok(format!("{} limit 2", self.text))
    }

    fn refuse_limit(&self) -> Result<()> {
        if self.limit.is_some() {
            return Err(Error::invalid("the expression already contains a limit"));
        }
        Ok(())
    }
}

/// Removes the first `keyword` that digits follow, and returns their number.
fn take_number(text: String, keyword: &str) -> (String, Option<u64>) {
    for (start, _) in text.match_indices(keyword) {
        let digits = text[start + keyword.len()..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let end = start + keyword.len() + digits;
        if let Ok(number) = text[start + keyword.len()..end].parse() {
            return (format!("{}{}", &text[..start], &text[end..]), Some(number));
        }
    }
    (text, None)
}

/// Walks over the pages of a query: says what to ask next, and learns from each answer.
#[derive(Clone, Debug)]
pub struct Pager {
    expression: PagedExpression,
    page_size: u64,
    next_offset: Option<u64>,
    received: u64,
}

impl Pager {
    /// Starts at the expression's own offset, or at zero.
    pub fn new(expression: &str, page_size: u64) -> Self {
        let expression = PagedExpression::parse(expression);
        Self {
            page_size: expression.limit.unwrap_or(page_size).min(page_size),
            next_offset: Some(expression.offset.unwrap_or(0)),
            received: 0,
            expression,
        }
    }

    /// Starts at `offset`; `text` is an expression without an offset and a limit, `page_size` and `limit` count entities.
    pub fn of_parts(text: String, offset: u64, page_size: u64, limit: Option<u64>) -> Self {
        Self {
            expression: PagedExpression {
                text,
                offset: Some(offset),
                limit,
            },
            page_size,
            next_offset: Some(offset),
            received: 0,
        }
    }

    /// Asks for another number of entities per page from now on.
    #[must_use]
    pub fn with_page_size(mut self, page_size: u64) -> Self {
        self.page_size = self.expression.limit.unwrap_or(page_size).min(page_size);
        self
    }

    /// Returns the expression without its offset and limit, and those.
    pub fn expression(&self) -> &PagedExpression {
        &self.expression
    }

    /// Returns the expression of the next page, or none when everything is here.
    pub fn next_page(&self) -> Option<String> {
        self.next_offset.map(|offset| self.page_at(offset))
    }

    /// Returns the expression of the page at `next_offset` if it will be asked for, should the page that is on its way be a full one.
    pub fn page_after_full_one(&self, next_offset: u64) -> Option<String> {
        let received = self.received.saturating_add(self.page_size);
        let limit = self.expression.limit.unwrap_or(u64::MAX);
        (received < limit).then(|| self.page_at(next_offset))
    }

    fn page_at(&self, offset: u64) -> String {
        format!(
            "{} offset {offset} limit {}",
            self.expression.text, self.page_size
        )
    }

    /// Takes note of a page and returns how many of its entities belong to the result.
    pub fn advance(&mut self, entities: usize, next_offset: Option<u64>) -> usize {
        let wanted = self
            .expression
            .limit
            .map_or(u64::MAX, |limit| limit - self.received.min(limit));
        let taken = wanted.min(entities as u64);
        self.received += taken;
        self.next_offset = next_offset.filter(|_| {
            self.expression
                .limit
                .is_none_or(|limit| self.received < limit)
        });
        usize::try_from(taken).unwrap_or(entities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, text: &str, offset: Option<u64>, limit: Option<u64>) {
        let expected = PagedExpression {
            text: text.to_owned(),
            offset,
            limit,
        };
        assert_eq!(PagedExpression::parse(expression), expected);
    }

    #[test]
    fn offset_and_limit_are_taken_out() {
        check("select id from User", "select id from User", None, None);
        check("Task limit 5", "Task", None, Some(5));
        check("Task offset 2 limit 5", "Task", Some(2), Some(5));
        check("Task limit 5 offset 2", "Task", Some(2), Some(5));
        check(
            "Task where name is \"limit 3\"",
            "Task where name is \"\"",
            None,
            Some(3),
        );
        check(
            "Task where name is limit x",
            "Task where name is limit x",
            None,
            None,
        );
        check("Task limit\n5", "Task limit\n5", None, None);
    }

    #[test]
    fn first_and_one_refuse_limits_of_their_own() {
        let first = |text: &str| PagedExpression::parse(text).first();
        let one = |text: &str| PagedExpression::parse(text).one();
        assert_eq!(first("Task offset 3").unwrap(), "Task offset 3 limit 1");
        assert_eq!(one("Task").unwrap(), "Task limit 2");
        assert!(first("Task limit 3").is_err());
        assert!(one("Task limit 3").is_err());
        assert!(one("Task offset 3").is_err());
    }

    #[test]
    fn pages_follow_the_servers_offsets_until_it_gives_none() {
        let mut pager = Pager::new("select id from User", 10);
        assert_eq!(
            pager.next_page().unwrap(),
            "select id from User offset 0 limit 10"
        );
        assert_eq!(pager.advance(10, Some(10)), 10);
        assert_eq!(
            pager.next_page().unwrap(),
            "select id from User offset 10 limit 10"
        );
        assert_eq!(pager.advance(4, None), 4);
        assert_eq!(pager.next_page(), None);
    }

    #[test]
    fn a_limit_ends_paging_and_cuts_the_last_page() {
        let mut pager = Pager::new("User limit 3", 2);
        assert_eq!(pager.next_page().unwrap(), "User offset 0 limit 2");
        assert_eq!(pager.advance(2, Some(2)), 2);
        assert_eq!(pager.advance(2, Some(4)), 1);
        assert_eq!(pager.next_page(), None);
        assert_eq!(
            Pager::new("User limit 3", 500).next_page().unwrap(),
            "User offset 0 limit 3"
        );
    }
}

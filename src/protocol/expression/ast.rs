//! The syntax tree of an expression.

/// A test that a candidate passes or fails, made of conditions `C`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression<C = Condition> {
    /// Passed by what passes every one of these; there are at least two.
    All(Vec<Self>),
    /// Passed by what passes one of these; there are at least two.
    Any(Vec<Self>),
    /// Passed by what fails this.
    Not(Box<Self>),
    /// A comparison of one value.
    Condition(C),
}

/// A comparison of one value of the candidate.
///
/// Only the parser makes conditions, so that every one of them can be printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Condition {
    /// The names that lead to the value, outermost first; there is at least one, which may be empty.
    pub key: Vec<String>,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with.
    pub value: String,
}

/// How a value of the candidate is compared with the one in the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
}

impl Expression {
    /// Returns the value that `key` must have in whatever passes, if a condition says so outright.
    ///
    /// It lets an index rule out most expressions without looking at them.
    pub fn required_value(&self, key: &[&str]) -> Option<&str> {
        let mut required = Vec::new();
        self.required_values(&mut required);
        let found = required.into_iter().find(|(other, _)| *other == key);
        found.map(|(_, value)| value)
    }

    /// Adds all keys, with the values they must have in whatever passes, that conditions name outright.
    pub(super) fn required_values<'a>(&'a self, required: &mut Vec<(&'a [String], &'a str)>) {
        match self {
            Self::All(expressions) => expressions
                .iter()
                .for_each(|expression| expression.required_values(required)),
            Self::Condition(condition) => {
                if condition.operator == Operator::Equal && condition.wanted_part().is_none() {
                    required.push((&condition.key, &condition.value));
                }
            }
            Self::Any(_) | Self::Not(_) => {}
        }
    }
}

impl Condition {
    /// Returns the text that the value must contain, if the condition asks for a part and not for the whole.
    pub fn wanted_part(&self) -> Option<&str> {
        if self.operator == Operator::Equal {
            self.value.strip_suffix('*')
        } else {
            None
        }
    }
}

impl Operator {
    /// Every operator; one that another one begins with comes after it.
    pub const ALL: [Self; 6] = [
        Self::NotEqual,
        Self::GreaterOrEqual,
        Self::LessOrEqual,
        Self::Equal,
        Self::Greater,
        Self::Less,
    ];

    /// Returns the operator as it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::Less => "<",
        }
    }

    /// Returns whether values in this order pass.
    pub fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::Less => ordering.is_lt(),
        }
    }
}

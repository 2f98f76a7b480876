//! The syntax tree of a query. Positions are not kept: what cannot be resolved is named, not pointed at.

/// A whole query, also one inside `in (...)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What to load; empty when the expression has no `select`.
    pub projections: Vec<Projection>,
    /// Name of the entity type that is searched.
    pub entity_type: String,
    /// The condition after `where`.
    pub criteria: Option<Criterion>,
    /// The attributes after `group by`.
    pub group_by: Vec<Path>,
    /// The keys after `order by`, most significant first.
    pub order: Vec<OrderKey>,
    /// Number of rows to skip.
    pub offset: Option<u64>,
    /// Greatest number of rows to return.
    pub limit: Option<u64>,
}

/// One item after `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// An attribute of the entity or of one that it leads to.
    Attribute(Path),
    /// An aggregate such as `count(id)`.
    Aggregate(Function, Path),
}

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Number of values that are not null.
    Count,
    /// Sum of the values.
    Sum,
    /// Mean of the values.
    Avg,
    /// Smallest value.
    Min,
    /// Greatest value.
    Max,
}

impl Function {
    /// Every function, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max];

    /// Returns the keyword, which is also the prefix of the key in the result (`count_id`).
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// A dotted path such as `asset.parent[Shot].name`. Has at least one segment when it comes from the parser.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// The steps, outermost first.
    pub segments: Vec<Segment>,
}

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Name of the attribute.
    pub name: String,
    /// The type in brackets that narrows what the attribute refers to.
    pub cast: Option<String>,
}

/// A condition on an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    /// All of two or more conditions. A chain is one node, however long it is.
    And(Vec<Criterion>),
    /// At least one of two or more conditions.
    Or(Vec<Criterion>),
    /// The opposite of a condition.
    Not(Box<Criterion>),
    /// `path operator value`.
    Compare {
        /// The left side.
        path: Path,
        /// The comparison.
        operator: Operator,
        /// The right side.
        value: Value,
    },
    /// `path in (...)` and `path not_in (...)`.
    In {
        /// The left side.
        path: Path,
        /// True for `not_in`.
        negated: bool,
        /// What the value is looked for in.
        members: Members,
    },
    /// `path any (...)` and `path has (...)`.
    Related {
        /// Leads to the related entities.
        path: Path,
        /// Which of the two keywords was written.
        quantifier: Quantifier,
        /// What a related entity must fulfil; absent when it only has to exist.
        criterion: Option<Box<Criterion>>,
    },
}

/// The keyword of [`Criterion::Related`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// `any`, documented for collections.
    Any,
    /// `has`, documented for single references.
    Has,
}

/// The right side of `in`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// Literal values, at least one.
    Values(Vec<Value>),
    /// The values that another query selects.
    Subquery(Box<Query>),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `is`, `=`.
    Is,
    /// `is_not`, `!=`.
    IsNot,
    /// `>`, `after`, `greater_than`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`, `before`, `less_than`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `like`.
    Like,
    /// `not_like`.
    NotLike,
}

/// A literal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// `None`, `none` or `null`, without quotes.
    None,
    /// `True` or `False` in any case, without quotes.
    Boolean(bool),
    /// Any other text without quotes: a number, an id, a date. What it means depends on the attribute.
    Word(String),
    /// Text in quotes, with the escapes resolved.
    Text(String),
}

/// One key after `order by`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// The attribute to sort by.
    pub path: Path,
    /// The direction.
    pub direction: Direction,
}

/// The direction of an [`OrderKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Smallest first, which is the default.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

//! What an operation was sent with, and what its action takes.
//!
//! Every action declares its members, so that a body that does not fit is refused before anything is done, with the
//! place of every fault.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// The members of an operation as they were sent.
pub type Members = Map<String, Value>;

/// The members of an operation, which fit its action.
#[derive(Debug, Clone)]
pub struct Arguments {
    members: Members,
}

/// A member that an action takes; null stands for one that was left out.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    name: &'static str,
    kind: Kind,
    is_required: bool,
}

/// What values a member takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text or a whole number.
    TextOrNumber,
    /// A list of texts.
    Texts,
    /// A whole number that is not negative.
    Number,
    /// True or false.
    Flag,
    /// An object.
    Object,
    /// A list.
    List,
}

/// A member that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The name of the member.
    pub member: &'static str,
    /// What is wrong, in the words of ftrack's web framework.
    pub message: &'static str,
    /// The kind of fault, in the same words.
    pub code: &'static str,
}

/// Declares a member that must be sent.
pub const fn required(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        kind,
        is_required: true,
    }
}

/// Declares a member that may be left out.
pub const fn optional(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        kind,
        is_required: false,
    }
}

/// Returns what of `sent` does not fit what `declared` says.
pub fn misfits(declared: &[Member], sent: &Members) -> Vec<Misfit> {
    let checked = declared.iter().map(|member| member.check(sent));
    checked.filter_map(Result::err).collect()
}

impl Member {
    fn check(&self, sent: &Members) -> Result<(), Misfit> {
        let misfit = |(message, code)| Misfit {
            member: self.name,
            message,
            code,
        };
        match sent.get(self.name) {
            None | Some(Value::Null) if self.is_required => {
                Err(misfit(("field required", "value_error.missing")))
            }
            None | Some(Value::Null) => Ok(()),
            Some(value) if self.kind.accepts(value) => Ok(()),
            Some(_) => Err(misfit(self.kind.refusal())),
        }
    }
}

impl Kind {
    fn accepts(self, value: &Value) -> bool {
        let is_list_of = |accepts: fn(&Value) -> bool| {
            value
                .as_array()
                .is_some_and(|items| items.iter().all(accepts))
        };
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::TextOrNumber => value.is_string() || value.is_i64() || value.is_u64(),
            Self::Texts => is_list_of(Value::is_string),
            Self::Number => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
        }
    }

    /// Guess: the words of version 1 of pydantic, which names its faults this way.
    const fn refusal(self) -> (&'static str, &'static str) {
        match self {
            Self::Any | Self::Text | Self::TextOrNumber => ("str type expected", "type_error.str"),
            Self::Texts | Self::List => ("value is not a valid list", "type_error.list"),
            Self::Number => ("value is not a valid integer", "type_error.integer"),
            Self::Flag => ("value could not be parsed to a boolean", "type_error.bool"),
            Self::Object => ("value is not a valid dict", "type_error.dict"),
        }
    }
}

impl Arguments {
    /// Takes members that have been found to fit.
    pub fn new(members: Members) -> Self {
        Self { members }
    }

    /// Returns a member as it was sent: null for one that was left out.
    pub fn get(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    /// Returns a text that the action cannot do without, though its body may lack it.
    pub fn text(&self, name: &str) -> Result<&str, ApiError> {
        self.optional_text(name)
            .ok_or_else(|| ApiError::validation(format!("{name} must be provided.")))
    }

    /// Returns a text, if one was sent.
    pub fn optional_text(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    /// Returns the texts of a list: none for a list that was left out.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let items = self.get(name).as_array().into_iter().flatten();
        items.filter_map(Value::as_str).collect()
    }

    /// Returns a flag, if one was sent.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).as_bool()
    }

    /// Returns a primary key, which may come without a list around its one value.
    pub fn key(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Value::String(text) => vec![text],
            _ => self.texts(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(declared: &[Member], sent: &Value) -> Vec<String> {
        misfits(declared, sent.as_object().unwrap())
            .iter()
            .map(|misfit| format!("{} {}", misfit.member, misfit.code))
            .collect()
    }

    #[test]
    fn all_misfits_are_named() {
        let declared = [
            required("name", Kind::Text),
            required("terms", Kind::Texts),
            optional("parts", Kind::Number),
        ];
        let sent = json!({"terms": [1], "parts": -1, "unknown": {}});
        assert_eq!(
            codes(&declared, &sent),
            [
                "name value_error.missing",
                "terms type_error.list",
                "parts type_error.integer"
            ]
        );
    }

    #[test]
    fn null_stands_for_what_is_left_out() {
        assert!(codes(&[optional("a", Kind::Flag)], &json!({"a": null})).is_empty());
        assert_eq!(
            codes(&[required("a", Kind::Flag)], &json!({"a": null})),
            ["a value_error.missing"]
        );
    }

    #[test]
    fn a_key_may_come_without_a_list() {
        let members = json!({"one": "a", "list": ["a", "b"]});
        let arguments = Arguments::new(members.as_object().unwrap().clone());
        assert_eq!(arguments.key("one"), ["a"]);
        assert_eq!(arguments.key("list"), ["a", "b"]);
        assert!(arguments.key("none").is_empty());
    }
}

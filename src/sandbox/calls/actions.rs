//! The actions of an API call, in little memory whatever was sent: calls are logged before anybody has signed in.

use crate::operations;

/// The actions of an API call in order, each with how often it stands in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedActions(Vec<(Name, usize)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Known(&'static str),
    Unknown(Box<str>),
}

impl LoggedActions {
    /// How many rows are kept, which is more than clients have occasion for; of what follows, each known action stands once.
    const ROWS: usize = 256;

    /// How many unknown actions are kept, and how many characters of each.
    const UNKNOWN: usize = 8;
    const CHARACTERS: usize = 64;

    /// Keeps the actions of a call.
    pub fn of(actions: &[String]) -> Self {
        let mut kept = Self::default();
        let mut unknown = 0;
        for action in actions {
            if let Some((last, count)) = kept.0.last_mut()
                && last.text() == action
            {
                *count += 1;
                continue;
            }
            let name = match operations::find(action) {
                Some(known) if kept.0.len() < Self::ROWS || !kept.contains(known.name) => {
                    Name::Known(known.name)
                }
                None if unknown < Self::UNKNOWN => {
                    unknown += 1;
                    Name::Unknown(action.chars().take(Self::CHARACTERS).collect())
                }
                _ => continue,
            };
            kept.0.push((name, 1));
        }
        kept.0.shrink_to_fit();
        kept
    }

    /// Returns the actions in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let rows = self.0.iter();
        rows.flat_map(|(name, count)| std::iter::repeat_n(name.text(), *count))
    }

    /// Returns whether an action is among them.
    pub fn contains(&self, action: &str) -> bool {
        self.0.iter().any(|(name, _)| name.text() == action)
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Unknown(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(actions: &[&str]) -> Vec<String> {
        actions.iter().map(|&action| action.to_owned()).collect()
    }

    #[test]
    fn the_actions_of_common_calls_are_kept_as_they_came() {
        let mut actions = texts(&["query", "create", "no_such_action", "create"]);
        actions.extend(vec!["update".to_owned(); 50_000]);
        let kept = LoggedActions::of(&actions);
        assert!(kept.iter().eq(&actions));
        assert!(kept.contains("update") && !kept.contains("delete"));
    }

    #[test]
    fn no_call_takes_much_memory() {
        let mut actions = texts(&["create", "update"].repeat(10_000));
        actions.extend((0..10_000).map(|number| format!("{number}").repeat(1000)));
        actions.push("delete".to_owned());
        let kept = LoggedActions::of(&actions);
        assert!(kept.contains("delete"));
        assert!(kept.0.len() < LoggedActions::ROWS + 2 * LoggedActions::UNKNOWN);
        assert!(kept.iter().all(|action| action.len() < 100));
    }
}

//! Who works on a film: the people of the studio and those who joined for it.

use rusqlite::Connection;

use super::dice::Dice;
use crate::error::ApiError;
use crate::seed::people::{self, Artist};

/// How many people joined for the film.
const JOINED: usize = 170;

const FIRST_NAMES: &[&str] = &[
    "Aino", "Bilal", "Cora", "Dmitri", "Elif", "Femi", "Gita", "Hugo", "Ines", "Jiro", "Kofi",
    "Lena", "Mateo", "Nadia", "Oscar", "Priya", "Ravi", "Selma", "Tariq", "Vera",
];

const LAST_NAMES: &[&str] = &[
    "Abbott",
    "Bergman",
    "Castro",
    "Delgado",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hansen",
    "Ito",
    "Johansson",
    "Kowalski",
    "Lopez",
    "Moreau",
    "Nguyen",
    "Olsen",
    "Park",
    "Romano",
    "Sato",
];

/// Everybody, by department.
pub(super) struct Crew {
    /// Who made the projects.
    pub owner: String,
    departments: Vec<(&'static str, Vec<String>)>,
}

impl Crew {
    /// Puts `artists` and the new people into departments of about the same size.
    pub fn hire(
        connection: &Connection,
        artists: Vec<Artist>,
        owner: &str,
        dice: &mut Dice,
    ) -> Result<Self, ApiError> {
        let mut crew = Self {
            owner: owner.to_owned(),
            departments: Vec::new(),
        };
        for Artist { id, department } in artists {
            crew.add(department, id);
        }
        let names = LAST_NAMES
            .iter()
            .flat_map(|last| FIRST_NAMES.iter().map(move |first| (*first, *last)));
        for (first, last) in names.take(JOINED) {
            let index = dice.below(crew.departments.len() as u64);
            let (department, members) =
                &mut crew.departments[usize::try_from(index).unwrap_or_default()];
            members.push(people::insert_artist(connection, department, first, last)?);
        }
        Ok(crew)
    }

    /// Returns somebody of a department; the owner if there is no such department.
    pub fn somebody(&self, department: &str, dice: &mut Dice) -> &str {
        self.departments
            .iter()
            .find(|(name, _)| *name == department)
            .map_or(&self.owner, |(_, members)| {
                let index = dice.below(members.len() as u64);
                &members[usize::try_from(index).unwrap_or_default()]
            })
    }

    fn add(&mut self, department: &'static str, id: String) {
        match self
            .departments
            .iter_mut()
            .find(|(name, _)| *name == department)
        {
            Some((_, members)) => members.push(id),
            None => self.departments.push((department, vec![id])),
        }
    }
}

//! A feature film late in its production, with a short one beside it: about 200,000 entities.
//!
//! The film is generated: the same number gives the same film, ids included, and another number another one. What the
//! numbers decide is what differs between real productions, too: how far each shot is, who works on it, what was
//! published and said about it.
//!
//! - `dice`: the numbers
//! - `calendar`: the days of the production
//! - `crew`: who works on it
//! - `film`: projects, episodes, sequences, shots, asset builds and tasks
//! - `publishing`: assets, versions, components and where they are
//! - `feedback`: notes
//! - `hours`: timelogs

mod calendar;
mod crew;
mod dice;
mod feedback;
mod film;
mod hours;
mod publishing;

use rusqlite::Connection;

use super::people::Artist;
use crate::error::ApiError;
use crew::Crew;
use dice::Dice;
use film::{Film, Plan};

/// The feature: 4 episodes of 18 sequences with 29 shots each, and 380 asset builds.
const FEATURE: Plan = Plan {
    name: "the_long_winter",
    full_name: "The Long Winter",
    color: "#16a085",
    episodes: 4,
    sequences: 18,
    shots: 29,
    builds: 380,
};

/// What the same studio makes beside it.
const SHORT: Plan = Plan {
    name: "first_snow",
    full_name: "First Snow",
    color: "#e67e22",
    episodes: 1,
    sequences: 6,
    shots: 10,
    builds: 15,
};

/// Inserts the projects; `owner` made them, `artists` and many more work on them, and `number` decides the rest.
pub(super) fn insert(
    connection: &Connection,
    owner: &str,
    artists: Vec<Artist>,
    number: u64,
) -> Result<(), ApiError> {
    let mut dice = Dice::new(number);
    let crew = Crew::hire(connection, artists, owner, &mut dice)?;
    for plan in [FEATURE, SHORT] {
        Film::begin(connection, &plan, &crew, &mut dice)?.shoot()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, apply, people, site, workflow};
    use crate::store::create_schema;

    /// Everything of a film but its size.
    const TRAILER: Plan = Plan {
        name: "trailer",
        full_name: "Trailer",
        color: "#16a085",
        episodes: 2,
        sequences: 2,
        shots: 4,
        builds: 4,
    };

    /// Returns the numbers of contexts, assets, notes and so on, and all ids as one number.
    fn content(connection: &Connection) -> (i64, String) {
        let mut entities = 0;
        let mut ids = String::new();
        for table in [
            "appointment",
            "asset",
            "asset_version",
            "component",
            "component_location",
            "context",
            "note",
            "resource",
            "timelog",
        ] {
            let sql = format!("select count(*), group_concat(id) from \"{table}\"");
            let (count, all): (i64, String) = connection
                .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            entities += count;
            ids.push_str(&all);
        }
        (entities, ids)
    }

    fn trailer(number: u64) -> (i64, String) {
        let connection = Connection::open_in_memory().unwrap();
        create_schema(&connection).unwrap();
        workflow::insert(&connection).unwrap();
        site::insert(&connection).unwrap();
        let artists = people::insert_artists(&connection).unwrap();
        let mut dice = Dice::new(number);
        let crew = Crew::hire(&connection, artists, "owner", &mut dice).unwrap();
        let film = Film::begin(&connection, &TRAILER, &crew, &mut dice).unwrap();
        film.shoot().unwrap();
        content(&connection)
    }

    #[test]
    fn a_film_follows_from_its_number() {
        assert_eq!(trailer(7), trailer(7));
        assert_ne!(trailer(7), trailer(8));
    }

    #[test]
    fn a_feature_has_about_two_hundred_thousand_entities() {
        let mut connection = Connection::open_in_memory().unwrap();
        create_schema(&connection).unwrap();
        let transaction = connection.transaction().unwrap();
        apply(&transaction, Seed::Feature(0), "somebody").unwrap();
        let (entities, _) = content(&transaction);
        assert!((180_000..220_000).contains(&entities), "{entities}");
    }
}

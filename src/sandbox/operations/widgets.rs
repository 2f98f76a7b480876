//! `get_widget_url`: small pages about an entity, for the windows of other programs.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Arguments, Reading, signed_text};
use crate::{
    app::App,
    encode::{Answers, ReadOptions, Seen},
    error::ApiError,
    media::signing::SignatureError,
    schema::Catalog,
};

const PURPOSE: &str = "widget";

/// The widgets by their names; the last two are those of a player that shows a version or a list, such as ftrack's of RV.
const NAMES: [&str; 5] = [
    "info",
    "tasks",
    "tasks_browser",
    "review_navigation",
    "review_action",
];

/// How many tasks a page shows: a window has no room for more.
const SHOWN_TASKS: usize = 50;

/// What a page shows; the URL holds all of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Widget {
    name: String,
    theme: String,
    user_id: String,
    entity: Option<Subject>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Subject {
    entity_type: String,
    id: String,
}

/// Answers the URL of a widget, which needs no key and is good for some minutes.
pub(super) fn get_widget_url(
    reading: &Reading<'_>,
    arguments: &Arguments,
) -> Result<Value, ApiError> {
    let Reading {
        app,
        caller,
        connection,
    } = reading;
    let widget = Widget {
        name: known(arguments.text("name")?, &NAMES)?,
        theme: known(
            arguments.optional_text("theme").unwrap_or("light"),
            &["light", "dark"],
        )?,
        user_id: caller.user_id.clone(),
        entity: subject(arguments)?,
    };
    if widget.name == "info" && widget.entity.is_none() {
        return Err(ApiError::validation("The info widget needs an entity."));
    }
    if let Some(subject) = &widget.entity {
        describe(connection, app, subject)?;
    }
    let url = url(app, app.config.widget_validity, &widget)?;
    Ok(json!({"action": "get_widget_url", "widget_url": url}))
}

/// Opens the word of a widget's URL.
pub fn open(app: &App, word: &str) -> Result<Widget, SignatureError> {
    signed_text::open(&app.signer, PURPOSE, word)
}

impl Widget {
    /// Writes the page.
    pub fn page(&self, connection: &Connection, app: &App) -> Result<String, ApiError> {
        let (ground, ink) = match self.theme.as_str() {
            "dark" => ("#2b2d33", "#e8e8e8"),
            _ => ("#ffffff", "#2b2d33"),
        };
        let mut body = String::new();
        let mut title = match self.name.as_str() {
            "review_navigation" | "review_action" => "Review",
            _ => "Tasks",
        }
        .to_owned();
        if let Some(subject) = &self.entity {
            title = describe(connection, app, subject)?;
            // Writing to a string cannot fail, here and below.
            let _ = write!(
                body,
                "<h1>{}</h1><p>{} {}</p>",
                escape(&title),
                escape(&subject.entity_type),
                escape(&subject.id)
            );
        }
        if matches!(self.name.as_str(), "tasks" | "tasks_browser") {
            body.push_str("<ul>");
            for task in self.tasks(connection)? {
                let _ = write!(body, "<li>{}</li>", escape(&task));
            }
            body.push_str("</ul>");
        }
        Ok(format!(
            "<!doctype html><html data-theme=\"{}\"><meta charset=\"utf-8\"><title>{}</title>\
             <body style=\"background:{ground};color:{ink};font-family:sans-serif\">{body}</body></html>",
            self.theme,
            escape(&title)
        ))
    }

    /// Names the tasks: those below the entity, and in the browser those of all projects; the other shows the user's own.
    fn tasks(&self, connection: &Connection) -> Result<Vec<String>, ApiError> {
        let below = "with recursive below (id) as (\
                       values (?1) union select context.id from context join below on context.parent_id = below.id) ";
        let is_task = "object_type_id = '11c137c0-ee7e-4f9c-91c5-8c77cec22b2c'";
        let (sql, parameter) = match (&self.entity, self.name.as_str()) {
            (Some(subject), _) => (
                format!(
                    "{below}select name from context join below using (id) where {is_task} order by name limit {SHOWN_TASKS}"
                ),
                &subject.id,
            ),
            (None, "tasks") => (
                format!(
                    "select context.name from context join appointment on context_id = context.id \
                     where resource_id = ?1 and {is_task} order by context.name limit {SHOWN_TASKS}"
                ),
                &self.user_id,
            ),
            (None, _) => (
                format!(
                    "select name from context where {is_task} and ?1 is not null order by name limit {SHOWN_TASKS}"
                ),
                &self.user_id,
            ),
        };
        let mut statement = connection.prepare_cached(&sql)?;
        let names = statement.query_map([parameter], |row| row.get::<_, Option<String>>(0))?;
        let names: Vec<_> = names.collect::<Result<_, _>>()?;
        Ok(names.into_iter().flatten().collect())
    }
}

fn known(value: &str, values: &[&str]) -> Result<String, ApiError> {
    if values.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(ApiError::validation(format!(
        "'{value}' is none of {}.",
        values.join(", ")
    )))
}

fn subject(arguments: &Arguments) -> Result<Option<Subject>, ApiError> {
    let key = arguments.key("entity_key");
    match (arguments.optional_text("entity_type"), key.as_slice()) {
        (None, _) => Ok(None),
        (Some(entity_type), [id]) => Ok(Some(Subject {
            entity_type: entity_type.to_owned(),
            id: (*id).to_owned(),
        })),
        (Some(_), _) => Err(ApiError::validation(
            "entity_key must be the id of an entity.",
        )),
    }
}

/// Returns the name of an entity, or that of its type if it has none.
fn describe(connection: &Connection, app: &App, subject: &Subject) -> Result<String, ApiError> {
    let entity_type = Catalog::get()
        .entity_type(&subject.entity_type)
        .ok_or_else(|| ApiError::parse(format!("No schema '{}' exists.", subject.entity_type)))?;
    let names = ["full_name", "name", "username"];
    let name = names
        .into_iter()
        .find(|name| entity_type.attribute(name).is_some());
    let attributes: Vec<&str> = name.into_iter().collect();
    let options = ReadOptions {
        strict: true,
        denormalize: true,
        base_url: app.base_url.clone(),
        signer: None,
        hidden_attributes: Vec::new(),
    };
    let mut out = Vec::new();
    let mut answers = Answers::default();
    let place = answers.add(entity_type, vec![subject.id.clone()], &attributes)?;
    answers.read(connection)?;
    let no_overrides = HashMap::new();
    answers.write(
        place,
        &no_overrides,
        &options,
        &mut Seen::default(),
        &mut out,
    )?;
    let entity: Value = serde_json::from_slice(&out).unwrap_or_default();
    let text = name.and_then(|name| entity[name].as_str());
    Ok(text.unwrap_or(&subject.entity_type).to_owned())
}

fn url(app: &App, validity: Duration, widget: &Widget) -> Result<String, ApiError> {
    let word = signed_text::seal(&app.signer, PURPOSE, validity, widget)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(format!(
        "{}/widget/{}?token={word}",
        app.base_url, widget.name
    ))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

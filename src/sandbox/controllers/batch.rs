//! Carries out the operations of one call and writes their results.

use std::collections::HashMap;

use ftrack_protocol::{Value, Write};
use rusqlite::{Connection, Transaction};
use serde_json::json;

use crate::{
    app::{App, Batch},
    controllers::{operation::Operation, server_information, upload},
    encode::{self, QueryError, ReadOptions, Seen},
    error::ApiError,
    events,
    media::encode as media,
    schema::Catalog,
    semantics::{self, UnitOfWork, WriteAnswer},
};

/// Answers operations that change nothing.
pub fn read(
    connection: &Connection,
    app: &App,
    operations: &[Operation],
    options: &ReadOptions,
) -> Result<Vec<u8>, ApiError> {
    let mut reader = Reader {
        connection,
        app,
        options,
        seen: Seen::default(),
    };
    let mut results = Results::default();
    for operation in operations {
        results.add(|out| reader.answer(operation, out))?;
    }
    Ok(results.finish())
}

/// Carries out operations of which some change the database.
///
/// The results of creates and updates are written when all operations are done, so that they show what became of the
/// entity; ftrack does the same.
pub fn write(
    transaction: &Transaction<'_>,
    batch: &mut Batch,
    operations: &[Operation],
    options: &ReadOptions,
) -> Result<Vec<u8>, ApiError> {
    let app = batch.app.clone();
    let caller = batch.caller.clone();
    let mut writer = Writer {
        transaction,
        batch,
        work: UnitOfWork::new(transaction, &caller),
        reader: Reader {
            connection: transaction,
            app: &app,
            options,
            seen: Seen::default(),
        },
    };
    let mut pending: Vec<Option<Pending>> = operations.iter().map(|_| None).collect();
    let mut order = Order::of(operations);
    while let Some(index) = order.next(operations) {
        pending[index] = Some(writer.carry_out(&operations[index])?);
    }
    writer.work.finish()?;
    writer.announce()?;
    let mut results = Results::default();
    for result in pending.into_iter().flatten() {
        results.add(|out| writer.finish(result, out))?;
    }
    Ok(results.finish())
}

/// The array of results under construction.
#[derive(Default)]
struct Results {
    bytes: Vec<u8>,
}

impl Results {
    fn add(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        self.bytes
            .push(if self.bytes.is_empty() { b'[' } else { b',' });
        write(&mut self.bytes)
    }

    fn finish(mut self) -> Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes.push(b'[');
        }
        self.bytes.push(b']');
        self.bytes
    }
}

struct Reader<'a> {
    connection: &'a Connection,
    app: &'a App,
    options: &'a ReadOptions,
    seen: Seen,
}

impl Reader<'_> {
    fn answer(&mut self, operation: &Operation, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match operation {
            Operation::Query { expression } => Ok(encode::query(
                self.connection,
                expression,
                self.options,
                &mut self.seen,
                out,
            )?),
            Operation::QuerySchemas => write_json(Catalog::get().schemas_json(), out),
            Operation::QueryServerInformation { values } => {
                let information = server_information::answer(self.connection, values.as_deref())?;
                write_json(&information, out)
            }
            Operation::GetUploadMetadata(members) => write_json(
                &upload::get_upload_metadata(self.connection, self.app, members)?,
                out,
            ),
            Operation::CompleteMultipartUpload(members) => {
                write_json(&upload::complete_multipart_upload(self.app, members)?, out)
            }
            Operation::Acknowledge { action } => {
                write_json(&json!({"action": action, "data": true}), out)
            }
            Operation::Unknown { action } => Err(ApiError::unknown_action(action)),
            Operation::Create(_)
            | Operation::Update(_)
            | Operation::Delete { .. }
            | Operation::ResetRemote { .. }
            | Operation::EncodeMedia(_) => Err(ApiError::internal("a write was taken for a read")),
        }
    }
}

/// A result that is written already, or that waits for the end of the batch.
enum Pending {
    Written(Vec<u8>),
    Entity(&'static str, WriteAnswer),
}

struct Writer<'a, 'b> {
    transaction: &'a Transaction<'b>,
    batch: &'a mut Batch,
    work: UnitOfWork<'a>,
    reader: Reader<'a>,
}

impl Writer<'_, '_> {
    fn carry_out(&mut self, operation: &Operation) -> Result<Pending, ApiError> {
        let mut out = Vec::new();
        match operation {
            Operation::Create(write) => {
                return Ok(Pending::Entity(
                    "create",
                    semantics::create(&mut self.work, write)?,
                ));
            }
            Operation::Update(write) => {
                return Ok(Pending::Entity(
                    "update",
                    semantics::update(&mut self.work, write)?,
                ));
            }
            Operation::Delete { entity_type, key } => {
                semantics::delete(&mut self.work, entity_type, key)?;
                write_json(&json!({"action": "delete", "data": true}), &mut out)?;
            }
            Operation::ResetRemote { reset_type, key } => {
                let data = semantics::reset_credentials(self.transaction, reset_type, key)?;
                write_json(&json!({"action": "reset_remote", "data": data}), &mut out)?;
            }
            Operation::EncodeMedia(members) => {
                let answer = media::encode_media(&mut self.work, self.batch, members)?;
                write_json(&answer, &mut out)?;
            }
            reading => self.reader.answer(reading, &mut out)?,
        }
        Ok(Pending::Written(out))
    }

    fn finish(&mut self, result: Pending, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match result {
            Pending::Written(bytes) => out.extend_from_slice(&bytes),
            Pending::Entity(action, answer) => {
                out.extend_from_slice(b"{\"action\":\"");
                out.extend_from_slice(action.as_bytes());
                out.extend_from_slice(b"\",\"data\":");
                self.write_entity(answer, out)?;
                out.push(b'}');
            }
        }
        Ok(())
    }

    /// Has the event server tell of the changes once they are committed.
    fn announce(&mut self) -> Result<(), ApiError> {
        if self.batch.app.events.connections() == 0 {
            return Ok(());
        }
        let (batch, changes) = (&mut *self.batch, &self.work.changes);
        let events =
            events::update::describe(self.transaction, &batch.caller, &batch.tokens, changes)?;
        batch.after_commit(move |app| events.iter().for_each(|event| app.events.publish(event)));
        Ok(())
    }

    fn write_entity(&mut self, answer: WriteAnswer, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let WriteAnswer {
            entity_type,
            key,
            attributes,
            echoes,
        } = answer;
        let attributes: Vec<String> = attributes.into_iter().map(str::to_owned).collect();
        let mut overrides = HashMap::with_capacity(echoes.len());
        for (name, value) in echoes {
            overrides.insert(name.to_owned(), to_json(&value)?);
        }
        let Reader {
            connection,
            options,
            seen,
            ..
        } = &mut self.reader;
        let written = encode::encode_entity(
            connection,
            entity_type,
            &key,
            &attributes,
            &overrides,
            options,
            seen,
            out,
        );
        match written {
            // A later operation of the batch has deleted it: its key is all there is to say.
            Err(QueryError::Missing { .. }) => {
                let mut gone = json!({"__entity_type__": entity_type.name});
                for (name, value) in entity_type.primary_key.iter().zip(key) {
                    gone[name] = value.into();
                }
                write_json(&gone, out)
            }
            written => Ok(written?),
        }
    }
}

fn write_json(value: &serde_json::Value, out: &mut Vec<u8>) -> Result<(), ApiError> {
    serde_json::to_writer(out, value).map_err(|error| ApiError::internal(error.to_string()))
}

fn to_json(value: &Value) -> Result<serde_json::Value, ApiError> {
    serde_json::to_value(value).map_err(|error| ApiError::internal(error.to_string()))
}

/// The order in which operations are carried out: as sent, but what a create refers to is created before it.
///
/// Clients create children before their parents when that is how they were asked to.
struct Order<'o> {
    /// Which operation creates the entity of an id.
    creates: HashMap<&'o str, usize>,
    state: Vec<State>,
    next: usize,
    /// Operations that wait for the one above them.
    waiting: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unvisited,
    Waiting,
    Done,
}

impl<'o> Order<'o> {
    fn of(operations: &'o [Operation]) -> Self {
        let creates =
            operations
                .iter()
                .enumerate()
                .filter_map(|(index, operation)| match operation {
                    Operation::Create(write) => Some((created_id(write)?, index)),
                    _ => None,
                });
        Self {
            creates: creates.collect(),
            state: vec![State::Unvisited; operations.len()],
            next: 0,
            waiting: Vec::new(),
        }
    }

    fn next(&mut self, operations: &[Operation]) -> Option<usize> {
        loop {
            let Some(&index) = self.waiting.last() else {
                while self.state.get(self.next) == Some(&State::Done) {
                    self.next += 1;
                }
                self.state.get(self.next)?;
                self.wait(self.next);
                continue;
            };
            match self.prerequisite(&operations[index]) {
                Some(earlier) => self.wait(earlier),
                None => {
                    self.waiting.pop();
                    self.state[index] = State::Done;
                    return Some(index);
                }
            }
        }
    }

    fn wait(&mut self, index: usize) {
        self.state[index] = State::Waiting;
        self.waiting.push(index);
    }

    /// Returns a create that has to come before `operation`; in a circle, none.
    fn prerequisite(&self, operation: &Operation) -> Option<usize> {
        let Operation::Create(write) = operation else {
            return None;
        };
        let mut ids = write
            .attributes
            .iter()
            .filter_map(|(_, value)| match value {
                Value::Text(id) => Some(&**id),
                Value::Entity(entity) => entity.get("id")?.as_str(),
                _ => None,
            });
        ids.find_map(|id| {
            let index = *self.creates.get(id)?;
            (self.state[index] == State::Unvisited).then_some(index)
        })
    }
}

fn created_id(write: &Write) -> Option<&str> {
    let attribute = write.attributes.iter().find(|(name, _)| &**name == "id");
    match (attribute, write.entity_key.as_slice()) {
        (Some((_, id)), _) => id.as_str(),
        (None, [id]) => id.as_str(),
        _ => None,
    }
}

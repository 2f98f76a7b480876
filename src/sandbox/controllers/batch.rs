//! Carries out the operations of one call and writes their results.

use std::collections::HashMap;

use ftrack_protocol::Value;
use rusqlite::{Connection, Transaction};
use serde_json::json;
use tracing::warn;

use crate::{
    app::{App, Batch, Caller},
    controllers::{operation::Operation, order::Order, server_information, upload},
    encode::{self, Answers, Place, QueryError, ReadOptions, Seen},
    error::ApiError,
    events,
    media::{encode as media, file_id::FileId, pending::PendingFiles},
    operations::{
        self, Action, Arguments, CarryOut, Handler, Outcome, Reading, Writing, permissions,
    },
    schema::Catalog,
    semantics::{self, UnitOfWork, WriteAnswer},
};

/// Answers operations that change nothing.
pub fn read(
    connection: &Connection,
    app: &App,
    caller: &Caller,
    operations: &[Operation],
    options: &ReadOptions,
) -> Result<Vec<u8>, ApiError> {
    let options = seen_by(caller, connection, options)?;
    let mut reader = Reader {
        connection,
        app,
        caller,
        options: &options,
        seen: Seen::default(),
        files: PendingFiles::default(),
    };
    let mut results = Results::default();
    for operation in operations {
        results.add(|out| reader.answer(operation, out))?;
    }
    reader.files.carry_out(&app.files)?;
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
    let options = seen_by(&caller, transaction, options)?;
    let mut writer = Writer {
        batch,
        work: UnitOfWork::new(transaction, &caller),
        reader: Reader {
            connection: transaction,
            app: &app,
            caller: &caller,
            options: &options,
            seen: Seen::default(),
            files: PendingFiles::default(),
        },
        answers: Answers::default(),
        registers_components: operations.iter().any(registers_component),
    };
    let mut pending: Vec<Option<Pending>> = operations.iter().map(|_| None).collect();
    let mut order = Order::of(operations);
    while let Some(index) = order.next(operations) {
        pending[index] = Some(writer.carry_out(&operations[index])?);
    }
    writer.work.finish()?;
    writer.announce()?;
    writer.remove_files()?;
    writer.answers.read(transaction)?;
    let mut results = Results::default();
    for result in pending.into_iter().flatten() {
        results.add(|out| writer.finish(result, out))?;
    }
    writer.batch.files = writer.reader.files;
    Ok(results.finish())
}

/// Returns the options of a call with what its caller does not get to see.
fn seen_by(
    caller: &Caller,
    connection: &Connection,
    options: &ReadOptions,
) -> Result<ReadOptions, ApiError> {
    Ok(ReadOptions {
        hidden_attributes: permissions::hidden_attributes(connection, caller)?,
        ..options.clone()
    })
}

/// Changes of one batch that are described for the log when nobody listens. Describing those of a bulk load takes longer than the load.
const MOST_UNHEARD_CHANGES: usize = 200;

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
    caller: &'a Caller,
    options: &'a ReadOptions,
    seen: Seen,
    /// What the operations so far are to do to files.
    files: PendingFiles,
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
                let information = server_information::answer(&self.reading(), values.as_deref())?;
                write_json(&information, out)
            }
            Operation::GetUploadMetadata(members) => {
                let (connection, files) = (self.connection, &mut self.files);
                let answer = upload::get_upload_metadata(connection, self.app, files, members)?;
                write_json(&answer, out)
            }
            Operation::CompleteMultipartUpload(members) => {
                let files = &mut self.files;
                let answer = upload::complete_multipart_upload(self.app, files, members)?;
                write_json(&answer, out)
            }
            Operation::Other { action, arguments } => match action.handler() {
                Handler::Read(answer) => write_json(&answer(&self.reading(), arguments)?, out),
                Handler::Search => self.search(arguments, out),
                Handler::Batch | Handler::Write(_) => Err(taken_for_read()),
            },
            Operation::Unknown { action } => Err(ApiError::unknown_action(action)),
            Operation::Create(_)
            | Operation::Update(_)
            | Operation::Delete { .. }
            | Operation::EncodeMedia(_) => Err(taken_for_read()),
        }
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            connection: self.connection,
            app: self.app,
            caller: self.caller,
        }
    }

    /// Answers a search as the query it amounts to, under its own name.
    fn search(&mut self, arguments: &Arguments, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let expression = operations::search_query(arguments)?;
        let mut answer = Vec::new();
        let Self {
            connection,
            options,
            seen,
            ..
        } = self;
        encode::query(connection, &expression, options, seen, &mut answer)?;
        let query = br#"{"action":"query""#;
        out.extend_from_slice(br#"{"action":"search""#);
        out.extend_from_slice(answer.strip_prefix(query).unwrap_or(b"}"));
        Ok(())
    }
}

fn taken_for_read() -> ApiError {
    ApiError::internal("a write was taken for a read")
}

/// A result that is written already, or that waits for the end of the batch.
enum Pending {
    Written(Vec<u8>),
    Entity(PendingEntity),
}

/// An entity to answer as it is when the batch is complete.
struct PendingEntity {
    action: &'static str,
    place: Place,
    /// Values to answer as they were sent, in place of the stored ones.
    echoes: HashMap<String, serde_json::Value>,
}

struct Writer<'a> {
    batch: &'a mut Batch,
    work: UnitOfWork<'a>,
    reader: Reader<'a>,
    answers: Answers,
    /// Whether the batch says in which locations components are.
    registers_components: bool,
}

/// Returns whether an operation says that a component is in a location.
fn registers_component(operation: &Operation) -> bool {
    matches!(operation, Operation::Create(write) if &*write.entity_type == "ComponentLocation")
}

/// What the answer to the create of a component holds of the locations that the batch puts it into.
const REGISTRATIONS: [&str; 2] = [
    "component_locations.resource_identifier",
    "component_locations.component",
];

impl Writer<'_> {
    fn carry_out(&mut self, operation: &Operation) -> Result<Pending, ApiError> {
        let mut out = Vec::new();
        match operation {
            Operation::Create(write) => {
                let answer = semantics::create(&mut self.work, write)?;
                return self.entity("create", answer);
            }
            Operation::Update(write) => {
                let answer = semantics::update(&mut self.work, write)?;
                return self.entity("update", answer);
            }
            Operation::Delete { entity_type, key } => {
                semantics::delete(&mut self.work, entity_type, key)?;
                write_json(&json!({"action": "delete", "data": true}), &mut out)?;
            }
            Operation::Other { action, arguments } => match action.handler() {
                Handler::Write(carry_out) => {
                    return self.carry_out_other(action, carry_out, arguments);
                }
                _ => self.reader.answer(operation, &mut out)?,
            },
            Operation::EncodeMedia(members) => {
                let arriving = &self.reader.files;
                let answer = media::encode_media(&mut self.work, self.batch, arriving, members)?;
                write_json(&answer, &mut out)?;
            }
            reading => self.reader.answer(reading, &mut out)?,
        }
        Ok(Pending::Written(out))
    }

    fn carry_out_other(
        &mut self,
        action: &'static Action,
        carry_out: CarryOut,
        arguments: &Arguments,
    ) -> Result<Pending, ApiError> {
        let writing = &mut Writing {
            work: &mut self.work,
            batch: self.batch,
        };
        match carry_out(writing, arguments)? {
            Outcome::Entity(answer) => self.entity(action.name, answer),
            Outcome::Json(answer) => {
                let mut out = Vec::new();
                write_json(&answer, &mut out)?;
                Ok(Pending::Written(out))
            }
        }
    }

    fn entity(&mut self, action: &'static str, answer: WriteAnswer) -> Result<Pending, ApiError> {
        let WriteAnswer {
            entity_type,
            key,
            mut attributes,
            echoes,
        } = answer;
        if self.registers_components && entity_type.attribute("component_locations").is_some() {
            attributes.extend(REGISTRATIONS);
        }
        let place = self.answers.add(entity_type, key, &attributes)?;
        let echoes = echoes
            .into_iter()
            .map(|(name, value)| Ok((name.to_owned(), to_json(&value)?)));
        Ok(Pending::Entity(PendingEntity {
            action,
            place,
            echoes: echoes.collect::<Result<_, ApiError>>()?,
        }))
    }

    fn finish(&mut self, result: Pending, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match result {
            Pending::Written(bytes) => out.extend_from_slice(&bytes),
            Pending::Entity(entity) => {
                out.extend_from_slice(b"{\"action\":\"");
                out.extend_from_slice(entity.action.as_bytes());
                out.extend_from_slice(b"\",\"data\":");
                self.write_entity(&entity, out)?;
                out.push(b'}');
            }
        }
        Ok(())
    }

    /// Has the event server tell of the changes once they are committed; if nobody listens, its log does.
    fn announce(&mut self) -> Result<(), ApiError> {
        let is_heard = self.batch.app.events.connections() > 0;
        if !is_heard && self.work.changes.len() > MOST_UNHEARD_CHANGES {
            return Ok(());
        }
        let events = events::update::describe(&self.work, &self.batch.tokens)?;
        self.batch
            .after_commit(move |app| events.iter().for_each(|event| app.events.publish(event)));
        Ok(())
    }

    /// Has the files of components that are gone removed once that is committed.
    fn remove_files(&mut self) -> Result<(), ApiError> {
        for component in self.work.removed_components()? {
            // A component whose id is no name of a file has none.
            if let Ok(file) = FileId::parse(&component) {
                self.batch.after_commit(move |app| {
                    if let Err(error) = app.files.remove(&file) {
                        warn!(%error, component = %file, "a file could not be removed");
                    }
                });
            }
        }
        Ok(())
    }

    fn write_entity(&mut self, entity: &PendingEntity, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let Reader { options, seen, .. } = &mut self.reader;
        let written = self
            .answers
            .write(entity.place, &entity.echoes, options, seen, out);
        match written {
            // A later operation of the batch has deleted it: its key is all there is to say.
            Err(QueryError::Missing { .. }) => {
                let (entity_type, key) = self.answers.identity(entity.place);
                let mut gone = json!({"__entity_type__": entity_type.name});
                for (name, value) in entity_type.primary_key.iter().zip(key) {
                    gone[name] = value.as_str().into();
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

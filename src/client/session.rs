//! What applications use: connects to a server, finds, changes and commits entities. Wiring only; the work is done by the modules it names.

use std::sync::Arc;

use ftrack_protocol::Operation;
use ftrack_protocol::query::quoted;

use crate::commit::Commit;
use crate::config::Config;
use crate::entity::{Entity, Field};
use crate::error::{Error, Result};
use crate::identity_map::{EntityId, IdentityMap};
use crate::merge::{Answer, QueryPage, decode_answers, merge_query_answer};
use crate::paging::PageReader;
use crate::populate;
use crate::query::{DEFAULT_PAGE_SIZE, PagedExpression, Pager, with_default_projections};
use crate::schema_cache::{self, SchemaCache};
use crate::schema_set::{AttributeId, EntityType, SchemaSet};
use crate::transport::{Idempotency, Transport, encode_batch};
use crate::unit_of_work::{Committed, UnitOfWork};

/// How a session is set up.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Where schemas are kept between sessions; none to always ask the server.
    pub schema_cache: Option<SchemaCache>,
    /// Fetches attributes that are read but not known.
    pub auto_populate: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            schema_cache: SchemaCache::from_env(),
            auto_populate: true,
        }
    }
}

/// A connection to a server, with a cache of its entities and a log of changes.
#[derive(Debug)]
pub struct Session {
    transport: Arc<Transport>,
    server_information: Answer,
    schemas: Arc<SchemaSet>,
    map: Arc<IdentityMap>,
    work: UnitOfWork,
    auto_populate: bool,
}

impl Session {
    /// Connects to a server: asks who it is, and for its schemas unless they are cached.
    pub async fn connect(config: Config, options: SessionOptions) -> Result<Self> {
        let transport = Arc::new(Transport::new(config)?);
        let information = ask(&transport, "query_server_information").await?;
        let scratch = IdentityMap::new(Arc::default());
        let server_information = decode_answers(&scratch, &information)?
            .into_iter()
            .next()
            .ok_or_else(|| Error::decode("the server information", &"it is empty"))?;
        let schemas = load_schemas(&transport, &server_information, options.schema_cache).await?;
        Ok(Self {
            transport,
            server_information,
            map: IdentityMap::new(schemas.clone()),
            schemas,
            work: UnitOfWork::default(),
            auto_populate: options.auto_populate,
        })
    }

    /// Returns the way to the server.
    pub fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }

    /// Returns what the server said about itself.
    pub fn server_information(&self) -> &Answer {
        &self.server_information
    }

    /// Returns the entity types of the site.
    pub fn schemas(&self) -> &Arc<SchemaSet> {
        &self.schemas
    }

    /// Returns the cache.
    pub fn map(&self) -> &Arc<IdentityMap> {
        &self.map
    }

    /// Returns the changes that are not committed.
    pub fn recorded(&self) -> &UnitOfWork {
        &self.work
    }

    /// Starts an empty cache and forgets all changes; older handles keep what they know.
    pub fn reset(&mut self) {
        self.work = UnitOfWork::default();
        self.map = IdentityMap::new(self.schemas.clone());
    }

    /// Prepares a query; nothing is asked before its result is used.
    pub fn query(&self, expression: &str) -> Result<QueryResult<'_>> {
        let expression = with_default_projections(&self.schemas, expression)?;
        Ok(QueryResult {
            session: self,
            pager: Pager::new(&expression, DEFAULT_PAGE_SIZE),
        })
    }

    /// Returns the entity of this key from the cache or the server, or none if there is no such entity.
    pub async fn get(&self, entity_type: &str, key: &[&str]) -> Result<Option<Entity>> {
        let definition = self.schemas.get(entity_type)?;
        check_key(definition, key)?;
        if let Some(id) = self.map.find(definition.id, key) {
            return Ok(Some(self.handle(id)));
        }
        let names = definition
            .primary_key
            .iter()
            .map(|id| &definition.attribute(*id).name);
        let conditions: Vec<_> = names
            .zip(key)
            .map(|(name, value)| format!("{name} is {}", quoted(value)))
            .collect();
        let expression = format!("{entity_type} where ({})", conditions.join(" and "));
        Ok(self.query(&expression)?.all().await?.into_iter().next())
    }

    /// Makes a new entity; the server learns of it at the next commit.
    pub fn create<F: Into<Field>>(
        &mut self,
        entity_type: &str,
        values: impl IntoIterator<Item = (&'static str, F)>,
    ) -> Result<Entity> {
        let definition = self.schemas.get(entity_type)?;
        let values = values
            .into_iter()
            .map(|(name, value)| {
                let attribute = definition.get(name)?;
                Ok((attribute, value.into().into_slot(&self.map)?))
            })
            .collect::<Result<_>>()?;
        let id = self.work.create(&self.map, definition, values)?;
        Ok(self.handle(id))
    }

    /// Sets a value; the server learns of it at the next commit.
    pub fn set(&mut self, entity: &Entity, name: &str, value: impl Into<Field>) -> Result<()> {
        let attribute = self.attribute_of(entity, name)?;
        let value = value.into().into_slot(&self.map)?;
        self.work.set(&self.map, entity.id(), attribute, value)
    }

    /// Takes a value back that was set and not committed.
    pub fn unset(&mut self, entity: &Entity, name: &str) -> Result<()> {
        let attribute = self.attribute_of(entity, name)?;
        self.work.unset(&self.map, entity.id(), attribute)
    }

    /// Deletes an entity at the next commit.
    pub fn delete(&mut self, entity: &Entity) -> Result<()> {
        self.check_owner(entity)?;
        self.work.delete(&self.map, entity.id())
    }

    /// Returns a value, fetched from the server if it is not known and the session populates by itself.
    ///
    /// None means that the value is not known: it was not fetched, or the entity is new.
    pub async fn value(&self, entity: &Entity, name: &str) -> Result<Option<Field>> {
        let known = entity.known(name)?;
        if known.is_some() || !self.auto_populate {
            return Ok(known);
        }
        let projections = populate::projections_of(&self.schemas, entity.entity_type(), name)?;
        self.populate(std::slice::from_ref(entity), &projections)
            .await?;
        entity.known(name)
    }

    /// Fetches `projections` of entities of one type. Values set here stay; entities that are not committed yet are skipped.
    pub async fn populate(&self, entities: &[Entity], projections: &str) -> Result<()> {
        let mut keys = Vec::with_capacity(entities.len());
        for entity in entities {
            self.check_owner(entity)?;
            let key = entity.key().filter(|key| !self.work.creates(key));
            keys.extend(key.map(|key| key.values));
        }
        let Some(first) = entities.first() else {
            return Ok(());
        };
        for expression in populate::expressions(first.entity_type(), &keys, projections)? {
            let mut pager = Pager::new(&expression, DEFAULT_PAGE_SIZE);
            while let Some(page) = pager.next_page() {
                let page = self.fetch(page).await?;
                pager.advance(page.entities.len(), page.next_offset);
            }
        }
        Ok(())
    }

    /// Sends all changes as one transaction.
    ///
    /// If it fails the changes stay recorded, and nothing has changed on the server, unless the answer was lost and nobody can tell ([`Error::AnswerLost`]).
    pub async fn commit(&mut self) -> Result<Vec<Committed>> {
        let batch = self.work.batch();
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let commit = Commit {
            transport: self.transport.clone(),
            map: self.map.clone(),
            batch: batch.into(),
            new_ids: self.work.new_ids().clone(),
        };
        let answer = commit.send().await?;
        self.work.accept(&self.map, &commit.batch, &answer)
    }

    /// Forgets all changes.
    pub fn rollback(&mut self) {
        self.work.rollback(&self.map);
    }

    /// Sends operations as they are. Entities of the answer are not merged: they live in the returned map.
    pub async fn call(&self, operations: &[Operation]) -> Result<(Vec<Answer>, Arc<IdentityMap>)> {
        let idempotency = Idempotency::of(operations.iter().map(Operation::action));
        let answer = self.post(operations, idempotency).await?;
        let scratch = IdentityMap::new(self.schemas.clone());
        Ok((decode_answers(&scratch, &answer)?, scratch))
    }

    async fn fetch(&self, expression: String) -> Result<QueryPage> {
        let batch = [Operation::Query { expression }];
        let answer = self.post(&batch, Idempotency::Read).await?;
        merge_query_answer(&self.map, &answer)
    }

    async fn post(&self, batch: &[Operation], idempotency: Idempotency) -> Result<bytes::Bytes> {
        let body = encode_batch(batch)?;
        self.transport.call(body, idempotency).await
    }

    fn handle(&self, id: EntityId) -> Entity {
        Entity::new(self.map.clone(), id)
    }

    fn attribute_of(&self, entity: &Entity, name: &str) -> Result<AttributeId> {
        self.check_owner(entity)?;
        entity.entity_type().get(name)
    }

    fn check_owner(&self, entity: &Entity) -> Result<()> {
        Field::Entity(entity.clone()).into_slot(&self.map).map(drop)
    }
}

/// The entities that a query finds, fetched page by page.
#[derive(Debug)]
pub struct QueryResult<'s> {
    session: &'s Session,
    pager: Pager,
}

impl QueryResult<'_> {
    /// Asks for another number of entities per call.
    #[must_use]
    pub fn with_page_size(mut self, page_size: u64) -> Self {
        self.pager = self.pager.with_page_size(page_size);
        self
    }

    /// Returns the next page, or none when everything was returned.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Entity>>> {
        let Some(expression) = self.pager.next_page() else {
            return Ok(None);
        };
        let page = self.session.fetch(expression).await?;
        let taken = self.pager.advance(page.entities.len(), page.next_offset);
        Ok(Some(self.handles(&page.entities[..taken])))
    }

    /// Returns everything that is left.
    pub async fn all(self) -> Result<Vec<Entity>> {
        let (transport, map) = (self.session.transport.clone(), self.session.map.clone());
        let mut pages = PageReader::new(transport, map, self.pager);
        let mut entities = Vec::new();
        while let Some(request) = pages.request()? {
            let page = pages.take_in(&request.answer().await?)?;
            entities.extend(page.entities.iter().map(|id| self.session.handle(*id)));
        }
        Ok(entities)
    }

    /// Returns the first match, or none.
    pub async fn first(self) -> Result<Option<Entity>> {
        let page = self.session.fetch(self.expression().first()?).await?;
        Ok(self.handles(&page.entities).into_iter().next())
    }

    /// Returns the only match; none or several are errors.
    pub async fn one(self) -> Result<Entity> {
        let page = self.session.fetch(self.expression().one()?).await?;
        let expression = self.expression().text.clone();
        match page.entities.as_slice() {
            [id] => Ok(self.session.handle(*id)),
            [] => Err(Error::NoResult { expression }),
            _ => Err(Error::MultipleResults { expression }),
        }
    }

    fn expression(&self) -> &PagedExpression {
        self.pager.expression()
    }

    fn handles(&self, ids: &[EntityId]) -> Vec<Entity> {
        ids.iter().map(|id| self.session.handle(*id)).collect()
    }
}

fn check_key(definition: &EntityType, key: &[&str]) -> Result<()> {
    if definition.primary_key.len() == key.len() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} is identified by {} value(s), but got {}",
        definition.name,
        definition.primary_key.len(),
        key.len()
    )))
}

async fn ask(transport: &Transport, action: &str) -> Result<bytes::Bytes> {
    let operation = Operation::Other {
        action: action.into(),
        members: Vec::new(),
    };
    let body = encode_batch(&[operation])?;
    transport.call(body, Idempotency::Read).await
}

async fn load_schemas(
    transport: &Transport,
    information: &Answer,
    cache: Option<SchemaCache>,
) -> Result<Arc<SchemaSet>> {
    let expected = information.get("schema_hash").and_then(Answer::as_str);
    let cached = cache
        .as_ref()
        .zip(expected)
        .and_then(|(cache, hash)| cache.load(hash));
    if let Some(json) = cached {
        return SchemaSet::from_json(&json);
    }
    let answer = ask(transport, "query_schemas").await?;
    let json = schema_cache::schemas_of_answer(&answer)?;
    let schemas = SchemaSet::from_json(&json)?;
    if let Some(Err(error)) = cache.map(|cache| cache.store(&json)) {
        tracing::warn!(%error, "the schemas are not cached");
    }
    Ok(schemas)
}

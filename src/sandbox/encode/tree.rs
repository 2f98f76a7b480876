//! What the projections of a query ask for, as a tree of relations.

use ftrack_protocol::query::{Path, Segment};

use crate::{
    plan::{
        QueryError,
        resolve::{self, Relation, unsupported},
    },
    schema::{Attribute, AttributeKind, Catalog, EntityType, TypeId},
};

/// The nodes of all projections together; parents come before their children.
#[derive(Debug)]
pub(super) struct Tree<'c> {
    /// The catalog that all names belong to.
    pub catalog: &'c Catalog,
    /// The nodes, the first of which is the root.
    pub nodes: Vec<Node<'c>>,
}

/// The entities that one path leads to.
#[derive(Debug)]
pub(super) struct Node<'c> {
    /// The declared type of the entities.
    pub entity_type: &'c EntityType,
    /// The node and the branch of it that lead here; none at the root.
    pub parent: Option<(usize, usize)>,
    /// The scalars to write besides keys and system projections.
    pub attributes: Vec<Selected<'c>>,
    /// The relations to follow.
    pub branches: Vec<Branch<'c>>,
}

/// A scalar of the entities that are of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selected<'c> {
    /// The declared type, or that of a cast.
    pub guard: TypeId,
    /// The name of the attribute.
    pub name: &'c str,
}

/// A relation of the entities that are of a type.
#[derive(Debug)]
pub(super) struct Branch<'c> {
    /// The declared type, or that of a cast.
    pub guard: TypeId,
    /// The type that declares the relation.
    pub owner: &'c EntityType,
    /// The attribute.
    pub attribute: &'c Attribute,
    /// Where it leads.
    pub relation: Relation<'c>,
    /// The node of the related entities.
    pub node: usize,
}

impl<'c> Tree<'c> {
    /// The position of the root.
    pub(super) const ROOT: usize = 0;

    /// Makes a tree that asks for nothing but keys and system projections.
    pub(super) fn new(catalog: &'c Catalog, entity_type: &'c EntityType) -> Self {
        Self {
            catalog,
            nodes: vec![Node::new(catalog, entity_type, None)],
        }
    }

    /// Adds what a path leads to.
    pub(super) fn add(&mut self, path: &Path) -> Result<(), QueryError> {
        let mut node = Self::ROOT;
        let mut entity_type = self.nodes[node].entity_type;
        let last = path.segments.len().saturating_sub(1);
        for (index, segment) in path.segments.iter().enumerate() {
            entity_type = resolve::owner(self.catalog, entity_type, &segment.name);
            let attribute = resolve::attribute(self.catalog, entity_type, &segment.name)?;
            if attribute.restricted_projection {
                let problem = "can be used in conditions, but not be selected";
                return Err(unsupported(entity_type, &segment.name, problem));
            }
            let is_scalar = matches!(
                attribute.kind,
                AttributeKind::Column { .. } | AttributeKind::Computed { .. }
            );
            if index == last && is_scalar {
                self.nodes[node].select(entity_type.id, &attribute.name);
            } else {
                (node, entity_type) = self.follow(node, entity_type, attribute, segment)?;
            }
        }
        Ok(())
    }

    /// Returns the node that a relation leads to, and the type that the step casts its entities to.
    fn follow(
        &mut self,
        node: usize,
        owner: &'c EntityType,
        attribute: &'c Attribute,
        segment: &Segment,
    ) -> Result<(usize, &'c EntityType), QueryError> {
        let cast = resolve::relation(self.catalog, owner, segment)?.target;
        let known = self.nodes[node]
            .branches
            .iter()
            .find(|branch| branch.guard == owner.id && branch.attribute.name == attribute.name);
        if let Some(branch) = known {
            return Ok((branch.node, cast));
        }
        let uncast = Segment {
            name: segment.name.clone(),
            cast: None,
        };
        let relation = resolve::relation(self.catalog, owner, &uncast)?;
        let target = self.nodes.len();
        let branches = &mut self.nodes[node].branches;
        let parent = Some((node, branches.len()));
        branches.push(Branch {
            guard: owner.id,
            owner,
            attribute,
            relation,
            node: target,
        });
        self.nodes
            .push(Node::new(self.catalog, relation.target, parent));
        Ok((target, cast))
    }
}

impl<'c> Node<'c> {
    fn new(catalog: &Catalog, entity_type: &'c EntityType, parent: Option<(usize, usize)>) -> Self {
        let mut node = Self {
            entity_type,
            parent,
            attributes: Vec::new(),
            branches: Vec::new(),
        };
        // Without them, clients would load key and value of a mapping one item at a time.
        let table = &catalog.table(entity_type.table).name;
        if matches!(table.as_str(), "metadata" | "custom_attribute_value") {
            for name in ["key", "value"] {
                if let Some(attribute) = entity_type.attribute(name) {
                    node.select(entity_type.id, &attribute.name);
                }
            }
        }
        node
    }

    fn select(&mut self, guard: TypeId, name: &'c str) {
        let selected = Selected { guard, name };
        if !self.attributes.contains(&selected) {
            self.attributes.push(selected);
        }
    }
}

//! Completes every declared type with what it inherits from its base.

use std::collections::HashMap;

use super::{
    declaration::{AttributeDeclaration, Flags, Source, TypeDeclaration},
    error::{Problem, SourceError},
};

/// A declared type with everything it inherits.
#[derive(Debug)]
pub(super) struct CompleteType<'a> {
    pub declaration: &'a TypeDeclaration,
    /// The position of the base type.
    pub base: Option<usize>,
    pub table: String,
    pub key: Vec<String>,
    pub select: Vec<String>,
    pub system: Vec<String>,
    pub always: Vec<String>,
    pub discriminator: Vec<(String, String)>,
    pub attributes: Vec<AttributeDeclaration>,
}

impl CompleteType<'_> {
    /// Returns whether rows of the base type can be recognised as rows of this type.
    pub(super) fn is_distinct(&self) -> bool {
        !self.declaration.discriminator.is_empty()
    }

    /// Checks that the type has this attribute.
    pub(super) fn check_attribute(&self, name: &str) -> Result<(), Problem> {
        if self.attributes.iter().any(|other| other.name == name) {
            return Ok(());
        }
        Err(Problem::UnknownAttribute {
            owner: self.declaration.name.clone(),
            name: name.to_owned(),
        })
    }
}

/// Completes the types of `source`, keeping their order.
pub(super) fn complete(source: &Source) -> Result<Vec<CompleteType<'_>>, SourceError> {
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut types: Vec<CompleteType<'_>> = Vec::with_capacity(source.types.len());
    for declaration in &source.types {
        let problem = |problem| declaration.origin.error(problem);
        let base = match &declaration.base {
            None => None,
            Some(name) => match positions.get(name.as_str()) {
                Some(position) => Some((*position, &types[*position])),
                None => return Err(problem(Problem::UnknownBase { name: name.clone() })),
            },
        };
        let complete = complete_type(declaration, base)?;
        if positions.insert(&declaration.name, types.len()).is_some() {
            let name = declaration.name.clone();
            return Err(problem(Problem::Duplicate { name }));
        }
        types.push(complete);
    }
    Ok(types)
}

fn complete_type<'a>(
    declaration: &'a TypeDeclaration,
    base: Option<(usize, &CompleteType<'a>)>,
) -> Result<CompleteType<'a>, SourceError> {
    let mut complete = match base {
        None => root(declaration),
        Some((position, base)) => CompleteType {
            declaration,
            base: Some(position),
            table: base.table.clone(),
            key: base.key.clone(),
            select: base.select.clone(),
            system: base.system.clone(),
            always: base.always.clone(),
            discriminator: base.discriminator.clone(),
            attributes: base.attributes.clone(),
        },
    };
    override_lists(&mut complete);
    for (column, value) in &declaration.discriminator {
        complete.discriminator.retain(|(other, _)| other != column);
        complete.discriminator.push((column.clone(), value.clone()));
    }
    declare_attributes(&mut complete)?;
    add_flags(&mut complete, &declaration.required, |flags| {
        flags.required = true;
    })?;
    add_flags(&mut complete, &declaration.immutable, |flags| {
        flags.immutable = true;
    })?;
    add_flags(&mut complete, &declaration.computed, |flags| {
        flags.computed = true;
    })?;
    Ok(complete)
}

fn root(declaration: &TypeDeclaration) -> CompleteType<'_> {
    let key = declaration
        .key
        .clone()
        .unwrap_or_else(|| vec!["id".to_owned()]);
    CompleteType {
        declaration,
        base: None,
        table: declaration
            .table
            .clone()
            .unwrap_or_else(|| snake_case(&declaration.name)),
        select: key.clone(),
        key,
        system: Vec::new(),
        always: Vec::new(),
        discriminator: Vec::new(),
        attributes: Vec::new(),
    }
}

fn override_lists(complete: &mut CompleteType<'_>) {
    let declaration = complete.declaration;
    if let Some(select) = &declaration.select {
        complete.select.clone_from(select);
    }
    if let Some(system) = &declaration.system {
        complete.system.clone_from(system);
    }
    complete.always.extend(declaration.always.iter().cloned());
}

/// Adds the declared attributes; one that the base has too takes its place.
fn declare_attributes(complete: &mut CompleteType<'_>) -> Result<(), SourceError> {
    let declared = &complete.declaration.attributes;
    for (index, attribute) in declared.iter().enumerate() {
        let name = &attribute.name;
        if declared[..index].iter().any(|other| other.name == *name) {
            let name = name.clone();
            return Err(attribute.origin.error(Problem::Duplicate { name }));
        }
        match complete
            .attributes
            .iter_mut()
            .find(|inherited| inherited.name == *name)
        {
            Some(inherited) => *inherited = attribute.clone(),
            None => complete.attributes.push(attribute.clone()),
        }
    }
    Ok(())
}

fn add_flags(
    complete: &mut CompleteType<'_>,
    names: &[String],
    set: impl Fn(&mut Flags),
) -> Result<(), SourceError> {
    for name in names {
        let origin = complete.declaration.origin;
        complete
            .check_attribute(name)
            .map_err(|problem| origin.error(problem))?;
        for attribute in &mut complete.attributes {
            if attribute.name == *name {
                set(&mut attribute.flags);
            }
        }
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

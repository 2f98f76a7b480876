//! Reads the schema source: the text files in `types/`, one per subject.
//!
//! A file holds entity types and link tables. Lines that begin with `#` are comments; the lines of a type are indented.
//!
//! ```text
//! abstract Context                                      rows are always of a subtype
//! type Shot : TypedContext where object_type_id=bad9... inherits attributes; its rows have this column value
//! link context_scope context_id scope_id                a table of pairs that no entity type shows
//! ```
//!
//! A subtype shares the table of its base. It is met in queries of its base only if its `where` tells its rows apart;
//! a subtype without `where` is another view of the same rows. Lines that begin with `@` describe the type:
//!
//! ```text
//! @key COLUMN...       what identifies a row; `id` if absent
//! @select NAME...      what clients select by default; the key if absent
//! @system NAME...      what every answer holds, in the words of the published schema
//! @always NAME...      what every answer holds although the published schema does not say so
//! @required NAME...    inherited attributes with this flag; likewise @immutable, @computed
//! @server NAME         ftrack's own name of the type
//! @classified NAME     the same, if several types have that name and `where` tells them apart
//! @group_by            rows can be grouped
//! @table NAME          the table of the rows; the name of the type in snake case if absent
//! @index COLUMN...     a further index of the table; relations bring their own
//! ```
//!
//! All other lines are attributes, a name followed by what it is:
//!
//! ```text
//! comment      text                           a column; likewise integer, number, boolean, datetime, json (a string
//!                                             that holds JSON), object, array, variable (as configured)
//! status_id    fk Status.id                   a column with the key of another row, as clients are told
//! parent_type  entity_type                    a column with the name of an entity type
//! state        enum(queued, done)             a column with one of these words
//! kind_id      text column type_id            another name of that column
//! link         array <- context_link          a value derived by the code of that name
//! status       -> Status by status_id         the row whose key is in this column
//! setting      -> Setting by name=name g=g    the row found by pairs: a column here, a column there
//! children     => Context by parent_id        all rows that have the key of this row in that column
//! assignments  => Appointment by context_id where type=assignment    those of them with this value
//! scopes       => Scope through context_scope(context_id, scope_id)  all rows found by link rows: the link's column
//!                                                                    for this row, the link's column for the other
//! ancestors    => TypedContext <- ancestors   rows found by the code of that name
//! tasks        => TypedContext shown Task by type_id                 any typed context, though published as `Task`
//! ```
//!
//! After a collection's path, `mapped` or `mapped(key, value)` makes it a mapping. What follows has any order:
//!
//! ```text
//! required, immutable, computed    as in the published schema
//! restricted                       for conditions only, never selected
//! hidden                           known to the server but not published
//! = JSON                           the default; "{uid}" is a new id
//! alias NAME                       ftrack's own name of the column
//! "text"                           a description
//! ```

use super::{
    catalog::DataType,
    declaration::{
        AttributeDeclaration, ColumnPair, DeclaredKind, DeclaredRelation, DeclaredValue, Flags,
        LinkDeclaration, Mapping, Origin, Path, Source, TypeDeclaration,
    },
    error::{Problem, SourceError},
    tokens::{Token, Tokens},
};

impl Source {
    /// Adds the declarations of one file.
    pub(super) fn read(&mut self, file: &'static str, text: &str) -> Result<(), SourceError> {
        for (index, line) in text.lines().enumerate() {
            let origin = Origin {
                file,
                line: index + 1,
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.read_line(origin, line)
                .map_err(|problem| origin.error(problem))?;
        }
        Ok(())
    }

    fn read_line(&mut self, origin: Origin, line: &str) -> Result<(), Problem> {
        let mut tokens = Tokens::read(line)?;
        if !line.starts_with(' ') {
            return self.read_header(origin, &mut tokens);
        }
        let declaration = self.types.last_mut().ok_or(Problem::OutsideType)?;
        let name = tokens.word("an attribute or a directive")?;
        if let Some(directive) = name.strip_prefix('@') {
            return declaration.read_directive(directive, &mut tokens);
        }
        let attribute = read_attribute(origin, name, &mut tokens)?;
        declaration.attributes.push(attribute);
        Ok(())
    }

    fn read_header(&mut self, origin: Origin, tokens: &mut Tokens) -> Result<(), Problem> {
        let keyword = tokens.word("`type`, `abstract` or `link`")?;
        let name = tokens.word("a name")?;
        match keyword.as_str() {
            "type" | "abstract" => {
                let declaration = read_type(origin, name, keyword == "abstract", tokens)?;
                self.types.push(declaration);
            }
            "link" => {
                let columns = tokens.words("columns")?;
                self.links.push(LinkDeclaration { name, columns });
            }
            _ => return Err(Problem::UnknownWord { word: keyword }),
        }
        tokens.end()
    }
}

fn read_type(
    origin: Origin,
    name: String,
    is_abstract: bool,
    tokens: &mut Tokens,
) -> Result<TypeDeclaration, Problem> {
    let base = if tokens.take(":") {
        Some(tokens.word("a base type")?)
    } else {
        None
    };
    let discriminator = if tokens.take("where") {
        read_equations(tokens)?
    } else {
        Vec::new()
    };
    Ok(TypeDeclaration {
        base,
        discriminator,
        ..TypeDeclaration::new(origin, name, is_abstract)
    })
}

impl TypeDeclaration {
    fn read_directive(&mut self, directive: &str, tokens: &mut Tokens) -> Result<(), Problem> {
        match directive {
            "key" => self.key = Some(tokens.words("columns")?),
            "select" => self.select = Some(tokens.words("attributes")?),
            "system" => self.system = Some(tokens.words("names")?),
            "always" => self.always = tokens.words("attributes")?,
            "index" => self.indexes.push(tokens.words("columns")?),
            "required" => self.required = tokens.words("attributes")?,
            "immutable" => self.immutable = tokens.words("attributes")?,
            "computed" => self.computed = tokens.words("attributes")?,
            "server" => self.server = Some(tokens.word("a name")?),
            "classified" => {
                self.server = Some(tokens.word("a name")?);
                self.is_classified = true;
            }
            "table" => self.table = Some(tokens.word("a name")?),
            "group_by" => self.group_by = true,
            _ => {
                return Err(Problem::UnknownWord {
                    word: format!("@{directive}"),
                });
            }
        }
        tokens.end()
    }
}

fn read_attribute(
    origin: Origin,
    name: String,
    tokens: &mut Tokens,
) -> Result<AttributeDeclaration, Problem> {
    let first = tokens.word("a type, `->` or `=>`")?;
    let kind = match first.as_str() {
        "->" | "=>" => DeclaredKind::Relation(read_relation(first == "=>", tokens)?),
        _ => DeclaredKind::Value(read_value(&first, tokens)?),
    };
    let mut attribute = AttributeDeclaration {
        origin,
        name,
        kind,
        flags: Flags::default(),
        default: None,
        alias: None,
        description: None,
    };
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => attribute.description = Some(text),
            Token::Word(word) => attribute.read_property(&word, tokens)?,
            Token::Group(_) => return Err(Problem::expected("a flag", Some(token))),
        }
    }
    Ok(attribute)
}

impl AttributeDeclaration {
    fn read_property(&mut self, word: &str, tokens: &mut Tokens) -> Result<(), Problem> {
        match word {
            "required" => self.flags.required = true,
            "immutable" => self.flags.immutable = true,
            "computed" => self.flags.computed = true,
            "restricted" => self.flags.restricted = true,
            "hidden" => self.flags.hidden = true,
            "alias" => self.alias = Some(tokens.word("a name")?),
            "=" => self.default = Some(tokens.json()?),
            _ => {
                return Err(Problem::UnknownWord {
                    word: word.to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn read_value(first: &str, tokens: &mut Tokens) -> Result<DeclaredValue, Problem> {
    let mut value = DeclaredValue {
        data_type: DataType::Text,
        foreign_key: None,
        is_entity_type_name: first == "entity_type",
        choices: Vec::new(),
        column: None,
        function: None,
    };
    match first {
        "text" | "entity_type" => {}
        "integer" => value.data_type = DataType::Integer,
        "number" => value.data_type = DataType::Float,
        "boolean" => value.data_type = DataType::Boolean,
        "datetime" => value.data_type = DataType::DateTime,
        "json" => value.data_type = DataType::Json,
        "object" => value.data_type = DataType::Object,
        "array" => value.data_type = DataType::Array,
        "variable" => value.data_type = DataType::Variable,
        "enum" => value.choices = tokens.group("the words of the enumeration")?,
        "fk" => value.foreign_key = Some(tokens.word("the target of a foreign key")?),
        _ => {
            return Err(Problem::UnknownWord {
                word: first.to_owned(),
            });
        }
    }
    if first == "integer" && tokens.take("fk") {
        value.foreign_key = Some(tokens.word("the target of a foreign key")?);
    }
    if tokens.take("column") {
        value.column = Some(tokens.word("a column")?);
    }
    if tokens.take("<-") {
        value.function = Some(tokens.word("the name of a function")?);
    }
    Ok(value)
}

fn read_relation(is_collection: bool, tokens: &mut Tokens) -> Result<DeclaredRelation, Problem> {
    let target = tokens.word("an entity type")?;
    let shown = if tokens.take("shown") {
        Some(tokens.word("an entity type")?)
    } else {
        None
    };
    let path = read_path(tokens)?;
    let mapping = if tokens.take("mapped") {
        read_mapping(tokens)?
    } else {
        Mapping::None
    };
    Ok(DeclaredRelation {
        is_collection,
        target,
        shown,
        path,
        mapping,
    })
}

fn read_path(tokens: &mut Tokens) -> Result<Path, Problem> {
    let word = tokens.word("`by`, `through` or `<-`")?;
    match word.as_str() {
        "by" => {
            let columns = read_pairs(tokens)?;
            let filter = if tokens.take("where") {
                read_equations(tokens)?
            } else {
                Vec::new()
            };
            Ok(Path::By { columns, filter })
        }
        "through" => {
            let table = tokens.word("a link table")?;
            let columns = tokens.group("two columns")?;
            match <[String; 2]>::try_from(columns) {
                Ok([near, far]) => Ok(Path::Through { table, near, far }),
                Err(columns) => Err(Problem::expected(
                    "two columns",
                    Some(Token::Group(columns)),
                )),
            }
        }
        "<-" => Ok(Path::Code(tokens.word("the name of a relation")?)),
        _ => Err(Problem::UnknownWord { word }),
    }
}

fn read_pairs(tokens: &mut Tokens) -> Result<Vec<ColumnPair>, Problem> {
    let equations = read_equations_opt(tokens);
    if equations.is_empty() {
        return Ok(vec![ColumnPair::Implied(tokens.word("a column")?)]);
    }
    Ok(equations
        .into_iter()
        .map(|(near, far)| ColumnPair::Explicit(near, far))
        .collect())
}

fn read_mapping(tokens: &mut Tokens) -> Result<Mapping, Problem> {
    let Some(names) = tokens.take_group() else {
        return Ok(Mapping::Unkeyed);
    };
    match <[String; 2]>::try_from(names) {
        Ok([key, value]) => Ok(Mapping::Keyed { key, value }),
        Err(names) => Err(Problem::expected(
            "a key and a value attribute",
            Some(Token::Group(names)),
        )),
    }
}

fn read_equations(tokens: &mut Tokens) -> Result<Vec<(String, String)>, Problem> {
    let equations = read_equations_opt(tokens);
    if equations.is_empty() {
        return Err(Problem::expected("column=value", tokens.next()));
    }
    Ok(equations)
}

fn read_equations_opt(tokens: &mut Tokens) -> Vec<(String, String)> {
    let mut equations = Vec::new();
    while let Some(equation) = tokens.take_equation() {
        equations.push(equation);
    }
    equations
}

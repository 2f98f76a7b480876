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
//! a subtype without `where` is another view of the same rows. Lines with `@` describe the type:
//!
//! ```text
//! @key COLUMN...       identifies a row; `id` if absent           @server NAME      ftrack's own name of the type
//! @select NAME...      what clients select by default; the key    @classified NAME  same, shared by types that `where` tells apart
//! @system NAME...      what every answer holds, as published      @table NAME       of the rows; the type's name if absent
//! @always NAME...      what every answer holds besides            @index COLUMN...  a further index of the table
//! @group_by            rows can be grouped                        @required, @immutable, @computed NAME...  flags of inherited attributes
//! ```
//!
//! All other lines are attributes, a name followed by what it is:
//!
//! ```text
//! text integer number boolean datetime json object array variable   a column of that type
//! fk Status.id                                a column with the key of another row, as clients are told
//! entity_type                                 a column with the name of an entity type
//! enum(queued, done)                          a column with one of these words
//! text column type_id                         another name of that column
//! array <- context_link                       a value derived by the code of that name
//! -> Status by status_id                      the other row whose key is in this column
//! -> Setting by name=name group=group         the same with pairs: a column here, a column there
//! => Task by parent_id where type=leaf        all other rows with the key of this row in that column
//! => Scope through context_scope(context_id, scope_id)  by link rows: the column for this row, the one for the other
//! => TypedContext <- ancestors                other rows, found by the code of that name
//! => TypedContext shown Task by type_id       any typed context, though published as `Task`
//! ```
//!
//! and then, in any order, `required`, `immutable`, `computed`, `restricted` (for conditions only), `hidden` (known to
//! the server only), `mapped` or `mapped(key, value)`, `= JSON` (the default), `alias NAME` (ftrack's own name of the
//! column) and a description in quotes.

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
        origin,
        name,
        is_abstract,
        base,
        discriminator,
        key: None,
        select: None,
        system: None,
        always: Vec::new(),
        server: None,
        is_classified: false,
        table: None,
        indexes: Vec::new(),
        group_by: false,
        required: Vec::new(),
        immutable: Vec::new(),
        computed: Vec::new(),
        attributes: Vec::new(),
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

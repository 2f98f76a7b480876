"""Modules that need no server: errors, symbols, data, accessors, logging, authentication."""

from __future__ import annotations

import copy
import logging
import os
import pickle

from registry import cases, family, program

ERRORS = """
Error()
Error('text')
Error('with {name}', details={'name': 'n'})
Error(message='with {name}', details={'name': 'n'})
Error(details={'a': 1})
ServerError('text')
NotFoundError()
NotUniqueError('x')
AuthenticationError()
ServerCompatibilityError('x')
IncorrectResultError()
NoResultFoundError()
MultipleResultsFoundError()
EntityTypeError()
UnrecognisedEntityTypeError('Foo')
UnrecognisedEntityTypeError(entity_type='Foo')
UnrecognisedEntityTypeError('Foo', message='other {entity_type}')
UnrecognisedEntityTypeError('Foo', details={'more': 1})
OperationError()
InvalidStateError()
InvalidStateTransitionError('a', 'b', 'c')
AttributeError()
ImmutableAttributeError(attribute)
CollectionError([1])
ImmutableCollectionError([1])
DuplicateItemInCollectionError(1, [1])
EventHubError()
EventHubConnectionError()
EventHubPacketError()
PermissionDeniedError()
LocationError()
LocationError('at {location}', details={'location': 'l'})
ComponentNotInAnyLocationError()
ComponentNotInLocationError(['a', 'b'], 'l')
ComponentInLocationError(['a'], 'l')
AccessorError()
AccessorOperationFailedError('op', 'ri', 'why')
AccessorOperationFailedError(operation='op', resource_identifier='ri')
AccessorOperationFailedError()
AccessorUnsupportedOperationError('op')
AccessorPermissionDeniedError('op', 'ri')
AccessorResourceIdentifierError('ri')
AccessorFilesystemPathError('ri')
AccessorResourceError('op', 'ri', 'why')
AccessorResourceNotFoundError(resource_identifier='ri')
AccessorParentResourceNotFoundError(resource_identifier='ri')
AccessorResourceInvalidError(resource_identifier='ri')
AccessorContainerNotEmptyError(resource_identifier='ri')
AccessorResourceNotFoundError('ri')
StructureError()
ConnectionClosedError()
UnrecognisedEntityTypeError()
ImmutableAttributeError()
Error(1, 2, 3)
Error(nonsense=1)
""".strip().splitlines()


@cases(*ERRORS)
def errors(t, expression):
    """Texts, details and arguments of an error."""
    attribute = t.api.attribute.ScalarAttribute("name", data_type="string")
    names = {**vars(t.api.exception), "attribute": attribute}
    error = t.note("make", lambda: eval(expression, names))
    if error is None:
        error = eval(expression, names)
    t.say("details", error.details)
    t.say("arguments", [len(error.args), sorted(error.args, key=str)[:1]])
    t.say("message", error.message)
    t.say("default", error.default_message)
    t.say(
        "bases",
        [base.__name__ for base in type(error).__mro__ if not base.__name__.startswith("_")],
    )


@program
def an_error_of_ones_own(t):
    class Mine(t.api.exception.Error):
        default_message = "Mine: {what}"

    return [str(Mine(details={"what": "x"})), str(Mine("other"))]


@family(
    "symbol.NOT_SET",
    "bool(symbol.NOT_SET)",
    "str(symbol.NOT_SET)",
    "repr(symbol.NOT_SET)",
    "symbol.NOT_SET == symbol.NOT_SET",
    "symbol.NOT_SET == False",
    "symbol.NOT_SET == None",
    "symbol.CREATED == symbol.MODIFIED",
    "bool(symbol.CREATED)",
    "copy.copy(symbol.NOT_SET) is symbol.NOT_SET",
    "copy.deepcopy(symbol.NOT_SET) is symbol.NOT_SET",
    "repr(copy.deepcopy(symbol.NOT_SET))",
    "symbol.Symbol('x').name",
    "symbol.Symbol('x').value",
    "symbol.Symbol('x', 5).value",
    "bool(symbol.Symbol('x', 0))",
    "str(symbol.Symbol('x'))",
    "symbol.CHUNK_SIZE",
    "symbol.SERVER_LOCATION_ID",
    "symbol.CONNECT_LOCATION_ID",
    "symbol.COMPONENT_ADDED_TO_LOCATION_TOPIC",
    "symbol.COMPONENT_REMOVED_FROM_LOCATION_TOPIC",
    "str(symbol.JOB_SYNC_USERS_LDAP)",
    "hash(symbol.NOT_SET) == hash(symbol.NOT_SET)",
    "{symbol.NOT_SET: 1}[symbol.NOT_SET]",
    "symbol.NOT_SET or 5",
)
def symbols(t):
    return {"symbol": t.api.symbol, "copy": copy, "pickle": pickle}


@cases("file", "string", "wrapper", "empty string")
def data(t, kind):
    """What data can do, whatever it stands on."""
    module = t.api.data
    data = {
        "file": lambda: module.File(t.path("a.txt", b"0123456789"), "r+b"),
        "string": lambda: module.String(b"0123456789"),
        "wrapper": lambda: module.FileWrapper(open(t.path("b.txt", b"0123456789"), "r+b")),
        "empty string": module.String,
    }[kind]()
    t.note("read", data.read, 3)
    t.note("tell", data.tell)
    t.note("rest", data.read)
    t.note("at the end", data.read)
    t.note("seek", data.seek, 2)
    t.note("from there", data.seek, 2, os.SEEK_CUR)
    t.note("tell", data.tell)
    t.note("from the end", data.seek, -1, os.SEEK_END)
    t.note("read", data.read)
    t.note("write", data.write, b"more")
    t.note("flush", data.flush)
    t.note("seek", data.seek, 0)
    t.note("all", data.read)
    t.say("closed", data.closed)
    t.note("close", data.close)
    t.say("closed", data.closed)
    t.note("again", data.close)
    t.note("read closed", data.read)


@family(
    "accessor.list('')",
    "accessor.list('folder')",
    "accessor.list('file.txt')",
    "accessor.list('missing')",
    "accessor.exists('file.txt')",
    "accessor.exists('missing')",
    "accessor.exists('')",
    "accessor.is_file('file.txt')",
    "accessor.is_file('folder')",
    "accessor.is_file('missing')",
    "accessor.is_container('folder')",
    "accessor.is_container('file.txt')",
    "accessor.is_container('missing')",
    "accessor.is_sequence('file.txt')",
    "accessor.open('file.txt').read()",
    "accessor.open('file.txt', 'rb').read(2)",
    "accessor.open('missing')",
    "accessor.open('folder')",
    "accessor.open('missing/file.txt', 'wb')",
    "accessor.open('new.txt', 'wb').close(), accessor.exists('new.txt')",
    "accessor.remove('file.txt'), accessor.exists('file.txt')",
    "accessor.remove('missing')",
    "accessor.remove('folder')",
    "accessor.remove('empty'), accessor.exists('empty')",
    "accessor.make_container('new'), accessor.is_container('new')",
    "accessor.make_container('folder')",
    "accessor.make_container('file.txt')",
    "accessor.make_container('new/deep'), accessor.is_container('new/deep')",
    "accessor.make_container('new/deep', recursive=False)",
    "accessor.remove_container('empty'), accessor.exists('empty')",
    "accessor.remove_container('folder')",
    "accessor.get_container('folder/inner.txt')",
    "accessor.get_container('file.txt')",
    "accessor.get_container('')",
    "accessor.get_filesystem_path('file.txt')",
    "accessor.get_filesystem_path('folder/../file.txt')",
    "accessor.get_filesystem_path('missing')",
    "accessor.get_filesystem_path('../out.txt')",
    "accessor.get_filesystem_path('/etc/passwd')",
    "accessor.get_filesystem_path(prefix + '/file.txt')",
    "accessor.get_url('file.txt')",
    "accessor.prefix",
    "setattr(accessor, 'prefix', '/elsewhere'), accessor.get_filesystem_path('a')",
    "DiskAccessor('').get_filesystem_path('/etc/passwd')",
    "DiskAccessor('').get_filesystem_path('relative')",
    "DiskAccessor(prefix).exists(prefix + '/file.txt')",
    "DiskAccessor()",
    "Accessor()",
)
def disk_accessors(t):
    prefix = os.path.join(t.folder, "disk")
    os.makedirs(os.path.join(prefix, "folder"))
    os.makedirs(os.path.join(prefix, "empty"))
    for name in ("file.txt", "folder/inner.txt"):
        with open(os.path.join(prefix, name), "wb") as file:
            file.write(b"content")
    module = t.api.accessor
    return {
        "prefix": prefix,
        "accessor": module.disk.DiskAccessor(prefix=prefix),
        "DiskAccessor": module.disk.DiskAccessor,
        "Accessor": module.base.Accessor,
    }


@family(
    "str(logs.LazyLogMessage('a {0} {b}', 1, b=2))",
    "str(logs.LazyLogMessage('plain'))",
    "str(logs.LazyLogMessage('{0}'))",
    "logs.deprecation_warning('text').__class__.__name__",
    "[logs.deprecation_warning('text')(lambda x: x + 1)(1)]",
)
def log_messages(t):
    return {"logs": t.api.logging}


@cases(
    "simple",
    "Ünïcödé",
    "with space",
    "a/b\\c",
    "a:b*c?",
    "",
    "x" * 300,
    "a.b-c_d",
    "ÄÖÜß",
    "日本",
    None,
    5,
)
def sanitised(t, value):
    structure = t.api.structure.standard.StandardStructure()
    t.note("default", structure.sanitise_for_filesystem, value)
    other = t.api.structure.standard.StandardStructure(illegal_character_substitute=None)
    t.note("as it is", other.sanitise_for_filesystem, value)
    dash = t.api.structure.standard.StandardStructure(illegal_character_substitute="-")
    t.note("dash", dash.sanitise_for_filesystem, value)


@program
def a_structure_of_ones_own(t):
    """As studios do that want another order of folders."""

    class Mine(t.api.structure.standard.StandardStructure):
        def _get_parts(self, entity):
            return ["mine", *super()._get_parts(entity)[1:]]

        def _format_version(self, number):
            return f"version_{number}"

    tree = t.entities()
    component = t.session.create_component(
        t.path("a.txt"), {"version": tree.version, "name": "main"}, location=None
    )
    structure = Mine(project_versions_prefix="v")
    t.note("identifier", structure.get_resource_identifier, component)
    t.say("version", structure._format_version(3))
    t.say("prefix", [structure.prefix, structure.path_separator, structure.project_versions_prefix])


@program
def sequence_expressions(t):
    class Mine(t.api.structure.base.Structure):
        def get_resource_identifier(self, entity, context=None):
            return self._get_sequence_expression(entity)

    structure = Mine(prefix="p")
    for padding in (4, 0, None):
        component = t.session.create("SequenceComponent", {"padding": padding})
        t.note(str(padding), structure.get_resource_identifier, component)
    t.note("abstract", t.api.structure.base.Structure)


@program
def authentication_of_requests(t):
    class Request:
        headers = {}

    made = t.api.session.SessionAuthentication("key", "user")(Request())
    return dict(made.headers)


@program
def payloads(t):
    payload = t.api.session.OperationPayload({"a": 1}, b=2)
    payload["c"] = 3
    del payload["a"]
    return [dict(payload), len(payload), "b" in payload]


@program
def loggers_have_the_official_names(t):
    session = t.session
    entity = t.entities().task
    names = [session.logger.name, entity.logger.name, session.event_hub.logger.name]
    t.say("names", names)
    t.say("all below", all(name.startswith("ftrack_api") for name in names))
    return logging.getLogger("ftrack_api").name

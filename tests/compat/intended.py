"""The programs that are to give something else than with the official client, and why.

Each belongs to a heading of docs/differences.md, which says what differs and for what reason.
"""

from __future__ import annotations

_BY_HEADING = {
    "Messages show text, not bytes": [
        "plain.an_error_of_ones_own",
        "plain.errors[InvalidStateTransitionError('a', 'b', 'c')]",
        "settings.versions_of_servers[check('2.9.99')]",
        "settings.versions_of_servers[check('3.3.10')]",
    ],
    "Errors say more": [
        "events.waiting_without_a_connection",
        "mappings.custom_attributes[custom.__setitem__('nonsense', 1)]",
        "mappings.custom_attributes[shot.__setitem__('custom_attributes', {'nonsense': 9})]",
        "mappings.custom_attributes_written[5]",
        "caches.interfaces[file]",
        "plain.errors[AccessorContainerNotEmptyError(resource_identifier='ri')]",
        "plain.errors[AccessorParentResourceNotFoundError(resource_identifier='ri')]",
        "plain.errors[AccessorResourceError('op', 'ri', 'why')]",
        "plain.errors[AccessorResourceInvalidError(resource_identifier='ri')]",
        "plain.errors[AccessorResourceNotFoundError('ri')]",
        "plain.errors[AccessorResourceNotFoundError(resource_identifier='ri')]",
        "sessions.properties[session.call({'action': 'query', 'expression': 'Project'})]",
    ],
    "A commit that has nothing to send succeeds like any other": [
        "operations.raw_operations[create and delete]",
        "operations.sequences_of_changes[create, delete]",
        "operations.sequences_of_changes[create, set, delete]",
        "operations.sequences_of_changes[set, revert]",
    ],
    "What was committed stays known": [
        "operations.sequences_of_changes[set, delete]",
    ],
    "Entities that lack their key can be looked at": [
        "entities.entities_without_a_key_print",
        "operations.sequences_of_changes[create two, delete first]",
    ],
    "Unknown attributes are KeyErrors": [
        "entities.deleting_a_key_reverts",
        "arguments.entity_methods[outcome(lambda: task.__delitem__(None))]",
    ],
    "Arguments of the wrong type are called that": [
        "arguments.modules[outcome(lambda: api.collection.Collection(None, None))]",
        "arguments.modules[outcome(lambda: api.data.String(5).read())]",
        "arguments.modules[outcome(lambda: api.event.expression.Parser().parse(5))]",
        "arguments.modules[outcome(lambda: api.event.expression.Parser().parse(None))]",
        "arguments.modules[outcome(lambda: api.event.subscriber.Subscriber(None, None, None, 1))]",
        "arguments.modules[outcome(lambda: api.event.subscription.Subscription(None))]",
        "arguments.modules[outcome(lambda: hub.subscribe('', len))]",
        "arguments.modules[outcome(lambda: hub.subscribe(None, len))]",
        "arguments.modules[outcome(lambda: str(api.exception.Error('a {b}', details=5)))]",
        "arguments.modules[outcome(lambda: str(api.exception.Error(5)))]",
        "arguments.modules[outcome(lambda: str(api.logging.LazyLogMessage(5)))]",
        "arguments.session_methods[outcome(lambda: session.create_component('a.txt', 5))]",
        "arguments.session_methods[outcome(lambda: session.decode("
        '\'{"__type__": "datetime", "value": null}\'))]',
        "arguments.session_methods[outcome(lambda: session.ensure('User', None))]",
        "arguments.session_methods[outcome(lambda: session.create('Task', 'name'))]",
        "arguments.session_methods[outcome(lambda: session.create_component('a.txt', "
        "location='nowhere'))]",
        "arguments.session_methods[outcome(lambda: session.delete('task'))]",
        "arguments.session_methods[outcome(lambda: session.delete(None))]",
        "arguments.session_methods[outcome(lambda: session.delete({}))]",
        "arguments.session_methods[outcome(lambda: session.populate('task', 'name'))]",
        "arguments.session_methods[outcome(lambda: session.populate(5, 'name'))]",
        "arguments.session_methods[outcome(lambda: session.populate(None, 'name'))]",
        "arguments.session_methods[outcome(lambda: session.query(5))]",
        "arguments.session_methods[outcome(lambda: session.query(None))]",
        "arguments.session_methods[outcome(lambda: session.query([]))]",
        "components.where_components_go[nonsense]",
        "queries.get_forms[session.get('Task', 5)]",
        "queries.get_forms[session.get('Task', None)]",
        "sessions.properties[session.delete(5)]",
        "sessions.properties[session.delete(None)]",
    ],
    "Clearing an entity records what had been set": [
        "operations.sequences_of_changes[set, clear, set]"
    ],
    "A copy of an entity is the entity": [
        "entities.deepcopy_fails",
        "entities.read[copy.copy(task) is task]",
        "plain.symbols[copy.deepcopy(symbol.NOT_SET) is symbol.NOT_SET]",
    ],
    "Hashes are not those of texts": [
        "entities.read[hash(task) == hash(str(api.inspection.identity(task)))]"
    ],
    "Conditions on values of another type do not hold": [
        "events.expression_objects[e.Condition('a', e.operator.gt, 1).match({'a': 'x'})]",
        "events.expression_objects[e.Condition('a', e.operator.gt, 1).match({'a': None})]",
        "events.expressions[(topic=other or topic=ftrack.test) and data.number>4]",
        "events.expressions[]",
        "events.expressions[data.number<5]",
        "events.expressions[data.number<=5]",
        "events.expressions[data.number>5]",
        "events.expressions[data.number>=5]",
        "events.expressions[data.version>=2]",
    ],
    "Plugins may take no arguments": ["events.plugins[7]"],
    "Values are quoted in queries, and nothing is asked for nothing": [
        "locations.builtin_review[location.get_resource_identifiers([])]",
        "locations.builtin_server[location.get_resource_identifiers([])]",
        "locations.builtin_unmanaged[location.get_resource_identifiers([])]",
        "queries.get_forms[session.get('Task', 'it\\'s \"quoted\"')]",
        "settings.access_to_the_server[setattr(session, '_api_user', 'two words'), "
        "server.accessor.get_url('some-id')]",
    ],
    "Cache files are SQLite databases": ["settings.schemas_kept_on_disk[missing folder]"],
    "Data given for a component stays as it is": [
        "components.data_that_is_used_again[file]",
        "components.data_that_is_used_again[sequence]",
        "components.data_that_is_used_again[thumbnail]",
        "components.data_that_is_used_again[version]",
    ],
    "Points in time are sent with their zone": [
        "entities.times_written[date]",
        "entities.times_written[micro]",
        "entities.times_written[naive]",
    ],
    "Sequences without frames are refused": ["components.sequence_components[render.%04d.exr []]"],
    "Structures refuse components without a version": [
        "components.structures[3]",
        "components.structures[7]",
        "components.structures[11]",
    ],
    "Connections raise errors of this package": ["sessions.opening[1]"],
    "A container is never made in place of a file": [
        "plain.disk_accessors[accessor.make_container('file.txt')]"
    ],
    "Log messages never fail": ["plain.log_messages[str(logs.LazyLogMessage('{0}'))]"],
}

#: The heading in docs/differences.md for each program that differs.
INTENDED = {name: heading for heading, names in _BY_HEADING.items() for name in names}

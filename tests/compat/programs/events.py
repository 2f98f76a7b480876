"""Events within one process, and the plugins that subscribe to them."""

from __future__ import annotations

import functools
import os

from registry import cases, family, program

EXPRESSIONS = """
topic=ftrack.test
topic=ftrack.*
topic=*
topic="ftrack.test"
topic='ftrack.test'
topic!=ftrack.test
topic=other
topic=ftrack.test and data.name=foo
topic=ftrack.test and data.name=bar
topic=ftrack.test or data.name=bar
not topic=ftrack.test
not topic=other and data.name=foo
(topic=other or topic=ftrack.test) and data.number>4
data.number>5
data.number>=5
data.number<5
data.number<=5
data.number=5
data.number!=5
data.number="5"
data.nested.deep=1
data.nested.missing=1
source.user.username=someone
source.hostname=*
data.name=f*
data.name=*o
data.name=fo
TOPIC=ftrack.test
topic=ftrack.test AND data.name=foo
topic = ftrack.test
topic=ftrack.test and
topic=
=ftrack.test
topic
and
(topic=a
topic==a
topic=a b
topic='a b'
topic=ftrack.test data.name=foo
data.name="it's"
data.list=1
data.none=None
data.flag=True
data.version>=2
data.name>=a

not not topic=other
not (topic=other and data.name=foo)
topic=ftrack.test and not data.name=bar
topic=a-b_c.d:e/f
""".strip("\n").split("\n")


@cases(*EXPRESSIONS)
def expressions(t, expression):
    """What an expression means, and which events it includes."""
    module = t.api.event
    parsed = t.note("parse", lambda: str(module.expression.Parser().parse(expression)))
    t.note("repeated", lambda: str(module.expression.Parser().parse(parsed)) if parsed else None)
    event = module.base.Event(
        "ftrack.test",
        data={
            "name": "foo",
            "number": 5,
            "nested": {"deep": 1},
            "list": [1],
            "none": None,
            "flag": True,
            "version": 3,
        },
        source={"user": {"username": "someone"}, "hostname": "here"},
    )
    t.note("includes", lambda: module.subscription.Subscription(expression).includes(event))


@family(
    "str(e.Condition('a', e.operator.eq, 1))",
    "str(e.All([e.Condition('a', e.operator.eq, 1), e.Condition('b', e.operator.gt, 2)]))",
    "str(e.Any([e.Condition('a', e.operator.eq, 1)]))",
    "str(e.Not(e.Condition('a', e.operator.eq, 1)))",
    "str(e.Expression())",
    "e.All().match({})",
    "e.Any().match({})",
    "e.All([]).match({'a': 1})",
    "e.Expression().match({})",
    "e.Condition('a', e.operator.eq, 'x*').match({'a': 'wxyz'})",
    "e.Condition('a.b', e.operator.eq, 1).match({'a': {'b': 1}})",
    "e.Condition('a.b', e.operator.eq, 1).match({'a': 1})",
    "e.Condition('a', e.operator.gt, 1).match({'a': None})",
    "e.Condition('a', e.operator.gt, 1).match({'a': 'x'})",
    "e.Not(e.Condition('a', e.operator.eq, 1)).match({'a': 2})",
)
def expression_objects(t):
    class Names:
        operator = __import__("operator")

        def __getattr__(self, name):
            return getattr(t.api.event.expression, name)

    return {"e": Names()}


@family(
    "list(event)",
    "event['topic']",
    "event['data']",
    "event['nonsense']",
    "event.get('nonsense')",
    "len(event)",
    "dict(event)['data']",
    "{**event}['topic']",
    "sorted(event._data)",
    "event.is_stopped()",
    "event.stop(), event.is_stopped()",
    "event.__setitem__('data', 5), event['data']",
    "event.__setitem__('new', 5), event['new']",
    "event.__delitem__('data')",
    "event == event",
    "Event('a') == Event('a')",
    "str(Event('a', id='x', data={'b': 1}))",
    "repr(Event('a')).startswith('<ftrack_')",
    "Event('a', 'x', {'b': 1}, 'sent', {'s': 1}, 'target', 'reply')._data",
    "Event('a', data=[])['data']",
    "Event('a')['data']",
    "Event('a')['target']",
    "Event('a')['source']",
    "Event('a')['sent']",
    "len(Event('a')['id'])",
    "Event()",
    "Event('a', target='x', in_reply_to_event='y')['in_reply_to_event']",
    "Event(topic='a', **{'data': {'x': 1}})['data']",
    "event.items().__class__.__name__",
    "hash(event)",
    "bool(event)",
    "isinstance(event, __import__('collections').abc.MutableMapping)",
)
def event_objects(t):
    Event = t.api.event.base.Event
    return {"Event": Event, "event": Event("ftrack.test", data={"name": "foo"})}


@program
def publishing_within_the_process(t):
    hub = t.session.event_hub
    Event = t.api.event.base.Event
    order = []

    def subscriber(name, answer):
        def callback(event):
            order.append([name, event["data"].get("seen")])
            event["data"]["seen"] = name
            return answer

        return callback

    hub.subscribe("topic=a", subscriber("default", 1))
    hub.subscribe("topic=a", subscriber("late", None), priority=200)
    hub.subscribe("topic=a", subscriber("early", "x"), priority=1)
    hub.subscribe("topic=b", subscriber("other", 2))
    hub.subscribe("topic=a", subscriber("same", 3))
    data = {}
    t.say("answers", hub.publish(Event("a", data=data), synchronous=True))
    t.say("order", order)
    t.say("data", data)
    t.say("nobody", hub.publish(Event("c"), synchronous=True))


@program
def stopping_an_event(t):
    hub = t.session.event_hub
    seen = []
    hub.subscribe("topic=a", lambda event: seen.append(1) or event.stop())
    hub.subscribe("topic=a", lambda event: seen.append(2))
    t.say("answers", hub.publish(t.api.event.base.Event("a"), synchronous=True))
    return seen


@program
def callbacks_that_fail(t):
    hub = t.session.event_hub

    def fail(event):
        raise ValueError

    hub.subscribe("topic=a", fail)
    hub.subscribe("topic=a", lambda event: "after")
    return hub.publish(t.api.event.base.Event("a"), synchronous=True)


@family(
    "hub.publish(Event('a'))",
    "hub.publish(Event('a'), on_error='ignore')",
    "hub.publish(Event('a'), on_error='nonsense')",
    "hub.publish(Event('a'), on_reply=print, synchronous=True)",
    "hub.disconnect()",
    "hub.connected",
    "hub.subscribe('topic=a', print) and None",
    "len(hub.subscribe('topic=a', print))",
    "hub.subscribe('topic=', print)",
    "hub.subscribe('topic=a', 5) and None",
    "hub.subscribe('topic=a', print, subscriber={'id': 'mine'})",
    "hub.subscribe('topic=a', print, {'id': 'mine'}), hub.subscribe('topic=b', print, {'id': 'mine'})",
    "hub.unsubscribe('nonsense')",
    "hub.unsubscribe(hub.subscribe('topic=a', print))",
    "hub.get_subscriber_by_identifier('nonsense')",
    "hub.get_subscriber_by_identifier(hub.subscribe('topic=a', print)).priority",
    "hub.get_subscriber_by_identifier(hub.subscribe('topic=a', print)).callback is print",
    "sorted(hub.get_subscriber_by_identifier(hub.subscribe('topic=a', print)).metadata)",
    "hub.get_subscriber_by_identifier(hub.subscribe('topic=a', print)).interested_in(Event('a'))",
    "hub.get_network_location()",
    "hub.get_server_url()",
    "hub.secure",
    "type(hub.server).__name__",
    "hub.server.hostname",
    "hub.logger.name",
    "len(hub.id)",
    "hub.init_connection(), hub.publish(Event('a'))",
    "hub.publish_reply(Event('a'), {'x': 1})",
    "type(hub._event_queue).__name__",
    "sorted(str(item) for item in hub._code_name_mapping.items())",
    "hub._api_user",
    "api.event.hub.EventHub('http://localhost:1', 'u', 'k').get_server_url()",
    "api.event.hub.EventHub('https://host', 'u', 'k').get_network_location()",
    "api.event.hub.EventHub('https://host:8080/path', 'u', 'k').get_server_url()",
    "api.event.hub.EventHub('nonsense', 'u', 'k')",
    "api.event.hub.EventHub('https://host', 'u', 'k').secure",
    "api.event.hub.EventHub('https://host', 'u', 'k').connected",
    "api.event.hub.SocketIoSession('i', 1, ['websocket'])._asdict()",
    "api.event.hub.ServerDetails('https', 'h', 1)._asdict()",
)
def hubs(t):
    return {"hub": t.session.event_hub, "Event": t.api.event.base.Event}


@program
def a_subscription_for_a_while(t):
    hub = t.session.event_hub
    Event = t.api.event.base.Event
    seen = []
    with hub.subscription("topic=a", seen.append):
        hub.publish(Event("a"), synchronous=True)
    hub.publish(Event("a"), synchronous=True)
    return len(seen)


@program
def an_unsubscribed_callback(t):
    hub = t.session.event_hub
    Event = t.api.event.base.Event
    seen = []
    identifier = hub.subscribe("topic=a", seen.append)
    hub.unsubscribe(identifier)
    hub.publish(Event("a"), synchronous=True)
    t.note("again", hub.unsubscribe, identifier)
    return seen


@program
def live_objects_in_events(t):
    """As launchers do that compare the versions of applications."""

    class Version(str):
        def __ge__(self, other):
            compared.append(other)
            return int(self.split(".")[0]) >= int(other)

    compared = []
    hub = t.session.event_hub
    seen = []
    hub.subscribe("topic=a and data.application.version >= 2021", seen.append)
    event = t.api.event.base.Event("a", data={"application": {"version": Version("2022.1")}})
    hub.publish(event, synchronous=True)
    return [len(seen), [str(item) for item in compared], seen[0] is event]


PLUGIN = """
def register(session, **kw):
    session.plugins = getattr(session, "plugins", []) + ["{name}"]
"""


@cases(
    ("simple.py", PLUGIN.format(name="simple")),
    ("below/deep.py", PLUGIN.format(name="deep")),
    ("broken.py", "this is no Python"),
    ("raises.py", "raise ValueError('while loading')"),
    ("no_register.py", "x = 5"),
    ("no_python.txt", PLUGIN.format(name="text")),
    ("register_raises.py", "def register(session):\n    raise ValueError('registering')\n"),
    ("no_arguments.py", "def register():\n    pass\n"),
    ("wanted.py", "def register(session, studio=None):\n    session.plugins = [studio]\n"),
    ("unwanted.py", "def register(session, other=7):\n    session.plugins = [other]\n"),
    ("everything.py", "def register(session, **kw):\n    session.plugins = [sorted(kw)]\n"),
    ("positional.py", "def register(*args):\n    args[0].plugins = [len(args)]\n"),
    ("types.py", "def register(session):\n    session.plugins = [hasattr(session, 'types')]\n"),
    (
        "kind.py",
        "import ftrack_api\n\ndef register(session):\n"
        "    session.plugins = [isinstance(session, ftrack_api.session.Session)]\n",
    ),
)
def plugins(t, name_and_text):
    """Plugins found in a folder, and what they are called with."""
    name, text = name_and_text
    folder = os.path.join(t.folder, "plugins")
    os.makedirs(os.path.dirname(os.path.join(folder, name)))
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
    session = t.note(
        "open",
        lambda: t.open(plugin_paths=[folder, "/nowhere"], plugin_arguments={"studio": "s"}) and "",
    )
    if session is not None:
        t.note("plugins", lambda: t.session.plugins)


@program
def a_plugin_of_hooks(t):
    folder = os.path.join(t.folder, "plugins")
    os.makedirs(folder)
    with open(os.path.join(folder, "hooks.py"), "w") as file:
        file.write(
            "seen = []\n"
            "def register(session):\n"
            "    session.seen = seen\n"
            "    def keep(event):\n"
            "        seen.append([event['topic'], sorted(event['data'])])\n"
            "    session.event_hub.subscribe('topic=ftrack.api.session.*', keep)\n".replace(
                "\\\n", "\n"
            )
        )
    session = t.open(plugin_paths=[folder])
    topics = sorted({str(entry) for entry in session.seen if "construct" not in entry[0]})
    t.say("opened", topics)
    t.say("types", len([e for e in session.seen if "construct" in e[0]]) == len(session.schemas))
    del session.seen[:]
    session.create_component(t.path("a.txt"), location=None)
    t.say("component", session.seen)
    session.recorded_operations.clear()
    del session.seen[:]
    session.reset()
    t.say("reset", session.seen)


@program
def a_factory_of_entity_types(t):
    folder = os.path.join(t.folder, "plugins")
    os.makedirs(folder)
    with open(os.path.join(folder, "factory.py"), "w") as file:
        file.write(
            """
import ftrack_api.entity.factory

class Factory(ftrack_api.entity.factory.StandardFactory):
    def create(self, schema, bases=None):
        cls = super().create(schema, bases=bases)
        if schema["id"] == "Task":
            cls.title = property(lambda self: self["name"].title())
        return cls

def register(session):
    factory = Factory()
    def construct(event):
        schema = event["data"]["schema"]
        if schema["id"] == "Task":
            return factory.create(schema)
    session.event_hub.subscribe("topic=ftrack.api.session.construct-entity-type", construct)
"""
        )
    session = t.open(plugin_paths=[folder])
    task = session.get("Task", t.tree().task)
    return [task.title, type(task).__name__]


@program
def a_file_type_of_ones_own(t):
    t.session.event_hub.subscribe(
        "topic=ftrack.api.session.get-file-type-from-string", lambda event: ".special"
    )
    component = t.session.create_component(t.path("a.special.txt"), location=None)
    return component["file_type"]


@program
def callbacks_of_all_kinds(t):
    class Listener:
        def method(self, event):
            return ["method", event["data"]["value"]]

        def __call__(self, event):
            return ["object", {**event}["topic"], event.get("nothing", "default")]

    def function(event):
        return ["function", sorted(dict(event))]

    hub, listener, heard = t.session.event_hub, Listener(), []
    callbacks = (
        function,
        listener.method,
        listener,
        functools.partial(lambda first, event: [first, event["data"]], "partial"),
        lambda event: None,
        heard.append,
    )
    for callback in callbacks:
        hub.subscribe("topic=a", callback)
    t.say("answers", hub.publish(t.api.event.base.Event("a", data={"value": 5}), synchronous=True))
    t.say("heard", [len(heard), heard[0]["data"]])


@program
def waiting_without_a_connection(t):
    hub = t.session.event_hub
    t.note("wait", hub.wait)
    t.note("for a moment", hub.wait, 0)
    hub.init_connection()
    hub._event_queue.put(t.api.event.base.Event("a", data={"value": 5}))
    heard = []
    hub.subscribe("topic=a", lambda event: heard.append(event["data"]))
    t.note("announced", hub.wait, duration=0)
    t.say("heard", heard)

"""Querying: expressions, results, pages, slices, and what is refused."""

from __future__ import annotations

import types

from registry import cases, family, program


@cases(
    "Project",
    "select name from Project",
    "Project where name is 'paper_moon'",
    'Project where name is "paper_moon"',
    "select id, name, status from Project where status is 'active'",
    "Task where name like 'comp%'",
    "select name, parent.name from Task where parent.name is 'sh010'",
    "select name, link from Shot where name is 'sh010'",
    "Status where name in ('In Progress', 'Approved')",
    "User where username is 'nobody'",
    "AssetVersion where task has (name is 'comp')",
    "select versions.version from Asset",
    "Task where assignments any (resource.username is 'nobody')",
    "Project where not name is 'paper_moon'",
    "User order by username limit 3",
    "User order by username descending limit 3",
    "User order by username limit 3 offset 2",
    "User order by username offset 2 limit 3",
    """
    select name
    from Project
    where name is "paper_moon"
    """,
    "TypedContext where project.name is 'paper_moon' and object_type.name is 'Sequence'",
    "Context where name is 'paper_moon'",
    "select custom_attributes from Shot limit 2",
    "select metadata from Shot limit 2",
    "Location where name like 'ftrack.%'",
    "Setting",
    "Disk",
)
def everything(t, expression):
    """All entities that an expression gives, in an order of our own."""
    found = t.session.query(expression).all()
    names = sorted(str(entity) for entity in found)
    return [len(names), names[:20]]


@cases(
    "Nonsense",
    "Task where",
    "Task where nonsense is 'x'",
    "select nonsense from Task",
    "select name from Nonsense",
    "Task where name is",
    "Task where (name is 'a'",
    "Task where parent.nonsense is 'a'",
    "",
    "select",
    "Task limit x",
    "SELECT name FROM Task",
    "task",
    "Task wher name is 'a'",
    "Task where name == 'a'",
    "Task where name is 'it's'",
)
def refused(t, expression):
    """Expressions that cannot be answered, and where the error comes up."""
    result = t.note("query", t.session.query, expression)
    if result is not None:
        t.note("all", result.all)
        t.note("first", result.first)
        t.note("one", result.one)


@family(
    "result[0]",
    "result[1]",
    "result[6]",
    "result[7]",
    "result[-1]",
    "result[0:2]",
    "result[:]",
    "len(result)",
    "bool(result)",
    "list(result)",
    "result.all()",
    "result.first()",
    "result.one()",
    "[item['name'] for item in result]",
    "next(iter(result))['name']",
    "len(result) and result[-1]",
    "len(result) and result[1:3]",
    "len(result) and result[::2]",
    "list(reversed(result))",
    "result.all()[0] in result",
    "result.index(result[2])",
    "result.count(result[2])",
    "result.all() is result.all()",
    "result.all() == list(result)",
    "isinstance(result, __import__('collections').abc.Sequence)",
    "result['x']",
    "result[None]",
    "result[1.5]",
    "type(result).OFFSET_EXPRESSION.pattern",
    "type(result).LIMIT_EXPRESSION.pattern",
    "result._can_fetch_more()",
    "result._fetch_more()",
    "(result._fetch_more(), result._next_offset, len(result._results))[1:]",
    "result._page_size",
)
def results(t):
    """What a result of seven entities, three on a page, can do."""
    project = t.tree().project
    for index in range(7):
        t.make("Folder", f"{index}", name=f"folder{index}", parent_id=project)
    expression = f"select name from Folder where project_id is '{project}' order by name"
    return {"result": t.session.query(expression, page_size=3)}


@cases(
    ("limit 2", 500),
    ("limit 0", 500),
    ("limit 5", 2),
    ("offset 3", 500),
    ("offset 3", 2),
    ("offset 9", 2),
    ("offset 1 limit 3", 2),
    ("limit 3 offset 1", 2),
    ("limit 100", 3),
    ("", 1),
    ("", 7),
    ("", 8),
)
def pages(t, clause_and_size):
    """Limits, offsets and page sizes together."""
    clause, size = clause_and_size
    project = t.tree().project
    for index in range(7):
        t.make("Folder", f"{index}", name=f"folder{index}", parent_id=project)
    result = t.session.query(
        f"select name from Folder where project_id is '{project}' order by name {clause}",
        page_size=size,
    )
    t.note("names", lambda: [item["name"] for item in result])
    t.note("length", len, result)
    t.note("first", result.first)
    t.note("one", result.one)
    t.note("again", lambda: [item["name"] for item in result.all()])


@program
def one_of_none(t):
    return t.session.query("User where username is 'nobody at all'").one()


@program
def first_of_none(t):
    return t.session.query("User where username is 'nobody at all'").first()


@program
def index_of_none(t):
    return t.session.query("User where username is 'nobody at all'")[0]


@program
def truth_of_none(t):
    return bool(t.session.query("User where username is 'nobody at all'"))


@program
def one_of_many(t):
    return t.session.query("User").one()


@cases(
    "User where username is 'limit 1'",
    "User where username is 'offset 1'",
    "User limit 1",
    "User offset 1",
    "User LIMIT 1",
)
def limits_within_texts(t, expression):
    """A limit is looked for everywhere, even in quotes."""
    result = t.session.query(expression)
    t.note("first", result.first)
    t.note("one", result.one)
    t.note("all", lambda: len(result.all()))


@program
def results_are_lazy(t):
    result = t.session.query("select nonsense from Task")
    return type(result).__name__


@program
def an_unknown_type_is_refused_at_once(t):
    return t.session.query("Nonsense where name is 'a'")


@program
def a_result_made_by_hand(t):
    return t.api.query.QueryResult(t.session, "select name from Project order by name").all()


@program
def the_same_instance_is_found_again(t):
    task = t.tree().task
    one = t.session.query(f"Task where id is {task}").one()
    other = t.session.get("Task", task)
    parent = t.session.query(f"select parent.name from Task where id is {task}").one()["parent"]
    return [one is other, parent is t.session.get("Shot", parent["id"])]


@program
def what_a_query_selects_is_known_afterwards(t):
    task = t.tree().task
    with t.session.auto_populating(False):
        entity = t.session.query(f"select name, parent.name from Task where id is {task}").one()
        parent = entity["parent"]
        t.say("values", [entity["name"], entity["description"], parent["name"], parent["parent"]])


@program
def default_projections_are_selected(t):
    task = t.tree().task
    with t.session.auto_populating(False):
        entity = t.session.query(f"Task where id is {task}").one()
        return {name: entity[name] for name in sorted(entity.default_projections)}


@program
def a_nested_selection(t):
    shot = t.tree().shot
    with t.session.auto_populating(False):
        entity = t.session.query(
            f"select children.name, parent.parent.name, project.full_name from Shot "
            f"where id is {shot}"
        ).one()
        return [
            [child["name"] for child in entity["children"]],
            entity["parent"]["parent"],
            entity["project"]["full_name"],
        ]


@cases(
    ("Task", "task"),
    ("Shot", "task"),
    ("Context", "task"),
    ("TypedContext", "task"),
    ("Context", "project"),
    ("Project", "task"),
    ("AssetVersion", "version"),
)
def get(t, kind_and_name):
    """Getting an entity by its own type, a base of it, and another one."""
    kind, name = kind_and_name
    entity = t.session.get(kind, getattr(t.tree(), name))
    return [entity, type(entity).__name__, entity and entity.entity_type]


@family(
    "session.get('Nonsense', 'x')",
    "session.get('Task', 'nothing')",
    "session.get('Task', [task])",
    "session.get('Task', (task,))",
    "session.get('Task', [task, 'more'])",
    "session.get('Task', [])",
    "session.get('Task', None)",
    "session.get('Task', 5)",
    "session.get('Metadata', ['a', 'b'])",
    "session.get('Metadata', 'a')",
    "session.get('Task', task) is session.get('Task', task)",
    "session.get('Task', [task]) is session.get('Task', task)",
    "session.get('task', task)",
    "session.get('Task', 'it\\'s \"quoted\"')",
)
def get_forms(t):
    return {"session": t.session, "task": t.tree().task}


@program
def a_page_at_a_time(t):
    """As widgets do that fetch while one scrolls."""
    project = t.tree().project
    for index in range(5):
        t.make("Folder", f"{index}", name=f"folder{index}", parent_id=project)
    result = t.session.query(
        f"select name from Folder where project_id is '{project}' order by name", page_size=2
    )
    seen = []
    while result._can_fetch_more():
        result._fetch_more()
        seen.append([len(result._results), result._next_offset])
    return seen


@program
def a_query_called_by_hand(t):
    (result,) = t.session.call(
        [{"action": "query", "expression": "select name from Project order by name"}]
    )
    t.say("keys", sorted(result))
    t.say("rows", [[type(row).__name__, row["name"]] for row in result["data"]])
    t.say("types", types.SimpleNamespace.__name__)

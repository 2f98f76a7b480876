"""What entities and sessions do beyond their attributes: notes, timers, jobs, schemas, printing."""

from __future__ import annotations

import importlib

from registry import cases, family, program


@cases("task", "shot", "version", "project")
def notes(t, where):
    tree = t.entities()
    session = t.session
    author = (
        session.query("User where username is 'api.user'").first()
        or session.query("User order by username").first()
    )
    entity = getattr(tree, where)
    note = t.note("create", lambda: entity.create_note("content ü", author))
    t.say("content", note["content"])
    t.say("author", note["author"] is author)
    t.say("notes", len(entity["notes"]))
    reply = note.create_reply("reply", author)
    t.say("reply", [reply["content"], reply["in_reply_to"] is note, len(note["replies"])])
    t.note("commit", session.commit)
    t.say(
        "others",
        sorted(n["content"] for n in t.open().get(entity.entity_type, entity["id"])["notes"]),
    )


@cases("category", "recipients", "labels", "both", "group")
def notes_with_more(t, extra):
    tree = t.entities()
    session = t.session
    author, other = session.query("User order by username limit 2").all()
    category = session.query("NoteCategory order by name").first()
    label = session.query("NoteLabel order by name").first()
    options = {
        "category": {"category": category},
        "recipients": {"recipients": [other]},
        "labels": {"labels": [label]},
        "both": {"category": category, "labels": [label]},
        "group": {"recipients": [session.query("Group order by name").first()]},
    }[extra]
    note = t.note("create", lambda: tree.task.create_note("content", author, **options))
    t.note("commit", session.commit)
    if note is not None:
        t.note("recipients", lambda: len(note["recipients"]))


@cases("plain", "context", "twice", "forced", "stopped", "stop nothing", "comment")
def timers(t, story):
    tree = t.entities()
    session = t.session
    user = session.get(
        "User",
        t.make(
            "User",
            "u",
            username=t.name("user"),
            first_name="T",
            last_name="U",
            email=f"{t.name('u')}@example.com",
        ),
    )
    if story == "stop nothing":
        return t.note("stop", user.stop_timer)
    options = {"context": {"context": tree.task}, "comment": {"comment": "c", "name": "n"}}
    timer = t.note("start", lambda: user.start_timer(**options.get(story, {})))
    t.say("timer", [timer["comment"], timer["name"], timer["user"] is user])
    t.note("context", lambda: timer["context"])
    if story == "twice":
        t.note("again", user.start_timer)
    if story == "forced":
        t.note("again", lambda: user.start_timer(tree.task, force=True)["context"])
    if story != "plain":
        log = t.note("stop", user.stop_timer)
        if log is not None:
            t.say("log", [log["comment"], log["name"], log["context"], log["duration"] >= 0])
        t.note("stop again", user.stop_timer)
    t.say("logs", len(user["timelogs"]))


@cases({"type": "api_job"}, {"type": "feedback"}, {}, {"type": "api_job", "data": '{"a": 1}'})
def jobs(t, data):
    user = t.session.query("User order by username").first()
    job = t.note(
        "create", lambda: t.session.create("Job", {"user": user, "status": "running", **data})
    )
    t.note("commit", t.session.commit)
    if job is not None:
        t.say("job", [job["type"], job["status"], job["user"] is user])


@cases(
    "Task",
    "Shot",
    "AssetVersion",
    "Project",
    "Asset",
    "Nonsense",
    "task",
    "Folder",
    "Milestone",
    "AssetBuild",
    "Episode",
    "User",
    "",
)
def statuses_and_types(t, kind):
    for name in ("VFX", "Animation"):
        schema = t.session.query(f"ProjectSchema where name is '{name}'").one()
        t.note("statuses", lambda: [item["name"] for item in schema.get_statuses(kind)])
        t.note("types", lambda: [item["name"] for item in schema.get_types(kind)])
        modelling = t.session.query("Type where name is 'Modeling'").one()
        t.note("of type", lambda: [s["name"] for s in schema.get_statuses(kind, modelling["id"])])
        t.note("of none", lambda: [s["name"] for s in schema.get_statuses(kind, "nothing")])


@program
def invites_and_keys(t):
    session = t.session
    users = session.query("User order by username limit 2").all()
    t.note("invite", users[0].send_invite)
    t.note("invites", session.send_user_invites, users)
    t.note("none", session.send_user_invites, [])
    project = t.entities().project
    review = session.create("ReviewSession", {"name": "r", "project": project})
    invitee = session.create(
        "ReviewSessionInvitee",
        {"name": "n", "email": "n@example.com", "review_session": review},
    )
    session.commit()
    t.note("review", session.send_review_session_invite, invitee)
    t.note("reviews", session.send_review_session_invites, [invitee])


@family(
    "format(task, attribute_filter=lambda e, n, v: n in ('name', 'description'))",
    "format(task, attribute_filter=only('name', 'parent'))",
    "format(task, attribute_filter=only('name', 'parent'), recursive=True)",
    "format(task, attribute_filter=only('name', 'parent', 'children'), recursive=True)",
    "format(task['parent'], attribute_filter=only('name', 'children'), recursive=True)",
    "format(task, attribute_filter=only('name'), indent=4)",
    "format(task, attribute_filter=only('name'), indent=4, indent_first_line=False)",
    "format(task, attribute_filter=only('metadata', 'name'))",
    "format(task, attribute_filter=only('notes', 'name'))",
    "format(task, formatters={'header': str.upper, 'label': str.upper}, attribute_filter=only('name'))",
    "format(task, formatters={'header': str, 'label': str}, attribute_filter=only('name'))",
    "format(task, attribute_filter=only('link', 'bid', 'start_date'))",
    "format(task, attribute_filter=FILTER['ignore_unset']).count('name') > 0",
    "sorted(FILTER)",
    "FILTER['ignore_unset'](task, 'name', NOT_SET)",
    "FILTER['ignore_unset'](task, 'name', 5)",
    "format(5)",
)
def formatting(t):
    module = importlib.import_module("ftrack_api.formatter")
    names = {"format": module.format, "FILTER": module.FILTER}
    return {
        **names,
        "task": t.entities().task,
        "only": lambda *wanted: lambda entity, name, value: name in wanted,
    }


@cases("/nowhere/x.mov", None, "component")
def media_to_encode(t, what):
    tree = t.entities()
    server = t.session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    if what == "component":
        what = t.session.create_component(t.path("a.mov", b"x"), location=server)
    elif what is not None:
        what = t.path("b.mov", b"x")
    job = t.note("encode", lambda: tree.version.encode_media(what))
    if job is not None:
        t.say("job", [type(job).__name__, job["user"]["username"]])
    t.note("keep", lambda: type(tree.version.encode_media(what, keep_original=True)).__name__)


@cases(("a.mov", 10), ("a", 0), ("ünï.mov", 10), ("a.mov", 10**9))
def upload_metadata(t, name_and_size):
    name, size = name_and_size
    metadata = t.note("ask", lambda: sorted(t.session.get_upload_metadata(t.id("c"), name, size)))
    return metadata is not None

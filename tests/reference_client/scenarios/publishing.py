"""Publishing: assets, versions, components, and files in the locations of the server."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
import urllib.error
import urllib.request
import uuid

import arrow
import ftrack_api
import ftrack_api.exception
import ftrack_api.symbol

from scenarios.stage import elsewhere, new_project, new_version, one, refused, scenario


@scenario
def a_publish_hierarchy_is_created_in_one_commit(session):
    project, sequence, shot, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    other = ftrack_api.Session()
    again = other.get("AssetVersion", version["id"])
    assert again["version"] == 1
    assert again["comment"] == "first"
    assert again["task"]["id"] == task["id"]
    assert again["asset"]["parent"]["id"] == shot["id"]
    assert again["task"]["project"]["name"] == project["name"]
    assert again["task"]["status"]["name"]
    assert again["user"]["username"] == other.api_user
    assert isinstance(again["date"], arrow.Arrow)
    assert other.get("Sequence", sequence["id"])["parent"]["id"] == project["id"]


@scenario
def versions_of_an_asset_count_up(session):
    _, _, _, task = new_project(session)
    first = new_version(session, task)
    session.commit()
    second = session.create("AssetVersion", {"asset": first["asset"], "task": task})
    session.commit()
    assert (first["version"], second["version"]) == (1, 2)
    session.populate(first["asset"], "latest_version")
    assert first["asset"]["latest_version"] is second


@scenario
def a_file_is_published_to_the_server_and_read_back(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    content = os.urandom(300_000)
    with tempfile.NamedTemporaryFile(suffix=".bin") as source:
        source.write(content)
        source.flush()
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = version.create_component(source.name, {"name": "main"}, location=server)
    assert server.get_component_availability(component) == 100.0
    resource = server.accessor.open(server.get_resource_identifier(component), "rb")
    assert resource.read() == content
    assert component["file_type"] == ".bin"
    assert component["size"] == len(content)


@scenario
def a_sequence_is_published_to_the_server_and_read_back(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    with tempfile.TemporaryDirectory() as folder:
        contents = {}
        for index in (1, 2, 3):
            contents[index] = os.urandom(1000 + index)
            with open(os.path.join(folder, f"frame.{index:04}.exr"), "wb") as frame:
                frame.write(contents[index])
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        path = os.path.join(folder, "frame.%04d.exr [1-3]")
        component = version.create_component(path, {"name": "main"}, location=server)
    other = ftrack_api.Session()
    component = other.get("SequenceComponent", component["id"])
    server = other.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    assert component["padding"] == 4
    assert server.get_component_availability(component) == 100.0
    for member in component["members"]:
        resource = server.accessor.open(server.get_resource_identifier(member), "rb")
        assert resource.read() == contents[int(member["name"])]


@scenario
def a_removed_component_is_gone(session):
    with tempfile.NamedTemporaryFile(suffix=".txt") as source:
        source.write(b"text")
        source.flush()
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = session.create_component(source.name, location=server)
    identifier = server.get_resource_identifier(component)
    server.remove_component(component)
    assert server.get_component_availability(component) == 0.0
    try:
        server.accessor.open(identifier, "rb").read()
    except ftrack_api.exception.AccessorOperationFailedError:
        pass
    else:
        raise AssertionError("a removed component can still be read")


def put(url, content, headers=None):
    """Return status and headers of the answer to an upload."""
    request = urllib.request.Request(url, content, headers or {}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, error.headers


@scenario
def a_container_holds_components(session):
    container = session.create("ContainerComponent", {"name": "bundle"})
    for name in ("left", "right"):
        session.create("FileComponent", {"name": name, "container": container})
    session.commit()
    again = elsewhere(container)
    assert again.entity_type == "ContainerComponent"
    assert {member["name"] for member in again["members"]} == {"left", "right"}
    members = [member["id"] for member in again["members"]]
    session.delete(container)
    session.commit()
    assert ftrack_api.Session().query(f"Component where id in ({','.join(members)})").all() == []


@scenario
def a_component_of_no_kind_is_a_file(session):
    component = session.create("Component", {"name": "any"})
    session.commit()
    found = session.query(f'Component where id is "{component["id"]}"').one()
    assert found["system_type"] == "file"
    session.delete(component)
    session.commit()
    assert ftrack_api.Session().get("FileComponent", component["id"]) is None


@scenario
def a_sequence_knows_its_members(session):
    path = "/nowhere/frame.%04d.exr [1-3, 7]"
    sequence = session.create_component(path, location=None)
    session.commit()
    again = elsewhere(sequence)
    assert (again["padding"], again["file_type"]) == (4, ".exr")
    assert sorted(int(member["name"]) for member in again["members"]) == [1, 2, 3, 7]
    container = again["members"][0]["container"]
    assert container["id"] == sequence["id"]


@scenario
def the_answer_to_a_create_holds_what_was_created_with_it(session):
    component, location = str(uuid.uuid4()), str(uuid.uuid4())
    data = {"id": component, "name": "main", "file_type": ".txt", "size": 1}
    first, second = session.call(
        [
            {"action": "create", "entity_type": "FileComponent", "entity_data": data},
            {
                "action": "create",
                "entity_type": "ComponentLocation",
                "entity_data": {
                    "id": location,
                    "component_id": component,
                    "location_id": ftrack_api.symbol.SERVER_LOCATION_ID,
                    "resource_identifier": component,
                },
            },
        ]
    )
    registered = one(first["data"]["component_locations"])
    assert registered["resource_identifier"] == component
    assert second["data"]["id"] == registered["id"] == location


@scenario
def versions_use_each_other(session):
    _, _, _, task = new_project(session)
    first, second = new_version(session, task), new_version(session, task)
    second["uses_versions"].append(first)
    session.commit()
    assert [version["id"] for version in elsewhere(second)["uses_versions"]] == [first["id"]]
    assert [version["id"] for version in elsewhere(first)["used_in_versions"]] == [second["id"]]


@scenario
def only_the_latest_published_version_is_the_latest(session):
    _, _, _, task = new_project(session)
    first = new_version(session, task)
    session.commit()
    second = session.create("AssetVersion", {"asset": first["asset"], "task": task})
    session.commit()
    where = f'AssetVersion where asset_id is "{first["asset_id"]}" and is_latest_version is'
    assert session.query(f"{where} True").all() == [second]
    assert session.query(f"{where} False").all() == [first]


@scenario
def a_version_is_deleted_with_its_components(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    component = session.create("FileComponent", {"version": version, "name": "main"})
    session.commit()
    for entity in (component, version, version["asset"]):
        session.delete(entity)
    session.commit()
    assert elsewhere(task) is not None
    assert ftrack_api.Session().get("FileComponent", component["id"]) is None


@scenario
def a_location_that_holds_components_stays(session):
    location = session.create("Location", {"name": f"place-{uuid.uuid4().hex}"})
    component = session.create("FileComponent", {"name": "main"})
    session.create(
        "ComponentLocation",
        {"component": component, "location": location, "resource_identifier": "x"},
    )
    session.commit()
    session.delete(location)
    with refused(""):
        session.commit()
    session.rollback()
    session.delete(component)
    session.commit()
    session.delete(location)
    session.commit()


@scenario
def the_builtin_locations_keep_no_rows_of_the_origin(session):
    with tempfile.NamedTemporaryFile(suffix=".txt") as source:
        component = session.create_component(source.name, location="auto")
    session.commit()
    ids = [item["location_id"] for item in elsewhere(component)["component_locations"]]
    assert ftrack_api.symbol.ORIGIN_LOCATION_ID not in ids


@scenario
def an_upload_that_is_not_what_was_announced_is_refused(session):
    component = session.create("FileComponent", {"name": "main", "file_type": ".txt", "size": 4})
    session.commit()
    digest = base64.b64encode(hashlib.md5(b"text").digest()).decode()
    metadata = session.get_upload_metadata(component["id"], "main.txt", 4, digest)
    url, headers = metadata["url"], metadata["headers"]
    assert headers["Content-MD5"] == digest
    assert put(url, b"tear", headers)[0] == 400
    assert put(url[:-1] + ("0" if url[-1] != "0" else "1"), b"text", headers)[0] == 403
    status, answered = put(url, b"text", headers)
    assert status == 200
    assert answered["ETag"].strip('"') == hashlib.md5(b"text").hexdigest()


@scenario
def a_large_file_arrives_in_parts(session):
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    parts = [os.urandom(5 * 1024 * 1024), os.urandom(5 * 1024 * 1024), b"end"]
    content = b"".join(parts)
    component = session.create("FileComponent", {"name": "main", "size": len(content)})
    session.commit()
    identity = {"component_id": component["id"]}
    size = {"file_name": "main.bin", "file_size": len(content), "parts": len(parts)}
    upload = one(session.call([{"action": "get_upload_metadata", **identity, **size}]))
    finished = []
    for url in upload["urls"]:
        part = parts[url["part_number"] - 1]
        status, answered = put(url["signed_url"], part)
        assert status == 200
        assert answered["ETag"].strip('"') == hashlib.md5(part).hexdigest()
        finished.append({"part_number": url["part_number"], "e_tag": answered["ETag"].strip('"')})
    complete = {"action": "complete_multipart_upload", "upload_id": upload["upload_id"]}
    with refused(""):
        session.call([{**complete, **identity, "parts": finished[:2]}])
    session.call([{**complete, **identity, "parts": finished}])
    resource = server.accessor.open(component["id"], "rb")
    assert resource.read() == content


@scenario
def a_signed_url_reads_without_a_key(session):
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    with tempfile.NamedTemporaryFile(suffix=".txt") as source:
        source.write(b"text")
        source.flush()
        component = session.create_component(source.name, location=server)
    operation = {"action": "generate_signed_url", "component_id": component["id"]}
    signed = one(session.call([operation]))["signed_url"]
    for url in (signed, server.get_url(component)):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"text"

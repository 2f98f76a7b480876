"""Media: encoding, web review by hand, and thumbnails."""

from __future__ import annotations

import json
import os
import urllib.request

import ftrack_api
import ftrack_api.inspection
import ftrack_api.symbol

from scenarios.stage import elsewhere, new_project, new_version, scenario


@scenario
def a_still_is_encoded_and_becomes_the_thumbnail(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    job = version.encode_media(os.environ["SCENARIO_STILL"])
    for _ in range(600):
        session.populate(job, "status")
        if job["status"] in ("done", "failed"):
            break
        del job["status"]
        session._local_cache.remove(
            session.cache_key_maker.key(ftrack_api.inspection.identity(job))
        )
        job = session.get("Job", job["id"])
    assert job["status"] == "done", job["data"]
    other = ftrack_api.Session()
    assert other.get("AssetVersion", version["id"])["thumbnail_id"]
    data = json.loads(other.get("Job", job["id"])["data"])
    assert {"format", "component_id"} <= set(data["output"][0])


def finished(job):
    """Return *job* once it is done, seen by sessions that know nothing of it."""
    while job["status"] not in ("done", "failed"):
        job = elsewhere(job)
    assert job["status"] == "done", job["data"]
    return job


def read(url):
    """Return type and bytes of what *url* leads to."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read()


@scenario
def a_movie_is_encoded_for_review(session):
    if not os.environ.get("SCENARIO_MOVIE"):
        return
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    job = finished(version.encode_media(os.environ["SCENARIO_MOVIE"], keep_original=True))
    data = json.loads(job["data"])
    assert {item["format"] for item in data["output"]} >= {"video/mp4", "image/jpeg"}
    outputs = {item["component_id"] for item in data["output"]}
    assert {item["component_id"] for item in job["job_components"]} >= outputs
    again = elsewhere(version)
    names = {component["name"]: component for component in again["components"]}
    movie = names["ftrackreview-mp4"]
    described = json.loads(movie["metadata"]["ftr_meta"])
    assert {"frameIn", "frameOut", "frameRate", "height", "width"} <= set(described)
    kind, content = read(again["thumbnail_url"]["url"])
    assert kind.startswith("image/")
    assert content
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    assert server.get_component_availability(movie) == 100.0
    kind, content = read(server.get_thumbnail_url(movie, size=100))
    assert kind.startswith("image/"), kind


@scenario
def the_source_of_an_encode_goes_unless_it_is_kept(session):
    still = os.environ["SCENARIO_STILL"]
    for keep in (False, True):
        job = finished(session.encode_media(still, keep_original=keep))
        data = json.loads(job["data"])
        assert data["keep_original"] is keep
        source = ftrack_api.Session().get("FileComponent", data["source_component_id"])
        assert (source is not None) is keep
    component = session.get("FileComponent", data["source_component_id"])
    job = finished(session.encode_media(component))
    assert json.loads(job["data"])["keep_original"] is True


@scenario
def reviewable_media_is_published_by_hand(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    component = version.create_component(
        path=os.environ["SCENARIO_STILL"], data={"name": "ftrackreview-image"}, location=server
    )
    component["metadata"]["ftr_meta"] = json.dumps({"format": "image"})
    component.session.commit()
    again = elsewhere(component)
    assert json.loads(again["metadata"]["ftr_meta"]) == {"format": "image"}
    assert again["version_id"] == version["id"]


@scenario
def a_thumbnail_is_set_and_shown_in_any_size(session):
    _, _, _, task = new_project(session)
    session.commit()
    assert read(task["thumbnail_url"]["url"])[0].startswith("image/")
    component = task.create_thumbnail(os.environ["SCENARIO_STILL"])
    session.commit()
    again = elsewhere(task)
    assert again["thumbnail_id"] == component["id"]
    assert component["id"] in again["thumbnail_url"]["url"]
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    sizes = {}
    for size in (10, 100):
        kind, content = read(server.get_thumbnail_url(component, size=size))
        assert kind.startswith("image/")
        sizes[size] = len(content)
    assert 0 < sizes[10] < sizes[100]


@scenario
def a_thumbnail_of_another_entity_can_be_shared(session):
    _, _, shot, task = new_project(session)
    session.commit()
    component = task.create_thumbnail(os.environ["SCENARIO_STILL"])
    shot["thumbnail"] = component
    session.commit()
    assert elsewhere(shot)["thumbnail"]["id"] == component["id"]

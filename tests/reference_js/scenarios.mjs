// The official JavaScript client against the server of FTRACK_SERVER: one line of JSON for each scenario.

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";

import "./browser.mjs";
import { Event, Session } from "@ftrack/api";

const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";
const MEGABYTE = 1024 * 1024;
const { FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY } = process.env;

function connect(options = {}) {
  return new Session(FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY, options);
}

let connected;

/**
 * Returns the one session whose event hub is connected. Hubs of a program share one socket, and only the first of them
 * hears that it is open.
 */
function sessionWithHub() {
  connected ??= (async () => {
    const session = connect();
    await session.initializing;
    session.eventHub.connect();
    await new Promise((resolve) => session.eventHub._runWhenConnected(resolve));
    return session;
  })();
  return connected;
}

async function upload(session, name, bytes) {
  const percentages = [];
  const [component, location] = await session.createComponent(new Blob([bytes]), {
    name,
    onProgress: (percentage) => percentages.push(percentage),
  });
  assert.equal(percentages.at(-1), 100);
  assert.equal(location.data.location_id ?? SERVER_LOCATION, SERVER_LOCATION);
  return component.data.id;
}

async function assertStored(session, id, bytes) {
  const answer = await fetch(session.getComponentUrl(id));
  assert.equal(answer.status, 200);
  const stored = Buffer.from(await answer.arrayBuffer());
  const digest = (data) => createHash("md5").update(data).digest("hex");
  assert.equal(digest(stored), digest(bytes));
}

const scenarios = {
  async session_knows_server_and_schemas() {
    const session = connect();
    await session.initializing;
    assert.ok(session.serverVersion);
    assert.ok(session.schemas.some((schema) => schema.id === "AssetVersion"));
    assert.deepEqual(session.getPrimaryKeyAttributes("Metadata"), ["parent_id", "key"]);
  },

  async wrong_key_is_refused() {
    const session = new Session(FTRACK_SERVER, FTRACK_API_USER, "not-a-key");
    await assert.rejects(session.initializing, /API key is not valid/);
  },

  async query_answers_entities_and_references() {
    const session = connect();
    const { data, metadata } = await session.query(
      "select name, status.name, parent.name from Task where status.name is 'In progress' order by name limit 2",
    );
    assert.equal(data.length, 2);
    assert.equal(data[0].status.name, "In progress");
    // References to what the answer holds already are made whole again by the client.
    assert.equal(data[1].status.name, "In progress");
    assert.equal(metadata.next.offset, 2);
  },

  async parse_error_is_told() {
    await assert.rejects(connect().query("select nonsense from Task"), /nonsense/);
  },

  async serializable_answers_repeat_entities() {
    const session = connect({ ensureSerializableResponse: true, strictApi: true });
    const { data } = await session.query("select status.name from Task where status.name is 'Approved' limit 3");
    assert.deepEqual(data.map((task) => task.status.name), Array(3).fill("Approved"));
    JSON.stringify(data);
  },

  async entities_are_created_updated_and_deleted() {
    const session = connect();
    await session.initializing;
    const { data: projects } = await session.query("select id from Project limit 1");
    const name = `js_${randomUUID()}`;
    const { data: shot } = await session.create("Shot", { name, parent_id: projects[0].id });
    const { data: task } = await session.create("Task", { name: "Roto", parent_id: shot.id });
    const start = new Date("2026-03-02T10:00:00Z");
    const { data: changed } = await session.update("Task", [task.id], { description: "hair", start_date: start });
    assert.equal(changed.description, "hair");
    const path = `select description, start_date from Task where parent.name is "${name}"`;
    const { data: found } = await session.query(path);
    assert.equal(found[0].description, "hair");
    assert.equal(new Date(found[0].start_date).getTime(), start.getTime());
    await session.delete("Task", [task.id]);
    assert.equal((await session.query(path)).data.length, 0);
  },

  async file_is_uploaded_in_one_part() {
    const session = await sessionWithHub();
    const bytes = randomBytes(100_000);
    const id = await upload(session, "plate.png", bytes);
    const { data } = await session.query(
      `select name, file_type, size, component_locations.location_id from FileComponent where id is ${id}`,
    );
    assert.equal(data[0].name, "plate");
    assert.equal(data[0].file_type, ".png");
    assert.equal(data[0].size, bytes.length);
    assert.equal(data[0].component_locations[0].location_id, SERVER_LOCATION);
    await assertStored(session, id, bytes);
  },

  async file_of_40_megabytes_is_uploaded_in_parts() {
    const session = await sessionWithHub();
    const bytes = randomBytes(40 * MEGABYTE);
    const id = await upload(session, "movie.mov", bytes);
    await assertStored(session, id, bytes);
  },

  async hub_receives_updates_and_published_events() {
    const session = await sessionWithHub();
    const { data: tasks } = await session.query("select id from Task limit 1");
    const updated = new Promise((resolve) => {
      session.eventHub.subscribe("topic=ftrack.update", (event) => {
        if (event.data.entities?.some((entity) => entity.entityId === tasks[0].id)) resolve(event);
      });
    });
    const topic = `js.${randomUUID()}`;
    const published = new Promise((resolve) => session.eventHub.subscribe(`topic=${topic}`, resolve));
    await session.eventHub.publish(new Event(topic, { answer: 42 }));
    assert.equal((await published).data.answer, 42);
    await session.update("Task", [tasks[0].id], { description: topic });
    const { data } = await updated;
    const [change] = data.entities.filter((entity) => entity.entityId === tasks[0].id);
    assert.equal(change.changes.description.new, topic);
    assert.equal(data.clientToken, session.clientToken);
  },

  async hub_replies() {
    const session = await sessionWithHub();
    const topic = `js.${randomUUID()}`;
    session.eventHub.subscribe(`topic=${topic}`, (event) => ({ doubled: 2 * event.data.number }));
    const reply = await session.eventHub.publishAndWaitForReply(new Event(topic, { number: 21 }), { timeout: 10 });
    assert.equal(reply.data.doubled, 42);
  },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  let failure = null;
  try {
    await scenario();
  } catch (error) {
    failure = String(error?.stack ?? error);
  }
  console.log(JSON.stringify({ name, failure }));
}
// Open sockets would keep the program alive.
process.exit(0);

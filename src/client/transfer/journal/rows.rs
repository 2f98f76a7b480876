//! What is written to the database and read from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension as _, Transaction, params};
use uuid::Uuid;

use super::fingerprint::Fingerprint;
use super::intents::{Call, State, Unfinished};
use super::record::{Event, KnownFile, Step};
use super::{AcceptedPart, PartsUpload};
use crate::checksum::Digest;

/// How long an upload URL may be of use: storages sign for hours, and hardly for longer than a day.
const URL_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a transfer is kept that nobody continues. What arrived of it may be gone from the server by then.
const TRANSFER_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A transfer as it stands in the database.
pub(super) struct Noted {
    pub(super) id: String,
    pub(super) container_id: Option<String>,
    pub(super) file_ids: Vec<String>,
    pub(super) files: HashMap<String, KnownFile>,
    pub(super) state: State,
}

/// Forgets what is too old to be of use; returns the transfers among it.
pub(super) fn forget_old(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let before = |life: Duration| now() - life.as_secs().cast_signed();
    transaction.execute("DELETE FROM upload WHERE signed_at < ?", [before(URL_LIFE)])?;
    transaction
        .prepare("DELETE FROM transfer WHERE touched_at < ? RETURNING id")?
        .query_map([before(TRANSFER_LIFE)], |row| row.get(0))?
        .collect()
}

/// Returns the transfers of the same call and files.
pub(super) fn matching(
    transaction: &Transaction<'_>,
    call: &Call,
    files: &[(PathBuf, Fingerprint)],
) -> rusqlite::Result<Vec<String>> {
    let mut same_call = transaction.prepare(
        "SELECT id FROM transfer WHERE server = ? AND user = ? AND location_id = ? AND path = ? AND data = ?",
    )?;
    let mut its_files =
        transaction.prepare("SELECT path FROM file WHERE transfer_id = ? ORDER BY position")?;
    let key = params![
        call.server,
        call.user,
        call.location_id,
        call.path,
        call.data
    ];
    let ids = same_call.query_map(key, |row| row.get(0))?;
    let ids: Vec<String> = ids.collect::<Result<_, _>>()?;
    let wanted: Vec<_> = files.iter().map(|(path, _)| text(path)).collect();
    let mut matching = Vec::new();
    for id in ids {
        let found = its_files.query_map([&id], |row| row.get(0))?;
        if found.collect::<Result<Vec<String>, _>>()? == wanted {
            matching.push(id);
        }
    }
    Ok(matching)
}

/// Notes a new transfer.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    id: String,
    call: &Call,
    files: &[(PathBuf, Fingerprint)],
    has_container: bool,
) -> rusqlite::Result<Noted> {
    let container_id = has_container.then(new_id);
    transaction.execute(
        "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            call.server,
            call.user,
            call.location_id,
            call.path,
            call.data,
            container_id,
            now()
        ],
    )?;
    let mut insert = transaction.prepare(
        "INSERT INTO file (component_id, transfer_id, position, path, size, modified, inode) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut file_ids = Vec::with_capacity(files.len());
    for (position, (path, now)) in (0_i64..).zip(files) {
        let component_id = new_id();
        let values = params![
            component_id,
            id,
            position,
            text(path),
            now.size,
            now.modified,
            now.inode
        ];
        insert.execute(values)?;
        file_ids.push(component_id);
    }
    Ok(Noted {
        id,
        container_id,
        file_ids,
        files: HashMap::new(),
        state: State::New,
    })
}

/// Reads a transfer and forgets what is known of files that were changed since; none if it is gone.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    id: String,
    files: &[(PathBuf, Fingerprint)],
) -> rusqlite::Result<Option<Noted>> {
    let container_id = transaction
        .query_row(
            "UPDATE transfer SET touched_at = ? WHERE id = ? RETURNING container_id",
            params![now(), id],
            |row| row.get(0),
        )
        .optional()?;
    let Some(container_id) = container_id else {
        return Ok(None);
    };
    let mut file_ids = Vec::with_capacity(files.len());
    let mut known = HashMap::new();
    let mut state = State::Unchanged;
    for ((component_id, file), (_, now)) in read_files(transaction, &id)?.into_iter().zip(files) {
        if file.fingerprint == *now {
            known.insert(component_id.clone(), file);
        } else {
            state = State::Changed;
            restart_file(transaction, &component_id, *now)?;
        }
        file_ids.push(component_id);
    }
    Ok(Some(Noted {
        id,
        container_id,
        file_ids,
        files: known,
        state,
    }))
}

fn read_files(
    transaction: &Transaction<'_>,
    id: &str,
) -> rusqlite::Result<Vec<(String, KnownFile)>> {
    let mut files = transaction.prepare(
        "SELECT component_id, size, modified, inode, is_finished, md5 FROM file WHERE transfer_id = ? ORDER BY position",
    )?;
    let rows = files.query_map([id], |row| {
        let fingerprint = Fingerprint {
            size: row.get(1)?,
            modified: row.get(2)?,
            inode: row.get(3)?,
        };
        let file = KnownFile {
            fingerprint,
            is_finished: row.get(4)?,
            md5: row.get::<_, Option<[u8; 16]>>(5)?.map(Digest),
            parts: None,
        };
        Ok((row.get(0)?, file))
    })?;
    let mut files = rows.collect::<Result<Vec<(String, KnownFile)>, _>>()?;
    for (component_id, file) in &mut files {
        file.parts = read_parts(transaction, component_id)?;
    }
    Ok(files)
}

fn read_parts(
    transaction: &Transaction<'_>,
    component_id: &str,
) -> rusqlite::Result<Option<(PartsUpload, Vec<AcceptedPart>)>> {
    let upload = transaction
        .prepare_cached("SELECT upload_id, part_size, urls FROM upload WHERE component_id = ?")?
        .query_row([component_id], |row| {
            Ok(PartsUpload {
                upload_id: row.get(0)?,
                part_size: row.get::<_, i64>(1)?.cast_unsigned(),
                urls: row
                    .get::<_, String>(2)?
                    .lines()
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .optional()?;
    let Some(upload) = upload else {
        return Ok(None);
    };
    let mut parts = transaction.prepare_cached(
        "SELECT number, etag, md5 FROM part WHERE component_id = ? ORDER BY number",
    )?;
    let accepted = parts.query_map([component_id], |row| {
        Ok(AcceptedPart {
            number: row.get(0)?,
            etag: row.get(1)?,
            md5: Digest(row.get(2)?),
        })
    })?;
    let accepted = accepted.collect::<Result<_, _>>()?;
    Ok(Some((upload, accepted)))
}

fn restart_file(
    transaction: &Transaction<'_>,
    component_id: &str,
    now: Fingerprint,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE file SET size = ?, modified = ?, inode = ?, is_finished = 0, md5 = NULL WHERE component_id = ?",
        params![now.size, now.modified, now.inode, component_id],
    )?;
    abandon(transaction, component_id)
}

fn abandon(transaction: &Transaction<'_>, component_id: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM upload WHERE component_id = ?")?
        .execute([component_id])
        .map(drop)
}

/// Writes what happened, in the order in which it did; not what is about something that was [forgotten](forget_old) meanwhile.
pub(super) fn write(transaction: &Transaction<'_>, steps: &[Step]) -> rusqlite::Result<()> {
    for Step {
        component_id,
        event,
    } in steps
    {
        match event {
            Event::PartsOpened(upload) => {
                abandon(transaction, component_id)?;
                open_parts(transaction, component_id, upload)?;
            }
            Event::PartAccepted(AcceptedPart { number, etag, md5 }) => {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO part SELECT component_id, ?2, ?3, ?4 FROM upload WHERE component_id = ?1")?
                    .execute(params![component_id, number, etag, md5.0])?;
            }
            Event::Finished(md5) => {
                abandon(transaction, component_id)?;
                transaction
                    .prepare_cached(
                        "UPDATE file SET is_finished = 1, md5 = ? WHERE component_id = ?",
                    )?
                    .execute(params![md5.map(|Digest(bytes)| bytes), component_id])?;
            }
        }
    }
    let Some(Step { component_id, .. }) = steps.first() else {
        return Ok(());
    };
    transaction.execute(
        "UPDATE transfer SET touched_at = ? WHERE id = (SELECT transfer_id FROM file WHERE component_id = ?)",
        params![now(), component_id],
    )?;
    Ok(())
}

fn open_parts(
    transaction: &Transaction<'_>,
    component_id: &str,
    upload: &PartsUpload,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO upload SELECT component_id, ?2, ?3, ?4, ?5 FROM file WHERE component_id = ?1",
        )?
        .execute(params![
            component_id,
            upload.upload_id,
            upload.part_size.cast_signed(),
            // No URL holds the end of a line.
            upload.urls.join("\n"),
            now()
        ])
        .map(drop)
}

/// Forgets a transfer; returns whether there was one.
pub(super) fn remove(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    let removed = transaction.execute("DELETE FROM transfer WHERE id = ?", [id])?;
    Ok(removed > 0)
}

/// Returns all transfers, the latest first.
pub(super) fn unfinished(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Unfinished>> {
    let mut transfers = transaction.prepare(
        "WITH arrived AS (
             SELECT component_id, part_size * count(number) AS bytes
             FROM upload JOIN part USING (component_id) GROUP BY component_id
         )
         SELECT id, server, user, location_id, transfer.path, data, touched_at, count(*), sum(is_finished), sum(size),
                sum(CASE WHEN is_finished THEN size ELSE min(size, coalesce(bytes, 0)) END)
         FROM transfer JOIN file ON transfer_id = id LEFT JOIN arrived USING (component_id)
         GROUP BY id ORDER BY touched_at DESC, id",
    )?;
    let found = transfers.query_map([], |row| {
        let count = |index| row.get(index).map(i64::cast_unsigned);
        Ok(Unfinished {
            id: row.get(0)?,
            call: Call {
                server: row.get(1)?,
                user: row.get(2)?,
                location_id: row.get(3)?,
                path: row.get(4)?,
                data: row.get(5)?,
            },
            touched_at: row.get(6)?,
            files: count(7)?,
            finished_files: count(8)?,
            bytes: count(9)?,
            finished_bytes: count(10)?,
            is_running: false,
        })
    })?;
    found.collect()
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}

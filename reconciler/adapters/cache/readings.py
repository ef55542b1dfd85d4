"""What contents of Git say about images, in a database of this machine, by the ids of their blobs.

It only saves time, so nothing of it is trusted: each row has a checksum, a file that is no database
of ours is thrown away, and where nothing can be written, or somebody else writes for long, one does
without. Rows of another version of this program are never found; they go when they are the oldest.
"""

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from reconciler.adapters.cache.fingerprint import fingerprint
from reconciler.adapters.cache.readings_codec import decode, encode
from reconciler.core.manifests.kustomization import is_kustomization_file
from reconciler.core.manifests.reading import Reading, Terms
from reconciler.core.manifests.tree import TreeEntry

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 128 * 1024 * 1024  # of the file: some 200,000 manifests with an image each
MAX_ROW_BYTES: Final = 1024 * 1024
_ROW_MORE_BYTES: Final = 128  # that a row takes beside its value, with room to spare
_SPARE_BYTES: Final = 16 * 1024  # for pages that are not full
_AT_ONCE: Final = 10  # where rows must go, a tenth of them goes
_SUM_BYTES: Final = 16
_ASKED_AT_ONCE: Final = 500
_WAIT_S: Final = 1.0  # for another process that writes
_DAY_S: Final = 24 * 3600

_SCHEMA: Final = (
    "CREATE TABLE reading (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,"
    " day INTEGER NOT NULL, value BLOB NOT NULL)"
)
"""Rows with larger ids were used later: who is used is written anew once a day."""

_PARTS: Final = [("table", _SCHEMA), ("index", None)]
_HINDRANCES: Final = frozenset(
    {
        sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOLFS,
    }
)  # fmt: skip
"""Errors that say nothing against the file."""


class ReadingFile:
    """The database, opened anew for each use: the folder may go away, and come back, meanwhile."""

    def __init__(
        self,
        folder: Path,
        *,
        version: Callable[[], bytes | None] = fingerprint,
        max_bytes: int = MAX_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take a folder; it is made when there is something to keep.

        Args:
            folder: for this database alone.
            version: what changes when contents may be read differently; None: nothing is kept.
            max_bytes: how large the file may become.
            now: seconds since 1970, to tell what was used last.
        """
        self._path = folder / "readings.sqlite"
        self._version = version
        self._max_bytes = max_bytes
        self._now = now
        self._lock = threading.Lock()  # locks of a file are lost when another thread closes it

    def load(self, entries: Sequence[TreeEntry], terms: Terms) -> Mapping[str, Reading]:
        """Return by path what is kept of these contents; nothing if the file cannot be used."""
        paths = self._paths(entries, terms)
        found: dict[str, Reading] = {}
        old: list[tuple[bytes, bytes]] = []
        for key, day, value in self._stored(list(paths)):
            its = _decoded(key, value, paths.get(key, ()))
            found |= its
            old += [(key, value)] if its and day != self._today else []
        self._store(old)
        return found

    def save(self, readings: Mapping[TreeEntry, Reading], terms: Terms) -> None:
        """Keep what these contents say, as far as the file can be written and has room."""
        by_path = {entry.path: reading for entry, reading in readings.items()}
        rows: list[tuple[bytes, bytes]] = []
        left = self._max_bytes // 2
        for key, (path, *_) in self._paths(readings, terms).items():
            value = _encoded(key, path, by_path[path])
            left -= len(value) + _ROW_MORE_BYTES
            rows += [(key, value)] if value and left >= 0 else []
        self._store(rows)

    @property
    def _today(self) -> int:
        return int(self._now()) // _DAY_S

    def _paths(self, entries: Iterable[TreeEntry], terms: Terms) -> dict[bytes, list[str]]:
        """Return the paths of entries by the keys of their rows."""
        version = self._version()
        found: dict[bytes, list[str]] = {}
        for entry in entries if version else ():
            found.setdefault(_key(version or b"", entry, terms), []).append(entry.path)
        return found

    def _stored(self, keys: Sequence[bytes]) -> list[tuple[bytes, int, bytes]]:
        """Return key, day and value of the rows that are there."""
        rows: list[tuple[bytes, int, bytes]] = []
        with self._doing_without():
            if keys and self._is_there():
                with self._opened() as database:
                    rows = list(_rows_of(database, keys))
        return rows

    def _store(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Write keys and values, all or none."""
        with self._doing_without():
            if not rows:
                return
            self._make()
            with self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                if not _parts_of(database):  # nobody else was faster
                    database.execute(_SCHEMA)
                self._make_room(database, sum(len(value) + _ROW_MORE_BYTES for _, value in rows))
                today = self._today
                database.executemany(
                    "INSERT OR REPLACE INTO reading (key, day, value) VALUES (?, ?, ?)",
                    [(key, today, value) for key, value in rows],
                )
                database.execute("COMMIT")

    def _make_room(self, database: sqlite3.Connection, more_bytes: int) -> None:
        """Remove what was not used for the longest time; the file does not shrink, nor grow."""
        most = self._max_bytes - more_bytes - _SPARE_BYTES
        while _used_bytes(database) > most:
            (count,) = database.execute("SELECT count(*) FROM reading").fetchone()
            database.execute(
                "DELETE FROM reading WHERE id <="
                " (SELECT id FROM reading ORDER BY id LIMIT 1 OFFSET ?)",
                [count // _AT_ONCE],
            )
            if not count:
                break

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file and see that it is ours; it need not have anything yet."""
        name = f"{self._path.absolute().as_uri()}?mode=rw"
        database = sqlite3.connect(name, uri=True, timeout=_WAIT_S, isolation_level=None)
        with contextlib.closing(database):
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_ROW_BYTES)
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = OFF"):
                database.execute(f"PRAGMA {pragma}")
            if _parts_of(database) not in ([], _PARTS):
                raise sqlite3.DatabaseError("is another database")
            yield database

    def _is_there(self) -> bool:
        """Whether there is a file; what else may stand in its place is not opened."""
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is no file")
        return True

    def _make(self) -> None:
        """Make the file, for us alone; what sqlite puts beside it gets the same mode."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_there():
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, flags, 0o600))

    @contextmanager
    def _doing_without(self) -> Iterator[None]:
        """Do nothing where something fails; remove a file that is broken."""
        try:
            with self._lock:
                yield
        except OSError as error:
            log.debug("readings.unused", path=str(self._path), reason=error.strerror or str(error))
        except (sqlite3.Error, ValueError) as error:  # names in a broken file may be no text
            log.debug("readings.unused", path=str(self._path), reason=str(error))
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code & 0xFF not in _HINDRANCES:
                for suffix in ("", "-journal", "-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        self._path.with_name(self._path.name + suffix).unlink()


def _key(version: bytes, entry: TreeEntry, terms: Terms) -> bytes:
    """Return the key of what a content says; of kustomizations the path is part of what it says."""
    path = entry.path if is_kustomization_file(entry.path) else ""
    words = (entry.blob, path, terms.default_namespace, "all" if terms.is_survey else "")
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(version + text, digest_size=16).digest()


def _encoded(key: bytes, path: str, reading: Reading) -> bytes:
    """Return the value of a row: the reading after its checksum; nothing if it cannot be kept."""
    try:
        content = encode(path, reading)
    except ValueError as error:
        log.debug("readings.unkept", path=path, reason=str(error))
        return b""
    return _sum(key, content) + content if len(content) < MAX_ROW_BYTES else b""


def _decoded(key: object, value: object, paths: Iterable[str]) -> dict[str, Reading]:
    """Return by path what a row says; nothing if it is not as it was written."""
    if (
        isinstance(value, bytes)
        and isinstance(key, bytes)
        and value[:_SUM_BYTES] == _sum(key, value[_SUM_BYTES:])
    ):
        with contextlib.suppress(ValueError):
            return {path: decode(path, value[_SUM_BYTES:]) for path in paths}
    log.debug("readings.broken", key=str(key))
    return {}


def _sum(key: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(key + content, digest_size=_SUM_BYTES).digest()


def _rows_of(
    database: sqlite3.Connection, keys: Sequence[bytes]
) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield key, day and value of the rows that are there."""
    if not _parts_of(database):
        return
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        some = keys[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(some))
        query = f"SELECT key, day, value FROM reading WHERE key IN ({marks})"  # noqa: S608 - marks
        yield from database.execute(query, some)


def _parts_of(database: sqlite3.Connection) -> list[tuple[str, str | None]]:
    return database.execute("SELECT type, sql FROM sqlite_master ORDER BY rowid").fetchall()


def _used_bytes(database: sqlite3.Connection) -> int:
    def value(pragma: str) -> int:
        (number,) = database.execute(f"PRAGMA {pragma}").fetchone()
        return int(number)

    return (value("page_count") - value("freelist_count")) * value("page_size")

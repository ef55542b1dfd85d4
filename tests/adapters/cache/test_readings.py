"""The database of readings: it saves time, and nothing that happens to it does more harm."""

import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.adapters.cache import readings
from reconciler.adapters.cache.readings import ReadingFile
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.kustomization import Overlay
from reconciler.core.manifests.reading import Reading, Terms
from reconciler.core.manifests.tree import EntryKind, TreeEntry
from reconciler.errors import ManifestError
from reconciler.interfaces import logs

TERMS = Terms("default")
DAY_S = 86_400


@pytest.fixture
def said() -> io.StringIO:
    """What is logged, at every level."""
    stream = io.StringIO()
    logs.configure(level="debug", form="json", stream=stream)
    return stream


def events(said: io.StringIO) -> list[tuple[str, str]]:
    lines = map(json.loads, said.getvalue().splitlines())
    return [(each["event"], each["level"]) for each in lines]


def entry(number: int, path: str = "") -> TreeEntry:
    return TreeEntry(path or f"{number}.yaml", EntryKind.FILE, f"{number:040x}")


def problem(number: int, size: int = 10) -> ManifestError:
    """Return a reading that is easy to know again."""
    return ManifestError(f"{number}" + "x" * size, where=f"{number}.yaml")


def save(store: ReadingFile, *numbers: int, size: int = 10) -> None:
    store.save({entry(each): problem(each, size) for each in numbers}, TERMS)


def known(store: ReadingFile, *numbers: int) -> list[int]:
    """Return which of these readings are kept; those that are, are right."""
    found = store.load([entry(each) for each in numbers], TERMS)
    for path, reading in found.items():
        assert isinstance(reading, ManifestError)
        assert reading.message.rstrip("x") == path.removesuffix(".yaml")
    return [each for each in numbers if f"{each}.yaml" in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database that knows of 1, 2 and 3."""
    save(ReadingFile(tmp_path), 1, 2, 3)
    return tmp_path / "readings.sqlite"


# Whose it is


def test_the_folder_and_the_file_are_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "readings"
    save(ReadingFile(folder), 1)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in folder.iterdir()] == ["readings.sqlite"]
    assert (folder / "readings.sqlite").stat().st_mode & 0o777 == 0o600


def test_what_another_version_kept_is_not_found(tmp_path: Path) -> None:
    old = ReadingFile(tmp_path, version=lambda: b"1")
    new = ReadingFile(tmp_path, version=lambda: b"2")
    save(old, 1)

    assert known(new, 1) == []
    save(new, 1, 2)
    assert (known(old, 1, 2), known(new, 1, 2)) == ([1], [1, 2])


def test_where_nobody_can_tell_the_version_nothing_is_kept(tmp_path: Path) -> None:
    store = ReadingFile(tmp_path / "readings", version=lambda: None)
    save(store, 1)

    assert known(store, 1) == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_content_is_known_at_each_path_and_a_kustomization_at_its_own(
    tmp_path: Path,
) -> None:
    store = ReadingFile(tmp_path)
    overlay = FileReport("a/kustomization.yaml", overlay=Overlay("a/kustomization.yaml", (), ()))
    store.save({entry(1): FileReport("1.yaml"), entry(2, "a/kustomization.yaml"): overlay}, TERMS)

    asked = [entry(1, "b/moved.yaml"), entry(1, "c.yaml"), entry(2, "b/kustomization.yaml")]

    assert store.load(asked, TERMS) == {
        "b/moved.yaml": FileReport("b/moved.yaml"), "c.yaml": FileReport("c.yaml"),
    }  # fmt: skip
    assert store.load([entry(2, "a/kustomization.yaml")], TERMS) == {overlay.path: overlay}


# What may happen to the file


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no database\n" * 1000, id="something-else"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 8000, id="only-its-beginning"),
    ],
)
def test_what_is_no_database_is_thrown_away_and_made_anew(
    file: Path, said: io.StringIO, content: bytes
) -> None:
    file.write_bytes(content)
    store = ReadingFile(file.parent)

    assert known(store, 1) == []
    assert events(said) == [("readings.unused", "debug")]
    save(store, 2)
    assert known(store, 1, 2) == [2]


@pytest.mark.parametrize("share", [0, 1, 40, 99])
def test_a_file_that_was_cut_off_does_no_harm(file: Path, share: int) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * share // 100])
    store = ReadingFile(file.parent)

    known(store, 1, 2, 3)
    save(store, 4)
    save(store, 4)

    assert 4 in known(store, 1, 2, 3, 4)


def test_whatever_bytes_change_no_reading_is_another_one(file: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - the same bytes each time
    whole = file.read_bytes()
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.choice([1, 4, 64])):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        file.write_bytes(broken)
        store = ReadingFile(file.parent)
        for _ in range(5):
            known(store, 1, 2, 3)  # checks what is found
            save(store, 4)
        assert known(store, 4) == [4]


def test_a_row_that_is_not_as_it_was_written_is_as_good_as_none(
    file: Path, said: io.StringIO
) -> None:
    with sqlite3.connect(file) as database:
        database.execute(
            "UPDATE reading SET value = (SELECT value FROM reading WHERE id = 2) WHERE id = 1"
        )
        database.execute("UPDATE reading SET value = 'a text' WHERE id = 3")
    database.close()
    store = ReadingFile(file.parent)

    assert known(store, 1, 2, 3) == [2]
    assert events(said) == [("readings.broken", "debug")] * 2
    save(store, 1)
    assert known(store, 1, 2, 3) == [1, 2]


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["DROP TABLE reading", "CREATE TABLE reading (key, value)"], id="older"),
        pytest.param(["ALTER TABLE reading ADD COLUMN more"], id="newer"),
        pytest.param(
            [
                "DROP TABLE reading",
                (
                    "CREATE VIEW reading AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1"
                    " FROM n) SELECT x AS id, x AS key, x AS day, x AS value FROM n"
                ),
            ],
            id="without-end",
        ),
        pytest.param(
            ["CREATE TRIGGER t AFTER INSERT ON reading BEGIN DELETE FROM reading; END"],
            id="trigger",
        ),
    ],
)
def test_a_database_of_another_shape_is_not_ours(file: Path, statements: list[str]) -> None:
    with sqlite3.connect(file) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    store = ReadingFile(file.parent)

    assert known(store, 1) == []
    save(store, 2)
    assert known(store, 2) == [2]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_stands_in_its_place_is_left_alone(
    tmp_path: Path, said: io.StringIO, kind: str
) -> None:
    path = tmp_path / "readings.sqlite"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        (tmp_path / "precious").write_text("precious")
        path.symlink_to(tmp_path / "precious")
    store = ReadingFile(tmp_path)

    save(store, 1)

    assert known(store, 1) == []
    assert set(events(said)) == {("readings.unused", "debug")}
    assert path.lstat()
    assert kind != "link" or (tmp_path / "precious").read_text() == "precious"


def test_the_folder_may_go_away_and_come_back(tmp_path: Path) -> None:
    store = ReadingFile(tmp_path / "readings")
    save(store, 1)
    (tmp_path / "readings").rename(tmp_path / "elsewhere")

    assert known(store, 1) == []
    save(store, 2)
    assert known(store, 1, 2) == [2]


# Where it cannot be written


def test_what_cannot_be_made_is_done_without(tmp_path: Path, said: io.StringIO) -> None:
    (tmp_path / "readings").write_text("a file in the folder's place")
    store = ReadingFile(tmp_path / "readings")

    save(store, 1)

    assert known(store, 1) == []
    assert set(events(said)) == {("readings.unused", "debug")}


def test_what_cannot_be_written_can_be_read(file: Path, said: io.StringIO) -> None:
    before = file.read_bytes()
    tomorrow = ReadingFile(file.parent, now=lambda: time.time() + DAY_S)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        assert known(tomorrow, 1, 2, 3) == [1, 2, 3]
        save(tomorrow, 4)
        assert known(tomorrow, 4) == []
        other.execute("ROLLBACK")
    other.close()

    assert file.read_bytes() == before
    assert ("readings.unused", "debug") in events(said)
    save(tomorrow, 4)
    assert known(tomorrow, 4) == [4]


def test_a_full_disk_is_done_without_and_costs_nothing_that_is_known(
    file: Path, tmp_path: Path
) -> None:
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.adapters.cache.test_readings import ReadingFile, known, save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = ReadingFile(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "save(store, *range(10, 200), size=1000)\n"
        "assert known(store, 1, 2, 3, 10, 199) == [1, 2, 3]\n"
        "print('done')\n"
    )
    done = in_another_process(script, tmp_path)

    assert done.communicate()[0].endswith("done\n")
    assert known(ReadingFile(file.parent), 1, 2, 3) == [1, 2, 3]


def in_another_process(script: str, *arguments: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )


# Others who use it


def test_who_is_killed_while_writing_leaves_a_file_that_can_be_used(
    file: Path, tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.adapters.cache.test_readings import ReadingFile, save\n"
        "store = ReadingFile(Path(sys.argv[1]))\n"
        "print('begun', flush=True)\n"
        "while True:\n"
        "    save(store, *range(10, 900), size=500)\n"
    )
    for number in range(3):
        child = in_another_process(script, tmp_path)
        assert child.stdout is not None
        child.stdout.readline()
        threading.Event().wait(0.05 * number)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

        assert known(ReadingFile(file.parent), 1, 2, 3) == [1, 2, 3]
    save(ReadingFile(file.parent), 4)
    assert known(ReadingFile(file.parent), 4) == [4]


def test_several_threads_and_stores_share_it(tmp_path: Path) -> None:
    stores = [ReadingFile(tmp_path) for _ in range(3)]

    def work(number: int) -> None:
        store = stores[number % 3]
        for each in range(number * 100, number * 100 + 20):
            save(store, each)
            known(store, *range(600))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wanted = [number * 100 + each for number in range(6) for each in range(20)]
    for each in wanted:
        save(stores[0], each)  # who waited too long did without
    assert known(stores[1], *wanted) == wanted


# How much it keeps


def test_it_stays_within_its_size_and_forgets_what_was_not_used_for_long(tmp_path: Path) -> None:
    today = 0

    def now() -> float:
        return 20_000.0 * DAY_S + today * DAY_S

    store = ReadingFile(tmp_path, max_bytes=400_000, now=now)
    for today in range(40):
        save(store, *range(today * 20, today * 20 + 20), size=1000)
        assert known(store, 0, 5) == [0, 5]  # used each day
        assert (tmp_path / "readings.sqlite").stat().st_size <= 400_000

    kept = known(store, *range(800))
    assert kept[:2] == [0, 5]
    assert kept[-20:] == list(range(780, 800))
    assert 200 < len(kept) < 400
    assert kept[2:] == list(range(800 - len(kept) + 2, 800))


def test_more_than_there_is_room_for_is_kept_in_part(tmp_path: Path) -> None:
    store = ReadingFile(tmp_path, max_bytes=100_000)

    save(store, *range(500), size=1000)

    assert 20 < len(known(store, *range(500))) < 100
    assert (tmp_path / "readings.sqlite").stat().st_size <= 100_000


def test_a_reading_that_is_very_large_is_not_kept(tmp_path: Path) -> None:
    store = ReadingFile(tmp_path)
    large: Mapping[TreeEntry, Reading] = {entry(1): problem(1, readings.MAX_ROW_BYTES)}
    store.save({**large, entry(2): problem(2)}, TERMS)

    assert known(store, 1, 2) == [2]


def test_what_cannot_be_written_down_is_read_each_time(tmp_path: Path, said: io.StringIO) -> None:
    store = ReadingFile(tmp_path)

    store.save({entry(1): ManifestError("\ud800", where="1.yaml")}, TERMS)

    assert known(store, 1) == []
    assert events(said) == [("readings.unkept", "debug")]

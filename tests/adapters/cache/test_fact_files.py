import io
import json
import os
import threading
from pathlib import Path

import pytest

from reconciler.adapters.cache.facts import FactFiles
from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.reference import Repository
from reconciler.interfaces import logs
from tests.fakes.images import NEW_YEAR, digest_for

WEB = Repository("r.example", "acme/web")


@pytest.fixture
def said() -> io.StringIO:
    """What is logged, at every level."""
    stream = io.StringIO()
    logs.configure(level="debug", form="json", stream=stream)
    return stream


def facts(*tags: str) -> Facts:
    digests = {tag: digest_for(tag) for tag in tags}
    return Facts(digests, dict.fromkeys(digests.values(), NEW_YEAR))


def saved(folder: Path, repository: Repository = WEB, *tags: str) -> Path:
    """Save something and return the one file that is new."""
    before = set(folder.iterdir()) if folder.exists() else set()
    FactFiles(folder).save(repository, facts(*tags or ("v1",)))
    (file,) = set(folder.iterdir()) - before
    return file


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"version":1,"repo', id="cut-off"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"[]", id="another-shape"),
        pytest.param(b'{"version":1}', id="parts-missing"),
    ],
)
def test_a_file_that_is_broken_counts_for_nothing_and_is_written_anew(
    content: bytes, tmp_path: Path, said: io.StringIO
) -> None:
    file = saved(tmp_path)
    file.write_bytes(content)

    store = FactFiles(tmp_path)
    assert store.load(WEB) == NO_FACTS
    store.save(WEB, facts("v2"))

    (line,) = map(json.loads, said.getvalue().splitlines())
    assert (line["event"], line["level"]) == ("facts.unread", "debug")
    assert FactFiles(tmp_path).load(WEB) == facts("v2")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("repository", "r.example/other", id="of-another-repository"),
        pytest.param("images", {digest_for("v1"): {"created": "2026-01-01T00:00:00"}}, id="zone"),
        pytest.param("images", {digest_for("v1"): {"platforms": ["?"]}}, id="platform"),
        pytest.param("version", 3, id="of-another-version"),
    ],
)
def test_a_file_that_says_what_we_never_wrote_counts_for_nothing(
    key: str, value: object, tmp_path: Path
) -> None:
    file = saved(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))

    assert FactFiles(tmp_path).load(WEB) == NO_FACTS


def test_a_file_of_the_version_before_is_read(tmp_path: Path) -> None:
    file = saved(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 1}))

    assert FactFiles(tmp_path).load(WEB) == facts("v1")


def test_a_folder_that_goes_away_costs_nothing_but_time(tmp_path: Path) -> None:
    folder = tmp_path / "facts"
    store = FactFiles(folder)
    store.save(WEB, facts("v1"))
    (file,) = folder.iterdir()
    file.unlink()
    folder.rmdir()

    assert store.load(WEB) == facts("v1")
    store.save(WEB, facts("v1", "v2"))
    assert FactFiles(folder).load(WEB) == facts("v1", "v2")


def test_where_nothing_can_be_written_what_was_read_is_remembered_all_the_same(
    tmp_path: Path, said: io.StringIO
) -> None:
    (tmp_path / "facts").write_text("a file in the folder's place")
    store = FactFiles(tmp_path / "facts")

    store.save(WEB, facts("v1"))

    assert store.load(WEB) == facts("v1")
    (line,) = map(json.loads, said.getvalue().splitlines())
    assert line["event"] == "facts.unkept"


def test_what_is_too_large_for_a_file_is_kept_in_memory_alone(
    tmp_path: Path, said: io.StringIO
) -> None:
    store = FactFiles(tmp_path, max_file_bytes=1000)
    store.save(WEB, facts("v1", "v2"))
    store.save(WEB, facts(*(f"v{number}" for number in range(20))))

    assert len(store.load(WEB).digests) == 20
    assert FactFiles(tmp_path).load(WEB) == facts("v1", "v2")
    assert '"reason":"is too large"' in said.getvalue().replace(": ", ":")


def test_files_are_for_nobody_else_and_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "facts"
    store = FactFiles(folder)
    store.save(WEB, facts("v1"))
    (file,) = folder.iterdir()
    before = file.stat()
    store.save(WEB, facts("v1"))

    assert folder.stat().st_mode & 0o077 == 0
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_files_that_were_written_the_longest_ago_make_room(tmp_path: Path) -> None:
    size = saved(tmp_path, Repository("r.example", "acme/r0")).stat().st_size
    for number in range(1, 4):
        file = saved(tmp_path, Repository("r.example", f"acme/r{number}"))
        os.utime(file, (number, number))

    store = FactFiles(tmp_path, max_bytes=4 * size + 8)  # its name is longer by a letter
    store.save(WEB, facts("v1"))

    kept = [FactFiles(tmp_path).load(Repository("r.example", f"acme/r{each}")) for each in range(4)]
    assert [bool(each.digests) for each in kept] == [True, False, True, True]
    assert FactFiles(tmp_path).load(WEB) == facts("v1")


def test_the_folder_is_not_looked_at_for_each_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    scandir = os.scandir

    def counted(path: Path) -> object:
        nonlocal looks
        looks += 1
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", counted)
        store = FactFiles(tmp_path)
        for number in range(300):
            store.save(Repository("r.example", f"acme/r{number}"), facts("v1"))

    assert len(list(tmp_path.glob("*.json"))) == 300
    assert looks == 1


def test_a_folder_that_is_full_stays_within_its_bounds(tmp_path: Path) -> None:
    size = saved(tmp_path, WEB).stat().st_size + 8
    store = FactFiles(tmp_path, max_bytes=60 * size)

    for number in range(200):
        store.save(Repository("r.example", f"acme/r{number}"), facts("v1"))

    files = list(tmp_path.glob("*.json"))
    assert 50 < len(files) <= 60 * size // files[0].stat().st_size
    assert FactFiles(tmp_path).load(Repository("r.example", "acme/r199")) == facts("v1")


def test_several_processes_leave_a_whole_file(tmp_path: Path) -> None:
    versions = [facts(*(f"v{number}" for number in range(50 * each))) for each in range(1, 5)]

    def write(each: Facts) -> None:
        for _ in range(20):
            FactFiles(tmp_path).save(WEB, each)

    threads = [threading.Thread(target=write, args=(each,)) for each in versions]
    for thread in threads:
        thread.start()
    loaded = [FactFiles(tmp_path).load(WEB) for _ in range(50)]
    for thread in threads:
        thread.join()

    assert all(each in [NO_FACTS, *versions] for each in loaded)
    assert FactFiles(tmp_path).load(WEB) in versions
    assert len(list(tmp_path.iterdir())) == 1

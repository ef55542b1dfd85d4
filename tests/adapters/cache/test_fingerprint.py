import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reconciler
from reconciler.adapters.cache.fingerprint import fingerprint

fresh: Callable[[], bytes | None] = fingerprint.__wrapped__


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of two modules."""
    (tmp_path / "core" / "manifests").mkdir(parents=True)
    (tmp_path / "core" / "manifests" / "images.py").write_text("A = 1\n")
    (tmp_path / "errors.py").write_text("")
    monkeypatch.setattr(reconciler, "__path__", [str(tmp_path)])
    return tmp_path


def test_it_is_the_same_for_the_same_program(program: Path) -> None:
    before = fresh()
    (program / "interfaces.py").write_text("print()\n")  # reads no contents

    assert before
    assert fresh() == before


def test_it_changes_with_any_line_that_may_read_a_content_differently(program: Path) -> None:
    found = {fresh()}
    (program / "core" / "manifests" / "images.py").write_text("A = 2\n")
    found.add(fresh())
    (program / "core" / "more.py").write_text("A = 1\n")
    found.add(fresh())
    (program / "core" / "more.py").rename(program / "core" / "less.py")
    found.add(fresh())

    assert len(found) == 4


def test_it_changes_with_the_versions_of_the_parsers(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del program
    before = fresh()
    packages = tmp_path / "site-packages"
    (packages / "google_re2-9.9.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys.modules["re2"], "__file__", str(packages / "re2.py"))

    assert fresh() not in (before, None)


def test_without_sources_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "__path__", [str(tmp_path)])

    assert fresh() is None
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.py").symlink_to("nowhere")
    assert fresh() is None


def test_of_this_program_it_is_known() -> None:
    assert fingerprint() == fresh()

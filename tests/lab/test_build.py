"""The lab's programs are built once, by the hash of all that they are built from."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab import build
from lab.process import LabError, MissingPartError

ROOT = Path(__file__).parents[2]
GO = """\
#!/bin/sh
case $1 in
version) echo go version go1.99 test/test;;
list) echo {module};;
build) echo "$PWD $*" >> {log}; sleep 0.2; {result}
  while [ "$1" != -o ]; do shift; done; echo built > "$2";;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that writes down what it is asked to build, and an empty cache."""
    monkeypatch.setenv("RECONCILE_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    stage = tmp_path / "module" / "kustomize" / "stage" / "pod" / "fast"
    stage.mkdir(parents=True)
    (stage / "pod-ready.yaml").write_text("kind: Stage\n")
    (stage / "kustomization.yaml").write_text("kind: Kustomization\n")
    install_go(tmp_path)
    build._go_version.cache_clear()
    return tmp_path / "log"


@pytest.fixture(autouse=True)
def _forget_the_version() -> object:
    yield
    build._go_version.cache_clear()


def install_go(folder: Path, result: str = "") -> None:
    go = folder / "go"
    go.write_text(GO.format(module=folder / "module", log=folder / "log", result=result))
    go.chmod(0o755)


def test_what_is_built_is_not_built_again(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert not build.is_built()

    build.build_all()
    build.build_all()

    assert build.is_built()
    assert [line.split()[0].rpartition("/")[2] for line in log.read_text().splitlines()] == [
        "kubernetes",
        "kwok",
        "registry",
        "registry2",
        "kustomize",
        "sops",
    ]
    assert "lab: building kubernetes (about 8 minutes the first time) ..." in capfd.readouterr().err


@pytest.mark.usefixtures("log")
def test_the_stages_of_kwok_are_kept_beside_it() -> None:
    build.build_all(["kwok"])

    stages = build.require("kwok").parent / "stages"
    assert [file.name for file in stages.iterdir()] == ["pod-fast-pod-ready.yaml"]


def test_two_that_need_a_program_build_it_once(log: Path) -> None:
    threads = [threading.Thread(target=build.build_all, args=(["registry"],)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(log.read_text().splitlines()) == 1


@pytest.mark.usefixtures("log")
def test_another_go_or_other_sources_make_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build.program_path("registry")

    sources = tmp_path / "sources"
    (sources / "registry").mkdir(parents=True)
    (sources / "registry" / "go.mod").write_text("module other\n")
    monkeypatch.setattr(build, "SOURCES", sources)
    other = build.program_path("registry")
    (tmp_path / "go").unlink()
    build._go_version.cache_clear()

    assert len({path, other, build.program_path("registry")}) == 3


@pytest.mark.usefixtures("log")
def test_a_build_that_fails_is_told_in_its_words_and_leaves_nothing(tmp_path: Path) -> None:
    install_go(tmp_path, result="echo no such module >&2; exit 1")

    with pytest.raises(LabError, match="building registry failed:\nno such module"):
        build.build_all(["registry"])

    assert [file.name for file in build.program_path("registry").parent.iterdir()] == ["lock"]


@pytest.mark.usefixtures("log")
def test_what_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match=r"kwok is not built: run `make lab-build`"):
        build.require("kwok")

    (tmp_path / "go").unlink()
    build._go_version.cache_clear()
    with pytest.raises(MissingPartError, match="install Go"):
        build.build_all()


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECONCILE_LAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert build.cache_folder() == tmp_path / "reconcile-lab"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build.cache_folder() == tmp_path / ".cache" / "reconcile-lab"


def test_what_builds_the_lab_needs_nothing_but_python() -> None:
    names = ("lab.build", "lab.container", "bench.stand_in")  # run before there is an environment
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {', '.join(names)}"

    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)

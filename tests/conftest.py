"""The lab's parts as fixtures: started once a test process, skipped (in CI: failed) if missing."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from lab.control_plane import ControlPlane
from lab.git_server import GitHttpServer, serving
from lab.process import LabError
from lab.registry import Registry

Part = TypeVar("Part")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server with its controllers; tests share it, each in namespaces of its own."""
    plane = _required(lambda: ControlPlane.start(tmp_path_factory.mktemp("cluster")))
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real registry that wants a password."""
    yield from _registry(tmp_path_factory.mktemp("registry"), has_password=True)


@pytest.fixture(scope="session")
def anonymous_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real registry that anybody may use."""
    yield from _registry(tmp_path_factory.mktemp("registry"), has_password=False)


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """``git http-backend`` over the folder ``git`` of ``tmp_path``, with a password."""
    folder = tmp_path / "git"
    folder.mkdir()
    with serving(folder, password="git-password") as server:
        yield server


def _registry(folder: Path, *, has_password: bool) -> Iterator[Registry]:
    registry = _required(lambda: Registry.launch(folder, has_password=has_password))
    yield registry
    registry.stop()


def _required(start: Callable[[], Part]) -> Part:
    """Return a started part; without it a test is skipped, but in CI it fails."""
    try:
        return start()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))

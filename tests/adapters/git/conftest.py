"""A remote on disk and a clone of it; modules with servers have their own."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from reconciler.adapters.git.repository import GitRepository
from tests.adapters.git.clones import another


@pytest.fixture
def remote(tmp_path: Path) -> BareRemote:
    """A remote with two files."""
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"a": b"1", "b": b"1"}, "first")
    return remote


@pytest.fixture
def repository(remote: BareRemote, tmp_path: Path) -> GitRepository:
    """That remote through a clone that is not there yet."""
    return another(remote, tmp_path)

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.registry import Registry
from tests.e2e.world import World

_numbers = itertools.count(1)


@pytest.fixture
def world(tmp_path: Path, control_plane: ControlPlane, registry: Registry) -> Iterator[World]:
    """A story of its own, in a namespace that is there already."""
    name = f"managed{os.getpid()}-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    yield World.create(name, tmp_path, control_plane, registry)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")

import itertools
import os
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.registry import Registry
from tests.e2e.world import World

_numbers = itertools.count(1)


@pytest.fixture
def world(tmp_path: Path, control_plane: ControlPlane, registry: Registry) -> World:
    """A story of its own on the shared parts."""
    return World.create(f"web{os.getpid()}-{next(_numbers)}", tmp_path, control_plane, registry)

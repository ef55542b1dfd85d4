"""The long runs in a short form; ``make soak`` has them in full."""

import random
import sys
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.git_server import GitHttpServer
from lab.registry import Registry
from tests.soak.endure import Endurance
from tests.soak.fleet import Fleet
from tests.soak.kill import Killing
from tests.soak.race import Race

pytestmark = [pytest.mark.registry, pytest.mark.git_server, pytest.mark.slow]


@pytest.fixture
def seed() -> int:
    """Another one each time; pytest shows it with a run that fails."""
    number = random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"seed {number}\n")
    return number


@pytest.mark.timeout(1800)
def test_of_many_who_push_at_once_nobody_loses_a_commit_and_ours_come_once_each(
    tmp_path: Path, git_server: GitHttpServer, registry: Registry, seed: int
) -> None:
    fleet = Fleet.create(tmp_path, git_server, registry, size=20)

    Race(fleet, writers=4, commits=25, waves=3, seed=seed).run()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("names", [("east", "west"), ("default/1", "default/2")])
def test_two_of_us_on_one_branch_make_each_change_once(
    tmp_path: Path,
    git_server: GitHttpServer,
    registry: Registry,
    seed: int,
    names: tuple[str, str],
) -> None:
    fleet = Fleet.create(tmp_path, git_server, registry, size=5)

    Race(fleet, writers=1, commits=8, waves=4, seed=seed, names=names).run()


@pytest.mark.timeout(1800)
def test_killed_at_any_moment_the_next_run_recovers_with_one_commit_a_change(
    tmp_path: Path, git_server: GitHttpServer, registry: Registry, seed: int
) -> None:
    fleet = Fleet.create(tmp_path, git_server, registry, size=3)

    Killing(fleet, moments=12, seed=seed).run()


@pytest.mark.cluster
@pytest.mark.timeout(1800)
def test_a_process_with_faults_in_between_goes_on_and_leaks_nothing(
    tmp_path: Path, control_plane: ControlPlane, seed: int
) -> None:
    registry = Registry.launch(tmp_path / "registry", has_password=True)
    try:
        (tmp_path / "run").mkdir()
        # So few cycles are part of the beginning: caches fill, and threads are made.
        Endurance(tmp_path / "run", control_plane, registry, cycles=120, seed=seed, flat=1.2).run()
    finally:
        registry.stop()

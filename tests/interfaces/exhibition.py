"""A board with something on it: real cycles over remotes and registries in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline import cycle
from reconciler.pipeline.board import Board
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeGit
from tests.fakes.registry import FakeRegistries

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: web
  annotations:
    fluxcd.io/automated: "true"
    {more}
spec:
  template:
    spec:
      containers:
      - name: main
        image: {image}
"""
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Silent:
    def tell(self, event: object) -> None:
        del event


def deployment(name: str, image: str, more: str = "fluxcd.io/ignore: none") -> bytes:
    return DEPLOYMENT.format(name=name, image=image, more=more).encode()


@dataclass
class Exhibition:
    """Sources whose cycles are shown on a board.

    Attributes:
        tags: what the registries list.
        remotes: of the sources, by name.
        moment: what the board's clock shows; each cycle takes a second.
    """

    tags: dict[str, list[str]] = field(default_factory=dict)
    remotes: dict[str, FakeGit] = field(default_factory=lambda: {"shop": FakeGit()})
    moment: datetime = NOON

    def __post_init__(self) -> None:
        self.memories = {name: Memory() for name in self.remotes}
        self.settings = {
            name: SourceSettings(
                name, GitSettings(f"https://git.example/{name}"), SyncSettings(), is_synced=False
            )
            for name in self.remotes
        }
        self.board = Board(self.settings.values(), self.memories, now=lambda: self.moment)

    def put(self, files: Mapping[str, bytes], source: str = "shop") -> None:
        self.remotes[source].put(files)

    def cycle(
        self,
        source: str = "shop",
        why: Why = Why.SCHEDULE,
        *,
        durations: Mapping[str, float] | None = None,
    ) -> CycleOutcome:
        """Run one cycle, and show it; its clock stands still, so it took what it is said to."""
        self.board.started(source, Demand.of(why))
        outcome = cycle.run(
            self.settings[source],
            Parts(
                repository=self.remotes[source],
                registries=FakeRegistries(self.tags),
                cluster=None,
                clock=FakeClock(),
                jitter=lambda: 0.5,
                progress=Silent(),
                memory=self.memories[source],
            ),
        )
        self.moment += timedelta(seconds=1)
        self.board.ended(replace(outcome, durations=durations or outcome.durations))
        return outcome


def exhibition() -> Exhibition:
    """Return a source with an image that is updated, one that is current, one that is held."""
    shown = Exhibition(
        {
            "r.example/web": ["v1", "v3", "v4", "latest"],
            "r.example/api": ["1.0.0", "1.1.0", "2.0.0"],
        }
    )
    shown.put(
        {
            "api.yaml": deployment("api", "r.example/api:1.1.0", "fluxcd.io/tag.main: semver:^1"),
            "down.yaml": deployment("down", "r.example/down:v1"),
            "locked.yaml": deployment("locked", "r.example/web:v1", 'fluxcd.io/locked: "true"'),
            "web.yaml": deployment("web", "r.example/web:v3"),
        }
    )
    shown.cycle(why=Why.START)
    return shown

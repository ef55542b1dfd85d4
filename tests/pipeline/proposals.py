"""A place where proposals play: a real repository of Git, and registries that are fakes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import ReconcilerError
from reconciler.pipeline import cycle
from reconciler.pipeline.events import Event
from reconciler.pipeline.git_port import Forge
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.requests import Requests
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistries

BRANCH = "reconcile/web"
NGINX = "registry.example/acme/nginx"
REDIS = "registry.example/acme/redis"


def deployment(name: str, image: str) -> bytes:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  annotations:
    fluxcd.io/automated: "true"
spec:
  template:
    spec:
      containers:
      - name: {name}
        image: {image}
""".encode()


@dataclass
class Recorder:
    """Remembers what was told, and may do something at it."""

    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda _: None

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)


@dataclass
class World:
    """A remote with two workloads, and one of us that proposes.

    Attributes:
        tags: by repository; they are of the registries.
        git: of the settings, besides the remote.
        forge: makes what shows the proposals; None: nobody does.
    """

    folder: Path
    remote: BareRemote
    tags: dict[str, Sequence[str] | ReconcilerError]
    git: dict[str, object] = field(default_factory=lambda: {"push_branch": BRANCH})
    name: str = "default"
    recorder: Recorder = field(default_factory=Recorder)
    forge: Callable[[], Forge] | None = None

    @classmethod
    def create(cls, folder: Path) -> "World":
        remote = BareRemote.create(folder / "web.git")
        remote.put(
            {
                "nginx.yaml": deployment("nginx", f"{NGINX}:v3"),
                "redis.yaml": deployment("redis", f"{REDIS}:v1"),
            }
        )
        return cls(folder, remote, {NGINX: ["v3", "v4"], REDIS: ["v1"]})

    @property
    def settings(self) -> GitSettings:
        more: Mapping[str, object] = self.git
        return GitSettings(url=str(self.remote.path), **more)  # type: ignore[arg-type]  # test data

    def parts(self) -> Parts:
        """Return the parts of another process of ours."""
        settings = self.settings
        repository = GitRepository(settings, self.folder / f"clone-{self.name}")
        branch = settings.push_branch
        return Parts(
            repository=repository,
            registries=FakeRegistries(self.tags),
            cluster=None,
            clock=FakeClock(),
            jitter=lambda: 0.5,
            progress=self.recorder,
            proposals=repository.side_branch(branch) if branch else None,
            requests=Requests(self.forge(), branch) if self.forge and branch else None,
        )

    def run(self, *, dry_run: bool = False, parts: Parts | None = None) -> CycleOutcome:
        """Run a cycle, as a new process would unless parts are given."""
        source = SourceSettings(
            name=self.name,
            git=self.settings,
            sync=SyncSettings(dry_run=dry_run),
            is_synced=False,
        )
        return cycle.run(source, parts or self.parts())

    def images(self, branch: str = BRANCH) -> list[str]:
        """Return the images that stand on a branch."""
        texts = self.remote.files(branch).values()
        lines = (line.strip() for text in texts for line in text.decode().splitlines())
        return [line.rpartition("/")[2] for line in lines if line.startswith("image:")]

    def commits(self, branch: str = BRANCH) -> list[str]:
        """Return the subjects of the commits that a branch has above main, the newest first."""
        found = git(self.remote.path, "log", "--format=%s", f"main..{branch}")
        return found.split("\n") if found else []

    def person(self, *arguments: str) -> str:
        """Run git at the remote as a person."""
        return git(self.remote.path, *arguments)

    def merge(self, how: str) -> None:
        """Merge the branch as a forge does, and leave it there."""
        head, base = self.remote.tip(BRANCH), self.remote.tip()
        tree = self.person("rev-parse", f"{head}^{{tree}}")
        message = self.person("log", "-1", "--format=%B", head)
        match how:
            case "merge":
                made = self.person(
                    "commit-tree", "-p", base, "-p", head, "-m", "Merge a request", tree
                )
            case "squash" | "rebase":
                made = self.person("commit-tree", "-p", base, "-m", message, tree)
            case _:
                made = head
        self.person("update-ref", "refs/heads/main", made)

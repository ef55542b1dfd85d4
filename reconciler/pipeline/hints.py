"""Hints: what webhooks tell becomes cycles of the sources that it is about."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from reconciler.core.hooks.events import BranchHint, Hint, ImageHint
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.events import Applying, Event, Progress, Pushed
from reconciler.pipeline.listings import Listings
from reconciler.settings import SourceSettings

MAX_COMMITS = 100  # of ours that are remembered


class Known:
    """The commits that one source has pushed or seen: what tells of them is no news.

    Passes on what it hears of a cycle. Safe to use from many threads.
    """

    def __init__(self, progress: Progress) -> None:
        """Know of none.

        Args:
            progress: hears all this, too.
        """
        self._progress = progress
        self._commits: deque[str] = deque(maxlen=MAX_COMMITS)

    def tell(self, event: Event) -> None:
        """Take note of a commit."""
        if isinstance(event, (Pushed, Applying)):
            self._commits.append(event.revision.commit)
        self._progress.tell(event)

    def __contains__(self, commit: str) -> bool:
        return commit in self._commits


@dataclass(frozen=True, slots=True)
class Aim:
    """What makes a hint one for a source.

    Attributes:
        source: which.
        listings: the repositories of its images.
        known: its commits.
    """

    source: SourceSettings
    listings: Listings
    known: Known


class Hints:
    """Asks for the cycles that hints are about. Safe to use from many threads."""

    def __init__(self, aims: Iterable[Aim], request: Callable[[str, Demand], None]) -> None:
        """Serve these sources.

        Args:
            aims: of all of them.
            request: asks for a cycle of a source.
        """
        self._aims = tuple(aims)
        self._request = request
        self._lock = threading.Lock()

    def take(self, hints: Iterable[Hint]) -> frozenset[str]:
        """Ask for a cycle of each source that a hint is about; return their names.

        One cycle looks at all that the hints of a delivery say of a source. What is said of
        repositories, branches and images that no source has is nobody's business.
        """
        demands: dict[str, Demand] = {}
        for hint in hints:
            for name, demand in self._demands(hint).items():
                demands[name] = demands[name] | demand if name in demands else demand
        for name, demand in demands.items():
            self._request(name, demand)
        return frozenset(demands)

    def _demands(self, hint: Hint) -> Mapping[str, Demand]:
        match hint:
            case ImageHint():
                return self._of_image(hint)
            case BranchHint():
                demand = Demand.of(Why.WEBHOOK, ())
                return {aim.source.name: demand for aim in self._aims if _has_moved(aim, hint)}

    def _of_image(self, hint: ImageHint) -> Mapping[str, Demand]:
        """Return the demands that an image makes of the sources that have it.

        Inside a cluster a registry often has another name than in manifests: those of the same name
        count alone, if there are any; else those that have the path at whatever registry.
        """
        wanted = {
            aim.source.name: {
                each for each in aim.listings.wanted if each.partition("/")[2] == hint.path
            }
            for aim in self._aims
            if aim.source.is_updated
        }
        exact = f"{hint.host}/{hint.path}"
        if any(exact in each for each in wanted.values()):
            wanted = {name: each & {exact} for name, each in wanted.items()}
        return {name: Demand.of(Why.WEBHOOK, each) for name, each in wanted.items() if each}


def _has_moved(aim: Aim, hint: BranchHint) -> bool:
    """Whether the branch of a source is one that has moved, by somebody else."""
    branch = aim.source.git.branch
    is_ours = _path(aim.source.git.url).endswith(f"/{_plain(hint.path)}")
    is_other = branch is not None and branch != hint.branch
    return is_ours and not is_other and hint.commit not in aim.known


def _path(url: str) -> str:
    """Return the path of a remote, with a slash before it."""
    if "://" in url:
        return "/" + _plain(urlsplit(url).path)
    host, colon, path = url.partition(":")
    is_scp = colon and "/" not in host  # git@host:path
    return "/" + _plain(path if is_scp else url)


def _plain(path: str) -> str:
    return path.strip("/").removesuffix(".git").lower()

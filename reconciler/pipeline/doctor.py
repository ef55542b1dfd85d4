"""Doctor: try the access to registries, and say of each what is wrong with it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

from reconciler.core.checkup import Checkup, skipped
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pull_secret import PullCredential, Puller
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport
from reconciler.core.plan import pullers
from reconciler.core.survey import openly
from reconciler.pipeline.registry_port import RegistryProbe

WORKERS = 8
_OF_A_REPOSITORY = ("login", "tags", "image")


@dataclass(frozen=True, slots=True)
class RepositorySubject:
    """A repository to look at.

    Attributes:
        tag: the one that stands in Git; None: none does.
        pull_secrets: gives the cluster's logins for it.
        who: pulls from it, and so whose logins these are; none if it is all the same.
        source: whose images these are, if others pull from it with other logins; may be empty.
    """

    repository: Repository
    tag: str | None = None
    pull_secrets: Callable[[], Iterable[PullCredential]] = tuple
    who: tuple[Puller, ...] = ()
    source: str = ""


def subjects_of(
    reports: Sequence[FileReport],
    pull_secrets: Callable[[Sequence[Puller]], Iterable[PullCredential]],
) -> list[RepositorySubject]:
    """Return the repositories of all images, automated or not, in the order of the manifests.

    Logins are those that a cycle would have: of automated workloads, if any pulls from there.

    Args:
        reports: of the manifests.
        pull_secrets: reads the cluster's logins of who pulls an image, as they are looked through.
    """
    fields = openly(reports)
    automated = pullers(reports)
    tags: dict[Repository, str] = {}
    for report in fields:
        for each in report.fields:
            if each.reference and not each.obstacle:
                tags.setdefault(each.reference.repository, each.reference.effective_tag)

    def of(repository: Repository, who: tuple[Puller, ...]) -> RepositorySubject:
        return RepositorySubject(repository, tags[repository], lambda: pull_secrets(who), who)

    return [of(each, automated.get(each, who)) for each, who in pullers(fields).items()]


def distinct(subjects: Iterable[RepositorySubject]) -> list[RepositorySubject]:
    """Return each repository once, or once for each of those who pull from it by other logins.

    A cycle has the logins of its own source only. Where there is but one, no source is named.
    """
    found: dict[tuple[Repository, tuple[Puller, ...]], RepositorySubject] = {}
    for each in subjects:
        found.setdefault((each.repository, each.who), each)
    times = Counter(repository for repository, _ in found)
    return [
        each if times[each.repository] > 1 else replace(each, source="") for each in found.values()
    ]


def examine_registries(
    subjects: Iterable[RepositorySubject], hosts: Iterable[str], probe: RegistryProbe
) -> Iterator[Checkup]:
    """Yield a checkup for each registry, and after it one for each repository there.

    Mirrors are registries too. What fails at one place and works at another, as a cycle would find,
    is a warning. Several are tried at a time, and told in order.

    Args:
        subjects: the repositories; see :func:`distinct`.
        hosts: registries to try without a repository of theirs.
        probe: tries them.
    """
    plan: dict[str, list[tuple[Endpoint, RepositorySubject]]] = {}
    for host in hosts:  # whatever is there
        plan.update({each.host: [] for each in probe.endpoints_of(Repository(host, "any"))})
    for subject in subjects:
        for endpoint in probe.endpoints_of(subject.repository):
            plan.setdefault(endpoint.host, []).append((endpoint, subject))
    workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="doctor")
    try:
        doors = {host: workers.submit(_examine_host, probe, host) for host in plan}
        # all hosts come before all repositories: who waits for a host waits for one that has begun
        rooms = {
            host: [
                _Room(each, workers.submit(_examine_repository, probe, endpoint, each, doors[host]))
                for endpoint, each in there
            ]
            for host, there in plan.items()
        }
        everywhere: defaultdict[RepositorySubject, list[_Room]] = defaultdict(list)
        for room in chain.from_iterable(rooms.values()):
            everywhere[room.subject].append(room)
        for host, door in doors.items():
            spare = [_is_spare(each, everywhere[each.subject]) for each in rooms[host]]
            yield door.result().spared() if spare and all(spare) else door.result()
            for room, is_spare in zip(rooms[host], spare, strict=True):
                found = room.checkup.result()
                yield found.spared() if is_spare else found
    finally:
        workers.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Room:
    """A repository at one place."""

    subject: RepositorySubject
    checkup: "Future[Checkup]"


def _is_spare(room: _Room, everywhere: Sequence[_Room]) -> bool:
    """Whether the same repository can be read at another place."""
    return any(each is not room and each.checkup.result().has_passed for each in everywhere)


def _examine_host(probe: RegistryProbe, host: str) -> Checkup:
    return Checkup(host, tuple(probe.check_host(host)))


def _examine_repository(
    probe: RegistryProbe, endpoint: Endpoint, subject: RepositorySubject, door: "Future[Checkup]"
) -> Checkup:
    name = str(endpoint.repository)
    if endpoint.is_mirror:
        name = f"{name} (mirror of {subject.repository})"
    if subject.source:
        name = f"{name} (source {subject.source})"
    if door.result().has_failed:
        why = f"see {endpoint.host}"
        return Checkup(name, tuple(skipped(each, why) for each in _OF_A_REPOSITORY))
    checks = probe.check_repository(endpoint, tag=subject.tag, pull_secrets=subject.pull_secrets())
    return Checkup(name, tuple(checks))

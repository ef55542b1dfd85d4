"""``reconcile doctor``: accesses tried one by one, with the remedy for each that fails."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from reconciler import bootstrap
from reconciler.cluster_parts import acting, probing, reaching
from reconciler.core.checkup import Check, Checkup, Health, exit_code_of, skipped
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.errors import ReferenceSyntaxError, SettingsError
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load, load_local, without_sync
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.table import fold
from reconciler.interfaces.terminal import NARROWEST, Terminal, printable
from reconciler.pipeline.acting import examine_account
from reconciler.pipeline.cluster_checkup import (
    OF_A_SOURCE,
    Reach,
    examine_cluster,
    examine_in_cluster,
)
from reconciler.pipeline.doctor import (
    RepositorySubject,
    distinct,
    examine_registries,
    subjects_of,
)
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.source_checkup import SourceFindings, examine_source
from reconciler.settings import Settings, SourceSettings

SCHEMA_VERSION = 1

READ_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 20.0
"""A person waits: a third of what a cycle has patience for."""

_STYLES = {
    Health.OK: "",
    Health.WARNING: "yellow",
    Health.FAILED: "red",
    Health.SKIPPED: "dim",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the arguments name."""

    subjects: tuple[RepositorySubject, ...]
    hosts: tuple[str, ...]


def run(invocation: Invocation, *, subjects: tuple[str, ...]) -> int:
    """Try what is named, or all that the sources need; return the exit code that it calls for.

    Raises:
        SettingsError: options are wrong, or an argument is no image and no registry.
    """
    if subjects:
        asked = _asked(subjects)
        settings = _impatient(load_local(invocation))
        checkups = _of_registries(settings, asked.subjects, asked.hosts)
    else:
        loaded = load(invocation)
        settings = _impatient(loaded)
        checkups = _of_sources(settings, loaded.sources)
    if settings.output == "json":
        return _say_document(list(checkups))
    return _say(checkups)


def _impatient(settings: Settings) -> Settings:
    """Return the settings for a command that tries once, and changes nothing."""
    registry = replace(
        settings.registry, read_timeout_s=READ_TIMEOUT_S, answer_timeout_s=ANSWER_TIMEOUT_S
    )
    return replace(without_sync(settings), registry=registry)


def _of_sources(settings: Settings, loaded: Sequence[SourceSettings]) -> Iterator[Checkup]:
    """Yield a checkup of the cluster, if one is synced to; of each source; and of registries.

    Args:
        settings: of all sources, none of which is synced.
        loaded: the same sources as they are.
    """
    progress = DiffNarrator()
    with bootstrap.running(settings, progress=progress) as parts_of, ExitStack() as stack:
        synced = {each.name: each for each in loaded if each.is_synced}
        reach: Callable[[SourceSettings], Reach] | None = None
        if synced:
            probe = stack.enter_context(probing(settings))
            server = examine_cluster(probe)
            yield server
            if not server.has_failed:
                reach = stack.enter_context(reaching(settings, probe))
        found: list[RepositorySubject] = []
        for source in settings.sources:
            parts = parts_of(source)
            with progress:
                findings = examine_source(source, parts, bootstrap.remote_probe(settings, source))
                more = _in_cluster(synced.get(source.name), parts, findings, reach, settings)
            checks = (*findings.checkup.checks, *more)
            yield replace(findings.checkup, checks=checks)
            for subject in subjects_of(findings.reports, PullSecrets(parts.secrets).of):
                who = subject.who if parts.secrets else ()  # without a cluster nobody has a login
                found.append(replace(subject, who=who, source=source.name))
        yield from _of_registries(settings, distinct(found), ())


def _in_cluster(
    source: SourceSettings | None,
    parts: Parts,
    findings: SourceFindings,
    reach: Callable[[SourceSettings], Reach] | None,
    settings: Settings,
) -> list[Check]:
    """Return what is found of a source in the cluster; nothing if it is not synced (None)."""
    if source is None:
        return []
    if reach is None:
        return [skipped(each, "the cluster is not reached") for each in OF_A_SOURCE]
    checks: list[Check] = []
    if source.service_account is not None:
        with acting(settings, source.service_account) as probe:
            checks.append(examine_account(source.service_account, probe))
    return [*checks, *examine_in_cluster(source, parts, findings.view, reach(source))]


def _of_registries(
    settings: Settings, subjects: Sequence[RepositorySubject], hosts: Sequence[str]
) -> Iterator[Checkup]:
    with bootstrap.probing(settings) as probe:
        yield from examine_registries(subjects, hosts, probe)


def _asked(texts: Sequence[str]) -> _Asked:
    """Tell registries from images: a host has a ``.`` or a ``:`` and no path.

    Raises:
        SettingsError: a text is neither.
    """
    subjects: dict[Repository, RepositorySubject] = {}
    hosts: dict[str, None] = {}
    for text in texts:
        host = _host_of(text)
        if host:
            hosts[host] = None
            continue
        reference = _reference(text)
        subject = RepositorySubject(reference.repository, reference.tag)
        subjects.setdefault(reference.repository, subject)
    return _Asked(tuple(subjects.values()), tuple(hosts))


def _host_of(text: str) -> str:
    """Return the host, if a text is a registry's name; ``registry:5000/`` is one too."""
    name, slash, path = text.partition("/")
    first = name.partition(":")[0]
    is_host = (
        "." in first or first == "localhost" or name.startswith("[") or (slash and ":" in name)
    )
    return _reference(f"{name}/any").repository.host if is_host and not path else ""


def _reference(text: str) -> ImageReference:
    if "://" in text:
        bare = text.partition("://")[2]
        raise SettingsError(f"{text!r} is no image and no registry: write {bare!r}, without scheme")
    try:
        return ImageReference.parse(text)
    except ReferenceSyntaxError as error:
        raise SettingsError(f"{text!r} is no image and no registry: {error.reason}") from error


def _say(checkups: Iterable[Checkup]) -> int:
    terminal = Terminal.standard()
    told: list[Checkup] = []
    for checkup in checkups:
        if told:
            terminal.say()
        terminal.say(printable(checkup.subject), "bold")
        for check in checkup.checks:
            _say_check(terminal, check)
        told.append(checkup)
    if not told:
        terminal.say("nothing to look at: no manifest has an image")
    return exit_code_of(told)


def _say_check(terminal: Terminal, check: Check) -> None:
    health = check.health.value.upper() if check.health is Health.FAILED else check.health.value
    head = f"  {health:<8} {check.name:<8} "
    width = max(NARROWEST, terminal.width - len(head))
    cause = fold(f"likely: {printable(check.cause)}", width) if check.cause else []
    lines = [*fold(printable(check.detail), width), *cause]
    for number, line in enumerate(lines):
        terminal.say(f"{' ' * len(head) if number else head}{line}", _STYLES[check.health])
    if check.remedy:  # on one line, to be copied
        terminal.say(f"{' ' * len(head)}try:    {printable(check.remedy)}", "bold")


def _say_document(checkups: Sequence[Checkup]) -> int:
    code = exit_code_of(checkups)
    body: JSON = {
        "checkups": [
            {"subject": each.subject, "checks": [_document(check) for check in each.checks]}
            for each in checkups
        ]
    }
    Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=code))
    return code


def _document(check: Check) -> JSON:
    return {
        "name": check.name,
        "health": check.health.value,
        "detail": check.detail,
        "cause": check.cause or None,
        "remedy": check.remedy or None,
        "mayPass": check.may_pass,
    }

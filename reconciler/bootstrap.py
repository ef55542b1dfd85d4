"""Composition root: with the modules of clusters and of installing, all that knows adapters."""

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.adapters.cache.facts import FactFiles
from reconciler.adapters.cache.readings import ReadingFile
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.adapters.forge.forges import forge_of
from reconciler.adapters.git.repository import GitRepository
from reconciler.adapters.kustomize.program import KustomizeProgram
from reconciler.adapters.local.folder import FolderRepository
from reconciler.adapters.local.tags import ListedTags
from reconciler.adapters.notify.webhook import WebhookNotifier
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.cloud.clouds import Clouds
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.registries import OnLimit
from reconciler.adapters.registry.transport import OnRequest
from reconciler.adapters.sops.key_files import KeyFiles
from reconciler.cluster_parts import POD_NAMESPACE_FILE, clusters, suspension_of
from reconciler.collector import spare_collector
from reconciler.core.images.tag_list import TagList
from reconciler.core.objects.control import Suspension
from reconciler.core.sample_changes import sample_changes
from reconciler.errors import SettingsError
from reconciler.pipeline.events import Progress
from reconciler.pipeline.gather import ImageFacts
from reconciler.pipeline.git_port import Forge, ManifestRepository, MessageTemplate, ProposalBranch
from reconciler.pipeline.herald import Notifier
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.neighbours import Kin
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.readiness import Readiness
from reconciler.pipeline.registry_port import RegistryProbe, TagSource
from reconciler.pipeline.requests import Requests
from reconciler.pipeline.source_checkup import RemoteProbe
from reconciler.pipeline.statuses import Statuses
from reconciler.pipeline.wording import Wording, sample_data
from reconciler.secret_file import read_secret
from reconciler.settings import Settings, SourceSettings
from reconciler.stop import Stop


class SystemClock:
    """The machine's monotonic clock."""

    def __init__(self, stop: Stop | None = None) -> None:
        """Return from sleep early when a stop is asked for."""
        self._stop = stop or Stop()

    def now(self) -> float:
        """Return its seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that long; less if the process is asked to end."""
        self._stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class Local:
    """What takes the place of a remote, and perhaps of the registries.

    Attributes:
        folder: where the manifests are.
        only: the name of the one file there that counts; None: all.
        tags: a list that stands for every repository, and what it says of their images; None: the
            registries are asked.
    """

    folder: Path
    only: str | None = None
    tags: TagList | None = None


def machine_defaults(environment: Mapping[str, str]) -> dict[str, object]:
    """Return the defaults that this machine gives: where caches go, which namespace we run in."""
    defaults: dict[str, object] = {}
    with suppress(RuntimeError):  # no HOME, and a user that the system does not know
        cache_home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        defaults["data-dir"] = str(Path(cache_home) / "reconcile")
    if POD_NAMESPACE_FILE.is_file():
        defaults["namespace"] = POD_NAMESPACE_FILE.read_text().strip()
    return defaults


class PartsOf(Protocol):
    """Builds the parts of one source's cycles, for all of them."""

    def __call__(
        self,
        source: SourceSettings,
        *,
        progress: Progress | None = None,
        stop: Stop | None = None,
        is_hurried: Callable[[], bool] = lambda: False,
        resting: Callable[[], AbstractContextManager[None]] = nullcontext,
        suspension: Callable[[], Suspension | None] | None = None,
        is_elsewhere: Callable[[str], bool] = lambda _name: False,
    ) -> Parts:
        """Return them.

        Args:
            source: whose cycles.
            progress: hears what they do; None: who hears it of all sources.
            stop: asks them to end; None: that of the process.
            is_hurried: tells a cycle that another one is asked for.
            resting: lets others work while a cycle waits.
            suspension: says who has suspended the source; None: the cluster is asked.
            is_elsewhere: whether another process runs the source of a name; those that this one
                leaves to others are elsewhere in any case.
        """
        ...


@contextmanager
def running(
    settings: Settings,
    *,
    progress: Progress,
    local: Local | None = None,
    connected: KubernetesCluster | None = None,
    stop: Stop | None = None,
    on_request: OnRequest = lambda _host, _status: None,
    on_limit: OnLimit = lambda _host, _remaining, _limit: None,
) -> Iterator[PartsOf]:
    """Give a function that builds the parts of a source's cycles; closes all of them at the end.

    Args:
        settings: of all sources.
        progress: hears what is done, as it is done.
        local: what takes the place of the sources' remotes; None: nothing does.
        connected: the cluster, if there is a connection to it; who opened it closes it.
        stop: asks cycles to end early.
        on_request: told after each request to a registry, from many threads.
        on_limit: likewise, after each answer that says how many more requests it takes.

    Raises:
        SettingsError: something named in the settings cannot be used.
    """
    for source in settings.sources:
        _require_file("--git-password-file", source.git.password_file)
        _require_file("--git-ca-file", source.git.ca_file)
        _require_file("--git-ssh-key-file", source.git.ssh_key_file)
        _require_file("--git-known-hosts-file", source.git.known_hosts_file)
        _require_file("--git-signing-key-file", source.git.signing_key_file)
        _require_file("--git-signing-passphrase-file", source.git.signing_passphrase_file)
        _require_file("--git-api-token-file", source.forge.token_file)
        for path in source.sops_key_files:
            _require_file("--sops-age-key-file", path)
    _require_file("--registry-ca-file", settings.registry.ca_file)
    for option, secret_file in (
        ("--webhook-secret-file", settings.webhook_secret_file),
        ("--page-token-file", settings.page.token_file),
    ):
        if secret_file is not None:
            read_secret(secret_file, option=option)
    templates = {source.name: _template(source) for source in settings.sources}
    of_process, of_all = stop or Stop(), progress
    spare_collector()
    with ExitStack() as stack:
        registries, image_facts = _registries(
            settings, local, stack, on_request=on_request, on_limit=on_limit
        )
        cluster_of = clusters(
            settings, stack, of_process, is_local=local is not None, connected=connected
        )
        kustomize = KustomizeProgram(
            settings.data_dir / "kustomize", path=os.environ.get("PATH", ""), stop=of_process
        )
        readiness = Readiness()
        others = {each.name for each in settings.others}
        readings = None if local else ReadingFile(settings.data_dir / "readings")

        def parts_of(
            source: SourceSettings,
            *,
            progress: Progress | None = None,
            stop: Stop | None = None,
            is_hurried: Callable[[], bool] = lambda: False,
            resting: Callable[[], AbstractContextManager[None]] = nullcontext,
            suspension: Callable[[], Suspension | None] | None = None,
            is_elsewhere: Callable[[str], bool] = lambda _name: False,
        ) -> Parts:
            stop = stop or of_process
            forge = None if local is not None else _forge(source)
            has_statuses = source.forge.has_statuses and source.is_synced
            repository, proposals = _repository(settings, source, local, stop)
            cluster, secrets = cluster_of(source)
            return Parts(
                repository=repository,
                registries=registries,
                cluster=cluster,
                clock=SystemClock(stop),
                jitter=random.random,
                progress=progress or of_all,
                secrets=secrets,
                memory=Memory(store=readings),
                stop=stop,
                is_hurried=is_hurried,
                resting=resting,
                suspension=suspension or suspension_of(source, cluster),
                readiness=readiness,
                is_elsewhere=lambda name: name in others or is_elsewhere(name),
                image_facts=image_facts,
                template=templates[source.name],
                proposals=proposals,
                requests=_requests(source, forge, proposals),
                statuses=Statuses(forge) if forge and has_statuses else None,
                kustomize=kustomize,
                kin=_kin(settings, source, is_local=local is not None),
                key_source=KeyFiles(source.sops_key_files) if source.sops_key_files else None,
            )

        yield parts_of


def _kin(settings: Settings, source: SourceSettings, *, is_local: bool) -> Kin:
    """Return the sources of this process and of the file, as one of them sees them.

    One that is not synced at present has its objects all the same: nobody adopts them.
    """
    known = (*settings.sources, *settings.others)
    synced = [each for each in known if each.is_synced]
    return Kin(
        names=frozenset(each.name for each in known),
        same_branch=frozenset(
            each.name
            for each in synced
            if each.name != source.name and each.git.url == source.git.url
            if None in (branches := {each.git.branch, source.git.branch}) or len(branches) == 1
        ),
        is_local=is_local,
        accounts={
            each.name: each.service_account
            for each in known
            if each.service_account and each.service_account != source.service_account
        },
    )


def notifiers(settings: Settings) -> list[Notifier]:
    """Return what tells others of what happens.

    Raises:
        SettingsError: a file that is named for it cannot be used, or Apprise is not installed.
    """
    found: list[Notifier] = []
    if settings.notify_url_file is not None:
        found.append(WebhookNotifier(settings.notify_url_file, settings.notify_secret_file))
    if settings.notify_apprise_file is not None:
        try:
            from reconciler.adapters.notify.services import (  # noqa: PLC0415 - an extra, and slow
                AppriseNotifier,
            )
        except ImportError as error:
            message = "--notify-apprise-file: needs Apprise: pip install 'reconcile[apprise]'"
            raise SettingsError(message) from error
        found.append(AppriseNotifier(settings.notify_apprise_file))
    return found


@contextmanager
def probing(settings: Settings) -> Iterator[RegistryProbe]:
    """Give what tries the access to registries; closes its connections at the end.

    Raises:
        SettingsError: something named in the settings cannot be used.
    """
    _require_file("--registry-ca-file", settings.registry.ca_file)
    with ExitStack() as stack:
        client = _client(
            settings,
            stack,
            on_request=lambda _host, _status: None,
            on_limit=lambda _host, _remaining, _limit: None,
        )
        yield client.probe()


def remote_probe(settings: Settings, source: SourceSettings) -> RemoteProbe:
    """Return what tries the access to a source's remote."""
    return GitRepository(source.git, _clone_folder(settings, source)).probe()


def commit_template(file: str | Path) -> MessageTemplate:
    """Return the commit template in a file, tried on sample data; ``-`` is standard input.

    Raises:
        SettingsError: the file cannot be read, or is no template; with the line.
    """
    from reconciler.adapters.template.commit_template import (  # noqa: PLC0415 - loads Jinja2
        read_template,
    )

    changes = sample_changes()
    template = read_template(file, known=sample_data(changes))
    Wording("default", template=template).of_update(changes, by="default@-", branch="main")
    return template


def local_repository(local: Local) -> ManifestRepository:
    """Return a local folder as a repository; nothing else is set up."""
    return FolderRepository(local.folder, only=local.only)


def _registries(
    settings: Settings,
    local: Local | None,
    stack: ExitStack,
    *,
    on_request: OnRequest,
    on_limit: OnLimit,
) -> tuple[TagSource, ImageFacts]:
    """Return what lists tags, and what tells of single images."""
    if local is not None and local.tags is not None:
        return ListedTags(local.tags.tags), ImageFacts(given=local.tags.knowledge)
    client = _client(settings, stack, on_request=on_request, on_limit=on_limit)
    return client, ImageFacts(client.images(), FactFiles(settings.data_dir / "facts"))


def _client(
    settings: Settings, stack: ExitStack, *, on_request: OnRequest, on_limit: OnLimit
) -> RegistryClient:
    clouds = Clouds(settings.registry, os.environ, on_request=on_request)
    stack.callback(clouds.close)
    client = RegistryClient(
        settings.registry, _keychain(settings, clouds), on_request=on_request, on_limit=on_limit
    )
    stack.callback(client.close)
    return client


def _template(source: SourceSettings) -> MessageTemplate | None:
    file = source.git.commit_template
    return commit_template(file) if file is not None else None


def _repository(
    settings: Settings, source: SourceSettings, local: Local | None, stop: Stop
) -> tuple[ManifestRepository, ProposalBranch | None]:
    """Return the branch that is read, and the one to which commits go, if that is another."""
    if local is not None:
        return local_repository(local), None
    repository = GitRepository(source.git, _clone_folder(settings, source), stop=stop)
    branch = source.git.push_branch
    return repository, repository.side_branch(branch) if branch else None


def _forge(source: SourceSettings) -> Forge | None:
    """Return the forge that a source's remote is at, if anything is wanted of it.

    Raises:
        SettingsError: it cannot be told where that is, or there is no token.
    """
    is_wanted = source.forge.has_requests or source.forge.has_statuses
    return forge_of(source.git, source.forge) if is_wanted else None


def _requests(
    source: SourceSettings, forge: Forge | None, proposals: ProposalBranch | None
) -> Requests | None:
    """Return the requests for a branch of proposals, if they are wanted."""
    if forge is None or proposals is None or not source.forge.has_requests:
        return None
    return Requests(forge, proposals.name)


def _require_file(option: str, path: Path | None) -> None:
    """Refuse a file that is named and not there: a slip would show only when a remote asks."""
    if path is None:
        return
    try:
        is_there = path.is_file()
    except OSError as error:  # a folder above it is not ours to enter
        message = f"{option}: cannot read {str(path)!r}: {error.strerror}"
        raise SettingsError(message) from error
    if not is_there:
        raise SettingsError(f"{option}: no such file: {str(path)!r}")


def _clone_folder(settings: Settings, source: SourceSettings) -> Path:
    """Return a folder whose name changes with the remote: a clone is never of another one."""
    digest = hashlib.sha256(f"{source.git.url}\0{source.git.branch}".encode()).hexdigest()
    return settings.data_dir / "sources" / f"{source.name}-{digest[:12]}"


def _keychain(settings: Settings, clouds: Clouds) -> Keychain:
    path = settings.registry.docker_config
    if path is not None:
        return Keychain.from_file(path, clouds=clouds)
    return Keychain.default(os.environ, clouds=clouds)

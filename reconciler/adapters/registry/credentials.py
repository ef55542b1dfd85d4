"""Which logins there are for a repository, in the order in which they are tried."""

import functools
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.adapters.registry.cloud.clouds import Clouds
from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.adapters.registry.docker_config import (
    MAX_BYTES,
    ConfigProblem,
    DockerConfig,
    parse_docker_config,
)
from reconciler.adapters.registry.file_stamp import NO_FILE, stamp_of
from reconciler.adapters.registry.helper import Found, Helpers
from reconciler.adapters.registry.login import Login
from reconciler.core.images.pull_secret import PullCredential, PullSecret, Unread
from reconciler.core.images.reference import Repository
from reconciler.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A login that may be the right one, and where it comes from, for messages."""

    origin: str
    login: Login


@dataclass(frozen=True, slots=True)
class Unusable:
    """A place where a login could have been, and why it gives none: for now, or for good."""

    origin: str
    reason: str
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A pull secret whose logins are all for other places."""

    origin: str


Offer: TypeAlias = Candidate | Unusable | Elsewhere

_EMPTY: Final = DockerConfig()


class Keychain:
    """The logins of a docker ``config.json`` and of clouds, beside those of the pull secrets.

    The file is read again when it changes: a mounted secret is renewed while we run. Safe to use
    from many threads.
    """

    def __init__(
        self,
        config: DockerConfig = _EMPTY,
        *,
        path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        clouds: Clouds | None = None,
    ) -> None:
        self._clouds = clouds
        self._config: DockerConfig | ConfigProblem = config
        self._path = path
        self._helpers = Helpers(os.environ if environment is None else environment)
        self._stamp = stamp_of(path)
        self._lock = threading.Lock()

    @classmethod
    def default(cls, environment: Mapping[str, str], *, clouds: Clouds | None = None) -> "Keychain":
        """Return the keychain of the file where docker or podman keep logins.

        The first that is there: ``config.json`` in ``$DOCKER_CONFIG`` or ``~/.docker``,
        ``$REGISTRY_AUTH_FILE``, ``$XDG_RUNTIME_DIR/containers/auth.json``. While none is, it is
        empty, and docker's is waited for.

        Raises:
            SettingsError: the file is there and cannot be read.
        """
        paths = _default_paths(environment)
        found = next((each for each in paths if os.path.isfile(each)), None)  # noqa: PTH113 - Path's raises
        if found is not None:
            return cls.from_file(found, environment=environment, clouds=clouds)
        return cls(path=paths[0], environment=environment, clouds=clouds)

    @classmethod
    def from_file(
        cls,
        path: Path,
        *,
        environment: Mapping[str, str] | None = None,
        clouds: Clouds | None = None,
    ) -> "Keychain":
        """Return the keychain of a docker ``config.json``.

        Raises:
            SettingsError: it cannot be read; the message holds nothing of its contents.
        """
        try:
            config = _read(path)
            for entry in config.entries:
                if isinstance(entry.login, ConfigProblem):
                    raise entry.login
        except ConfigProblem as problem:
            raise SettingsError(
                f"cannot use the docker config: {problem}", where=str(path)
            ) from None
        return cls(config, path=path, environment=environment, clouds=clouds)

    def offers(
        self, repository: Repository, pull_secrets: Iterable[PullCredential] = ()
    ) -> Iterator[Offer]:
        """Yield the logins for a repository: each pull secret's, then the file's, then its cloud's.

        A pull secret is asked for only when somebody asks for one more login: that may read it.
        So is a cloud.

        The file's ``auths`` come first, then its helper: that of ``credHelpers`` for the host, else
        ``credsStore``. A program is run only when somebody asks for one more login.
        """
        for secret in pull_secrets:
            yield from _offers_of_secret(secret, repository)
        config, origin = self._current(), str(self._path or "the docker config")
        yield from _offers_of(origin, config, repository)
        if isinstance(config, DockerConfig) and (name := config.helper_for(repository)):
            found = self._helpers.ask(name, repository.host)
            yield from _offer(f"docker-credential-{name[:80]} of {origin}", found)
        if self._clouds is not None:
            yield from map(_offer_of_cloud, self._clouds.offers(repository.host))

    def _current(self) -> DockerConfig | ConfigProblem:
        with self._lock:
            stamp = stamp_of(self._path)
            if self._path is not None and stamp != self._stamp:
                self._stamp = stamp
                self._config = _reread(self._path) if stamp != NO_FILE else _EMPTY
            return self._config


def _default_paths(environment: Mapping[str, str]) -> list[Path]:
    """Return where logins may be, docker's place first; podman's are containers-auth.json(5)."""
    # Path's methods raise for a user without a home, and for a HOME that is another user's
    home = os.path.expanduser("~")  # noqa: PTH111 - see above
    paths = [Path(environment.get("DOCKER_CONFIG") or f"{home}/.docker") / "config.json"]
    if named := environment.get("REGISTRY_AUTH_FILE"):
        paths.append(Path(named))
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        paths.append(Path(runtime) / "containers" / "auth.json")
    return paths


def _offers_of_secret(secret: PullCredential, repository: Repository) -> Iterator[Offer]:
    if isinstance(secret, Unread):
        yield Unusable(secret.origin, secret.reason, secret.may_pass)
        return
    origin = f"the secret {secret.origin}"
    offers = tuple(_offers_of(origin, _parse_secret(secret), repository))
    yield from offers or (Elsewhere(origin),)


def _offers_of(
    origin: str, config: DockerConfig | ConfigProblem, repository: Repository
) -> Iterator[Offer]:
    if isinstance(config, ConfigProblem):
        yield Unusable(origin, str(config))
    else:
        for entry in config.entries_for(repository):
            yield from _offer(origin, entry.login)


def _offer_of_cloud(given: tuple[str, Login | CloudProblem]) -> Offer:
    origin, found = given
    if isinstance(found, CloudProblem):
        return Unusable(origin, str(found), found.may_pass)
    return Candidate(origin, found)


def _offer(origin: str, found: Found) -> Iterator[Offer]:
    if isinstance(found, ConfigProblem):
        yield Unusable(origin, str(found))
    elif found is not None:
        yield Candidate(origin, found)


@functools.lru_cache(maxsize=1024)
def _parse_secret(secret: PullSecret) -> DockerConfig | ConfigProblem:
    try:
        return parse_docker_config(secret.content.reveal(), is_legacy=secret.is_legacy)
    except ConfigProblem as problem:
        return problem


def _reread(path: Path) -> DockerConfig | ConfigProblem:
    try:
        return _read(path)
    except ConfigProblem as problem:
        return problem


def _read(path: Path) -> DockerConfig:
    try:
        with path.open("rb") as file:
            return parse_docker_config(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise ConfigProblem(f"it cannot be read: {error.strerror}") from error

"""Which repositories a login is for: the keys of a docker config.

The rules are the kubelet's (``pkg/credentialprovider``), so that what can be pulled can be listed:
host and port must match, a host may hold globs that do not span a dot, the longest path wins. Paths
are compared part by part here; the kubelet's ``acme/web`` would cover ``acme/website`` too.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from reconciler.core.images.reference import DEFAULT_HOST, Repository

DOCKER_HUB: Final = "registry-1.docker.io"

_DOCKER_HUB_NAMES = frozenset({"index.docker.io", DOCKER_HUB, DEFAULT_HOST})
_API_VERSIONS = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Place:
    """A registry host, maybe with globs, and the path below which repositories are meant."""

    host: str  # with the port if one is written, in lower case
    path: tuple[str, ...] = ()

    @classmethod
    def parse(cls, key: str) -> "Place":
        """Read ``host[:port][/path]``, with or without a scheme: ``https://index.docker.io/v1/``."""
        bare = key.removeprefix("https://").removeprefix("http://")
        host, *path = [part for part in bare.split("/") if part] or [""]
        if path and path[0] in _API_VERSIONS:
            path = path[1:]
        host = host.lower()
        return cls(DEFAULT_HOST if host in _DOCKER_HUB_NAMES else host, tuple(path))

    @property
    def rank(self) -> tuple[int, bool]:
        """How closely this names what it covers; the highest of several is meant."""
        return len(self.path), not self._is_glob

    def covers(self, repository: Repository) -> bool:
        """Whether a repository is here."""
        path = tuple(repository.path.split("/"))
        return path[: len(self.path)] == self.path and self._covers_host(repository.host.lower())

    @property
    def _is_glob(self) -> bool:
        return "*" in self.host or "?" in self.host

    def _covers_host(self, host: str) -> bool:
        if not self._is_glob:
            return host == self.host
        (name, port), (pattern, wanted) = _split_port(host), _split_port(self.host)
        names, patterns = name.split("."), pattern.split(".")
        return (
            port == wanted
            and len(names) == len(patterns)
            and all(map(fnmatchcase, names, patterns))
        )


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() else (host, "")


def api_host(host: str) -> str:
    """Return the host that answers for the one of an image reference: Docker Hub's has another."""
    return DOCKER_HUB if host == DEFAULT_HOST else host


def name_in_logins(host: str) -> str:
    """Return what docker calls the host of an image reference where logins are kept."""
    return "https://index.docker.io/v1/" if host == DEFAULT_HOST else host

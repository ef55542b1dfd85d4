"""Real registries of each version behind each kind of door, started when they are first wanted."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from lab.authority import Authority
from lab.registry import PROGRAMS, Registry
from lab.token_registry import TokenRegistry
from lab.token_server import selling_tokens

Make = Callable[[Path, Authority, ExitStack, str], Registry]


def _plain(folder: Path, _: Authority, __: ExitStack, version: str) -> Registry:
    return Registry(folder, has_password=False, version=version)


def _htpasswd(folder: Path, _: Authority, __: ExitStack, version: str) -> Registry:
    return Registry(folder, has_password=True, version=version)


def _token(folder: Path, authority: Authority, stack: ExitStack, version: str) -> Registry:
    tokens = stack.enter_context(selling_tokens(folder, authority))
    return TokenRegistry(folder, tokens, authority, version=version)


def _tls(folder: Path, authority: Authority, _: ExitStack, version: str) -> Registry:
    return Registry(folder, has_password=True, authority=authority, version=version)


def _mutual_tls(folder: Path, authority: Authority, _: ExitStack, version: str) -> Registry:
    return Registry(
        folder, has_password=False, authority=authority, wants_certificate=True, version=version
    )


DOORS: dict[str, Make] = {
    "plain": _plain,  # plain HTTP, for anybody
    "htpasswd": _htpasswd,  # plain HTTP and a password
    "token": _token,  # TLS, and tokens from a service of its own
    "tls": _tls,  # TLS and a password
    "mutual-tls": _mutual_tls,  # TLS, for anybody who shows a certificate
}
LANES = tuple(f"{version}-{door}" for version in PROGRAMS for door in DOORS)


class Lanes:
    """Registries by lane, ``3-tls``; each starts once, and all end together."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self._authority = authority
        self._stack = ExitStack()
        self._started: dict[str, Registry] = {}

    def __getitem__(self, lane: str) -> Registry:
        """Return a running registry.

        Raises:
            MissingPartError: it is not built.
            LabError: it did not start.
        """
        if lane not in self._started:
            version, _, door = lane.partition("-")
            folder = self._folder / lane
            folder.mkdir()
            registry = DOORS[door](folder, self._authority, self._stack, version)
            registry.start()
            self._stack.callback(registry.stop)
            self._started[lane] = registry
        return self._started[lane]

    def close(self) -> None:
        """Stop them."""
        self._stack.close()

"""Tries the access to registries, one step after the other."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.adapters.registry.checkup.door import Door
from reconciler.adapters.registry.checkup.greeting import greet
from reconciler.adapters.registry.checkup.handshake import plainly, shake_hands, silent
from reconciler.adapters.registry.checkup.reach import Addresses, connected, look_up
from reconciler.adapters.registry.checkup.reading import ReadDigest, Reading, ReadTags
from reconciler.adapters.registry.registries import Registries
from reconciler.core.checkup import Check, Health, failed, passed, skipped, warned
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository

_VARIABLES: Final = "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY"
_BY_PROXY: Final = "the proxy does that"


class RegistryProbe:
    """Tries registries by the connections, certificates and logins of cycles.

    Safe to use from many threads.
    """

    def __init__(
        self,
        registries: Registries,
        *,
        connect_timeout_s: float,
        read_tags: ReadTags,
        read_digest: ReadDigest,
    ) -> None:
        """Open nothing yet.

        Args:
            registries: all of them.
            connect_timeout_s: how long to wait for a connection, and for each step of TLS.
            read_tags: lists the tags on a visit.
            read_digest: returns the digest that a tag names, on a visit.
        """
        self._registries = registries
        self._limit_s = connect_timeout_s
        self._read_tags = read_tags
        self._read_digest = read_digest

    def endpoints_of(self, repository: Repository) -> Sequence[Endpoint]:
        """Return whom a cycle asks about a repository, in order."""
        return self._registries.endpoints_of(repository)

    def check_host(self, host: str) -> Iterator[Check]:
        """Yield the checks of a registry: its name, a connection, TLS, and its API.

        What comes after a failure is skipped.
        """
        failed_at = ""
        for check in self._steps(host):
            yield check
            failed_at = failed_at or (check.name if check.health is Health.FAILED else "")
            if failed_at:
                yield from (skipped(name, f"see {failed_at}") for name in _after(failed_at))
                return

    def check_repository(
        self, endpoint: Endpoint, *, tag: str | None, pull_secrets: Iterable[PullCredential]
    ) -> Iterator[Check]:
        """Yield the checks of a repository at one place: login, tags, image, limit.

        Args:
            endpoint: one of :meth:`endpoints_of`.
            tag: the one that stands in Git; None: none does.
            pull_secrets: the cluster's logins for it.
        """
        reading = Reading(
            self._registries,
            endpoint,
            pull_secrets,
            read_tags=self._read_tags,
            read_digest=self._read_digest,
        )
        yield from reading.checks(tag)

    def _steps(self, host: str) -> Iterator[Check]:
        transport = self._registries.auth.transport
        url = transport.base_url(host)
        route = transport.route_to(url)
        try:
            door = Door.of(route.proxy or url)
        except ValueError:
            yield _bad_proxy() if route.proxy else _bad_port(host)
            return
        check, addresses = look_up(door)
        yield _of_proxy(check, door) if route.proxy else check
        with connected(door, addresses, limit_s=self._limit_s) as (check, connection):
            yield _of_proxy(check, door) if route.proxy else check
            if connection is not None and url.startswith("https:") and not route.proxy:
                yield shake_hands(connection, door, host, route.context)
        greeting = greet(self._registries.auth, host)
        if route.proxy:
            yield skipped("tls", f"{_BY_PROXY}: see api")
        elif url.startswith("http:"):
            speaks_tls = transport.base_url(host) != url
            is_unsure = speaks_tls or greeting.health is Health.FAILED
            yield (self._tried(door, addresses, host) if is_unsure else None) or _plain(host)
        yield greeting

    def _tried(self, door: Door, addresses: Addresses, host: str) -> Check | None:
        """Return how TLS goes where plain HTTP is permitted; None if it is not spoken."""
        context = self._registries.auth.transport.route_to(f"https://{host}").context
        with connected(door, addresses, limit_s=self._limit_s) as (_, connection):
            if connection is None:
                return None
            check = shake_hands(connection, door, host, context)
        return None if check in (plainly(host), silent(host, self._limit_s)) else check


def _after(name: str) -> Sequence[str]:
    names = ("name", "connect", "tls", "api")
    return names[names.index(name) + 1 :]


def _bad_port(host: str) -> Check:
    return failed("name", f"{host!r} has no port that can be", cause="a slip in its name")


def _bad_proxy() -> Check:
    """Return what is wrong with a proxy that is no URL; quoted it would show its password."""
    return failed(
        "name",
        "the proxy to ask by is no URL",
        cause=f"a slip in one of {_VARIABLES}",
        remedy="env | grep -i _proxy",
    )


def _of_proxy(check: Check, door: Door) -> Check:
    cause = check.cause and f"{check.cause} ({_VARIABLES})"
    return Check(
        check.name,
        check.health,
        f"by the proxy {door}: {check.detail}",
        cause,
        check.remedy,
        check.may_pass,
    )


def _plain(host: str) -> Check:
    """Return what there is to say where plain HTTP is permitted, and spoken."""
    if is_loopback_name(urlsplit(f"//{host}").hostname or ""):
        return passed("tls", "none: plain HTTP, on this very machine")
    return warned(
        "tls",
        "none: plain HTTP, by --registry-insecure",
        cause="passwords can be read on the way, and answers changed",
    )

"""The clouds that are switched on: asks the right one for a login, and keeps what it gave."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final, TypeAlias, cast

from reconciler.adapters.registry.cloud.caller import Caller
from reconciler.adapters.registry.cloud.grant import CloudProblem, Provider
from reconciler.adapters.registry.cloud.place import AWS, AZURE, GCP, cloud_of
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.transport import OnRequest
from reconciler.settings import RegistrySettings

FAILURE_KEPT_S: Final = 60.0
"""How long a cloud that gave nothing is not asked again: one failure a scan, not one an image."""

YOUNG_S: Final = 300.0
"""A login that young and refused is not asked for anew: it was refused for what it may do."""

_PACKAGE: Final = "reconciler.adapters.registry.cloud"
_PROVIDERS: Final = {AWS: ("aws", "Aws"), GCP: ("google", "Google"), AZURE: ("azure", "Azure")}
_NAMES: Final = {AWS: "AWS", GCP: "Google Cloud", AZURE: "Azure"}

Found: TypeAlias = Login | CloudProblem


@dataclass(slots=True)
class _Kept:
    """A login and how long to use it; the lock is held while the cloud is asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Found | None = None
    since: float = float("-inf")
    until: float = float("-inf")


class Clouds:
    """The logins that clouds give for their own registries. Safe to use from many threads."""

    def __init__(
        self,
        settings: RegistrySettings,
        environment: Mapping[str, str],
        *,
        on_request: OnRequest = lambda _host, _status: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load and ask nothing yet.

        Args:
            settings: which clouds are switched on.
            environment: where clouds put what we need to know of ourselves.
            on_request: told after each request that leaves this machine.
            clock: tells how old a login is.
        """
        self._settings = settings
        self._environment = environment
        self._clock = clock
        self._lock = threading.Lock()
        self._caller: Caller | None = None
        self._on_request = on_request
        self._providers: dict[str, Provider] = {}
        self._kept: dict[tuple[str, str], _Kept] = {}

    def offers(self, host: str) -> Iterator[tuple[str, Found]]:
        """Yield the login of a registry's cloud, and where it is from, for messages.

        Whoever asks for one more was not let in by the first: if that is not quite new, another
        one is asked for. Of a cloud that is not switched on, the problem says so.
        """
        name = cloud_of(host)
        if not name:
            return
        origin = f"{_NAMES[name]} (--registry-cloud {name})"
        if name not in self._settings.clouds:
            yield origin, CloudProblem("it is not switched on")
        elif host in self._settings.insecure_hosts:
            yield origin, CloudProblem("its logins do not go to a host of --registry-insecure")
        else:
            found = self._get(name, host)
            yield origin, found
            if (
                isinstance(found, Login)
                and (again := self._get(name, host, refused=found)) != found
            ):
                yield origin, again

    def close(self) -> None:
        """Close all connections."""
        if self._caller is not None:
            self._caller.close()

    def _get(self, name: str, host: str, *, refused: Login | None = None) -> Found:
        provider = self._provider(name)
        key = (name, provider.key_of(host))
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
        with kept.lock:
            now = self._clock()
            is_old = kept.found == refused and now >= kept.since + YOUNG_S
            if kept.found is None or now >= kept.until or (refused is not None and is_old):
                kept.found, use_s = _ask(provider, host)
                kept.since, kept.until = now, now + use_s
            return kept.found

    def _provider(self, name: str) -> Provider:
        """Return a cloud; its module is loaded when its first registry asks for a login."""
        with self._lock:
            if name not in self._providers:
                if self._caller is None:
                    self._caller = Caller(self._settings, on_request=self._on_request)
                module, kind = _PROVIDERS[name]
                make = getattr(import_module(f"{_PACKAGE}.{module}"), kind)
                self._providers[name] = cast("Provider", make(self._caller, self._environment))
            return self._providers[name]


def _ask(provider: Provider, host: str) -> tuple[Found, float]:
    """Return what a cloud gives, and for how many seconds to keep it."""
    try:
        grant = provider.log_in(host)
    except CloudProblem as problem:
        return problem, FAILURE_KEPT_S
    return grant.login, grant.use_s

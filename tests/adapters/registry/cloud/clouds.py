"""A cloud on loopback: its registry by its real name in TLS, and stand-ins of its services."""

import base64
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.authority import Authority, serving_context
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.cloud.clouds import Clouds
from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository
from reconciler.settings import RegistrySettings
from tests.simulators.names import Names
from tests.simulators.registry import RegistrySimulator, Reply, Request, Script

CANARY = "canary-7f3a"


@dataclass
class CloudWorld:
    """Servers by name, and what a pod there finds in its environment."""

    folder: Path
    authority: Authority
    names: Names
    stack: ExitStack
    environment: dict[str, str] = field(default_factory=dict)
    insecure: frozenset[str] = frozenset()

    def serve(self, script: Script) -> RegistrySimulator:
        """Start a stand-in in plain HTTP, as metadata servers are."""
        return self.stack.enter_context(RegistrySimulator(script))

    def serve_as(self, host: str, script: Script) -> RegistrySimulator:
        """Start a server that has that very name, in TLS."""
        context: ssl.SSLContext = serving_context(
            self.authority.certificate(self.folder / f"{host}.pem", name=host)
        )
        server = self.stack.enter_context(RegistrySimulator(script, context=context))
        self.names.ports[host] = server.port
        return server

    def file(self, name: str, content: str = CANARY) -> str:
        """Write a file as it is projected into a pod, and return its path."""
        path = self.folder / name
        path.write_text(f"{content}\n")
        return str(path)

    @property
    def settings(self) -> RegistrySettings:
        return RegistrySettings(
            ca_file=self.authority.ca_file,
            clouds=frozenset({"aws", "gcp", "azure"}),
            insecure_hosts=self.insecure,
            connect_timeout_s=10,
        )

    @contextmanager
    def clouds(self, clock: Callable[[], float] = time.monotonic) -> Iterator[Clouds]:
        """Give the clouds of a pod here."""
        clouds = Clouds(self.settings, self.environment, clock=clock)
        try:
            yield clouds
        finally:
            clouds.close()

    def ask(self, host: str) -> Login | CloudProblem:
        """Return what the cloud of a host gives; nothing of it is told by its text."""
        with self.clouds() as clouds:
            (_, found) = next(clouds.offers(host))
            assert CANARY not in f"{found!r} {found}"
            return found

    def problem(self, host: str) -> str:
        """Return why the cloud of a host gives nothing."""
        found = self.ask(host)
        assert isinstance(found, CloudProblem)
        return str(found)

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return the tags of a repository, listed as this pod would."""
        with self.clouds() as clouds:
            client = RegistryClient(self.settings, Keychain(environment={}, clouds=clouds))
            try:
                return client.list_tags(repository)
            finally:
                client.close()


def basic_registry(user: str, password: str) -> Script:
    """Return a registry that lists tags for one login alone."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()

    def script(request: Request) -> Reply:
        if request.headers.get("Authorization") == f"Basic {pair}":
            return Reply(body=b'{"tags": ["v1", "v2"]}')
        return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="cloud"'})

    return script


def by_path(replies: Mapping[str, Reply]) -> Script:
    """Return a server that knows some paths, given up to the query."""
    return lambda request: replies.get(request.path.partition("?")[0], Reply(status=404))

"""What all reading from registries has in common: connections, logins, and when not to ask."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from reconciler.adapters.registry.auth import Authenticator, Visit
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.place import api_host
from reconciler.adapters.registry.respite import Respites
from reconciler.adapters.registry.transport import OnRequest, Transport
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import RegistryError
from reconciler.settings import RegistrySettings


class Registries:
    """All registries, by one pool of connections. Safe to use from many threads.

    Raises:
        SettingsError: files of the settings cannot be used.
    """

    def __init__(
        self, settings: RegistrySettings, keychain: Keychain, *, on_request: OnRequest
    ) -> None:
        """Open nothing yet."""
        self._transport = Transport(settings, on_request=on_request)
        self._auth = Authenticator(
            self._transport, keychain, insecure_hosts=settings.insecure_hosts
        )
        self._respites = Respites()

    @contextmanager
    def visiting(
        self, repository: Repository, pull_secrets: Iterable[PullCredential], *, doing: str
    ) -> Iterator[Visit]:
        """Give what sends the requests for one repository.

        Args:
            repository: which.
            pull_secrets: the cluster's logins for it, tried before those of the keychain.
            doing: what is attempted, for the words of a refusal.

        Raises:
            RegistryError: its host asked for time that is not over.
        """
        self._respites.check(repository.host)
        base = f"{self._transport.base_url(api_host(repository.host))}/v2/{quote(repository.path)}"
        try:
            yield self._auth.visit(repository, pull_secrets, base=base, doing=doing)
        except RegistryError as error:
            self._respites.note(repository.host, error)
            raise

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

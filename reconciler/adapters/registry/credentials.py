"""Registry passwords from a docker ``config.json``."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.images.reference import DEFAULT_HOST, Repository
from reconciler.core.redaction import Secret
from reconciler.errors import SettingsError

MAX_CONFIG_BYTES = 1024 * 1024
_DOCKER_HUB_NAMES = frozenset({"index.docker.io", "registry-1.docker.io", DEFAULT_HOST})


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password."""

    username: str
    password: Secret

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header."""
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Keychain:
    """Credentials by registry, or by registry and path: the longest path that fits wins.

    Attributes:
        entries: by ``host``, ``host:port`` or ``host/path``.
        source: where they come from, for messages; empty for nowhere.
    """

    entries: Mapping[str, Credentials]
    source: str = ""

    @classmethod
    def default(cls, environment: Mapping[str, str]) -> "Keychain":
        """Return the keychain of ``$DOCKER_CONFIG`` or ``~/.docker``; empty if there is none.

        Raises:
            SettingsError: the file is there and cannot be read.
        """
        folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
        path = Path(folder) / "config.json"
        return cls.from_file(path) if path.is_file() else cls({})

    @classmethod
    def from_file(cls, path: Path) -> "Keychain":
        """Return the keychain of a docker ``config.json``.

        Raises:
            SettingsError: it cannot be read; the message holds nothing of its contents.
        """
        auths = _auths(path)
        entries = {_normalised(key): found for key, entry in auths.items()
                   if (found := _credentials(entry, key, path))}  # fmt: skip
        return cls(entries, str(path))

    def for_repository(self, repository: Repository) -> Credentials | None:
        """Return the credentials for a repository: those of the longest path that it is below."""
        key = f"{repository.host}/{repository.path}"
        while key:
            if key in self.entries:
                return self.entries[key]
            key = key.rpartition("/")[0]
        return None


def _auths(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(MAX_CONFIG_BYTES))
    except OSError as error:
        message = f"cannot read the docker config: {error.strerror}"
        raise SettingsError(message, where=str(path)) from error
    except ValueError:  # its own text, and the exception itself, quote the contents
        raise SettingsError("the docker config is no JSON", where=str(path)) from None
    auths = config.get("auths") if isinstance(config, dict) else None
    if auths is None and isinstance(config, dict):
        return {}
    if not isinstance(auths, dict):
        raise SettingsError("the docker config's 'auths' is no object", where=str(path))
    return auths


def _credentials(entry: object, key: str, path: Path) -> Credentials | None:
    if not isinstance(entry, dict):
        raise SettingsError(f"the docker config's entry {key!r} is no object", where=str(path))
    encoded, username, password = (
        str(entry.get(k) or "") for k in ("auth", "username", "password")
    )
    if encoded:
        try:
            decoded = base64.b64decode(encoded, validate=True).decode().rstrip("\0")
        except (binascii.Error, UnicodeDecodeError):
            raise _bad_auth(key, path) from None
        username, colon, password = decoded.partition(":")
        if not colon:
            raise _bad_auth(key, path)
    return Credentials(username, Secret(password)) if username else None


def _bad_auth(key: str, path: Path) -> SettingsError:
    message = f"the docker config's entry {key!r} has an 'auth' that is no base64 of user:password"
    return SettingsError(message, where=str(path))


def _normalised(key: str) -> str:
    """Return ``host[:port][/path]`` of a key such as ``https://index.docker.io/v1/``."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    for version in ("/v1", "/v2"):
        bare = bare.removesuffix(version)
    host, slash, path = bare.partition("/")
    return f"{DEFAULT_HOST if host in _DOCKER_HUB_NAMES else host}{slash}{path}"

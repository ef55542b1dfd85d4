"""Reads docker configs: ``config.json``, ``.dockerconfigjson`` and the older ``.dockercfg``.

Nothing of their contents gets into a message but the keys of entries.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from reconciler.adapters.registry.login import IDENTITY_USER, Login
from reconciler.adapters.registry.place import Place
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret

MAX_BYTES: Final = 1024 * 1024
_MAX_KEY: Final = 200


class ConfigProblem(Exception):  # noqa: N818 - a reason on its way into a message, not an error
    """What is wrong with a docker config, in words that quote nothing secret."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A login for a place, or why there is none: an entry alone can be wrong."""

    place: Place
    login: Login | ConfigProblem


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """Logins, and the programs to ask for more.

    Attributes:
        entries: those of ``auths`` that hold something.
        helpers: names of credential helpers by host, as in ``credHelpers``.
        store: the name of the helper for all hosts, ``credsStore``; empty for none.
    """

    entries: tuple[Entry, ...] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def entries_for(self, repository: Repository) -> list[Entry]:
        """Return the entries that cover a repository, those first that name it most closely."""
        covering = [entry for entry in self.entries if entry.place.covers(repository)]
        return sorted(covering, key=lambda entry: entry.place.rank, reverse=True)

    def helper_for(self, repository: Repository) -> str:
        """Return the helper to ask about a repository's host, its own or the one for all hosts."""
        host = repository.host.lower()
        own = (name for key, name in self.helpers.items() if Place.parse(key).host == host)
        return next(own, self.store)


def parse_docker_config(text: str | bytes, *, is_legacy: bool = False) -> DockerConfig:
    """Read a docker config.

    Args:
        text: JSON.
        is_legacy: whether it is a ``.dockercfg``, which is the ``auths`` object itself.

    Raises:
        ConfigProblem: it is none; a single entry that is wrong is in the result.
    """
    config = _object(_json(text), "it")
    auths = config if is_legacy else _object(config.get("auths"), "its 'auths'")
    entries = tuple(
        Entry(Place.parse(key), login)
        for key, value in auths.items()
        if (login := _login(key, value)) is not None
    )
    if is_legacy:
        return DockerConfig(entries)
    helpers = _object(config.get("credHelpers"), "its 'credHelpers'")
    named = {key: name for key, name in helpers.items() if isinstance(name, str) and name}
    store = config.get("credsStore")
    return DockerConfig(entries, named, store if isinstance(store, str) else "")


def _json(text: str | bytes) -> object:
    if len(text) > MAX_BYTES:
        raise ConfigProblem(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ConfigProblem("it is no JSON") from None  # the exception itself may quote it


def _object(value: object, what: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigProblem(f"{what} is no object")
    return value


def _login(key: str, value: object) -> Login | ConfigProblem | None:
    """Return an entry's login; None if it holds none, as where a helper keeps it."""
    if not isinstance(value, dict):
        return ConfigProblem(f"its entry {key[:_MAX_KEY]!r} is no object")
    auth, username, password, token = (
        value.get(name) or "" for name in ("auth", "username", "password", "identitytoken")
    )
    if not all(isinstance(each, str) for each in (auth, username, password, token)):
        return ConfigProblem(f"its entry {key[:_MAX_KEY]!r} holds something that is no text")
    if auth:
        pair = _decoded(auth)
        if pair is None:
            what = "an 'auth' that is no base64 of user:password"
            return ConfigProblem(f"its entry {key[:_MAX_KEY]!r} has {what}")
        username, password = pair
    return as_login(username, password, token)


def as_login(username: str, password: str, identity_token: str = "") -> Login | None:
    """Return the login that these parts make, if any."""
    if identity_token:
        return Login(username or IDENTITY_USER, Secret(identity_token), is_identity_token=True)
    if not username:
        return None
    return Login(username, Secret(password), is_identity_token=username == IDENTITY_USER)


def _decoded(auth: str) -> tuple[str, str] | None:
    """Read base64 of ``user:password``; padding may be missing, as the kubelet permits."""
    bare = auth.strip().rstrip("=")
    try:
        text = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    username, colon, password = text.rstrip("\0").partition(":")
    return (username, password) if colon and username else None

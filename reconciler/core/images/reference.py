"""Image references: a repository with a tag, a digest, or both.

The grammar is that of the distribution project's ``reference`` package, which Docker and Kubernetes
use; the familiar short names (``nginx``, ``acme/web``) mean Docker Hub.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.errors import ReferenceSyntaxError

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"
MAX_NAME = 255
MAX_TAG = 128
MAX_PORT = 65535
MAX_TEXT = 1024  # longer than name, tag and digest together can be

_OTHER_NAMES_OF_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io"})
_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9a-fA-F:]+\])(?::([0-9]+))?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TAG - 1}}}")
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")
_HEX_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A registry host and a path in it, normalised: ``docker.io/library/nginx`` for ``nginx``."""

    host: str  # with port if one is written: ``registry.example:5000``
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    @property
    def last_part(self) -> str:
        """What people call it: ``nginx`` of ``registry.example/acme/nginx``."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ImageReference:
    """``registry.example/acme/web:1.4.2``; ``str`` gives back the very text that was parsed.

    Attributes:
        name: the part before tag and digest, spelled as in the manifest.
        repository: the same, normalised.
        tag: the tag; None if none is written (which means ``latest`` if there is no digest either).
        digest: ``sha256:<64 hex>`` or another registered algorithm.
    """

    name: str
    repository: Repository
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ImageReference":
        """Return the reference that a manifest's ``image:`` holds.

        Raises:
            ReferenceSyntaxError: it is none.
        """
        if len(text) > MAX_TEXT:
            raise ReferenceSyntaxError(text, f"is longer than {MAX_TEXT} characters")
        rest, at, digest = text.partition("@")
        slash = rest.rfind("/")
        colon = rest.find(":", slash + 1)
        name, tag = (rest, None) if colon < 0 else (rest[:colon], rest[colon + 1 :])
        if tag is not None:
            check_tag(text, tag)
        if at:
            _check_digest(text, digest)
        return cls(name, _repository(text, name), tag, digest if at else None)

    @property
    def has_meant_tag(self) -> bool:
        """Whether a tag is meant, written or not; with a digest alone none is, not ``latest``."""
        return self.tag is not None or self.digest is None

    @property
    def effective_tag(self) -> str:
        """The tag that is meant: ``latest`` where none is written."""
        return self.tag or DEFAULT_TAG

    @property
    def suffix(self) -> str:
        """What follows the name, without its mark: ``v4``, ``v4@sha256:…``."""
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.effective_tag}{digest}"

    def with_tag(self, tag: str, *, digest: str | None = None) -> "ImageReference":
        """Return the same repository with another tag, and with that digest or none.

        Raises:
            ReferenceSyntaxError: that is no tag, or no digest.
        """
        text = f"{self.name}:{tag}"
        check_tag(text, tag)
        if digest is not None:
            _check_digest(f"{text}@{digest}", digest)
        return replace(self, tag=tag, digest=digest)

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.name}{tag}{digest}"


def is_tag(text: str) -> bool:
    """Whether a text can be a tag: up to 128 letters, digits, ``_``, ``.`` and ``-``."""
    return _TAG.fullmatch(text) is not None


def tags_among(texts: Iterable[object]) -> list[str]:
    """Return what can be a tag of what a registry lists: a thousand at a time, so in one go."""
    return list(filter(_TAG.fullmatch, [each for each in texts if isinstance(each, str)]))


def check_tag(text: str, tag: str) -> None:
    """Refuse what is no tag; ``text`` is the whole reference, for the message.

    Raises:
        ReferenceSyntaxError: it is none.
    """
    if len(tag) > MAX_TAG:
        raise ReferenceSyntaxError(text, f"tag is longer than {MAX_TAG} characters")
    if not is_tag(tag):
        raise ReferenceSyntaxError(text, f"{tag!r} is no tag")


def is_digest(text: str) -> bool:
    """Whether a text is a digest of a registered algorithm, whole: ``sha256:<64 hex>``."""
    algorithm, _, hexadecimal = text.partition(":")
    is_hex = _HEX.fullmatch(hexadecimal) is not None
    return is_hex and len(hexadecimal) == _HEX_LENGTH.get(algorithm)


def _check_digest(text: str, digest: str) -> None:
    algorithm, _, hexadecimal = digest.partition(":")
    wanted = _HEX_LENGTH.get(algorithm)
    if wanted is None:
        raise ReferenceSyntaxError(text, f"unknown digest algorithm {algorithm!r}")
    if len(hexadecimal) != wanted or not _HEX.fullmatch(hexadecimal):
        raise ReferenceSyntaxError(text, f"a {algorithm} digest has {wanted} lower-case hex digits")


def _repository(text: str, name: str) -> Repository:
    if not name:
        raise ReferenceSyntaxError(text, "has no repository")
    if _HEX_NAME.fullmatch(name):
        raise ReferenceSyntaxError(text, "is 64 hex digits, which means an image id")
    host, path = _split_host(name)
    if not _is_host(host):
        raise ReferenceSyntaxError(text, f"{host!r} is no registry host")
    for component in path.split("/"):
        if not _COMPONENT.fullmatch(component):
            raise ReferenceSyntaxError(text, _component_problem(component))
    if len(path) > MAX_NAME:
        raise ReferenceSyntaxError(text, f"repository is longer than {MAX_NAME} characters")
    return Repository(host, path)


def _split_host(name: str) -> tuple[str, str]:
    """Tell a registry host from a path: it has a ``.``, a ``:`` or an upper-case letter.

    ``localhost`` is one too (distribution, ``splitDockerDomain``).
    """
    first, slash, rest = name.partition("/")
    is_host = slash and (
        "." in first or ":" in first or first == "localhost" or first.lower() != first
    )
    host, path = (first, rest) if is_host else (DEFAULT_HOST, name)
    if host in _OTHER_NAMES_OF_DOCKER_HUB:
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    return host, path


def _is_host(host: str) -> bool:
    """Whether a text is a registry host that a URL can have.

    Brackets must hold an address, and a port must be one, which is more than Docker's grammar asks.
    """
    found = _HOST.fullmatch(host)
    if found is None or (found[1] and int(found[1]) > MAX_PORT):
        return False
    if not host.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(host[1 : host.index("]")])
    except ValueError:
        return False
    return True


def _component_problem(component: str) -> str:
    if component != component.lower():
        return "repository must be lower case"
    return f"{component!r} is no part of a repository name" if component else "has an empty part"

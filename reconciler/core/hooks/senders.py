"""The senders of webhooks, and how each proves that it is one."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATH_KEY_LENGTH: Final = 32  # hexadecimal digits: 128 bits


class Proof(Enum):
    """How a sender proves itself."""

    SIGNATURE = "signature"
    """An HMAC-SHA256 of the body in a header, in hexadecimal digits."""

    TOKEN = "token"  # noqa: S105 - no password
    """The secret in a header of its own."""

    BEARER = "bearer"
    """The secret in ``Authorization``, with or without ``Bearer`` before it."""

    PATH = "path"
    """A part of the URL that is made of the secret: the sender can do nothing else."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A kind of sender.

    Attributes:
        family: ``registry`` or ``git``.
        name: as in the URL.
        proof: what it can give.
        headers: where that is, in lower case; all that are there must be right.
        delivery: the headers that name a delivery, in lower case.
    """

    family: str
    name: str
    proof: Proof
    headers: tuple[str, ...] = ()
    delivery: tuple[str, ...] = ()


_BEARER: Final = ("authorization",)

SENDERS: Final = (
    Sender("registry", "distribution", Proof.BEARER, _BEARER),
    Sender("registry", "harbor", Proof.BEARER, _BEARER),
    Sender("registry", "ghcr", Proof.SIGNATURE, ("x-hub-signature-256",), ("x-github-delivery",)),
    Sender("registry", "dockerhub", Proof.PATH),
    Sender("registry", "quay", Proof.PATH),
    Sender("git", "github", Proof.SIGNATURE, ("x-hub-signature-256",), ("x-github-delivery",)),
    Sender(
        "git",
        "gitlab",
        Proof.TOKEN,
        ("x-gitlab-token",),
        ("idempotency-key", "x-gitlab-event-uuid"),
    ),
    Sender(
        "git",
        "gitea",
        Proof.SIGNATURE,
        ("x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256"),
        ("x-forgejo-delivery", "x-gitea-delivery"),
    ),
)


def sender_of(family: str, name: str) -> Sender | None:
    """Return the sender of a URL's two words."""
    return next((each for each in SENDERS if (each.family, each.name) == (family, name)), None)


def path_key(secret: bytes, sender: Sender) -> str:
    """Return what stands for the secret in a sender's URL; the secret cannot be told from it."""
    said = f"reconcile webhook {sender.family}/{sender.name}".encode()
    return hmac.new(secret, said, hashlib.sha256).hexdigest()[:PATH_KEY_LENGTH]


def may_be_authentic(
    sender: Sender, secret: bytes, headers: Mapping[str, str], key: str | None
) -> bool:
    """Whether a request can be the sender's, as far as that shows without its body.

    Args:
        sender: who it says it is.
        secret: what both know.
        headers: of the request, names in lower case.
        key: the last part of the URL's path; None: there is none.
    """
    if key is not None:
        return _same(key, path_key(secret, sender))
    given = _given(sender, headers)
    match sender.proof:
        case Proof.SIGNATURE:
            return bool(given)
        case Proof.TOKEN:
            return bool(given) and all(_same(each, secret) for each in given)
        case Proof.BEARER:
            return bool(given) and _same(_without_scheme(given[0]), secret)
        case Proof.PATH:
            return False


def is_authentic(
    sender: Sender, secret: bytes, headers: Mapping[str, str], key: str | None, body: bytes
) -> bool:
    """Whether a request is the sender's; arguments as for :func:`may_be_authentic`."""
    if not may_be_authentic(sender, secret, headers, key):
        return False
    if key is not None or sender.proof is not Proof.SIGNATURE:
        return True
    wanted = hmac.new(secret, body, hashlib.sha256).hexdigest()
    given = _given(sender, headers)
    return all(_same(each.removeprefix("sha256="), wanted) for each in given)


def delivery_of(sender: Sender, headers: Mapping[str, str]) -> str:
    """Return what names a delivery, the same when it is sent again; empty: nothing does."""
    found = (headers[name] for name in sender.delivery if headers.get(name))
    return next(found, "")


def _given(sender: Sender, headers: Mapping[str, str]) -> list[str]:
    return [headers[name] for name in sender.headers if headers.get(name)]


def _without_scheme(text: str) -> str:
    scheme, _, rest = text.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else text


def _same(one: str, other: str | bytes) -> bool:
    """Compare in a time that does not tell where two texts differ."""
    wanted = other.encode() if isinstance(other, str) else other
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), wanted)

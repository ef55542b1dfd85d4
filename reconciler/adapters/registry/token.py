"""Buys access tokens: what to ask a token service, and what its answers mean.

CNCF distribution, "Token Authentication Specification" and "OAuth2 Token Authentication".
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, urlencode

import msgspec

from reconciler.adapters.registry.login import Login

MAX_ANSWER_BYTES: Final = 64 * 1024
SHORTEST_LIFE_S: Final = 60.0
"""'For compatibility with older clients, a token should never be returned with less than 60
seconds to live', and 60 is what a missing ``expires_in`` means."""

LONGEST_LIFE_S: Final = 3600.0
SLACK: Final = 0.1  # of its life: a token is renewed before it ends
_CLIENT_ID: Final = "reconcile"
_TOKEN: Final = re.compile(r"[!-~]+")  # fit for a header


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What a token is for.

    Attributes:
        realm: the URL of the token service.
        service: the registry's name there; may be empty.
        scope: what it permits: ``repository:acme/web:pull``, several with spaces between.
        login: who asks; None for nobody.
    """

    realm: str
    service: str
    scope: str
    login: Login | None

    @property
    def url(self) -> str:
        """The URL to GET a token from."""
        service = [f"service={quote_plus(self.service)}"] if self.service else []
        scopes = [f"scope={quote_plus(scope)}" for scope in self.scope.split()]
        base, _, query = self.realm.partition("#")[0].partition("?")
        joined = "&".join(filter(None, (query, *service, *scopes)))
        return f"{base}?{joined}" if joined else base

    @property
    def form(self) -> bytes:
        """The body to POST an identity token with, ``application/x-www-form-urlencoded``."""
        token = self.login.password.reveal() if self.login else ""
        fields = {
            "grant_type": "refresh_token",
            "service": self.service,
            "scope": self.scope,
            "client_id": _CLIENT_ID,
            "refresh_token": token,
        }
        return urlencode(fields).encode()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and for how many seconds it is to be used."""

    text: str
    use_s: float


class _Answer(msgspec.Struct):
    token: object = None
    access_token: object = None
    expires_in: object = None


_DECODER: Final = msgspec.json.Decoder(_Answer)


def read_token(body: bytes) -> Token | None:
    """Return the token of an answer: its ``token`` or ``access_token``; None if it has none."""
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    text = answer.token or answer.access_token
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        return None
    return Token(text, _use_s(answer.expires_in))


def _use_s(expires_in: object) -> float:
    told = expires_in if isinstance(expires_in, int | float) else SHORTEST_LIFE_S
    return min(max(told, SHORTEST_LIFE_S), LONGEST_LIFE_S) * (1 - SLACK)

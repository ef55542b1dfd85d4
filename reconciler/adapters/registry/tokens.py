"""Keeps access tokens, and has one of each bought at a time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.adapters.registry.failures import failure, lied
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.redirect import followed
from reconciler.adapters.registry.request import FORM, without_query
from reconciler.adapters.registry.token import MAX_ANSWER_BYTES, Token, TokenKey, read_token
from reconciler.adapters.registry.transport import Response, Transport
from reconciler.errors import AccessDeniedError

MAX_KEPT: Final = 20_000
_WHO: Final = "its token service"
_OK: Final = 200
_REFUSED: Final = frozenset({400, 401, 403})  # OAuth 2.0 refuses a refresh token with 400
_NO_POST: Final = frozenset({404, 405, 501})


@dataclass(slots=True)
class _Slot:
    """A token for one key; the lock is held while one is bought."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    text: str = ""
    until: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Access:
    """A token to use, and whether it was bought just now."""

    text: str
    is_new: bool


class Tokens:
    """Access tokens by realm, service, scope and login. Safe to use from many threads."""

    def __init__(
        self, transport: Transport, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[TokenKey, _Slot] = {}

    def get(self, key: TokenKey, *, refused: str = "") -> Access:
        """Return a token that has some life left; one flight at a time for each key.

        Args:
            key: what it is for.
            refused: a token that the registry would not take: not this one again from the store.

        Raises:
            AccessDeniedError: the token service refused the login.
            RegistryError: it failed, lied, or did not answer in time.
        """
        slot = self._slot(key)
        with slot.lock:
            is_due = self._clock() >= slot.until or slot.text == refused
            if is_due:
                asked_at = self._clock()  # its life began at most then
                token = self._bought(key)
                slot.text, slot.until = token.text, asked_at + token.use_s
            return Access(slot.text, is_due)

    def _slot(self, key: TokenKey) -> _Slot:
        with self._lock:
            if len(self._slots) >= MAX_KEPT and key not in self._slots:
                now = self._clock()
                self._slots = {k: slot for k, slot in self._slots.items() if slot.until > now}
            if len(self._slots) >= MAX_KEPT:
                self._slots.clear()
            return self._slots.setdefault(key, _Slot())

    def _bought(self, key: TokenKey) -> Token:
        answer = self._answer(key)
        token = read_token(answer.body) if answer.status == _OK else None
        if token is not None:
            return token
        where = without_query(key.realm)
        if answer.status in _REFUSED:
            raise AccessDeniedError(f"{_WHO} answered {answer.status}", where=where)
        if answer.status != _OK:
            raise failure(answer, _WHO, where=where)
        raise lied(where, "answered with something that holds no token", _WHO)

    def _answer(self, key: TokenKey) -> Response:
        if key.login is not None and key.login.is_identity_token:
            answer = self._transport.call(
                "POST", key.realm, FORM, body=key.form, max_body_bytes=MAX_ANSWER_BYTES
            )
            if answer.status not in _NO_POST:
                return answer
        return self._got(key.url, key.login)

    def _got(self, url: str, login: Login | None) -> Response:
        """GET, following redirects only where they stay: the password goes along."""
        headers = {"Authorization": login.basic} if login else {}

        def get(url: str) -> Response:
            return self._transport.get(url, headers, max_body_bytes=MAX_ANSWER_BYTES)

        return followed(get, url, who=_WHO)

"""Somebody who looks at the page and uses the API, over real sockets."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.interfaces.http.service import Service
from reconciler.pipeline.board import Board
from reconciler.settings import Address, PageSettings
from tests.interfaces.test_http import Loop

TOKEN = "a token of sixteen or more"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        return json.loads(self.text)


@dataclass
class Looking:
    """A service with a board, and a client of it."""

    board: Board | None
    page: PageSettings
    service: Service = field(default_factory=lambda: Service(Address("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        self.attend(self.page)

    def attend(self, page: PageSettings | None, board: Board | None = None) -> None:
        """Give the service other settings, or another board."""
        self.board = board or self.board
        self.service.attend(Loop(), ["shop"], board=self.board, page=page)

    @property
    def url(self) -> str:
        return f"http://{self.service.addresses[0]}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.service.addresses[0], timeout=60)

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] = BEARER,
        *,
        method: str = "GET",
        body: str | None = None,
    ) -> Answer:
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read().decode())

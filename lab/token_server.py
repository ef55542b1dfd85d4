"""A token service for registries: checks who asks, and signs what they may do.

CNCF distribution, "Token Authentication Specification" and "OAuth2 Token Authentication": a GET
with a user name and a password, or a POST with an identity token, is answered with a JSON Web
Token that the registry checks by the service's public key.
"""

import base64
import contextlib
import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from lab.authority import Authority, serving_context
from lab.process import LabError
from lab.registry import PASSWORD, USER

SERVICE = "lab"
ALL_ACTIONS = ("pull", "push", "delete")
NOBODY = ""
_HALF = 32  # bytes of each number of an ES256 signature


@dataclass(frozen=True)
class User:
    """Who may do what: the actions, in the repositories whose names begin with the prefix."""

    password: str = ""
    prefix: str = ""
    actions: Sequence[str] = ("pull",)


@dataclass(frozen=True)
class Asked:
    """A request for a token: how, by whom (nobody if refused), and for what."""

    method: str
    user: str
    scopes: tuple[str, ...]
    status: int


class TokenServer(http.server.ThreadingHTTPServer):
    """Sells tokens over TLS, signed by the key of its certificate, which goes with them.

    Its attributes may be changed while it runs.

    Attributes:
        users: by name; that of nobody is empty.
        identity_tokens: user names by identity token.
        life_s: for how long its tokens are good (Distribution adds a minute to that).
        takes_posts: whether it knows OAuth 2.0; if not, it answers a POST with 405.
        asked: what was asked of it.
    """

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = serving_context(certificate).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.users = {
            USER: User(PASSWORD, actions=ALL_ACTIONS),
            NOBODY: User(prefix="public/"),
        }
        self.identity_tokens: dict[str, str] = {}
        self.life_s = 300
        self.takes_posts = True
        self.asked: list[Asked] = []
        pem = certificate.read_bytes()
        key = load_pem_private_key(pem, None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise LabError("the token server signs by ES256, and its key is of another kind")
        self._key = key
        self._certificate = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what some tests are about."""

    @property
    def realm(self) -> str:
        """The URL to ask for tokens."""
        return f"https://127.0.0.1:{self.server_port}/token"

    def token(self, user: str, scopes: Sequence[str]) -> str:
        """Sign a token for what a user may do of what the scopes ask for."""
        now = int(time.time())
        chain = [base64.b64encode(self._certificate).decode()]
        head = {"typ": "JWT", "alg": "ES256", "x5c": chain}
        claims = {
            "iss": SERVICE,
            "aud": SERVICE,
            "sub": user,
            "jti": secrets.token_hex(8),
            "iat": now,
            "nbf": now,
            "exp": now + self.life_s,
            "access": [self._granted(self.users[user], scope) for scope in scopes],
        }
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(self._signature(signed.encode()))}"

    def _signature(self, content: bytes) -> bytes:
        """Sign by ES256, as JSON Web Signatures have it: two numbers side by side."""
        numbers = decode_dss_signature(self._key.sign(content, ECDSA(SHA256())))
        return b"".join(number.to_bytes(_HALF, "big") for number in numbers)

    @staticmethod
    def _granted(user: User, scope: str) -> Mapping[str, object]:
        kind, _, rest = scope.partition(":")
        name, _, wanted = rest.rpartition(":")
        is_theirs = kind == "repository" and name.startswith(user.prefix)
        actions = [each for each in wanted.split(",") if is_theirs and each in user.actions]
        return {"type": kind, "name": name, "actions": actions}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TokenServer

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._sell(query, self._user_of_password())

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        if not self.server.takes_posts:
            self._answer("", (), 405, {})
            return
        token = form.get("refresh_token", [""])[0]
        is_sound = form.get("grant_type") == ["refresh_token"] and form.get("client_id")
        self._sell(form, self.server.identity_tokens.get(token) if is_sound else None)

    def log_message(self, *_: object) -> None:
        pass

    def _user_of_password(self) -> str | None:
        given = self.headers.get("Authorization", "")
        if not given:
            return NOBODY
        pair = base64.b64decode(given.removeprefix("Basic ")).decode()
        name, _, password = pair.partition(":")
        user = self.server.users.get(name)
        return name if name and user is not None and user.password == password else None

    def _sell(self, asked: Mapping[str, Sequence[str]], user: str | None) -> None:
        scopes = tuple(scope for each in asked.get("scope", []) for scope in each.split())
        if asked.get("service") != [SERVICE] or user is None:
            self._answer("", scopes, 401, {"details": "incorrect username or password"})
            return
        token, life_s = self.server.token(user, scopes), self.server.life_s
        name = "access_token" if self.command == "POST" else "token"
        self._answer(user, scopes, 200, {name: token, "expires_in": life_s})

    def _answer(
        self, user: str, scopes: tuple[str, ...], status: int, answer: Mapping[str, object]
    ) -> None:
        self.server.asked.append(Asked(self.command, user, scopes, status))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextlib.contextmanager
def selling_tokens(folder: Path, authority: Authority) -> Iterator[TokenServer]:
    """Sell tokens while the block runs; the folder gets the server's certificate."""
    with TokenServer(authority.certificate(folder / "token-server.pem")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

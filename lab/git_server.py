"""A Git server over HTTP: ``git http-backend`` behind basic auth, on loopback."""

import base64
import contextlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.process import MissingPartError

USER = "robot"


class GitHttpServer(http.server.ThreadingHTTPServer):
    """Serves the repositories of a folder; its attributes may be changed while it runs."""

    daemon_threads = True

    def __init__(
        self, root: Path, password: str | None, port: int = 0, address: str = "127.0.0.1"
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Handler)
        self.root = root
        self.password = password
        self.redirect_to = ""
        self.status = 0  # answered to everything, if set
        self.passes_protocol = True  # a proxy may drop the header, and git then speaks protocol 0
        self.keeps_silent_on = ""  # does what requests whose path ends so ask for, and hangs up
        self.hides = b""  # a word that nobody gets to read
        self.authorizations: list[str] = []
        self.paths: list[str] = []
        self.on_request: Callable[[], None] = lambda: None

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on; the handshake is the connection's own thread's business."""
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what some tests are about."""

    @property
    def url(self) -> str:
        """The URL of the folder."""
        address = str(self.server_address[0])
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server: GitHttpServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        server, given = self.server, self.headers.get("Authorization", "")
        server.paths.append(self.path)
        server.on_request()
        server.authorizations.append(given)
        wanted = base64.b64encode(f"{USER}:{server.password}".encode()).decode()
        if server.redirect_to:
            self._refuse(302, ("Location", server.redirect_to + self.path))
        elif server.status:
            self._refuse(server.status)
        elif server.password is not None and given != f"Basic {wanted}":
            self._refuse(401, ("WWW-Authenticate", 'Basic realm="git"'))
        else:
            self._backend()

    def _refuse(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _backend(self) -> None:
        path, _, query = self.path.partition("?")
        result = subprocess.run(
            ["git", "http-backend"],
            input=self._body(),
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_PROJECT_ROOT": str(self.server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self._protocol(),
                "REMOTE_USER": USER if self.server.password is not None else "",
            },
        )
        if self.server.keeps_silent_on and path.endswith(self.server.keeps_silent_on):
            self.close_connection = True
            return
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        if self.server.hides:
            body = body.replace(self.server.hides, b"x" * len(self.server.hides))
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _protocol(self) -> str:
        return self.headers.get("Git-Protocol", "") if self.server.passes_protocol else ""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body


def require_backend() -> None:
    """Make sure that git can serve HTTP.

    Raises:
        MissingPartError: it cannot.
    """
    if shutil.which("git") is None:
        raise MissingPartError("git is missing: install the package git")
    asked = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    if not (Path(asked.stdout.strip()) / "git-http-backend").is_file():
        raise MissingPartError(
            "this git has no http-backend: install the whole git (Alpine: the package git-daemon)"
        )


@contextlib.contextmanager
def serving(
    root: Path, *, password: str | None = None, port: int = 0, address: str = "127.0.0.1"
) -> Iterator[GitHttpServer]:
    """Serve the repositories of a folder while the block runs.

    With a password its user (``USER``) may read and push; without one, everybody may read. A server
    that was stopped comes back at the port that it had.

    Raises:
        MissingPartError: this git has no ``http-backend``.
    """
    require_backend()
    with GitHttpServer(root, password, port, address) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""A proxy in front of a real API server by which it answers discovery as older releases do."""

import json
import ssl
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.simulators.serving import Serving

_PLAIN = "application/json"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_BETA = _AGGREGATED.replace("v=v2", "v=v2beta1")
_OF_ONE_HOP = {"connection", "content-length", "host", "transfer-encoding"}


class OlderApiServer(Serving):
    """Speaks plain HTTP on loopback; only what is asked of ``/api`` and ``/apis`` is changed.

    Args:
        kubeconfig: of the API server, with a token.
        folder: where the proxy's own kubeconfig is written.
        is_beta: whether it has aggregated discovery as of 1.26 to 1.29 (v2beta1), else none.

    Attributes:
        broken: paths that it answers with 503, as an API server does for a group whose server is
            down.
        requests: the status and path of each request, in the order of the answers.
        kubeconfig: how to reach the proxy, with the same token.
    """

    def __init__(self, kubeconfig: Path, folder: Path, *, is_beta: bool = False) -> None:
        config = json.loads(kubeconfig.read_text())
        server = config["clusters"][0]["cluster"]
        self._target = urlsplit(server["server"])
        self._trust = ssl.create_default_context(cafile=server.pop("certificate-authority"))
        self._is_beta = is_beta
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), self._handler()))
        self.broken: set[str] = set()
        self.requests: list[tuple[int, str]] = []
        self.kubeconfig = folder / "older.kubeconfig"
        server["server"] = f"http://127.0.0.1:{self.port}"
        self.kubeconfig.write_text(json.dumps(config))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, content = simulator._answer(
                    self.command, self.path, dict(self.headers.items()), body
                )
                simulator.requests.append((status, self.path))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if path in self.broken:
            return 503, {"Content-Type": "text/plain"}, b"service unavailable"
        kept = {name: text for name, text in headers.items() if name.lower() not in _OF_ONE_HOP}
        is_aggregated = path in ("/api", "/apis") and self._is_beta and _BETA in kept["Accept"]
        if path in ("/api", "/apis"):
            kept["Accept"] = _AGGREGATED if is_aggregated else _PLAIN
        upstream = HTTPSConnection(
            self._target.hostname or "", self._target.port, context=self._trust
        )
        try:
            upstream.request(method, path, body=body or None, headers=kept)
            answer = upstream.getresponse()
            given = {n: v for n, v in answer.getheaders() if n.lower() not in _OF_ONE_HOP}
            content = answer.read()
            if is_aggregated:  # the newest API servers have forgotten it; the two look alike
                given["Content-Type"] = _BETA
                content = content.replace(b"discovery.k8s.io/v2", b"discovery.k8s.io/v2beta1")
            return answer.status, given, content
        finally:
            upstream.close()

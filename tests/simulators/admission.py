"""An admission webhook that answers as it is told to."""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

from lab.authority import Authority, serving_context
from tests.simulators.serving import Serving

Review: TypeAlias = Mapping[str, Any]
"""The ``request`` of an AdmissionReview."""


def denied(message: str) -> Mapping[str, object]:
    """Return the answer that refuses an object."""
    return {"allowed": False, "status": {"code": 422, "message": message}}


def patched(*operations: Mapping[str, object]) -> Mapping[str, object]:
    """Return the answer that changes an object by a JSON patch."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


class AdmissionSimulator(Serving):
    """Serves AdmissionReviews in TLS on loopback.

    Args:
        authority: signs its certificate.
        folder: where that is written.

    Attributes:
        by_path: what answers at each path; it returns the ``response`` without its uid, or None to
            say nothing until the simulator ends.
    """

    def __init__(self, authority: Authority, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.by_path: dict[str, Callable[[Review], Mapping[str, object] | None]] = {}
        self._bundle = base64.b64encode(authority.ca_file.read_bytes()).decode()
        self._ending = threading.Event()
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = serving_context(authority.certificate(folder / "admission.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    def _end_answers(self) -> None:
        self._ending.set()

    def client(self, path: str) -> Mapping[str, str]:
        """Return the ``clientConfig`` by which the API server reaches a path."""
        port = self.port
        return {"url": f"https://127.0.0.1:{port}{path}", "caBundle": self._bundle}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                review = json.loads(self.rfile.read(length))
                request = review["request"]
                response = simulator.by_path[self.path.partition("?")[0]](request)
                if response is None:
                    simulator._ending.wait()
                    return
                answer = {**review, "response": {**response, "uid": request["uid"]}}
                answer.pop("request")
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

"""A server of an API group of its own, behind an API server: as small as one can be."""

import json
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from lab.authority import Authority, serving_context
from tests.simulators.serving import Serving

VERBS: Final = ["create", "delete", "get", "list", "patch", "watch"]


class AggregatedApi(Serving):
    """Serves objects of kind ``Thing`` in ``v1`` of a group; knows server-side apply and lists.

    Args:
        group: its API group.
        authority: signs its certificate.
        folder: where that is written.

    Attributes:
        things: what is there, by path.
        is_up: whether it answers.
    """

    def __init__(self, group: str, authority: Authority, folder: Path) -> None:
        self.group = group
        self.things: dict[str, Mapping[str, Any]] = {}
        self.is_up = True
        self._version = 0
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = serving_context(authority.certificate(folder / "api.pem", name="localhost"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    def manifests(self, service: str, namespace: str) -> list[str]:
        """Return the Service and APIService by which an API server finds it."""
        port = self.port
        found = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }
        served = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1.{self.group}"},
            "spec": {
                "group": self.group,
                "version": "v1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": service, "namespace": namespace, "port": port},
            },
        }
        return [json.dumps(found), json.dumps(served)]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Mapping[str, Any]]:  # noqa: ANN401 - any JSON
        """Return the status and body that a request is answered with."""
        parts = urlsplit(target)
        root = f"/apis/{self.group}/v1"
        if not self.is_up:
            return 503, {"kind": "Status", "status": "Failure", "message": "is down"}
        if parts.path == root:
            return 200, self._resources()
        if re.fullmatch(rf"{root}(/namespaces/[^/]+)?/things", parts.path):
            return 200, self._listed(parts.path, parse_qs(parts.query))
        if method == "PATCH":
            return self._applied(parts.path, body)
        if parts.path in self.things:
            item = self.things.pop(parts.path) if method == "DELETE" else self.things[parts.path]
            return 200, item
        return 404, {"kind": "Status", "status": "Failure", "message": "not found", "code": 404}

    def _resources(self) -> Mapping[str, Any]:
        named = {"name": "things", "singularName": "thing", "kind": "Thing", "namespaced": True}
        resources = [{**named, "verbs": VERBS}]
        api_version = f"{self.group}/v1"
        about = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version}
        return {**about, "resources": resources}

    def _listed(self, path: str, query: Mapping[str, list[str]]) -> Mapping[str, Any]:
        folder = path.removesuffix("/things").removeprefix(f"/apis/{self.group}/v1")
        wanted = query.get("labelSelector", [""])[0]
        name, _, value = wanted.partition("=")
        items = [
            item
            for place, item in self.things.items()
            if folder in place and item["metadata"].get("labels", {}).get(name) == value
        ]
        about = {"kind": "ThingList", "apiVersion": f"{self.group}/v1"}
        return {**about, "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _applied(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        self._version += 1
        known = self.things.get(path)
        entry = {"manager": "reconcile", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
        metadata = {
            **body["metadata"],
            "uid": known["metadata"]["uid"] if known else f"uid-{self._version}",
            "resourceVersion": str(self._version),
            "managedFields": [entry],
        }
        self.things[path] = {**body, "metadata": metadata}
        return (200 if known else 201), self.things[path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"null")
                status, found = simulator.answer(self.command, self.path, body)
                content = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PATCH = do_DELETE = _answer  # noqa: N815 - named so by http.server

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

"""A registry's tags, manifests and blobs in memory: a script for the simulator."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from lab.image_content import Content, Image
from tests.simulators.registry import Reply, Request

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>tags|manifests|blobs)/(?P<name>[^/]+)")
NOT_THERE = Reply(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
CHALLENGE = Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="shelf"'})


@dataclass
class Shelf:
    """What a registry holds, and what it answers: as the OCI distribution-spec wants it.

    Attributes:
        login: ``user:password`` that it wants; empty: none.
        tells_digests: whether it sends ``Docker-Content-Digest``.
    """

    login: str = ""
    tells_digests: bool = True
    _tags: dict[str, dict[str, str]] = field(default_factory=dict)
    _contents: dict[tuple[str, str], Content] = field(default_factory=dict)

    def put(self, repository: str, *contents: Content) -> None:
        """Keep contents in a repository."""
        for each in contents:
            self._contents[repository, each.digest] = each

    def push(self, repository: str, tag: str, image: Image) -> str:
        """Keep an image under a tag; return its digest."""
        self.put(repository, *image.blobs, *image.manifests)
        return self.tag(repository, tag, image.digest)

    def tag(self, repository: str, tag: str, digest: str) -> str:
        """Name a content; return its digest."""
        self._tags.setdefault(repository, {})[tag] = digest
        return digest

    def tag_all(self, repository: str, tags: Iterable[str]) -> None:
        """Name nothing that is there: for lists of tags."""
        for each in tags:
            self.tag(repository, each, "sha256:none")

    def __call__(self, request: Request) -> Reply:
        """Answer."""
        pair = base64.b64encode(self.login.encode()).decode()
        if self.login and request.headers.get("Authorization") != f"Basic {pair}":
            return CHALLENGE
        url = urlsplit(request.path)
        found = _PATH.fullmatch(url.path)
        if found is None:
            return NOT_THERE
        repository, kind, name = found["repository"], found["kind"], found["name"]
        if kind == "tags":
            return self._listed(repository, parse_qs(url.query))
        digest = self._tags.get(repository, {}).get(name, name) if kind == "manifests" else name
        content = self._contents.get((repository, digest))
        return self._held(content) if content else NOT_THERE

    def _held(self, content: Content) -> Reply:
        reply = Reply(body=content.body, headers={"Content-Type": content.media_type})
        if not self.tells_digests:
            return reply
        return replace(reply, headers={**reply.headers, "Docker-Content-Digest": content.digest})

    def _listed(self, repository: str, query: dict[str, list[str]]) -> Reply:
        if repository not in self._tags:
            return NOT_THERE
        last, most = query.get("last", [""])[0], int(query.get("n", ["1000"])[0])
        rest = sorted(tag for tag in self._tags[repository] if tag > last)
        page = rest[:most]
        link = f"</v2/{repository}/tags/list?n={most}&last={page[-1]}>; rel=next" if page else ""
        headers = {"Link": link} if len(rest) > most else {}
        return Reply(body=json.dumps({"name": repository, "tags": page}).encode(), headers=headers)

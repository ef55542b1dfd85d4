"""Registries as they are out there: how they challenge, sell tokens, page and refuse.

Each is played over TLS at ``registry.vendor.test`` and, where it sends for tokens to another host,
``auth.vendor.test``. Cursors are opaque: only what a ``Link`` said, to the letter, is a next page.
Sources are issues in which their answers are quoted, or their documentation.
"""

import base64
import gzip
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from tests.simulators.registry import Reply, Request

PASSWORD = "canary-7f3a"
TAGS = tuple(f"v1.{number}.0" for number in range(7))

UNAUTHORIZED = (
    '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}'
)
DENIED = '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
NAME_UNKNOWN = (
    '{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}'
)


@dataclass(frozen=True, slots=True)
class Vendor:
    """The shapes of one registry.

    ``HOST``, ``AUTH``, ``NAME``, its last part ``BARE``, and ``LAST`` are filled in.

    Attributes:
        name: what it is.
        sources: where its answers are quoted.
        challenge: its ``WWW-Authenticate``.
        link: the target of its ``Link``.
        realm: the path of its token service; empty: it takes passwords itself.
        scope: what a token must be asked for.
        path: of a repository.
        user: a user name as it makes them.
        page: how many tags it lists at a time, however many are asked for; 0: all.
        is_public: whether it sells tokens to nobody in particular.
        token: the name of the token in the token service's answer.
        extra: what else stands in a list of tags.
        is_packed: whether its token service answers in gzip.
        unauthorized: the body of its 401.
        refusal: the status and body for who has no rights.
        is_refused_a_token: whether that is said by its token service.
        missing: the body of its 404.
    """

    name: str
    sources: tuple[str, ...]
    challenge: str
    link: str = "/v2/NAME/tags/list?last=LAST&n=1000"
    realm: str = ""
    scope: str = "repository:NAME:pull"
    path: str = "acme/web"
    user: str = "robot"
    page: int = 3
    is_public: bool = True
    token: str = "token"
    extra: Mapping[str, object] = field(default_factory=dict)
    is_packed: bool = False
    unauthorized: str = UNAUTHORIZED
    refusal: tuple[int, str] = (401, UNAUTHORIZED)
    is_refused_a_token: bool = False
    missing: str = NAME_UNKNOWN


VENDORS = (
    Vendor(
        "Docker Hub",
        ("goharbor/harbor#22118", "docs.docker.com/registry/spec/auth/token"),
        'Bearer realm="https://AUTH/token",service="registry.docker.io",'
        'scope="repository:NAME:pull"',
        realm="/token",
        token="token",
    ),
    Vendor(
        "GHCR",
        (
            "renovatebot/renovate#11446",
            "HarborGuard/HarborGuard#191",
            "github/dependabot-action#131",
        ),
        'Bearer realm="https://HOST/token",service="ghcr.io",scope="repository:NAME:pull"',
        realm="/token",
        refusal=(403, DENIED),
        is_refused_a_token=True,
    ),
    Vendor(
        "Quay",
        ("deitch/docker_registry2#56", "google/go-containerregistry#985"),
        'Bearer realm="https://HOST/v2/auth",service="quay.io",scope="repository:NAME:pull"',
        link="/v2/NAME/tags/list?next_page=gAAAAABLAST-_%3D%3D&n=50",
        realm="/v2/auth",
        user="acme+robot",
        unauthorized="true",
    ),
    Vendor(
        "Quay, with absolute links",
        ("TritonDataCenter/node-docker-registry-client#12",),
        'Bearer realm="https://HOST/v2/auth",service="quay.io"',
        link="https://HOST/v2/NAME/tags/list?next_page=gAAAAABLAST%3D%3D&n=50",
        realm="/v2/auth",
        user="acme+robot",
    ),
    Vendor(
        "Harbor",
        ("google/go-containerregistry#1493", "goharbor/harbor#13653"),
        'Bearer realm="https://HOST/service/token",service="harbor-registry",'
        'scope="repository:NAME:pull"',
        realm="/service/token",
        user="robot$acme+puller",
        is_packed=True,
        missing='{"errors":[{"code":"NOT_FOUND","message":"repository acme/web not found"}]}',
    ),
    Vendor(
        "GitLab",
        ("docs.gitlab.com/administration/packages/container_registry",),
        'Bearer realm="https://AUTH/jwt/auth",service="container_registry",'
        'scope="repository:NAME:pull",error="invalid_token"',
        link="https://HOST/v2/NAME/tags/list?n=100&last=LAST",
        realm="/jwt/auth",
        path="group/project/sub/web",
        refusal=(403, DENIED),
        is_refused_a_token=True,
    ),
    Vendor(
        "Artifactory, a virtual repository by its path",
        ("renovatebot/renovate#35917", "renovatebot/renovate#15080"),
        'Basic realm="Artifactory Realm"',
        link="/v2/BARE/tags/list?last=LAST&n=1000",
        path="docker-virtual/web",
        user="robot@acme.example",
        is_public=False,
    ),
    Vendor(
        "Artifactory, with tokens",
        ("jfrog.com/help: Docker registry, token authentication",),
        'Bearer realm="https://HOST/artifactory/api/docker/docker-virtual/v2/token",'
        'service="HOST",scope="repository:BARE:pull"',
        link="/v2/BARE/tags/list?last=LAST&n=1000",
        realm="/artifactory/api/docker/docker-virtual/v2/token",
        scope="repository:BARE:pull",
        path="docker-virtual/web",
        token="access_token",
    ),
    Vendor(
        "Nexus, by a connector's port",
        ("sonatype/nexus-public#1011",),
        'BASIC realm="Sonatype Nexus Repository Manager"',
        link="https://HOST/repository/docker-proxy/v2/NAME/tags/list?n=1000&last=LAST",
        is_public=False,
    ),
    Vendor(
        "Nexus, a group, which does not page",
        ("sonatype/nexus-public#117",),
        'Bearer realm="https://HOST/v2/token",service="https://HOST/v2/token"',
        realm="/v2/token",
        page=0,
    ),
    Vendor(
        "ECR",
        ("google/go-containerregistry#681", "genuinetools/reg#206"),
        'Basic realm="https://HOST/",service="ecr.amazonaws.com"',
        link="https://HOST/v2/NAME/tags/list?last=bGFzdEtleQ%2BLAST%3D%3D&n=1000",
        user="AWS",
        is_public=False,
        unauthorized="Not Authorized\n",
        refusal=(403, '{"errors":[{"code":"DENIED","message":"Not Authorized"}]}'),
        missing='{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name acme/web '
        'does not exist in the registry with id 123456789012"}]}',
    ),
    Vendor(
        "ECR Public",
        ("dependabot/dependabot-core#4212", "aws/containers-roadmap#1262"),
        'Bearer realm="https://HOST/token/",service="public.ecr.aws",scope="aws"',
        link="/v2/NAME/tags/list?last=1%2FLAST%2Babc&n=1000",
        realm="/token/",
        scope="aws",
        user="AWS",
    ),
    Vendor(
        "Artifact Registry and GCR",
        ("google/go-containerregistry#897",),
        'Bearer realm="https://HOST/v2/token",service="HOST",scope="repository:NAME:pull"',
        realm="/v2/token",
        path="project/images/web",
        user="oauth2accesstoken",
        page=0,
        extra={"child": [], "manifest": {"sha256:0": {"tag": ["v1.0.0"], "imageSizeBytes": "1"}}},
        refusal=(403, DENIED),
        is_refused_a_token=True,
    ),
    Vendor(
        "ACR",
        ("renovatebot/renovate#14708", "Azure/acr#676", "Azure/acr#207"),
        'Bearer realm="https://HOST/oauth2/token",service="HOST",'
        'scope="repository:NAME:metadata_read",error="invalid_token"',
        link="/v2/NAME/tags/list?last=LAST&n=1000&orderby=",
        realm="/oauth2/token",
        scope="repository:NAME:metadata_read",
        token="access_token",
        is_public=False,
        unauthorized='{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit '
        'https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository",'
        '"Name":"acme/web","Action":"metadata_read"}]}]}',
        is_refused_a_token=True,
    ),
)


class VendorScript:
    """Answers as a vendor does.

    Attributes:
        host: where it is asked, with the port.
        auth: where its token service may be.
        tags: what each repository has; None: there are none.
        is_forbidden: whether nobody has rights to any of them.
    """

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.host = ""
        self.auth = ""
        self.tags: tuple[str, ...] | None = TAGS
        self.is_forbidden = False
        self._lock = threading.Lock()
        self._pages: dict[tuple[str, str], int] = {}  # where they begin, by path and query
        self._sold: dict[str, str] = {}  # the scopes of tokens

    def listen(self, port: int) -> None:
        """Learn at which port this is played."""
        self.host, self.auth = f"registry.vendor.test:{port}", f"auth.vendor.test:{port}"

    @property
    def realm_host(self) -> str:
        """The host that passwords are for."""
        return self.auth if "https://AUTH/" in self.vendor.challenge else self.host

    def __call__(self, request: Request) -> Reply:
        asked = urlsplit(request.path)
        at = request.headers["Host"]
        with self._lock:
            if self.vendor.realm and asked.path == self.vendor.realm and at == self.realm_host:
                return self._sell(request, dict(parse_qsl(asked.query)))
            found = re.fullmatch(r"/v2/(.+)/tags/list", asked.path)
            own = self.vendor.path.rpartition("/")[0]
            if at == self.host and found and found[1].rpartition("/")[0] == own:
                return self._list(request, asked.query, found[1])
        return Reply(400, b'{"errors":[{"code":"UNSUPPORTED"}]}')

    def _sell(self, request: Request, query: dict[str, str]) -> Reply:
        service = self._filled(self.vendor.challenge).partition('service="')[2].partition('"')[0]
        who = _user_of(request)
        if query.get("service") != service or "scope" not in query:
            return Reply(400, b'{"errors":[{"code":"UNSUPPORTED","message":"bad parameters"}]}')
        if self.is_forbidden and self.vendor.is_refused_a_token:
            return Reply(self.vendor.refusal[0], self.vendor.refusal[1].encode())
        if who not in (None, self.vendor.user) or (who is None and not self.vendor.is_public):
            return Reply(401, UNAUTHORIZED.encode())
        token = f"token{len(self._sold)}"
        self._sold[token] = "" if self.is_forbidden else query["scope"]
        answer = json.dumps({self.vendor.token: token, "expires_in": 300}).encode()
        if self.vendor.is_packed:
            return Reply(body=gzip.compress(answer), headers={"Content-Encoding": "gzip"})
        return Reply(body=answer)

    def _list(self, request: Request, query: str, path: str) -> Reply:
        if not self._lets_in(request, path):
            headers = {"WWW-Authenticate": self._filled(self.vendor.challenge, path)}
            return Reply(401, self.vendor.unauthorized.encode(), headers)
        if self.is_forbidden:
            return Reply(self.vendor.refusal[0], self.vendor.refusal[1].encode())
        if self.tags is None:
            return Reply(404, self.vendor.missing.encode())
        start = 0 if query == "n=1000" else self._pages.get((path, query))
        if start is None:  # a cursor that somebody put together
            return Reply(405, b'{"errors":[{"code":"UNSUPPORTED"}]}')
        end = start + (self.vendor.page or len(self.tags))
        listed = {"name": path, "tags": self.tags[start:end], **self.vendor.extra}
        body = json.dumps(listed).encode()
        if end >= len(self.tags):
            return Reply(body=body)
        link = self._filled(self.vendor.link, path).replace("LAST", self.tags[end - 1])
        self._pages[path, urlsplit(link).query] = end
        return Reply(body=body, headers={"Link": f'<{link}>; rel="next"'})

    def _lets_in(self, request: Request, path: str) -> bool:
        given = request.headers.get("Authorization", "")
        if self.vendor.realm:
            scope = self._sold.get(given.removeprefix("Bearer "))
            return scope == self._filled(self.vendor.scope, path)
        return _user_of(request) == self.vendor.user

    def _filled(self, text: str, path: str = "") -> str:
        bare = path.rpartition("/")[2]
        words = {"HOST": self.host, "AUTH": self.auth, "NAME": path, "BARE": bare}
        for word, value in words.items():
            text = text.replace(word, value)
        return text


def _user_of(request: Request) -> str | None:
    """Return the user whose password is shown; None if none is, empty if it is wrong."""
    given = request.headers.get("Authorization", "")
    if not given.startswith("Basic "):
        return None
    user, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
    return user if password == PASSWORD else ""

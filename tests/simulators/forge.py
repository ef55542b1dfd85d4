"""A forge that answers as GitHub, GitLab or Gitea do, about a real repository.

It knows the fields that their APIs document and no others: what it is asked with another name, or
without its token in the form that is its own, it refuses.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.bare_repository import BareRemote, git
from tests.simulators.registry import RegistrySimulator, Reply, Request

TOKEN: Final = "canary-token-81c2"
PROJECT: Final = "acme/web"
KINDS: Final = ("github", "gitlab", "gitea")
API_PATHS: Final = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}
_AUTHORIZATION: Final = {
    "github": ("authorization", f"Bearer {TOKEN}"),
    "gitlab": ("private-token", TOKEN),
    "gitea": ("authorization", f"token {TOKEN}"),
}
_REQUIRED: Final = {
    "github": {"head", "base"},
    "gitlab": {"source_branch", "target_branch", "title"},
    "gitea": {"head", "base", "title"},
}
_CREATE: Final = {
    "github": {"title", "body", "head", "base", "draft", "maintainer_can_modify"},
    "gitlab": {"title", "description", "source_branch", "target_branch", "remove_source_branch"},
    "gitea": {"title", "body", "head", "base", "assignees", "labels", "milestone"},
}
_EDIT: Final = {
    "github": {"title", "body", "state", "base"},
    "gitlab": {"title", "description", "state_event", "target_branch"},
    "gitea": {"title", "body", "state", "base"},
}
_STATUS: Final = {
    "github": {"state", "description", "context", "target_url"},
    "gitlab": {"state", "description", "name", "context", "target_url", "ref"},
    "gitea": {"state", "description", "context", "target_url"},
}
_STATUS_LIST: Final = {
    "github": "/commits/([0-9a-f]+)/status",
    "gitlab": "/repository/commits/([0-9a-f]+)/statuses",
    "gitea": "/statuses/([0-9a-f]+)",
}
_STATES: Final = {
    "github": {"error", "failure", "pending", "success"},
    "gitlab": {"pending", "running", "success", "failed", "canceled"},
    "gitea": {"pending", "success", "error", "failure", "warning"},
}


@dataclass
class Pull:
    """A request as the forge knows it; ``state`` is open, closed or merged."""

    number: int
    head: str
    base: str
    title: str
    body: str
    state: str = "open"
    comments: list[str] = field(default_factory=list)
    is_from_fork: bool = False
    is_fork_gone: bool = False


@dataclass
class ForgeSimulator:
    """A forge with one repository.

    Attributes:
        kind: as which of them it answers.
        remote: the repository, whose branches count.
        project: what the forge calls it.
        page: the most that a page of Gitea's list holds.
        replies: scripted answers that come before any other.
        lost_comments: how many of the next comments are not taken.
        declines: why no request is opened; empty: they are.
        on_create: is told just before a request is opened: somebody may be faster.
        calls: ``METHOD PATH`` of what was asked, after the API's path, without query.
        statuses: what was reported: commit, state, context, description.
    """

    kind: str
    remote: BareRemote
    project: str = PROJECT
    page: int = 50
    replies: list[Reply] = field(default_factory=list)
    on_create: Callable[[], None] = lambda: None
    declines: str = ""
    lost_comments: int = 0
    pulls: list[Pull] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    statuses: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [call for call in self.calls if not call.startswith("GET")]

    @property
    def open(self) -> list[Pull]:
        """The requests that wait."""
        return [pull for pull in self.pulls if pull.state == "open"]

    def add(self, head: str, base: str = "main", **more: Any) -> Pull:  # noqa: ANN401 - of Pull
        """Open a request as a person."""
        number = len(self.pulls) + 1
        pull = Pull(number, head, base, **{"title": "Mine", "body": "", **more})
        self.pulls.append(pull)
        return pull

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        url = urlsplit(request.path)
        self.requests.append(request)
        path = url.path.removeprefix(API_PATHS[self.kind])
        self.calls.append(f"{request.method} {path}")
        if self.replies:
            return self.replies.pop(0)
        headers = {name.lower(): value for name, value in request.headers.items()}
        name, wanted = _AUTHORIZATION[self.kind]
        if headers.get(name) != wanted:
            return _reply(401, {"message": "Bad credentials"})
        if path == url.path:
            return _reply(404, {"message": "Not Found"})
        body = json.loads(request.body) if request.body else {}
        reply = self._route(request.method, path, dict(parse_qsl(url.query)), body)
        return (
            _conditional(reply, headers.get("if-none-match")) if request.method == "GET" else reply
        )

    def _route(
        self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]
    ) -> Reply:
        self._close_without_head()
        gitlab = self.kind == "gitlab"
        project = (
            f"/projects/{self.project.replace('/', '%2F')}" if gitlab else f"/repos/{self.project}"
        )
        if not path.startswith(project):
            return _reply(404, {"message": "404 Project Not Found"})
        rest = path.removeprefix(project)
        pulls = "merge_requests" if gitlab else "pulls"
        comments = "merge_requests/([0-9]+)/notes" if gitlab else "issues/([0-9]+)/comments"
        edit = "PUT" if gitlab else "PATCH"
        routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ("GET", f"/{pulls}", lambda: self._list(query)),
            ("POST", f"/{pulls}", lambda: self._create(body)),
            ("GET", f"/{pulls}/([0-9]+)", self._shown),
            (edit, f"/{pulls}/([0-9]+)", lambda number: self._edit(number, body)),
            ("POST", f"/{comments}", lambda number: self._comment(number, body)),
            ("POST", "/statuses/([0-9a-f]+)", lambda commit: self._status(commit, body)),
            ("GET", _STATUS_LIST[self.kind], lambda commit: self._statuses(commit, query)),
        ]
        for wanted, pattern, act in routes:
            found = re.fullmatch(pattern, rest)
            if found and method == wanted:
                return act(*found.groups())
        return _reply(404, {"message": f"no {method} {unquote(path)}"})

    def _list(self, query: Mapping[str, str]) -> Reply:
        found = list(reversed(self.pulls))
        match self.kind:
            case "github":
                known = {"state", "head", "base", "sort", "direction", "per_page", "page"}
                owner = self.project.partition("/")[0]
                found = [
                    p for p in found if f"{owner}:{p.head}" == query["head"] and not p.is_from_fork
                ]
                found = [p for p in found if p.base == query["base"]]
                size = min(int(query.get("per_page", "30")), 100)
            case "gitlab":
                known = {"state", "source_branch", "target_branch", "order_by", "sort", "per_page"}
                found = [p for p in found if p.head == query["source_branch"]]
                found = [p for p in found if p.base == query["target_branch"]]
                size = min(int(query.get("per_page", "20")), 100)
            case _:
                known = {"state", "sort", "limit", "page"}
                size = min(int(query.get("limit", "30")), self.page)
        assert set(query) <= known, query
        assert query["state"] == "all"
        first = (int(query.get("page", "1")) - 1) * size
        return _reply(200, [self._document(pull) for pull in found[first : first + size]])

    def _create(self, body: dict[str, Any]) -> Reply:
        self.on_create()
        if self.declines:
            return _reply(422, {"message": self.declines})
        if problem := _problem(body, _CREATE[self.kind], _REQUIRED[self.kind]):
            return problem
        gitlab = self.kind == "gitlab"
        head, base = (
            (body["source_branch"], body["target_branch"])
            if gitlab
            else (body["head"], body["base"])
        )
        if not (self.remote.tip(head) and self.remote.tip(base)):
            return _reply(404 if self.kind == "gitea" else 422, {"message": "no such branch"})
        if any((pull.head, pull.base) == (head, base) for pull in self.open):
            return self._duplicate(head)
        if self.kind == "github" and not git(self.remote.path, "rev-list", f"{base}..{head}"):
            words = f"No commits between {base} and {head}"
            return _reply(422, {"message": "Validation Failed", "errors": [{"message": words}]})
        text = body.get("description" if gitlab else "body", "")
        return _reply(201, self._document(self.add(head, base, title=body["title"], body=text)))

    def _duplicate(self, head: str) -> Reply:
        match self.kind:
            case "github":
                words = f"A pull request already exists for acme:{head}."
                error = {"resource": "PullRequest", "code": "custom", "message": words}
                return _reply(422, {"message": "Validation Failed", "errors": [error]})
            case "gitlab":
                words = "Another open merge request already exists for this source branch: !1"
                return _reply(409, {"message": [words]})
            case _:
                words = "pull request already exists for these targets [id: 1]"
                return _reply(409, {"message": words, "url": "https://forge.example/api/swagger"})

    def _shown(self, number: str) -> Reply:
        pull = self._pull(number)
        return _reply(200, self._document(pull)) if pull else _reply(404, {"message": "Not Found"})

    def _edit(self, number: str, body: dict[str, Any]) -> Reply:
        pull = self._pull(number)
        if pull is None:
            return _reply(404, {"message": "Not Found"})
        if problem := _problem(body, _EDIT[self.kind], set()):
            return problem
        pull.title = body.get("title", pull.title)
        pull.body = body.get("description" if self.kind == "gitlab" else "body", pull.body)
        wanted = body.get("state_event" if self.kind == "gitlab" else "state")
        if wanted in ("closed", "close") and pull.state == "open":
            pull.state = "closed"
        return _reply(201 if self.kind == "gitea" else 200, self._document(pull))

    def _comment(self, number: str, body: dict[str, Any]) -> Reply:
        pull = self._pull(number)
        if pull is None:
            return _reply(404, {"message": "Not Found"})
        if problem := _problem(body, {"body"}, {"body"}):
            return problem
        if self.lost_comments:
            self.lost_comments -= 1
            return _reply(500, {"message": "oops"})
        pull.comments.append(body["body"])
        return _reply(201, {"id": 1, "body": body["body"]})

    def _status(self, commit: str, body: dict[str, Any]) -> Reply:
        if problem := _problem(body, _STATUS[self.kind], {"state"}):
            return problem
        if body["state"] not in _STATES[self.kind] or len(body.get("description", "")) > 140:
            return _reply(422, {"message": "Validation Failed"})
        context = body.get("name") or body.get("context", "default")
        told = [each for each in self.statuses if (each[0], each[2]) == (commit, context)]
        last = told[-1] if told else None
        if self.kind == "gitlab" and last and last[1] == body["state"]:
            words = f"Cannot transition status via :run from :{body['state']}"
            return _reply(400, {"message": words})
        self.statuses.append((commit, body["state"], context, body.get("description", "")))
        return _reply(201, {"id": 1, "state": body["state"]})

    def _statuses(self, commit: str, query: Mapping[str, str]) -> Reply:
        newest = list(reversed([each for each in self.statuses if each[0] == commit]))
        key = {"github": "state", "gitlab": "status", "gitea": "status"}[self.kind]
        name = "name" if self.kind == "gitlab" else "context"
        found = [
            {name: context, key: state, "description": words or None}
            for _, state, context, words in newest
            if self.kind != "gitlab" or context == query["name"]
        ]
        if self.kind != "gitea":  # of each context the newest alone
            found = list({each[name]: each for each in reversed(found)}.values())
        return _reply(200, {"statuses": found} if self.kind == "github" else found)

    def _pull(self, number: str) -> Pull | None:
        return next((pull for pull in self.pulls if pull.number == int(number)), None)

    def _close_without_head(self) -> None:
        """GitHub closes what has no branch any more."""
        for pull in self.open if self.kind == "github" else ():
            if not self.remote.tip(pull.head):
                pull.state = "closed"

    def _document(self, pull: Pull) -> dict[str, Any]:
        url = f"https://forge.example/{self.project}/pulls/{pull.number}"
        if self.kind == "gitlab":
            return {
                "iid": pull.number,
                "web_url": url,
                "state": "opened" if pull.state == "open" else pull.state,
                "title": pull.title,
                "description": pull.body or None,
                "source_branch": pull.head,
                "target_branch": pull.base,
                "source_project_id": (None if pull.is_fork_gone else 9) if pull.is_from_fork else 7,
                "target_project_id": 7,
            }
        state = "open" if pull.state == "open" else "closed"
        found: dict[str, Any] = {
            "number": pull.number,
            "html_url": url,
            "state": state,
            "title": pull.title,
            "body": pull.body or None,
            "merged_at": "2026-11-30T10:00:00Z" if pull.state == "merged" else None,
            "head": {"label": f"acme:{pull.head}", "ref": pull.head},
            "base": {"label": f"acme:{pull.base}", "ref": pull.base},
        }
        if self.kind == "gitea":
            is_there = bool(self.remote.tip(pull.head))
            ref = pull.head if is_there else f"refs/pull/{pull.number}/head"
            found["merged"] = pull.state == "merged"
            found["body"] = pull.body
            found["head"] = {
                "label": pull.head,
                "ref": ref,
                "repo_id": (-1 if pull.is_fork_gone else 9) if pull.is_from_fork else 7,
            }
            found["base"] = {"label": pull.base, "ref": pull.base, "repo_id": 7}
        return found


@contextlib.contextmanager
def serving_forge(forge: ForgeSimulator) -> Iterator[str]:
    """Serve a forge while the block runs; gives the URL of its API."""
    with RegistrySimulator(forge.answer) as server:
        yield f"http://{server.host}{API_PATHS[forge.kind]}"


def _problem(body: dict[str, Any], known: set[str], required: set[str]) -> Reply | None:
    if unknown := set(body) - known:
        return _reply(422, {"message": f"unknown {sorted(unknown)}"})
    if missing := required - set(body):
        return _reply(422, {"message": f"missing {sorted(missing)}"})
    if any(not isinstance(value, str) for value in body.values()):
        return _reply(422, {"message": "not a text"})
    return None


def _conditional(reply: Reply, known: str | None) -> Reply:
    etag = f'W/"{hashlib.sha256(reply.body).hexdigest()[:16]}"'
    headers = {**reply.headers, "ETag": etag}
    if known == etag:
        return Reply(304, b"", headers)
    return Reply(reply.status, reply.body, headers)


def _reply(status: int, document: object) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

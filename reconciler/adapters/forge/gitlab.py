"""GitLab's API: merge requests and commit statuses.

REST API v4, "Merge requests", "Notes", "Commits".
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from reconciler.adapters.forge.api import Api, Call
from reconciler.core.change_request import ChangeRequest, RequestText
from reconciler.core.commit_status import CommitStatus, State
from reconciler.core.revision import Revision
from reconciler.errors import RefusedError

HEADERS: Final = {"Accept": "application/json"}
_RIGHT: Final = "the scope api and the role Developer"
_PAGE: Final = "30"
_STATES: Final = {
    "success": State.SUCCESS,
    "failed": State.FAILURE,
    "canceled": State.FAILURE,
    "pending": State.PENDING,
    "running": State.PENDING,
}
_WORDS: Final = {
    State.SUCCESS: "success",
    State.FAILURE: "failed",
    State.PENDING: "pending",
}
_SAME: Final = "Cannot transition status"  # it has that state already; its words stay
_OPEN: Final = frozenset({"opened", "locked"})  # locked: while it is being merged


class _Merge(msgspec.Struct):
    iid: int
    web_url: str
    state: str
    title: str = ""
    description: str | None = None
    source_project_id: int | None = None
    target_project_id: int | None = None


class _Status(msgspec.Struct):
    name: str
    status: str
    description: str | None = None


def authorization(token: str) -> Mapping[str, str]:
    """Return the header that shows a token."""
    return {"PRIVATE-TOKEN": token}


class GitLab:
    """One project at GitLab. See the port ``Forge``."""

    def __init__(self, api: Api, project: str) -> None:
        """Take ``GROUP/…/NAME``; nothing is asked yet."""
        self._api = api
        self._path = f"/projects/{quote(project, safe='')}"

    def newest_request(self, *, head: str, base: str) -> ChangeRequest | None:
        """Return the open merge request of a branch, else the newest of it; none of a fork."""
        query = {
            "state": "all",
            "source_branch": head,
            "target_branch": base,
            "order_by": "created_at",
            "sort": "desc",
            "per_page": _PAGE,
        }
        call = Call("GET", f"{self._path}/merge_requests", _RIGHT, query=query)
        merges = self._api.get(call, list[_Merge])
        own = [each for each in merges if each.source_project_id == each.target_project_id]
        found = [_request(merge) for merge in own]
        return next((each for each in found if each.is_open), found[0] if found else None)

    def open_request(self, text: RequestText, *, head: str, base: str) -> ChangeRequest:
        """Open a merge request within the project."""
        body = {
            "title": text.title,
            "description": text.body,
            "source_branch": head,
            "target_branch": base,
        }
        return self._changed("POST", f"{self._path}/merge_requests", body)

    def edit_request(self, number: int, text: RequestText) -> ChangeRequest:
        """Give a merge request another title and description."""
        body = {"title": text.title, "description": text.body}
        return self._changed("PUT", f"{self._path}/merge_requests/{number}", body)

    def close_request(self, number: int, *, body: str, comment: str) -> None:
        """Close it, and then say why: not twice, if anything fails in between."""
        path = f"{self._path}/merge_requests/{number}"
        self._changed("PUT", path, {"state_event": "close", "description": body})
        self._api.change(Call("POST", f"{path}/notes", _RIGHT, {"body": comment}), object)

    def status_of(self, commit: str, context: str) -> CommitStatus | None:
        """Return the newest status of a commit in a context."""
        path = f"{self._path}/repository/commits/{commit}/statuses"
        call = Call("GET", path, _RIGHT, query={"name": context})
        for each in self._api.get(call, list[_Status]):
            if each.name == context and each.status in _STATES:
                return CommitStatus(context, _STATES[each.status], each.description or "")
        return None

    def report(self, revision: Revision, status: CommitStatus) -> None:
        """Give a commit a status; other words for the same state are not taken."""
        body = {
            "state": _WORDS[status.state],
            "name": status.context,
            "description": status.description,
            "ref": revision.branch,
        }
        path = f"{self._path}/statuses/{revision.commit}"
        try:
            self._api.change(Call("POST", path, _RIGHT, body), object)
        except RefusedError as error:
            if _SAME not in error.message:
                raise

    def _changed(self, method: str, path: str, body: Mapping[str, str]) -> ChangeRequest:
        return _request(self._api.change(Call(method, path, _RIGHT, body), _Merge))


def _request(merge: _Merge) -> ChangeRequest:
    return ChangeRequest(
        merge.iid,
        merge.web_url,
        merge.title,
        merge.description or "",
        is_open=merge.state in _OPEN,
        is_merged=merge.state == "merged",
    )

"""GitLab's API: merge requests and commit statuses.

REST API v4, "Merge requests", "Notes", "Commits".
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from reconciler.adapters.forge.api import Api, Call
from reconciler.core.change_request import ChangeRequest, RequestText

HEADERS: Final = {"Accept": "application/json"}
_RIGHT: Final = "the scope api and the role Developer"
_PAGE: Final = "30"
_OPEN: Final = frozenset({"opened", "locked"})  # locked: while it is being merged


class _Merge(msgspec.Struct):
    iid: int
    web_url: str
    state: str
    title: str = ""
    description: str | None = None
    source_project_id: int | None = None
    target_project_id: int | None = None


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
        """Say why, and close it."""
        path = f"{self._path}/merge_requests/{number}"
        self._api.change(Call("POST", f"{path}/notes", _RIGHT, {"body": comment}), object)
        self._changed("PUT", path, {"state_event": "close", "description": body})

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

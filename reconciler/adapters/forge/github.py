"""GitHub's API, also of GitHub Enterprise Server: pull requests and commit statuses.

REST API 2022-11-28, "Pull requests", "Issue comments", "Commit statuses".
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from reconciler.adapters.forge.api import Api, Call
from reconciler.adapters.forge.pulls import Pulls
from reconciler.core.change_request import ChangeRequest, RequestText
from reconciler.core.commit_status import CommitStatus, State
from reconciler.core.revision import Revision

HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}
_RIGHT: Final = "read and write access to pull requests"
_STATUS_RIGHT: Final = "read and write access to commit statuses"
_PAGE: Final = "30"
_STATES: Final = {"error": State.FAILURE, **{state.value: state for state in State}}


class _Pull(msgspec.Struct):
    number: int
    html_url: str
    state: str
    title: str = ""
    body: str | None = None
    merged_at: str | None = None


class _Status(msgspec.Struct):
    context: str
    state: str
    description: str | None = None


class _Combined(msgspec.Struct):
    statuses: list[_Status] = []


def authorization(token: str) -> Mapping[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


class GitHub:
    """One repository at GitHub. See the port ``Forge``."""

    def __init__(self, api: Api, project: str) -> None:
        """Take ``OWNER/NAME``; nothing is asked yet."""
        self._api = api
        self._owner = project.partition("/")[0]
        self._path = f"/repos/{quote(project)}"
        self._pulls = Pulls(api, self._path, right=_RIGHT, changed=self._changed)

    def newest_request(self, *, head: str, base: str) -> ChangeRequest | None:
        """Return the open pull request of a branch, else the newest of it."""
        query = {
            "state": "all",
            "head": f"{self._owner}:{head}",
            "base": base,
            "sort": "created",
            "direction": "desc",
            "per_page": _PAGE,
        }
        call = Call("GET", f"{self._path}/pulls", _RIGHT, query=query)
        found = [_request(pull) for pull in self._api.get(call, list[_Pull])]
        return next((each for each in found if each.is_open), found[0] if found else None)

    def open_request(self, text: RequestText, *, head: str, base: str) -> ChangeRequest:
        """Open a pull request within the repository."""
        return self._pulls.open(text, head=head, base=base)

    def edit_request(self, number: int, text: RequestText) -> ChangeRequest:
        """Give a pull request another title and body."""
        return self._pulls.edit(number, text)

    def close_request(self, number: int, *, body: str, comment: str) -> None:
        """Close it, and then say why: not twice, if anything fails in between."""
        self._pulls.close(number, body=body, comment=comment)

    def status_of(self, commit: str, context: str) -> CommitStatus | None:
        """Return the newest status of a commit in a context."""
        path = f"{self._path}/commits/{commit}/status"
        call = Call("GET", path, _STATUS_RIGHT, query={"per_page": "100"})
        for each in self._api.get(call, _Combined).statuses:
            if each.context == context and each.state in _STATES:
                return CommitStatus(context, _STATES[each.state], each.description or "")
        return None

    def report(self, revision: Revision, status: CommitStatus) -> None:
        """Give a commit a status."""
        body = {
            "state": status.state.value,
            "context": status.context,
            "description": status.description,
        }
        path = f"{self._path}/statuses/{revision.commit}"
        self._api.change(Call("POST", path, _STATUS_RIGHT, body), object)

    def _changed(self, call: Call) -> ChangeRequest:
        return _request(self._api.change(call, _Pull))


def _request(pull: _Pull) -> ChangeRequest:
    return ChangeRequest(
        pull.number,
        pull.html_url,
        pull.title,
        pull.body or "",
        is_open=pull.state == "open",
        is_merged=pull.merged_at is not None,
    )

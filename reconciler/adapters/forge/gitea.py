"""The API of Gitea and Forgejo: pull requests and commit statuses.

API v1: ``repoListPullRequests``, ``repoCreatePullRequest``, ``repoEditPullRequest``,
``issueCreateComment``, ``repoCreateStatus``.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from reconciler.adapters.forge.api import Api, Call
from reconciler.adapters.forge.pulls import Pulls
from reconciler.core.change_request import ChangeRequest, RequestText
from reconciler.core.commit_status import CommitStatus, State
from reconciler.core.revision import Revision

HEADERS: Final = {"Accept": "application/json"}
_RIGHT: Final = "the scope write:repository and write:issue, and the right to write there"
_PAGE: Final = 50  # the most that a server gives by default
_MOST_PAGES: Final = 10
_STATES: Final = {
    "error": State.FAILURE,
    "warning": State.PENDING,
    **{state.value: state for state in State},
}


class _Branch(msgspec.Struct):
    label: str = ""  # stays when the branch is gone; ref does not
    repo_id: int = 0


class _Pull(msgspec.Struct):
    number: int
    html_url: str
    state: str
    head: _Branch
    base: _Branch
    title: str = ""
    body: str | None = None
    merged: bool = False


class _Status(msgspec.Struct):
    context: str
    status: str
    description: str | None = None


def authorization(token: str) -> Mapping[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"token {token}"}


class Gitea:
    """One repository at Gitea or Forgejo. See the port ``Forge``.

    Its list cannot be asked for one branch: once a request is known, it is asked for by number.
    """

    def __init__(self, api: Api, project: str) -> None:
        """Take ``OWNER/NAME``; nothing is asked yet."""
        self._api = api
        self._path = f"/repos/{quote(project)}"
        self._pulls = Pulls(api, self._path, right=_RIGHT, changed=self._changed)
        self._numbers: dict[tuple[str, str], int] = {}

    def newest_request(self, *, head: str, base: str) -> ChangeRequest | None:
        """Return the open pull request of a branch, else the newest of it.

        Of a repository with very many, those are looked at that were touched last.
        """
        number = self._numbers.get((head, base))
        if number is not None:
            call = Call("GET", f"{self._path}/pulls/{number}", _RIGHT)
            return _request(self._api.get(call, _Pull))
        own = [_request(pull) for pull in self._listed() if _is_of(pull, head, base)]
        newest = max(own, key=lambda each: (each.is_open, each.number), default=None)
        if newest is not None:
            self._numbers[head, base] = newest.number
        return newest

    def open_request(self, text: RequestText, *, head: str, base: str) -> ChangeRequest:
        """Open a pull request within the repository."""
        self._numbers.pop((head, base), None)
        made = self._pulls.open(text, head=head, base=base)
        self._numbers[head, base] = made.number
        return made

    def edit_request(self, number: int, text: RequestText) -> ChangeRequest:
        """Give a pull request another title and body."""
        return self._pulls.edit(number, text)

    def close_request(self, number: int, *, body: str, comment: str) -> None:
        """Close it, and then say why: not twice, if anything fails in between."""
        self._pulls.close(number, body=body, comment=comment)

    def status_of(self, commit: str, context: str) -> CommitStatus | None:
        """Return the newest status of a commit in a context."""
        path = f"{self._path}/statuses/{commit}"
        query = {"sort": "recentupdate", "limit": str(_PAGE)}
        for each in self._api.get(Call("GET", path, _RIGHT, query=query), list[_Status]):
            if each.context == context and each.status in _STATES:
                return CommitStatus(context, _STATES[each.status], each.description or "")
        return None

    def report(self, revision: Revision, status: CommitStatus) -> None:
        """Give a commit a status."""
        body = {
            "state": status.state.value,
            "context": status.context,
            "description": status.description,
        }
        path = f"{self._path}/statuses/{revision.commit}"
        self._api.change(Call("POST", path, _RIGHT, body), object)

    def _listed(self) -> Iterator[_Pull]:
        for page in range(1, _MOST_PAGES + 1):
            query = {"state": "all", "sort": "recentupdate", "limit": str(_PAGE), "page": str(page)}
            call = Call("GET", f"{self._path}/pulls", _RIGHT, query=query)
            pulls = self._api.get(call, list[_Pull])
            if not pulls:  # a server may give fewer a page than were asked for
                return
            yield from pulls

    def _changed(self, call: Call) -> ChangeRequest:
        return _request(self._api.change(call, _Pull))


def _is_of(pull: _Pull, head: str, base: str) -> bool:
    """Whether a request is of these branches, both of the repository itself.

    Where a fork is gone, its requests stay, with -1 for it: they are still a stranger's.
    """
    is_own = pull.head.repo_id == pull.base.repo_id
    return is_own and pull.head.label == head and pull.base.label == base


def _request(pull: _Pull) -> ChangeRequest:
    return ChangeRequest(
        pull.number,
        pull.html_url,
        pull.title,
        pull.body or "",
        is_open=pull.state == "open",
        is_merged=pull.merged,
    )

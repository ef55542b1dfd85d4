"""Pull requests as GitHub made them, and as Gitea and Forgejo took them over."""

from collections.abc import Callable, Mapping

from reconciler.adapters.forge.api import Api, Call
from reconciler.core.change_request import ChangeRequest, RequestText


class Pulls:
    """Opens, edits and closes the pull requests of one repository."""

    def __init__(
        self, api: Api, path: str, *, right: str, changed: Callable[[Call], ChangeRequest]
    ) -> None:
        """Ask nothing yet.

        Args:
            api: of the forge.
            path: of the repository, below the API's URL.
            right: what our token must be allowed to do, for messages.
            changed: makes a request that changes a pull request, and reads it from the answer.
        """
        self._api = api
        self._path = path
        self._right = right
        self._changed = changed

    def open(self, text: RequestText, *, head: str, base: str) -> ChangeRequest:
        """Open a pull request within the repository."""
        body = {"title": text.title, "body": text.body, "head": head, "base": base}
        return self._change("POST", "pulls", body)

    def edit(self, number: int, text: RequestText) -> ChangeRequest:
        """Give a pull request another title and body."""
        return self._change("PATCH", f"pulls/{number}", {"title": text.title, "body": text.body})

    def close(self, number: int, *, body: str, comment: str) -> None:
        """Close it, and then say why: not twice, if anything fails in between."""
        self._change("PATCH", f"pulls/{number}", {"state": "closed", "body": body})
        path = f"{self._path}/issues/{number}/comments"
        self._api.change(Call("POST", path, self._right, {"body": comment}), object)

    def _change(self, method: str, path: str, body: Mapping[str, str]) -> ChangeRequest:
        return self._changed(Call(method, f"{self._path}/{path}", self._right, body))

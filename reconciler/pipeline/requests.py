"""Requests: the proposal's page at a forge, opened, kept up to date and closed with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.change_request import ChangeRequest, RequestText, request_text
from reconciler.core.decision import Change
from reconciler.errors import RefusedError
from reconciler.pipeline.git_port import Forge

MOOT = "Nothing of this is left to update, so it is closed and its branch is removed."


@dataclass(slots=True)
class Requests:
    """The requests of one source's proposals. Not safe for several threads.

    Attributes:
        forge: where they are.
        head: the branch of proposals.
        is_open: whether one is open, as far as this process knows.
    """

    forge: Forge
    head: str
    is_open: bool = False

    def find(self, base: str) -> ChangeRequest | None:
        """Return the open request into a branch, else the newest; one cheap question.

        Raises:
            ForgeError, StalledError: see :class:`Forge`.
        """
        found = self.forge.newest_request(head=self.head, base=base)
        self.is_open = found is not None and found.is_open
        return found

    def show(
        self, found: ChangeRequest | None, changes: Sequence[Change], *, message: str, base: str
    ) -> ChangeRequest:
        """Return the open request, which is about these changes now.

        What people wrote into one that is about them already stays.

        Args:
            found: by :meth:`find`.
            changes: at least one.
            message: of their commit.
            base: the branch that was read.

        Raises:
            ForgeError, StalledError: see :class:`Forge`.
        """
        text = request_text(message, changes)
        if found is None or not found.is_open:
            shown = self._opened(text, base)
        elif not found.shows(changes):
            shown = self.forge.edit_request(found.number, text)
        else:
            shown = found
        self.is_open = True
        return shown

    def close(self, found: ChangeRequest) -> None:
        """Close a request that is about nothing any more.

        Raises:
            ForgeError, StalledError: see :class:`Forge`.
        """
        self.forge.close_request(found.number, body=found.withdrawn_body, comment=MOOT)
        self.is_open = False

    def _opened(self, text: RequestText, base: str) -> ChangeRequest:
        """Open a request; if somebody did so meanwhile, take theirs."""
        try:
            return self.forge.open_request(text, head=self.head, base=base)
        except RefusedError:
            theirs = self.find(base)
            if theirs is None or not theirs.is_open:
                raise
            return self.forge.edit_request(theirs.number, text)


def turned_down(found: ChangeRequest) -> str:
    """Return why what a request holds is not proposed again."""
    if found.is_merged:
        return f"was merged by {found.url} and is due again: taken back, or about to arrive"
    return f"was turned down: {found.url} was closed"

"""Change requests: a proposal as it stands at a forge, for people to merge or to close."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.decision import Change
from reconciler.core.message import plain, trailer_of

MAX_TITLE: Final = 250
"""Letters: all forges take 255."""

MAX_BODY: Final = 60_000
"""Letters: GitHub takes 65,536."""

_MOST_MARKS: Final = 2000
_MARK: Final = "Reconcile-Proposal"
_MARK_LINE: Final = re.compile(rf"^[ \t]*{_MARK}:([ 0-9a-f]+)[ \t]*\r?$", re.MULTILINE)
_HEAD: Final = "| workload | container | from | to |\n|---|---|---|---|\n"
_ABOUT: Final = """
This is kept up to date: what becomes due is added, and when nothing is left it is closed. \
Close it yourself to turn down what it holds: that is not proposed again before something else \
becomes due.
"""
_WITHDRAWN: Final = "Closed by `reconcile`: nothing of this is left to update."


@dataclass(frozen=True, slots=True)
class RequestText:
    """What people read of a request: Markdown."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A pull request of GitHub or Gitea, a merge request of GitLab.

    Attributes:
        number: as people call it, without ``#`` or ``!``.
        url: of its page.
        title: as it stands.
        body: as it stands.
        is_open: whether it waits.
        is_merged: whether it was merged; else, if it is not open, somebody closed it.
    """

    number: int
    url: str
    title: str
    body: str
    is_open: bool
    is_merged: bool = False

    @property
    def marks(self) -> frozenset[str]:
        """The marks of the changes that it holds; none if it is not of our making."""
        found = _MARK_LINE.search(self.body)
        return frozenset(found[1].split()) if found else frozenset()

    def shows(self, changes: Iterable[Change]) -> bool:
        """Whether it is about just these changes."""
        return self.marks == marks_of(changes)

    def answers(self, changes: Iterable[Change]) -> bool:
        """Whether it was closed with all of these changes in it: people have decided on them."""
        return not self.is_open and self.marks >= marks_of(changes)

    @property
    def withdrawn_body(self) -> str:
        """What it says once it is closed by us: no answer of anybody to any changes."""
        return f"{_WITHDRAWN}\n\n{_MARK_LINE.sub('', self.body).rstrip()}\n"[:MAX_BODY]


def mark_of(change: Change) -> str:
    """Return 8 hex digits that tell one change from another."""
    return hashlib.sha256(str(trailer_of(change)).encode()).hexdigest()[:8]


def marks_of(changes: Iterable[Change]) -> frozenset[str]:
    """Return the marks of changes; of very many, one for all of them."""
    marks = frozenset(map(mark_of, changes))
    if len(marks) <= _MOST_MARKS:
        return marks
    return frozenset({hashlib.sha256(" ".join(sorted(marks)).encode()).hexdigest()[:8]})


def request_text(message: str, changes: Sequence[Change]) -> RequestText:
    """Return what a request says.

    Args:
        message: of the commit; its first line is the title.
        changes: at least one.
    """
    subject = plain(message.partition("\n")[0].strip())
    return RequestText(subject[:MAX_TITLE], _body(changes))


def _body(changes: Sequence[Change]) -> str:
    """Return a table of the changes, and their trailers as far as there is room.

    A forge may make the message of a squash from this: the trailers are indented as ``git merge
    --squash`` does, which Markdown shows as they are.
    """
    rows = [_row(change) for change in changes]
    trailers = [f"    {trailer_of(change)}\n" for change in changes]
    mark = f"    {_MARK}: {' '.join(sorted(marks_of(changes)))}\n"
    left = MAX_BODY - len(_HEAD) - len(_ABOUT) - len(mark) - 200
    shown = _fitting(rows, left)
    left -= sum(map(len, shown))
    if sum(map(len, trailers)) > left:
        trailers = []
    more = f"\n… and {len(rows) - len(shown):,} more\n" if len(shown) < len(rows) else ""
    return f"{_HEAD}{''.join(shown)}{more}{_ABOUT}\n{''.join(trailers)}{mark}"


def _row(change: Change) -> str:
    field = change.field
    cells = (field.workload.workload, field.container, str(change.old), change.new.suffix)
    return f"| {' | '.join(map(_code, cells))} |\n"


def _code(text: str) -> str:
    """Return a text for a cell that Markdown shows as it is, so that it mentions nobody."""
    shown = plain(text).replace("`", "'").replace("|", "\\|")
    return f"`{shown}`" if shown.strip() else ""


def _fitting(rows: Sequence[str], letters: int) -> list[str]:
    shown: list[str] = []
    for row in rows:
        letters -= len(row)
        if letters < 0:
            break
        shown.append(row)
    return shown

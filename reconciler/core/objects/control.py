"""What people want of a running reconciler, and what it answers, as the cluster keeps it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.json_text import json_text
from reconciler.core.objects.fields import mapping_of, text_of

SUSPENDED: Final = "suspended.json"
REQUESTED: Final = "requested.json"
ANSWERED: Final = "answered.json"

MAX_WORDS: Final = 1000  # characters of each thing that is said
MAX_REPOSITORIES: Final = 50  # more of them are all


@dataclass(frozen=True, slots=True)
class Suspension:
    """A source is to be left alone: no commit, no sync.

    Attributes:
        by: who said so; empty if nobody gave a name.
        why: in their words; may be empty.
        at: when, ``2026-11-24T09:00:00Z``.
    """

    by: str
    why: str
    at: str

    def __str__(self) -> str:
        """Return ``suspended by jane since 2026-11-24T09:00:00Z: the migration``."""
        by = f" by {self.by}" if self.by else ""
        why = f": {self.why}" if self.why else ""
        return f"suspended{by} since {self.at}{why}"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants a cycle now.

    Attributes:
        id: of this request, and of no other.
        by: who; may be empty.
        repositories: the ones whose tags are to be asked for, ``host/path``; None: all.
    """

    id: str
    by: str = ""
    repositories: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Attributes:
        id: the request's.
        url: the remote that is read; empty until the cycle comes to it.
        result: how its cycle ended, in the word of the outcome; empty while it runs.
        revision: what is applied: ``main@sha1:…``; empty until the cycle comes to it.
        message: the first thing that went wrong; empty for nothing.
        code: the exit code that the outcome calls for.
    """

    id: str
    url: str = ""
    result: str = ""
    revision: str = ""
    message: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """All that is said of one source."""

    suspension: Suspension | None = None
    request: Request | None = None
    answer: Answer | None = None


def asked(known: Control, request: Request) -> Request:
    """Return a request that wants what one before it wanted, too, which nobody has taken up yet."""
    before = known.request
    if before is None or (known.answer is not None and known.answer.id == before.id):
        return request
    if before.repositories is None or request.repositories is None:
        return replace(request, repositories=None)
    both = before.repositories | request.repositories
    return replace(request, repositories=both if len(both) <= MAX_REPOSITORIES else None)


def encode_control(control: Control) -> Mapping[str, str]:
    """Return what a ConfigMap holds of it; the same for the same."""
    written: dict[str, str] = {}
    if (held := control.suspension) is not None:
        written[SUSPENDED] = _text({"by": held.by, "why": held.why, "at": held.at})
    if (wish := control.request) is not None:
        named = wish.repositories
        more = {} if named is None else {"repositories": sorted(named)}
        written[REQUESTED] = _text({"id": wish.id, "by": wish.by, **more})
    if (said := control.answer) is not None:
        written[ANSWERED] = _text(
            {
                "id": said.id,
                "url": said.url,
                "result": said.result,
                "revision": said.revision,
                "message": said.message,
                "code": said.code,
            }
        )
    return written


def decode_control(data: Mapping[str, str]) -> Control:
    """Return what a ConfigMap says.

    A suspension that cannot be read is one all the same: whoever wrote it wants no change.
    """
    held, wish, said = (_mapping(data.get(name)) for name in (SUSPENDED, REQUESTED, ANSWERED))
    suspension = Suspension(_line(held, "by"), _line(held, "why"), _line(held, "at"))
    code = said.get("code")
    return Control(
        suspension if SUSPENDED in data else None,
        Request(_line(wish, "id"), _line(wish, "by"), _repositories(wish))
        if _line(wish, "id")
        else None,
        Answer(
            _line(said, "id"),
            _line(said, "url"),
            _line(said, "result"),
            _line(said, "revision"),
            _line(said, "message"),
            code if isinstance(code, int) else 0,
        )
        if _line(said, "id")
        else None,
    )


def _repositories(wish: Mapping[str, object]) -> frozenset[str] | None:
    """Return which are named; all where that cannot be read, or is too much to be a hint."""
    named = wish.get("repositories")
    if not isinstance(named, list) or len(named) > MAX_REPOSITORIES:
        return None
    if not all(isinstance(each, str) and len(each) <= MAX_WORDS for each in named):
        return None
    return frozenset(named)


def _mapping(text: str | None) -> Mapping[str, object]:
    try:
        return mapping_of(json.loads(text)) if text else {}
    except (ValueError, RecursionError):
        return {}


def _line(found: Mapping[str, object], name: str) -> str:
    """Return a text on one line, whoever wrote it."""
    text = text_of(found.get(name))[:MAX_WORDS]
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _text(written: Mapping[str, object]) -> str:
    text = json_text(written) + "\n"
    return text.encode("utf-8", "replace").decode()

"""Tag lists: the tags of a repository and what is known of their images, as a text to keep.

One tag a line; after it, between blanks, when its image was created (a time of RFC 3339, ``-`` if
it does not say) and what it runs on (``linux/amd64,linux/arm64``), or ``missing`` if there is none.
What the registry does not list any more, but something is known of, is ``unlisted``. Empty lines
and those that begin with ``#`` are left out. What is selected from a list that was kept is what
was selected when it was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge
from reconciler.core.images.platform import Platform
from reconciler.errors import NotFoundError, PolicySyntaxError, ReconcilerError, SettingsError

_COMMENT = "#"
_SAYS_NO_TIME = "-"
_MISSING = "missing"
_UNLISTED = "unlisted"
_RUNS_NOWHERE = "unknown/unknown"  # as indexes write it beside what is no image
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_HELP = "write a time (2024-06-03T10:00:00Z) or '-', platforms (linux/amd64), 'missing', 'unlisted'"


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository, in the order in which they were written."""

    tags: tuple[str, ...]
    knowledge: Knowledge = NOTHING_KNOWN


def parse_tag_list(text: str, *, name: str) -> TagList:
    """Return the tags that a text lists.

    Args:
        text: the list.
        name: of its file, for messages.

    Raises:
        SettingsError: something beside a tag is none of what may stand there; says the line.
    """
    tags: list[str] = []
    created: dict[str, datetime | ReconcilerError | None] = {}
    platforms: dict[str, frozenset[Platform] | ReconcilerError] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        tag, *words = line.split() or [_COMMENT]
        if tag.startswith(_COMMENT):
            continue
        if _UNLISTED not in words:
            tags.append(tag)
        for word in words:
            if word == _UNLISTED:
                continue
            if word == _MISSING:
                gone = NotFoundError("the list says that there is no such image")
                created[tag] = platforms[tag] = gone
            elif word == _SAYS_NO_TIME:
                created[tag] = None
            elif "/" in word:
                platforms[tag] = _platforms(word, f"{name}:{number}")
            else:
                created[tag] = _time(word, f"{name}:{number}")
    return TagList(tuple(tags), Knowledge(created=created, platforms=platforms))


def print_tag_list(tags: Iterable[str], knowledge: Knowledge = NOTHING_KNOWN) -> str:
    """Return the text that lists tags, sorted, with what is known of them.

    A fact that failed is left out like one that is not known: both hold a selection. So is a text
    that no line can hold; it is no tag.
    """
    listed = frozenset(tags)
    lines = [
        " ".join([tag, *words, *([] if tag in listed else [_UNLISTED])])
        for tag in sorted(listed.union(knowledge.created, knowledge.platforms))
        if tag.isprintable() and tag.split() == [tag] and not tag.startswith(_COMMENT)
        if (words := _words(tag, knowledge)) or tag in listed
    ]
    return "".join(f"{line}\n" for line in lines)


def _words(tag: str, knowledge: Knowledge) -> list[str]:
    created, platforms = knowledge.created.get(tag, _MISSING), knowledge.platforms.get(tag)
    if isinstance(created, NotFoundError) or isinstance(platforms, NotFoundError):
        return [_MISSING]
    words = []
    if created is None:
        words.append(_SAYS_NO_TIME)
    elif isinstance(created, datetime):
        words.append(created.isoformat().replace("+00:00", "Z"))
    if isinstance(platforms, frozenset):
        words.append(",".join(map(str, sorted(platforms))) or _RUNS_NOWHERE)
    return words


def _platforms(word: str, where: str) -> frozenset[Platform]:
    try:
        return frozenset(map(Platform.parse, word.split(",")))
    except PolicySyntaxError as error:
        raise SettingsError(f"{word!r}: {error.reason}", where=where) from error


def _time(word: str, where: str) -> datetime:
    if _TIME.fullmatch(word):
        try:
            return datetime.fromisoformat(word)
        except ValueError as error:
            raise SettingsError(f"there is no time {word!r}: {error}", where=where) from error
    raise SettingsError(f"cannot read {word!r} beside a tag; {_HELP}", where=where)

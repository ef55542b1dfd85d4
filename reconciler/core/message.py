"""Commit messages: written from changes, and read back from the trailers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from reconciler.core.decision import Change
from reconciler.core.manifests.images import FieldKey

IMAGE_TRAILER = "Reconcile-Image"
BY_TRAILER = "Reconcile-By"
BY_PERSON = "person"
"""Stands for source and cluster, which have an ``@``, where a person chose the image."""
SIGN_OFF_TRAILER = "Signed-off-by"

_TRAILER = re.compile(
    rf"^[ \t]*{IMAGE_TRAILER}:[ \t]+(\S+) (\S+) (\S*) (\S+) (\S+)[ \t]*\r?$", re.MULTILINE
)
_BY = re.compile(rf"^[ \t]*{BY_TRAILER}:[ \t]+(\S+)[ \t]*\r?$", re.MULTILINE)
_OURS = re.compile(r"^[ \t]*Reconcile-[\w-]*[ \t]*:", re.MULTILINE | re.IGNORECASE)
_SHORT_DIGEST = len("sha256:") + 12
_SAFE = "/:@+,=~!()*'#"  # besides letters, digits and ``_.-~``: what needs no encoding in a word


@dataclass(frozen=True, slots=True)
class Manner:
    """What is added to every message.

    Attributes:
        ci_skip: what keeps CI from building the commit, on the first line: ``[ci skip]``; empty:
            nothing does.
        sign_off: who vouches for the commit, by the Developer Certificate of Origin:
            ``Name <address>``; empty: nobody.
    """

    ci_skip: str = ""
    sign_off: str = ""


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class ImageTrailer:
    """One image that a commit of ours changed; every part as it was written.

    Attributes:
        path: the manifest; for a marked value ``PATH#POINTER``.
        workload: ``web:deployment/nginx``.
        container: the container's name.
        old: the image reference before.
        new: the image reference after.
    """

    path: str
    workload: str
    container: str
    old: str
    new: str

    @property
    def key(self) -> FieldKey:
        """The field."""
        return self.path, self.workload, self.container

    def __str__(self) -> str:
        parts = (self.path, self.workload, self.container, self.old, self.new)
        return f"{IMAGE_TRAILER}: {' '.join(quote(part, safe=_SAFE) for part in parts)}"


def trailer_of(change: Change) -> ImageTrailer:
    """Return the trailer that remembers a change."""
    field = change.field
    return ImageTrailer(*field.key, str(change.old), str(change.new))


def compose(changes: Sequence[Change], *, by: str, manner: Manner = PLAIN) -> str:
    """Return the message of a commit that makes these changes.

    Args:
        changes: at least one.
        by: source and cluster: ``default@1f3a9c02``.
        manner: what else stands in it.
    """
    return finished(update_text(changes), trailers_of(changes, by=by), manner)


def update_text(changes: Sequence[Change]) -> str:
    """Return what the message of an update says, without trailers."""
    return _text(_subject(changes), changes)


def release_text(changes: Sequence[Change], *, workload: str, message: str) -> str:
    """Return what the message of a release says, without trailers."""
    new = changes[0].new
    made = f"Release {new.repository.last_part}:{new.effective_tag} to {plain(workload)}"
    return _text(message.strip() or made, changes)


def trailers_of(changes: Sequence[Change], *, by: str) -> list[str]:
    """Return the trailers by which a commit is remembered."""
    return [*(str(trailer_of(change)) for change in changes), f"{BY_TRAILER}: {by}"]


def finished(text: str, trailers: Sequence[str], manner: Manner) -> str:
    """Return a whole message: the text, then the trailers, all in one block.

    Args:
        text: the first line and what follows it.
        trailers: of ours; may be none.
        manner: what else stands in it.
    """
    first, newline, rest = text.strip().partition("\n")
    if manner.ci_skip and manner.ci_skip not in text:
        first = f"{first.rstrip()} {manner.ci_skip}"
    sign_off = f"{SIGN_OFF_TRAILER}: {manner.sign_off}"
    block = [*trailers, *([sign_off] if manner.sign_off else ())]
    ending = "\n\n" + "\n".join(block) if block else ""
    return f"{first}{newline}{rest}{ending}\n"


def has_lines_of_ours(text: str) -> bool:
    """Whether a text has a line that stands for commits of ours: ``Reconcile-…:``."""
    return _OURS.search(text) is not None


def parse_trailers(message: str) -> tuple[ImageTrailer, ...]:
    """Return a message's trailers, wherever a line begins with one: squash merges move them.

    ``git merge --squash`` indents the messages that it lists.
    """
    return tuple(ImageTrailer(*map(unquote, found)) for found in _TRAILER.findall(message))


def parse_by(message: str) -> str | None:
    """Return who made the commit, as its trailer says; None if it has none."""
    found = _BY.search(message)
    return found[1] if found else None


def _text(first: str, changes: Sequence[Change]) -> str:
    """Return what a message says: one line a change, and where to read of them."""
    lines = "\n".join(_line(change) for change in changes)
    links = "\n".join(dict.fromkeys(_link(change) for change in changes if change.link))
    return f"{first}\n\n{lines}" + (f"\n\n{links}" if links else "")


def _link(change: Change) -> str:
    return f"{change.new.repository.last_part} {_brief(change)}: {change.link}"


def _subject(changes: Sequence[Change]) -> str:
    if len(changes) > 1:
        return f"Update {len(changes)} images"
    (change,) = changes
    return f"Update {change.new.repository.last_part} to {_brief(change)}"


def _brief(change: Change) -> str:
    """Return what is new, short enough for a subject: the tag, or the digest that it has now."""
    new = change.new
    if new.tag != change.old.tag or new.digest is None:
        return new.effective_tag
    return f"{new.effective_tag}@{new.digest[:_SHORT_DIGEST]}"


def _line(change: Change) -> str:
    field = change.field
    who = f"{plain(field.workload.workload)} {plain(field.container)}"
    return f"{who}: {change.old} -> {change.new.suffix}"


def plain(text: str) -> str:
    """Return a name on one line: manifests may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)

"""What the commands share that change one workload in Git by hand, told in fluxctl's manner."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from reconciler import bootstrap
from reconciler.core.message import has_lines_of_ours
from reconciler.core.outcome import Problem
from reconciler.errors import NotFoundError, SettingsError
from reconciler.exit_codes import OK, PENDING
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load, without_sync
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.pipeline.by_hand import Done, Look, Order, look
from reconciler.settings import GitSettings, Settings

SCHEMA_VERSION = 1

_HEADERS = ("workload", "status", "updates")
_USER = re.compile(r"\s*([^<>]*?)\s*(?:<([^<>]*)>)?\s*")

Change = TypeVar("Change")


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments that these commands share.

    Attributes:
        workload: ``web:deployment/nginx``.
        message: for the commit; None: one is made.
        user: the author: ``NAME`` or ``NAME <ADDRESS>``; None: that of the settings.
        is_about_images: see :class:`Order`.
    """

    workload: str
    message: str | None = None
    user: str | None = None
    is_about_images: bool = False


def run_by_hand(
    invocation: Invocation,
    request: Request,
    act: Callable[[Sequence[Look], Order], Done[Change]],
    *,
    line: Callable[[Change], str],
    document: Callable[[Change], JSON],
) -> int:
    """Change a workload, print what was done, and return the exit code.

    Args:
        invocation: what was given.
        request: the arguments.
        act: changes the workload.
        line: says a change for a person.
        document: says a change as JSON.

    Raises:
        SettingsError: options are wrong, or there is no such workload, container or image.
        ReconcilerError: it could not be done.
    """
    _check(request)
    settings = _signed(load(invocation), request.user)
    order = Order(
        workload=request.workload,
        message=request.message or "",
        is_dry_run=settings.dry_run,
        is_about_images=request.is_about_images,
    )
    progress = DiffNarrator()
    with bootstrap.running(settings, progress=progress) as parts_of, progress:
        looks = [look(each, parts_of(each), order) for each in settings.sources]
        try:
            done = act(looks, order)
        except NotFoundError as error:
            say_problems(Problem.of(each) for at in looks for each in at.unread)
            raise SettingsError(error.message) from error
    code = PENDING if settings.dry_run and done.changes else OK
    if settings.output == "json":
        _say_document(done, code, document, is_dry_run=settings.dry_run)
    else:
        _say(done, code, line, is_dry_run=settings.dry_run)
    return code


def name_of(user: str | None) -> str:
    """Return the name in ``NAME <ADDRESS>``; empty if there is none."""
    found = _USER.fullmatch(user or "")
    return found[1] if found else ""


def _check(request: Request) -> None:
    for option, text in (("--message", request.message), ("--user", request.user)):
        if text is None:
            continue
        if not text.strip():
            raise SettingsError(f"{option} is empty")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise SettingsError(f"{option} is not UTF-8") from error
        if "\0" in text:
            raise SettingsError(f"{option} holds a zero byte")

    if has_lines_of_ours(request.message or ""):
        # history would take it for a commit of ours that moved an image
        raise SettingsError("--message has a line that stands for our own commits: 'Reconcile-…:'")


def _signed(settings: Settings, user: str | None) -> Settings:
    """Return the settings for reading and pushing alone, with the commit's author."""
    sources = tuple(replace(each, git=_by(each.git, user)) for each in settings.sources)
    return without_sync(replace(settings, sources=sources))


def _by(git: GitSettings, user: str | None) -> GitSettings:
    if user is None:
        return git
    found = _USER.fullmatch(user)
    if found is None or not found[1] or found[2] == "":
        raise SettingsError(f"--user {user!r} is no author: write NAME or 'NAME <ADDRESS>'")
    return replace(git, on_behalf_of=f"{found[1]} <{found[2] or git.author_email}>")


def _say(done: Done[Change], code: int, line: Callable[[Change], str], *, is_dry_run: bool) -> None:
    terminal = Terminal.standard()
    if is_dry_run and code == PENDING:
        sys.stdout.write(terminal.shown_diff(done.diff))
    else:
        if done.pushed:
            terminal.say(f"Commit pushed:   {done.pushed.short}")
        say_table(terminal, _HEADERS, _rows(done, line))
    sys.stdout.flush()
    for note in done.notes:
        sys.stderr.write(f"note: {printable(note)}\n")


def _rows(done: Done[Change], line: Callable[[Change], str]) -> list[tuple[str, str, str]]:
    name = done.place.key.workload
    if not done.changes:
        return [(name, _status(done), "already so")]
    first, *more = map(line, done.changes)
    return [(name, _status(done), first), *(("", "", each) for each in more)]


def _status(done: Done[Change]) -> str:
    return "success" if done.changes else "skipped"


def _say_document(
    done: Done[Change], code: int, document: Callable[[Change], JSON], *, is_dry_run: bool
) -> None:
    body: JSON = {
        "source": done.source.name,
        "url": done.source.git.url,
        "dryRun": is_dry_run,
        "fetched": str(done.fetched),
        "pushed": str(done.pushed) if done.pushed else None,
        "workload": done.place.key.workload,
        "path": done.place.path,
        "status": _status(done),
        "updates": [document(each) for each in done.changes],
        "notes": list(done.notes),
        "commitDiff": done.diff,
    }
    Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=code))

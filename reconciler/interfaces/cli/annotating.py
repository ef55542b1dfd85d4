"""What the commands share that edit a workload's annotations in Git, told in fluxctl's manner."""

import re
import sys
from dataclasses import dataclass, replace

from reconciler import bootstrap
from reconciler.core.annotation_message import AnnotationChange
from reconciler.core.manifests.wishes import Wish
from reconciler.core.message import parse_by, parse_trailers
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
from reconciler.pipeline.annotate import Annotated, Order, annotate, look
from reconciler.settings import GitSettings, Settings

SCHEMA_VERSION = 1

_HEADERS = ("workload", "status", "updates")
_USER = re.compile(r"\s*([^<>]*?)\s*(?:<([^<>]*)>)?\s*")


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments that these commands share.

    Attributes:
        workload: ``web:deployment/nginx``.
        message: for the commit; None: one is made.
        user: the author: ``NAME`` or ``NAME <ADDRESS>``; None: that of the settings.
    """

    workload: str
    message: str | None = None
    user: str | None = None


def run_order(invocation: Invocation, request: Request, verb: str, wish: Wish) -> int:
    """Edit the annotations of a workload, print what was done, and return the exit code.

    Raises:
        SettingsError: options are wrong, or there is no such workload or container.
        ReconcilerError: it could not be done.
    """
    _check(request)
    settings = _signed(load(invocation), request.user)
    order = Order(
        workload=request.workload,
        verb=verb,
        wish=wish,
        message=request.message or "",
        is_dry_run=settings.dry_run,
    )
    progress = DiffNarrator()
    with bootstrap.running(settings, progress=progress) as parts_of, progress:
        looks = [look(each, parts_of(each), request.workload) for each in settings.sources]
        try:
            done = annotate(looks, order)
        except NotFoundError as error:
            say_problems(Problem.of(each) for at in looks for each in at.unread)
            raise SettingsError(error.message) from error
    is_pending = settings.dry_run and bool(done.changes)
    code = PENDING if is_pending else OK
    tell = _say_document if settings.output == "json" else _say
    tell(done, code, is_dry_run=settings.dry_run)
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

    if parse_trailers(request.message or "") or parse_by(request.message or ""):
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
    return replace(git, author_name=found[1], author_email=found[2] or git.author_email)


def _say(done: Annotated, code: int, *, is_dry_run: bool) -> None:
    terminal = Terminal.standard()
    if is_dry_run and code == PENDING:
        sys.stdout.write(terminal.shown_diff(done.diff))
    else:
        if done.pushed:
            terminal.say(f"Commit pushed:   {done.pushed.short}")
        say_table(terminal, _HEADERS, _rows(done))
    sys.stdout.flush()
    for note in done.notes:
        sys.stderr.write(f"note: {printable(note)}\n")


def _rows(done: Annotated) -> list[tuple[str, str, str]]:
    name = done.found.workload.key.workload
    if not done.changes:
        return [(name, _status(done), "already so")]
    first, *more = map(str, done.changes)
    return [(name, _status(done), first), *(("", "", each) for each in more)]


def _status(done: Annotated) -> str:
    return "success" if done.changes else "skipped"


def _say_document(done: Annotated, code: int, *, is_dry_run: bool) -> None:
    body: JSON = {
        "source": done.source.name,
        "url": done.source.git.url,
        "dryRun": is_dry_run,
        "fetched": str(done.fetched),
        "pushed": str(done.pushed) if done.pushed else None,
        "workload": done.found.workload.key.workload,
        "path": done.found.path,
        "status": _status(done),
        "updates": [_change(each) for each in done.changes],
        "notes": list(done.notes),
        "commitDiff": done.diff,
    }
    Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=code))


def _change(change: AnnotationChange) -> JSON:
    return {"annotation": change.key, "from": change.old, "to": change.new}

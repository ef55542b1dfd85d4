"""``reconcile sync``: ask the running reconciler for a cycle now, and follow it."""

import time
import uuid
from collections.abc import Iterator
from typing import Final

from reconciler.core.objects.control import Answer, Request
from reconciler.core.outcome import Problem
from reconciler.core.revision import Revision
from reconciler.errors import ClusterError
from reconciler.exit_codes import OK, STALLED
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.person import person
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.sources import Reached, reached
from reconciler.interfaces.terminal import Terminal
from reconciler.pipeline.attendance import LOOK_S

LOOK_AGAIN_S: Final = 0.3
HEARD_S: Final = 10 * LOOK_S
"""How long a running reconciler may take to hear of a request: it looks every two seconds."""

FURTHER_S: Final = 600.0
"""For all but the wait for health, which ``--timeout`` ends; another cycle may come first."""


def run(invocation: Invocation, *, which: str | None, user: str | None) -> int:
    """Ask for a cycle, follow it and say how it ended; return the exit code that it calls for.

    Raises:
        SettingsError: options are wrong, or it is not clear which source is meant.
        AccessDeniedError, ClusterError: the cluster cannot be asked, or nobody answers.
    """
    told = _Told(Terminal.standard())
    with reached(invocation) as place:
        name = place.one(which)
        request = Request(uuid.uuid4().hex, person(invocation, user))
        place.controls.request(name, request)
        for answer in _answers(place, name, request):
            told.tell(answer)
            if answer.result:
                return told.conclude(answer)
    raise ClusterError(f"the cycle of source {name!r} takes longer than it should: see its log")


def _answers(place: Reached, name: str, request: Request) -> Iterator[Answer]:
    """Yield what is answered, as it comes, until the time for it is over.

    If somebody else asks meanwhile, it is what they are told: their cycle is later than ours.

    Raises:
        ClusterError: nobody answers.
    """
    began, newest = time.monotonic(), request.id
    timeout_s = max(each.sync.timeout_s for each in place.settings.sources) + FURTHER_S
    said: Answer | None = None
    while time.monotonic() - began < timeout_s:
        control = place.controls.of(name)
        newest = control.request.id if control.request else newest
        if control.answer is not None and control.answer.id == newest and control.answer != said:
            said = control.answer
            yield said
        elif said is None and time.monotonic() - began > HEARD_S:
            raise ClusterError(
                f"nobody has answered for {HEARD_S:g} s: no reconciler runs that has source "
                f"{name!r} and keeps its state in namespace {place.namespace}; 'reconcile --once' "
                "runs a cycle from here"
            )
        time.sleep(LOOK_AGAIN_S)


class _Told:
    """Prints what is new of an answer, in fluxctl's words."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._lines: list[str] = []

    def tell(self, answer: Answer) -> None:
        """Print the lines that were not printed before."""
        if answer.url:
            self._say(f"Synchronizing with {answer.url}")
        if found := Revision.parse(answer.revision):
            self._say(f"Revision of {found.branch} to apply is {found.short}")
            self._say(f"Waiting for {found.short} to be applied ...")

    def conclude(self, answer: Answer) -> int:
        """Print how it ended; return the exit code."""
        if answer.result == "suspended":
            self._say(f"Nothing is done: the source is {answer.message}")
        elif answer.message:
            say_problems([Problem("", answer.message, is_stalled=answer.code == STALLED)])
        elif answer.code == OK:
            self._say("Done.")
        return answer.code

    def _say(self, line: str) -> None:
        if line not in self._lines:
            self._lines.append(line)
            self._terminal.say(line)

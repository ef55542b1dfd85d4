"""How hard one registry may be asked: how many requests at a time, a second, and from when on."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.core.images.reference import Repository
from reconciler.errors import RegistryError

REQUESTS = 28  # at a time, of one host
FAILURES_UNTIL_LEFT_ALONE = 6  # in a row, over all that it is asked
SLOWEST = 2.0  # requests a second that a host gets, however often it asks for time
FASTEST = 1000.0  # requests a second from which on they are not counted any more
SHORTEST_S = 0.25  # over which requests a second are counted

Question = TypeVar("Question")


@dataclass(order=True, slots=True)
class Task(Generic[Question]):
    """A question about a repository that is to be asked, at the earliest at ``at``.

    ``has_slot`` tells whether that is the time that its host has for it, ``error`` what became of
    the last attempt.
    """

    at: float
    order: int
    question: Question = field(compare=False)
    repository: Repository = field(compare=False)
    attempt: int = field(default=0, compare=False)
    has_slot: bool = field(default=False, compare=False)
    error: RegistryError | None = field(default=None, compare=False)


@dataclass(slots=True)
class Host(Generic[Question]):
    """What an inquiry knows about one registry.

    It begins with a single request: what that learns (how to log in, that a password is wrong, that
    nobody answers) serves the others. Each answer permits one more at a time; a host that asks for
    time gets half as many, and half as many a second, and each answer permits one more a second.
    One that fails gets just enough to tell whether it is down.

    Attributes:
        since: when its requests began to be counted.
        not_before: when it may be asked again.
        failures_in_a_row: since it last answered.
        limit: how many requests may be under way.
        rate: how many may be sent a second.
        under_way: how many are sent, or have a time at which they will be.
        answers: since its requests began to be counted.
        waiting: tasks that are due, and that the limit holds back.
    """

    since: float = 0.0
    not_before: float = -math.inf
    failures_in_a_row: int = 0
    limit: int = 1
    rate: float = math.inf
    under_way: int = 0
    answers: int = 0
    waiting: deque[Task[Question]] = field(default_factory=deque)
    _next_at: float = -math.inf

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed too often to be asked again."""
        return self.failures_in_a_row >= FAILURES_UNTIL_LEFT_ALONE

    def has_room(self, free: int) -> bool:
        """Whether one more request may be sent.

        However many hosts hang, each leaves half of what it finds to the others.

        Args:
            free: threads that no host uses.
        """
        share = max(1, (self.under_way + free) // 2)
        return self.under_way < min(self.limit, share)

    def slot(self, now: float) -> float:
        """Return when one more request may be sent, which is under way from now on."""
        self.under_way += 1
        at = max(now, self._next_at)
        self._next_at = at + 1 / self.rate
        return at

    def answered(self) -> None:
        """Take down that it answered."""
        self.failures_in_a_row = 0
        self.answers += 1
        self.limit = min(self.limit + 1, REQUESTS)
        self.rate = self.rate + 1 if self.rate < FASTEST else math.inf

    def asked_for_time(self, until: float, *, now: float) -> bool:
        """Take down that it is not to be asked before a time; return whether that is news.

        What was under way when it first asked is refused as well, and so is a try that comes too
        early: what was not answered in between says nothing of how much is too much.
        """
        is_news = now >= self.not_before
        self.not_before = max(self.not_before, until)
        if is_news and self.answers:
            self.limit = max(1, self.limit // 2)
            counted = self.answers / max(SHORTEST_S, now - self.since)
            self.rate = max(SLOWEST, (counted if self.rate == math.inf else self.rate) / 2)
            self.answers = 0
        self.since = self.not_before
        return is_news

    def failed(self) -> None:
        """Take down that it failed."""
        self.failures_in_a_row += 1
        self.limit = FAILURES_UNTIL_LEFT_ALONE

    def release(self, *, deadline: float) -> Iterator[Task[Question]]:
        """Yield the tasks that the limit holds back no longer; all if none will be sent.

        Args:
            deadline: when nothing is sent any more.
        """
        is_over = self.is_left_alone or self.not_before > deadline
        room = len(self.waiting) if is_over else self.limit - self.under_way
        for _ in range(min(room, len(self.waiting))):
            yield self.waiting.popleft()

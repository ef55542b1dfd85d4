"""How hard one registry may be asked: how many requests at a time, and from when on."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.core.images.reference import Repository

REQUESTS = 28  # at a time, of one host
FAILURES_UNTIL_LEFT_ALONE = 6  # in a row, over all that it is asked

Question = TypeVar("Question")


@dataclass(order=True, slots=True)
class Task(Generic[Question]):
    """A question about a repository that is to be asked, at the earliest at ``at``."""

    at: float
    order: int
    question: Question = field(compare=False)
    repository: Repository = field(compare=False)
    attempt: int = field(default=0, compare=False)


@dataclass(slots=True)
class Host(Generic[Question]):
    """What an inquiry knows about one registry.

    It begins with a single request: what that learns (how to log in, that a password is wrong, that
    nobody answers) serves the others. Each answer permits one more at a time; a host that asks for
    time gets half as many, and one that fails just enough to tell whether it is down.

    Attributes:
        not_before: when it may be asked again.
        failures_in_a_row: since it last answered.
        limit: how many requests may be under way.
        in_flight: how many are.
        waiting: tasks that are due, and that the limit holds back.
    """

    not_before: float = 0.0
    failures_in_a_row: int = 0
    limit: int = 1
    in_flight: int = 0
    waiting: deque[Task[Question]] = field(default_factory=deque)

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed too often to be asked again."""
        return self.failures_in_a_row >= FAILURES_UNTIL_LEFT_ALONE

    @property
    def has_room(self) -> bool:
        """Whether one more request may be sent."""
        return self.in_flight < self.limit

    def answered(self) -> None:
        """Take down that it answered."""
        self.failures_in_a_row = 0
        self.limit = min(self.limit + 1, REQUESTS)

    def asked_for_time(self, until: float) -> None:
        """Take down that it is not to be asked before a time."""
        self.not_before = max(self.not_before, until)
        self.limit = max(1, self.limit // 2)

    def failed(self) -> None:
        """Take down that it failed."""
        self.failures_in_a_row += 1
        self.limit = FAILURES_UNTIL_LEFT_ALONE

    def release(self) -> Iterator[Task[Question]]:
        """Yield the tasks that the limit holds back no longer; all if none will be sent."""
        room = len(self.waiting) if self.is_left_alone else self.limit - self.in_flight
        for _ in range(min(room, len(self.waiting))):
            yield self.waiting.popleft()

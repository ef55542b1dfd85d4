"""Inquiry: put many questions to many registries at once, and be a good guest at each."""

import heapq
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from reconciler.core.backoff import delay_s
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.pipeline.host import FAILURES_UNTIL_LEFT_ALONE, REQUESTS, Host, Task
from reconciler.pipeline.ports import Clock
from reconciler.stop import Stop

Question = TypeVar("Question", bound=Hashable)
Value = TypeVar("Value")

WORKERS = 2 * REQUESTS + 8  # one host may have half of them: some are always there for the others
ATTEMPTS = 3
PATIENCE_S = 60.0  # how long one inquiry may wait for hosts that ask for time
BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 8.0


class _Inquiry(Generic[Question, Value]):
    """One inquiry. A heap of tasks by time; at most ``WORKERS`` of them in the threads' hands.

    No thread sleeps: a task that must wait goes back into the heap, and a host that asked for time
    holds back its own tasks only.
    """

    def __init__(
        self,
        ask: Callable[[Question], Value],
        *,
        clock: Clock,
        jitter: Callable[[], float],
        stop: Stop,
    ) -> None:
        self._ask = ask
        self._stop = stop
        self._clock = clock
        self._jitter = jitter
        self._began = clock.now()
        self._deadline = self._began + PATIENCE_S
        self._heap: list[Task[Question]] = []
        self._hosts: dict[str, Host[Question]] = {}
        self._answers: SimpleQueue[tuple[Task[Question], Future[Value]] | None] = SimpleQueue()
        self._in_flight = 0
        self.results: dict[Question, Value | ReconcilerError] = {}

    def run(self, questions: Iterable[tuple[Question, Repository]]) -> None:
        now = self._clock.now()
        self._heap = [Task(now, order, *each) for order, each in enumerate(questions)]
        executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="inquiry")
        try:
            with self._stop.ending_wait(lambda: self._answers.put(None)):
                while self._heap or self._in_flight:
                    self._stop.check()
                    self._submit_due(executor)
                    self._await_answer()
        finally:  # an interrupted inquiry does not wait for answers that nobody will read
            executor.shutdown(wait=False, cancel_futures=True)

    def _submit_due(self, executor: ThreadPoolExecutor) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0].at <= now and self._in_flight < WORKERS:
            task = heapq.heappop(self._heap)
            if self._may_be_sent(task, now):
                self._submit(executor, task)

    def _may_be_sent(self, task: Task[Question], now: float) -> bool:
        """Whether a task that is due has its turn; if not, it is put where it will get it."""
        host = self._host(task)
        is_over = host.is_left_alone or host.not_before > self._deadline
        if task.has_slot and (is_over or host.not_before > now):
            task.has_slot = False
            host.under_way -= 1
        if is_over:
            self.results[task.question] = self._not_asked(task, host, now)
        elif host.not_before > now:
            self._put(task, host.not_before)
        elif not task.has_slot and not host.has_room(WORKERS - self._in_flight):
            host.waiting.append(task)
        elif not task.has_slot and (at := host.slot(now)) > now:
            task.has_slot = True
            self._put(task, at)
        else:
            task.has_slot = False
            return True
        return False

    def _put(self, task: Task[Question], at: float) -> None:
        task.at = at
        heapq.heappush(self._heap, task)

    def _not_asked(self, task: Task[Question], host: Host[Question], now: float) -> RegistryError:
        """Return why a question is not asked, or not again: what it met then says more."""
        if task.error is not None:
            return task.error
        if host.is_left_alone:
            return _left_alone(task.repository)
        return _too_patient(task.repository, host.not_before - now)

    def _submit(self, executor: ThreadPoolExecutor, task: Task[Question]) -> None:
        self._in_flight += 1
        future = executor.submit(self._ask, task.question)
        future.add_done_callback(lambda done: self._answers.put((task, done)))

    def _await_answer(self) -> None:
        wait_s = max(0.0, self._heap[0].at - self._clock.now()) if self._heap else None
        if not self._in_flight:
            self._clock.sleep(wait_s or 0.0)
            return
        if self._in_flight >= WORKERS:
            wait_s = None  # nothing can be sent before an answer comes
        try:
            answer = self._answers.get(timeout=wait_s)
        except Empty:
            return
        if answer is None:  # a word that we are to end
            return
        task, done = answer
        self._in_flight -= 1
        self._take(task, self._answer(done))

    def _answer(self, done: Future[Value]) -> Value | ReconcilerError:
        error = done.exception()
        if error is None:
            return done.result()
        if isinstance(error, ReconcilerError):
            return error
        raise error

    def _take(self, task: Task[Question], answer: Value | ReconcilerError) -> None:
        host = self._host(task)
        host.under_way -= 1
        if isinstance(answer, RegistryError):
            self._take_failure(task, answer, host)
        else:
            host.answered()
            self.results[task.question] = answer
        for released in host.release(deadline=self._deadline):
            heapq.heappush(self._heap, released)

    def _take_failure(
        self, task: Task[Question], error: RegistryError, host: Host[Question]
    ) -> None:
        now = self._clock.now()
        wait_s = delay_s(
            task.attempt, base_s=BACKOFF_BASE_S, cap_s=BACKOFF_CAP_S, jitter=self._jitter()
        )
        if (error.retry_after_s or 0.0) >= BACKOFF_BASE_S:
            wait_s = error.retry_after_s or 0.0
        asked_for_time = error.retry_after_s is not None or error.is_throttling
        task.attempt += 1
        task.error = error
        if not asked_for_time:
            host.failed()
        elif host.asked_for_time(now + wait_s, now=now) and error.retry_after_s is None:
            host.failures_in_a_row += 1  # it may go on like this for ever, and say no time
        may_try = asked_for_time or task.attempt < ATTEMPTS
        if error.is_retryable and may_try and now + wait_s <= self._deadline:
            self._put(task, now + wait_s)
        else:
            self.results[task.question] = error

    def _host(self, task: Task[Question]) -> Host[Question]:
        return self._hosts.setdefault(task.repository.host, Host(self._began))


def _left_alone(repository: Repository) -> RegistryError:
    return RegistryError(
        f"not asked: its registry failed {FAILURES_UNTIL_LEFT_ALONE} times in a row",
        where=str(repository),
    )


def _too_patient(repository: Repository, wait_s: float) -> RegistryError:
    return RegistryError(
        f"not asked: its registry wants us to wait {math.ceil(wait_s)} s, and a cycle waits less",
        where=str(repository),
        retry_after_s=wait_s,
    )


def inquire(
    questions: Mapping[Question, Repository],
    ask: Callable[[Question], Value],
    *,
    clock: Clock,
    jitter: Callable[[], float],
    stop: Stop | None = None,
) -> Mapping[Question, Value | ReconcilerError]:
    """Return the answer to each question, or the error that kept us from it.

    A question that fails is asked up to three times; where the registry asks for time
    (``Retry-After``) it is asked again when its time has come, up to a minute in all. A host that
    fails over and over is left alone. None of this touches the other hosts.

    Args:
        questions: in the order in which they are to be asked, with the repositories they are about.
        ask: asks one of them once; called from many threads. A ``RegistryError`` that it raises
            may lead to another try.
        clock: tells when a host may be asked again.
        jitter: gives fractions from 0 to 1 for the backoff.
        stop: asks to end early; answers under way are not waited for.

    Raises:
        StoppedError: the process is to end.
    """
    run = _Inquiry(ask, clock=clock, jitter=jitter, stop=stop or Stop())
    run.run(questions.items())
    return run.results

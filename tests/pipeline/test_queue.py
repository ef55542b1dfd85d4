"""A keyed queue: one entry a key, one worker a key, nothing lost while busy."""

import operator
import threading
import time

from reconciler.pipeline.queue import WorkQueue

ANY: frozenset[str] = frozenset()


def queue_of(*keys: str) -> WorkQueue[str, frozenset[str]]:
    queue: WorkQueue[str, frozenset[str]] = WorkQueue(operator.or_)
    for key in keys:
        queue.add(key, ANY)
    return queue


def taken_from(queue: WorkQueue[str, frozenset[str]]) -> str:
    taken = queue.take()
    assert taken is not None
    return taken[0]


def test_keys_come_out_once_each_and_oldest_first() -> None:
    queue = queue_of("b", "a", "b")

    assert [taken_from(queue), taken_from(queue), len(queue)] == ["b", "a", 0]


def test_a_key_that_is_added_while_it_is_worked_on_comes_back_once() -> None:
    queue = queue_of("a")
    queue.take()
    queue.add("a", ANY)
    queue.add("a", ANY)

    assert (len(queue), queue.is_asked_again("a")) == (0, True)
    queue.done("a")
    assert (taken_from(queue), len(queue), queue.is_asked_again("a")) == ("a", 0, False)


def test_others_go_on_while_a_key_is_worked_on() -> None:
    queue = queue_of("a")
    queue.take()
    queue.add("b", ANY)

    assert taken_from(queue) == "b"


def test_a_worker_waits_for_a_key() -> None:
    queue = queue_of()
    taken: list[str] = []
    worker = threading.Thread(target=lambda: taken.append(taken_from(queue)))
    worker.start()

    queue.add("a", ANY)
    worker.join(10)

    assert taken == ["a"]


def test_a_closed_queue_sends_workers_home_and_takes_nothing_more() -> None:
    queue = queue_of("a", "b")
    queue.take()
    queue.add("a", ANY)
    queue.close()
    queue.add("c", ANY)

    assert queue.take() is None
    assert not queue.wait_idle(0.0)
    queue.done("a")
    assert queue.wait_idle(0.0)
    assert queue.take() is None


def test_no_key_is_ever_in_two_hands_and_every_addition_is_followed_by_work() -> None:
    queue: WorkQueue[int, frozenset[str]] = WorkQueue(operator.or_)
    lock = threading.Lock()
    in_hands: set[int] = set()
    clashes: list[int] = []
    wanted = dict.fromkeys(range(5), 0)  # how often the key was added so far
    served = dict.fromkeys(range(5), 0)  # what of that the newest work on it had seen

    def work() -> None:
        while (taken := queue.take()) is not None:
            key, _ = taken
            with lock:
                if key in in_hands:
                    clashes.append(key)
                in_hands.add(key)
                served[key] = wanted[key]
            with lock:
                in_hands.discard(key)
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for number in range(5000):
        key = number % 5
        with lock:
            wanted[key] += 1
        queue.add(key, ANY)
    while len(queue) or not queue.wait_idle(1.0) or len(queue):
        time.sleep(0.01)
    queue.close()
    for worker in workers:
        worker.join(10)

    assert clashes == []
    assert served == wanted


def test_what_is_wanted_of_a_key_becomes_one_wish_before_and_while_it_is_worked_on() -> None:
    queue = queue_of()
    for wish in ("one", "two"):
        queue.add("a", frozenset({wish}))
    before = queue.take() or ("", ANY)
    for wish in ("three", "four"):
        queue.add("a", frozenset({wish}))
    queue.done("a")

    assert before == ("a", frozenset({"one", "two"}))
    assert queue.take() == ("a", frozenset({"three", "four"}))


def test_a_wish_is_withdrawn_only_if_nothing_else_is_wanted() -> None:
    queue = queue_of("a")
    queue.take()
    queue.add("a", frozenset({"tick"}))
    queue.withdraw("a", frozenset({"tick"}))
    assert not queue.is_asked_again("a")

    queue.add("a", frozenset({"tick"}))
    queue.add("a", frozenset({"webhook"}))
    queue.withdraw("a", frozenset({"tick"}))
    assert queue.is_asked_again("a")


def test_a_key_that_is_held_is_not_given_out_and_not_lost() -> None:
    queue = queue_of("a", "b")
    queue.hold("a")
    queue.add("a", frozenset({"more"}))

    assert (taken_from(queue), len(queue)) == ("b", 1)
    taken: list[str] = []
    worker = threading.Thread(target=lambda: taken.append(taken_from(queue)))
    worker.start()
    worker.join(0.2)
    assert taken == []
    queue.release("a")
    worker.join(10)
    assert taken == ["a"]

"""A keyed queue: one entry a key, one worker a key, nothing lost while busy."""

import threading
import time

from reconciler.pipeline.queue import WorkQueue


def queue_of(*keys: str) -> WorkQueue[str]:
    queue: WorkQueue[str] = WorkQueue()
    for key in keys:
        queue.add(key)
    return queue


def test_keys_come_out_once_each_and_oldest_first() -> None:
    queue = queue_of("b", "a", "b")

    assert [queue.take(), queue.take(), len(queue)] == ["b", "a", 0]


def test_a_key_that_is_added_while_it_is_worked_on_comes_back_once() -> None:
    queue = queue_of("a")
    queue.take()
    queue.add("a")
    queue.add("a")

    assert (len(queue), queue.is_asked_again("a")) == (0, True)
    queue.done("a")
    assert (queue.take(), len(queue), queue.is_asked_again("a")) == ("a", 0, False)


def test_others_go_on_while_a_key_is_worked_on() -> None:
    queue = queue_of("a")
    queue.take()
    queue.add("b")

    assert queue.take() == "b"


def test_a_worker_waits_for_a_key() -> None:
    queue = queue_of()
    taken: list[str | None] = []
    worker = threading.Thread(target=lambda: taken.append(queue.take()))
    worker.start()

    queue.add("a")
    worker.join(10)

    assert taken == ["a"]


def test_a_closed_queue_sends_workers_home_and_takes_nothing_more() -> None:
    queue = queue_of("a", "b")
    queue.take()
    queue.add("a")
    queue.close()
    queue.add("c")

    assert queue.take() is None
    assert not queue.wait_idle(0.0)
    queue.done("a")
    assert queue.wait_idle(0.0)
    assert queue.take() is None


def test_no_key_is_ever_in_two_hands_and_every_addition_is_followed_by_work() -> None:
    queue: WorkQueue[int] = WorkQueue()
    lock = threading.Lock()
    in_hands: set[int] = set()
    clashes: list[int] = []
    wanted = dict.fromkeys(range(5), 0)  # how often the key was added so far
    served = dict.fromkeys(range(5), 0)  # what of that the newest work on it had seen

    def work() -> None:
        while (key := queue.take()) is not None:
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
        queue.add(key)
    while len(queue) or not queue.wait_idle(1.0) or len(queue):
        time.sleep(0.01)
    queue.close()
    for worker in workers:
        worker.join(10)

    assert clashes == []
    assert served == wanted

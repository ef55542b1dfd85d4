"""Runs another program: bounded in time and in what it says, in a process group of its own."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.interruption import interruptions_held

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said and how it ended.

    Attributes:
        status: its exit status; negative: the signal that ended it.
        stdout: what it printed, cut a little above the limit; then it was killed.
        stderr: what it complained of, likewise.
    """

    status: int
    stdout: bytes
    stderr: bytes


def run_program(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    limit_s: float,
    max_bytes: int,
    given: bytes = b"",
    directory: Path | None = None,
    ending: Callable[[Callable[[], None]], contextlib.AbstractContextManager[None]] | None = None,
) -> Said:
    """Run a program and return what came of it; if it is killed, so is all that it started.

    Args:
        command: the program's path and its arguments; no secrets, all users can read them.
        environment: all its variables.
        limit_s: seconds until it is killed.
        max_bytes: of each of its outputs; one that says more is killed.
        given: what it reads.
        directory: where it runs; None: where we do.
        ending: given a function that kills the program, keeps it at hand while the block lasts, as
            ``Stop.ending_wait`` does.

    Raises:
        TimeoutError: it took too long.
        OSError: it could not be started.
    """
    deadline = time.monotonic() + limit_s
    with (
        interruptions_held() as let_go,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        ) as process,
        (ending or _unkept)(lambda: _kill(process)),
    ):
        try:
            let_go()
            stdout, stderr = _exchange(process, given, deadline, max_bytes)
            if max(len(stdout), len(stderr)) <= max_bytes:
                process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            _kill(process)
        return Said(process.wait(), stdout, stderr)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # not reaped: its group cannot be somebody else's
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _unkept(_end: Callable[[], None]) -> Iterator[None]:
    yield


def _exchange(
    process: subprocess.Popen[bytes], given: bytes, deadline: float, max_bytes: int
) -> tuple[bytes, bytes]:
    """Write the input and read both outputs, up to their ends or their limit."""
    assert process.stdin is not None  # noqa: S101 - Popen's types do not know what was asked for
    assert process.stdout is not None  # noqa: S101 - as above
    assert process.stderr is not None  # noqa: S101 - as above
    outputs = {process.stdout: bytearray(), process.stderr: bytearray()}
    left = memoryview(given)
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            selector.register(output, selectors.EVENT_READ)
        if given:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    left = _written(process.stdin.fileno(), left)
                    if not left:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                piece = os.read(key.fd, _CHUNK_BYTES)
                said = outputs[key.fileobj]  # type: ignore[index]  # one of the two
                said += piece
                if not piece:
                    selector.unregister(key.fileobj)
                elif len(said) > max_bytes:
                    return bytes(outputs[process.stdout]), bytes(outputs[process.stderr])
    return bytes(outputs[process.stdout]), bytes(outputs[process.stderr])


def _written(descriptor: int, left: memoryview) -> memoryview:
    """Write what the pipe takes; return what is left, nothing if nobody reads it."""
    try:
        return left[os.write(descriptor, left) :]
    except BrokenPipeError:
        return left[:0]

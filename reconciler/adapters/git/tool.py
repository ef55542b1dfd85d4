"""A program beside git, as it is run in a private folder of its own."""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.environment import tool_environment
from reconciler.adapters.git.runner import Output
from reconciler.errors import GitError, StoppedError
from reconciler.program import run_program
from reconciler.stop import Stop

_MAX_BYTES = 1024 * 1024  # of what it says; a signature has a thousand


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, and the folder where it works.

    Attributes:
        program: its absolute path.
        folder: its working directory and home, which only we may enter.
        timeout_s: seconds until it and its children are killed.
        stop: ends it early, if that is insisted on.
    """

    program: Path
    folder: Path
    timeout_s: float
    stop: Stop

    def run(
        self, *arguments: str, variables: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> Output:
        """Run it and return what came of it.

        Args:
            arguments: no secrets, they can be read by all users of the machine.
            variables: what it gets beside the few that every program gets; no secrets either.
            stdin: what it reads.

        Raises:
            GitError: it did not end in time, or could not be started.
            StoppedError: it was ended, because this process is to end.
        """
        was_ended = threading.Event()

        def ending(end: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
            def note_and_end() -> None:
                was_ended.set()
                end()

            return self.stop.ending_work(note_and_end)

        try:
            said = run_program(
                [str(self.program), *arguments],
                environment={**tool_environment(os.environ, self.folder), **(variables or {})},
                limit_s=self.timeout_s,
                max_bytes=_MAX_BYTES,
                given=stdin,
                directory=self.folder,
                ending=ending,
            )
        except TimeoutError as error:
            limit = f"{self.timeout_s:g} s"
            raise GitError(f"{self.program.name} did not end within {limit}") from error
        except OSError as error:
            raise GitError(f"cannot start {self.program.name}: {error.strerror}") from error
        if said.status and was_ended.is_set():
            raise StoppedError(f"{self.program.name} was ended: this process was asked to end")
        return Output(said.status, said.stdout, said.stderr.decode("utf-8", "replace"))

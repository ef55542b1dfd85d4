"""The program's door: ``reconcile`` and ``python -m reconciler``."""

import os
import signal
import sys

from reconciler.exit_codes import INTERRUPTED


def main() -> int:
    """Run the program and return its exit code.

    ``--version`` is answered here, before anything that takes time is imported. SIGTERM ends the
    program as Ctrl-C does, from here on; only what runs continuously hears it otherwise. Left to
    the kernel it would leave git behind, and do nothing to process 1 of a container.
    """
    _fill_closed_streams()
    if "--version" in sys.argv[1:]:
        from reconciler.release import VERSION  # noqa: PLC0415 - nothing else is needed

        sys.stdout.write(f"reconcile {VERSION}\n")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from reconciler.interfaces.cli.main import run  # noqa: PLC0415 - click only when needed
        from reconciler.interfaces.cli.signals import leave  # noqa: PLC0415 - as above
    except KeyboardInterrupt:
        return INTERRUPTED
    return leave(run(sys.argv[1:]))


def _fill_closed_streams() -> None:
    """Open what the caller closed (``>&-``), to nothing.

    Python leaves no stream there, and the next file that is opened would have its number: what
    git says could end up in a clone.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as long as the program
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as above


if __name__ == "__main__":
    sys.exit(main())

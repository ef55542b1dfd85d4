"""The program's door: ``reconcile`` and ``python -m reconciler``."""

import sys


def main() -> int:
    """Run the program and return its exit code.

    ``--version`` is answered here, before anything that takes time is imported.
    """
    if "--version" in sys.argv[1:]:
        from reconciler.release import VERSION  # noqa: PLC0415 - nothing else is needed

        sys.stdout.write(f"reconcile {VERSION}\n")
        return 0
    from reconciler.interfaces.cli.main import run  # noqa: PLC0415 - click only when needed
    from reconciler.interfaces.cli.signals import leave  # noqa: PLC0415 - as above

    return leave(run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())

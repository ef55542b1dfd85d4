"""The exit codes of the program (``docs/reference/exit-codes.md``). Imports nothing."""

OK = 0
TRANSIENT = 1
USAGE = 2
STALLED = 3
PENDING = 4
BUG = 70
INTERRUPTED = 130

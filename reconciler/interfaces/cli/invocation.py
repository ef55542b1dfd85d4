"""What stands on the command line and in the environment, before it means anything."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program.

    Attributes:
        flags: the shared options that were given, by name; before and after the command's name.
        environment: the process's variables.
        config: the file that ``--config`` names.
    """

    flags: Mapping[str, object]
    environment: Mapping[str, str]
    config: str | None = None

"""Who gives a command."""

import getpass

from reconciler.interfaces.cli.invocation import Invocation


def person(invocation: Invocation, given: str | None) -> str:
    """Return the name that is given, or that of the user; empty if nobody knows it."""
    if given:
        return given
    for variable in ("LOGNAME", "USER"):
        if name := invocation.environment.get(variable):
            return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in many containers
        return ""

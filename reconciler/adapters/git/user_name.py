"""A name for the user we run as, where the system has none: OpenSSH's programs insist on one.

They need it for nothing that we do. ``libnss_wrapper`` answers in place of the system where a
container runs as a number only.
"""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.git.private_files import write_private

_PASSWD, _GROUP = "passwd", "group"


def has_user_name() -> bool:
    """Tell whether the system knows a user with our ID."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def naming_variables(folder: str) -> Mapping[str, str]:
    """Return the variables with which a program finds the name that stands in a folder."""
    return {
        "LD_PRELOAD": "libnss_wrapper.so",
        "NSS_WRAPPER_PASSWD": f"{folder}/{_PASSWD}",
        "NSS_WRAPPER_GROUP": f"{folder}/{_GROUP}",
    }


def write_user_name(folder: Path) -> None:
    """Write what the library reads into a private folder.

    Raises:
        OSError: the disk does not permit it.
    """
    user, group = os.getuid(), os.getgid()
    write_private(folder / _PASSWD, f"reconcile:*:{user}:{group}::/:/bin/sh\n".encode())
    write_private(folder / _GROUP, f"reconcile:*:{group}:\n".encode())

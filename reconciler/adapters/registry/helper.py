"""Asks docker's credential helpers, ``docker-credential-NAME get``.

The protocol is that of the docker-credential-helpers project: the server's URL goes in, JSON with
``Username`` and ``Secret`` comes out; a failure is told on standard output, with another status.
"""

import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from reconciler.adapters.registry.docker_config import ConfigProblem, as_login
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.place import name_in_logins
from reconciler.program import run_program

TIME_LIMIT_S: Final = 10.0
MAX_OUTPUT_BYTES: Final = 64 * 1024
KEPT_S: Final = 180.0
"""How long an answer is used: less than the tokens live that helpers give."""

FAILURE_KEPT_S: Final = 60.0
"""How long a helper that failed is not asked again: one failure a scan, not one a repository."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_NOT_FOUND: Final = "credentials not found in native keychain"

PASSED_ON: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "DOCKER_CONFIG"),
        *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
        *("GNUPGHOME", "PASSWORD_STORE_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    }
)
"""What a helper sees of our environment: where things are, and how to get out."""

PASSED_ON_PREFIXES: Final = ("AWS_", "GOOGLE_", "CLOUDSDK_", "GCE_", "AZURE_", "ACR_")
"""And the variables by which cloud providers tell their helpers who they are."""


class _Answer(msgspec.Struct):
    """What a helper prints."""

    username: str = msgspec.field(name="Username", default="")
    secret: str = msgspec.field(name="Secret", default="")


_DECODER: Final = msgspec.json.Decoder(_Answer)

Found: TypeAlias = Login | ConfigProblem | None
"""A login, none, or why the helper could not tell."""


@dataclass(slots=True)
class _Kept:
    """An answer and how long to use it; the lock is held while the helper runs."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Found = None
    until: float = float("-inf")


class Helpers:
    """The credential helpers of this machine. Safe to use from many threads."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._environment = helper_environment(environment)
        self._clock = clock
        self._time_limit_s = time_limit_s
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}

    def ask(self, name: str, host: str) -> Found:
        """Return what a helper knows about a registry; a fresh answer is used again."""
        with self._lock:
            kept = self._kept.setdefault((name, host), _Kept())
        with kept.lock:
            if self._clock() >= kept.until:
                kept.found = self._run(name, host)
                failed = isinstance(kept.found, ConfigProblem)
                kept.until = self._clock() + (FAILURE_KEPT_S if failed else KEPT_S)
            return kept.found

    def _run(self, name: str, host: str) -> Found:
        if not _NAME.fullmatch(name):
            return ConfigProblem(f"{name[:80]!r} is no name of a credential helper")
        program = f"docker-credential-{name}"
        path = shutil.which(program, path=self._environment.get("PATH", ""))
        if path is None:
            return ConfigProblem(f"{program} is not on the PATH")
        server = name_in_logins(host)
        try:
            said = run_program(
                [path, "get"],
                environment=self._environment,
                limit_s=self._time_limit_s,
                max_bytes=MAX_OUTPUT_BYTES,
                given=server.encode(),
            )
        except TimeoutError:
            return ConfigProblem(f"{program} did not answer within {self._time_limit_s:g} s")
        except OSError as error:
            return ConfigProblem(f"{program} cannot be run: {error.strerror or error}")
        return read_answer(program, said.status, said.stdout)


def helper_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment a helper gets to see; our own settings are no part of it."""
    return {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }


def read_answer(program: str, status: int, output: bytes) -> Found:
    """Return what a helper's output means.

    Args:
        program: its name, for messages.
        status: its exit status.
        output: what it printed; in messages stands its first line if it failed, and nothing else.
    """
    if len(output) > MAX_OUTPUT_BYTES:
        return ConfigProblem(f"{program} printed more than {MAX_OUTPUT_BYTES:,} bytes")
    if status:
        return _failure(program, status, output.decode(errors="replace").strip())
    try:
        answer = _DECODER.decode(output)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ConfigProblem(f"{program} printed no credentials")
    return as_login(answer.username, answer.secret)


def _failure(program: str, status: int, said: str) -> Found:
    if _NOT_FOUND in said:
        return None
    first = said.partition("\n")[0][:200]
    # A helper that fails half-way may have printed the secret: nothing that looks like an answer.
    words = first if first.isprintable() and "{" not in said and "Secret" not in said else ""
    return ConfigProblem(f"{program} failed with {status}{': ' if words else ''}{words}")

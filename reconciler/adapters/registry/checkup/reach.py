"""Whether a registry can be reached: its name, and a connection to one of its addresses."""

import contextlib
import errno
import ipaddress
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from reconciler.adapters.registry.checkup.door import Door
from reconciler.core.checkup import Check, failed, passed, warned

NAME_LIMIT_S: Final = 10.0
"""A resolver that gets no answer asks again and again."""

MAX_ADDRESSES: Final = 4  # tried until one answers
_SHOWN: Final = 3

Addresses = tuple[str, ...]


def look_up(door: Door) -> tuple[Check, Addresses]:
    """Return what a host's name stands for; no addresses if it has failed."""
    if _is_address(door.name):
        return passed("name", f"{door.name} is an address"), (door.name,)
    try:
        addresses = _addresses(door)
    except (OSError, UnicodeError) as error:
        return _not_found(door, error), ()
    more = f" and {len(addresses) - _SHOWN} more" if len(addresses) > _SHOWN else ""
    return passed("name", f"{door.name} is {', '.join(addresses[:_SHOWN])}{more}"), addresses


@contextlib.contextmanager
def connected(
    door: Door, addresses: Addresses, *, limit_s: float
) -> Iterator[tuple[Check, socket.socket | None]]:
    """Give how connecting went, and the connection; None if it has failed.

    Addresses are tried in the resolver's order, as a client would, up to the first that answers.
    """
    refusals: list[str] = []
    first: OSError | None = None
    for address in addresses[:MAX_ADDRESSES]:
        start = time.monotonic()
        try:
            made = socket.create_connection((address, door.port), timeout=limit_s)
        except OSError as error:
            first = first or error
            refusals.append(f"{address}: {_words(error, limit_s)}")
            continue
        with made:
            took_ms = (time.monotonic() - start) * 1000
            yield _reached(door, address, took_ms, refusals), made
        return
    yield _unreached(door, refusals, first), None


def _addresses(door: Door) -> Addresses:
    """Ask the resolver, which knows no time limit, for not too long.

    Raises:
        TimeoutError: it did not answer.
        OSError: it knows no such name, or failed.
        UnicodeError: no name looks like that.
    """
    answer: Future[Addresses] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(door.name, door.port, type=socket.SOCK_STREAM)
            answer.set_result(tuple(dict.fromkeys(str(each[4][0]) for each in found)))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(NAME_LIMIT_S)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _not_found(door: Door, error: OSError | UnicodeError) -> Check:
    match error:
        case UnicodeError():  # a part of more than 63 letters
            return _unknown(door, "that can be no name")
        case TimeoutError():
            return _unanswered(door, f"no answer within {NAME_LIMIT_S:g} s")
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return _unanswered(door, f"{error.strerror}".lower())
        case socket.gaierror():
            return _unknown(door, error.strerror or "no such name")
        case _:  # the resolver was not even asked
            return _unasked(door, f"{error.strerror or error}".lower())


def _unknown(door: Door, words: str) -> Check:
    return failed(
        "name",
        f"there is no {door.name!r}: {words[:1].lower()}{words[1:]}",
        cause="a slip in the image's host, or a name that this machine's name server does not have",
        remedy=f"getent hosts {shlex.quote(door.name)}",
    )


def _unanswered(door: Door, words: str) -> Check:
    return failed(
        "name",
        f"cannot look up {door.name!r}: {words}",
        cause="the name server does not answer; in a cluster: its DNS is down, or a NetworkPolicy "
        "keeps port 53 from us",
        remedy=f"getent hosts {shlex.quote(door.name)}",
        may_pass=True,
    )


def _unasked(door: Door, words: str) -> Check:
    return failed(
        "name",
        f"cannot look up {door.name!r}: {words}",
        cause="this machine lacks something of its own: open files, or memory",
        remedy="ulimit -n",
        may_pass=True,
    )


def _reached(door: Door, address: str, took_ms: float, refusals: list[str]) -> Check:
    detail = f"{Door(address, door.port)} answers after {took_ms:.0f} ms"
    if not refusals:
        return passed("connect", detail)
    return warned(
        "connect",
        f"{detail}; not so {'; '.join(refusals)}",
        cause="new connections lose time at an address that does not work",
    )


def _unreached(door: Door, refusals: list[str], error: OSError | None) -> Check:
    causes = {
        errno.ECONNREFUSED: f"nothing listens on port {door.port} there, or a firewall refuses it",
        errno.ENETUNREACH: "this machine has no route to that network",
        errno.EHOSTUNREACH: "this machine has no route to that one, or that one is down",
    }
    silent = (
        "a firewall or a NetworkPolicy lets nothing through, the machine is down, or it is to be "
        "asked by a proxy (HTTPS_PROXY)"
    )
    return failed(
        "connect",
        f"cannot connect to {door}: {'; '.join(refusals)}",
        cause=causes.get(error.errno or 0, silent) if error else silent,
        remedy=f"curl -v telnet://{door} </dev/null",
        may_pass=True,
    )


def _words(error: OSError, limit_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {limit_s:g} s"
    return (error.strerror or str(error)).lower()

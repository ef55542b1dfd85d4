"""Reads ``WWW-Authenticate``: which way of authentication a registry wants."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEADER = 8192

_SCHEME = re.compile(r"[ \t,]*([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?=[ \t,]|$)[ \t]*")
_PARAMETER = re.compile(
    r"[ \t,]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]*))"
)
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: a scheme in lower case, and its parameters (names in lower case)."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges of a header value, in order; what cannot be read ends the list.

    RFC 9110, 11.6.1: a value may hold several challenges, separated by commas like their
    parameters. Reads in linear time; a header over 8 KiB holds none.
    """
    challenges: list[Challenge] = []
    position = 0
    while len(header) <= MAX_HEADER and (scheme := _SCHEME.match(header, position)):
        position = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            quoted, plain = parameter[2], parameter[3]
            value = _ESCAPE.sub(r"\1", quoted) if quoted is not None else plain
            parameters.setdefault(parameter[1].lower(), value)
        challenges.append(Challenge(scheme[1].lower(), parameters))
    return tuple(challenges)

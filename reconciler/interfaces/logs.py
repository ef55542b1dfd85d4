"""How log lines look: text for a person at a terminal, else one JSON object a line."""

import contextlib
import io
import json
import logging
import os
import re
import sys
from typing import Any, TextIO, cast

import structlog

from reconciler.interfaces.terminal import harmless, is_colourful

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_UNESCAPED = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is and terminals obey: the second set of control characters, line ends,
and what turns the direction of writing."""

log = structlog.get_logger(__name__)


def configure(*, level: str, form: str | None, stream: TextIO | None = None) -> None:
    """Send log lines of ``level`` and above to ``stream`` (standard error).

    Libraries that log by the standard library's means are heard too, from ``warning`` on: what they
    say below that is about their insides.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``text`` or ``json``; None: text if the stream is a terminal.
        stream: where to; None: standard error.
    """
    target = stream or sys.stderr
    is_text = form == "text" or (form is None and target.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=is_colourful(target, os.environ))
        if is_text
        else structlog.processors.JSONRenderer(serializer=_json, ensure_ascii=False)
    )
    screens: list[structlog.typing.Processor] = [_harmless] if is_text else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _facts_last,
            *screens,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Steadfast(target))),
        cache_logger_on_first_use=False,
    )
    # tells the whole URL of an answer that is no HTTP, and where notifications go is a secret
    logging.getLogger("urllib3.connection").disabled = True
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(max(_LEVELS[level], logging.WARNING)))


class _Forward(logging.Handler):
    """Makes what a library logs a line like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # a library's bad format string is not worth a cycle
            log.log(
                record.levelno,
                "library.said",
                library=record.name,
                text=record.getMessage(),
                **({"exc_info": record.exc_info} if record.exc_info else {}),
            )


class _Steadfast(io.TextIOBase):
    """A stream whose reader may go away: a cycle does not end because nobody reads its log."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError, ValueError):
            self._target.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what can be handed on."""
        with contextlib.suppress(OSError, ValueError):
            self._target.flush()


def _facts_last(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Put first what every line has: lines of JSON are read by people too."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


def _harmless(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep what others wrote, names in manifests for instance, from steering the terminal."""
    return {name: harmless(fact) if isinstance(fact, str) else fact for name, fact in event.items()}


def _json(event: object, **options: Any) -> str:  # noqa: ANN401 - those of json.dumps
    """Return one line of JSON, with what would steer the terminal that shows it escaped."""
    line = json.dumps(event, **options)
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)

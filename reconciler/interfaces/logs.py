"""How log lines look: text for a person at a terminal, else one JSON object a line."""

import logging
import os
import sys
from typing import TextIO

import structlog

from reconciler.interfaces.terminal import is_colourful

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(*, level: str, form: str | None, stream: TextIO | None = None) -> None:
    """Send log lines of ``level`` and above to ``stream`` (standard error).

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
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _facts_last,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )


def _facts_last(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Put first what every line has: lines of JSON are read by people too."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}

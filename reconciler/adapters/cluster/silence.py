"""Why no answer came, or not a whole one, in words that are ours."""

from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from reconciler.errors import NoAnswerError


class BrokenError(NoAnswerError):
    """The connection broke before the answer was complete: maybe it was an old one."""


def silence(error: HTTPError, *, url: str) -> NoAnswerError:
    """Return the error that a failure of urllib3 means; a :class:`BrokenError` may be tried again.

    Args:
        error: the failure.
        url: the API server.
    """
    cause = _cause(error)
    is_broken = not isinstance(cause, (NewConnectionError, HTTPTimeoutError, SSLError))
    kind = BrokenError if is_broken else NoAnswerError
    return kind(_words(cause), where=url)


def _cause(error: HTTPError) -> BaseException:
    return (error.reason or error) if isinstance(error, MaxRetryError) else error


def _words(cause: BaseException) -> str:
    """Return what happened in words that are ours: urllib3's name addresses of memory."""
    if isinstance(cause, NewConnectionError):
        return f"cannot connect to the API server: {_innermost(cause)}"
    if isinstance(cause, HTTPTimeoutError):
        return "the API server did not answer in time"  # to connect, to agree on TLS, or to reply
    return f"the connection to the API server broke: {_innermost(cause)}"


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

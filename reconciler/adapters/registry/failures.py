"""What the statuses of a registry mean.

An answer that may be another one soon is told from one that will not.
"""

import time
from http import HTTPStatus
from typing import Final

from reconciler.adapters.registry.request import without_query
from reconciler.adapters.registry.transport import Response, retry_after_s
from reconciler.errors import RegistryError

_RETRYABLE: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 522, 524})
"""What go-containerregistry tries again (pkg/v1/remote/transport/retry.go), and 425 and 524."""


def failure(answer: Response, who: str = "the registry", *, where: str = "") -> RegistryError:
    """Return the error for an answer that is none of those we know what to do with."""
    return RegistryError(
        f"{who} answered {answer.status}",
        where=where or without_query(answer.url),
        retry_after_s=retry_after_s(answer.headers, now_s=time.time()),
        is_retryable=answer.status in _RETRYABLE,
        is_throttling=answer.status == HTTPStatus.TOO_MANY_REQUESTS,
    )


def lied(where: str, what: str, who: str = "the registry") -> RegistryError:
    """Return the error for an answer that cannot be true, which no other try makes true."""
    return RegistryError(f"{who} {what}", where=without_query(where), is_retryable=False)

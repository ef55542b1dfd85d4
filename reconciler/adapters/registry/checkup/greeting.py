"""Whether a registry's API is there, and what it wants of who asks."""

from http import HTTPStatus
from urllib.parse import urlsplit

from reconciler.adapters.registry.auth import Authenticator, Way
from reconciler.adapters.registry.request import Request, without_query
from reconciler.adapters.registry.transport import Response
from reconciler.core.checkup import Check, failed, passed, warned
from reconciler.errors import ReconcilerError, RegistryError

_SERVER_ERRORS = range(500, 600)
_MOVED = range(300, 400)


def greet(auth: Authenticator, host: str) -> Check:
    """Return what ``GET /v2/`` is answered without a login.

    OCI distribution-spec 1.1, "Determining Support": 200 or 401 say that the API is there.
    """
    url = f"{auth.transport.base_url(host)}/v2/"
    try:
        answer = auth.ask_plainly(Request(url))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return _wanted(auth.learn(answer))
    except RegistryError as error:
        return _refused(error, url)
    except ReconcilerError as error:  # a challenge of a kind that we do not know
        return failed("api", error.message, cause="no login of ours would do", remedy=_show(url))
    return _answered(answer, host)


def _wanted(way: Way) -> Check:
    if way.scheme == "basic":
        return passed("api", "there, and wants a user name and a password")
    return passed("api", f"there, and wants a token of {without_query(way.realm)}")


def _answered(answer: Response, host: str) -> Check:
    status, url = answer.status, answer.url
    if status == HTTPStatus.OK:
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            return failed(
                "api",
                "a web page is where the API should be",
                cause="something in between wants a person to log in, or this is another server",
                remedy=_show(url),
            )
        return passed("api", "there, for anybody")
    if status in _SERVER_ERRORS or status == HTTPStatus.TOO_MANY_REQUESTS:
        cause = "it is overloaded, or what it needs is down: its own log says more"
        return failed("api", f"it answers {status}", cause=cause, remedy=_show(url), may_pass=True)
    if status in _MOVED:
        target = urlsplit(answer.headers.get("Location", "")[:200]).netloc
        return warned(
            "api",
            f"it answers {status} and sends us to {target or 'another path'}",
            cause="the registry may have another name: logins do not go there",
            remedy=_show(url),
        )
    if status == HTTPStatus.FORBIDDEN:
        cause = "a firewall or a list of addresses keeps us out, before any login"
        return failed("api", "it answers 403", cause=cause, remedy=_show(url))
    return failed(
        "api",
        f"it answers {status}: there is no registry API here",
        cause=f"{host} is a web server; registries in larger products have a host or a port of "
        "their own for images",
        remedy=_show(url),
    )


def _refused(error: RegistryError, url: str) -> Check:
    return failed(
        "api",
        error.message,
        cause="what answers is no registry, or not one that knows by which name it is asked"
        if not error.is_retryable
        else "it is down or overloaded, or the network is",
        remedy=_show(url),
        may_pass=error.is_retryable,
    )


def _show(url: str) -> str:
    return f"curl -si {without_query(url)}"

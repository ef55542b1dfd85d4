"""The application: ``/healthz``, ``/readyz``, ``/metrics``, and what is added to them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

OK = 200
UNAVAILABLE = 503


class Watched(Protocol):
    """What health is told of: a loop."""

    @property
    def stuck(self) -> tuple[str, ...]:
        """The sources whose cycle has been running for longer than any can."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether each source has had a cycle."""
        ...

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end."""
        ...


def application(
    loop: Watched,
    *,
    metrics: Callable[[], bytes],
    metrics_type: str,
    routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """Return the application.

    Args:
        loop: what is watched.
        metrics: renders them.
        metrics_type: their media type.
        routes: what else is answered.
    """

    async def healthz(_request: Request) -> Response:
        if stuck := loop.stuck:
            return PlainTextResponse(f"stuck: {', '.join(stuck)}\n", UNAVAILABLE)
        return PlainTextResponse("ok\n", OK)

    async def readyz(_request: Request) -> Response:
        if loop.is_ending:
            return PlainTextResponse("ending\n", UNAVAILABLE)
        if not loop.is_ready:
            return PlainTextResponse("waiting for the first cycle\n", UNAVAILABLE)
        return PlainTextResponse("ok\n", OK)

    async def shown_metrics(_request: Request) -> Response:
        return Response(metrics(), media_type=metrics_type)

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", shown_metrics),
            *routes,
        ]
    )
    app.router.redirect_slashes = False  # a redirect would go to whatever host a client names
    return app

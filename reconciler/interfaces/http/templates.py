"""The page's templates: values in, HTML out. Whatever is filled in is escaped."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reconciler.core.images.reference import ImageReference
from reconciler.core.objects.report import SyncReport
from reconciler.errors import ReferenceSyntaxError
from reconciler.release import VERSION

_FOLDER: Final = Path(__file__).with_name("html")


def rendered(name: str, **facts: object) -> str:
    """Return a page.

    Args:
        name: the template: ``board.html``.
        facts: what it tells.
    """
    return _environment().get_template(name).render(version=VERSION, **facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "cut": _cut,
        "day": lambda at: f"{_utc(at):%Y-%m-%d}",
        "iso": lambda at: _utc(at).isoformat(timespec="seconds"),
        "seconds": _seconds,
        "tag": _tag,
        "utc": lambda at: f"{_utc(at):%Y-%m-%d %H:%M:%S} UTC",
        "wellness": _wellness,
    }
    return environment


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _seconds(taken: float) -> str:
    return f"{taken:.0f} s" if taken >= 10 else f"{taken:.3g} s"  # noqa: PLR2004 - two digits do


def _tag(image: str) -> str:
    """Return what comes after the name in a reference; all of it if it is none."""
    try:
        return ImageReference.parse(image).suffix.removeprefix(":") or image
    except ReferenceSyntaxError:
        return image


def _wellness(report: SyncReport) -> dict[str, int]:
    """Return how many objects there are, how many are well, and how many are not."""
    healthy = sum(each.is_current for each in report.healths)
    return {"all": len(report.healths), "healthy": healthy, "ailing": len(report.healths) - healthy}

"""``reconcile images``: every image field, with what would become of it."""

from collections.abc import Sequence

import click

from reconciler.core.decision import Change
from reconciler.core.outcome import exit_code_of
from reconciler.core.survey import SurveyedImage
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.json_document import problem_document
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.cli.surveys import (
    SourceSurvey,
    image_document,
    survey_sources,
)
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal

SCHEMA_VERSION = 1

_HEADERS = ("workload", "container", "image", "newest", "policy", "at", "verdict")


def run(invocation: Invocation, *, workload: str | None) -> int:
    """Print the images of all workloads, or of one; return the exit code that problems call for.

    Raises:
        SettingsError: options are wrong, or there is no such workload.
    """
    settings = load(invocation)
    surveys = survey_sources(settings, workload=workload)
    problems = [problem for each in surveys for problem in each.problems]
    code = exit_code_of(problems)
    if settings.output == "json":
        Terminal.standard().say(_document(surveys, code))
    else:
        images = [image for each in surveys for image in each.images]
        _say(images)
        say_problems(problems)
        if not images and not problems:
            click.echo("reconcile: no manifest has a workload: check --git-path", err=True)
    return code


def _document(surveys: Sequence[SourceSurvey], code: int) -> str:
    body: JSON = {
        "sources": [
            {
                "name": each.source.name,
                "url": each.source.git.url,
                "revision": str(each.revision) if each.revision else None,
                "images": [image_document(image) for image in each.images],
                "problems": [problem_document(problem) for problem in each.problems],
            }
            for each in surveys
        ],
    }
    return rendered(body, version=SCHEMA_VERSION, exit_code=code)


def _say(images: Sequence[SurveyedImage]) -> None:
    say_table(
        Terminal.standard(),
        _HEADERS,
        [_row(image) for image in images],
        styles=["green" if isinstance(image.decision, Change) else "" for image in images],
    )


def _row(image: SurveyedImage) -> tuple[str, ...]:
    field = image.field
    return (
        field.workload.workload,
        field.container,
        field.text,
        image.newest or "-",
        str(field.rules.policy),
        field.where,
        image.text,
    )

"""``reconcile explain``: what became of every tag that a workload's image could have."""

from collections.abc import Sequence

from reconciler.core.decision import Decision, Skip
from reconciler.core.images.rules import TagRules
from reconciler.core.outcome import exit_code_of
from reconciler.core.survey import SurveyedImage
from reconciler.errors import SettingsError
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.json_document import problem_document
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.cli.saved_tags import save
from reconciler.interfaces.cli.surveys import SourceSurvey, image_document, survey_sources
from reconciler.interfaces.cli.tags import say_verdicts, verdict_documents
from reconciler.interfaces.table import say_facts
from reconciler.interfaces.terminal import Terminal

SCHEMA_VERSION = 1


def run(
    invocation: Invocation, *, workload: str, container: str | None, save_tags: str | None
) -> int:
    """Print each tag with its verdict; return the exit code that problems call for.

    Raises:
        SettingsError: options are wrong, or there is no such workload or container; or the tags
            cannot be saved.
    """
    settings = load(invocation)
    surveys = survey_sources(settings, workload=workload, has_verdicts=True)
    problems = [problem for each in surveys for problem in each.problems]
    images = [(each, image) for each in surveys for image in _of_container(each.images, container)]
    if not images and any(each.revision for each in surveys):
        raise SettingsError(_absence([each for s in surveys for each in s.images], container))
    if save_tags is not None and images:
        save([image for _, image in images], save_tags)
    code = exit_code_of(problems)
    if settings.output == "json":
        body: JSON = {
            "images": [_document(each, image) for each, image in images],
            "problems": [problem_document(problem) for problem in problems],
        }
        Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=code))
    else:
        _say(images)
        say_problems(problems)
    return code


def _of_container(images: Sequence[SurveyedImage], container: str | None) -> list[SurveyedImage]:
    return [each for each in images if container is None or each.field.container == container]


def _absence(images: Sequence[SurveyedImage], container: str | None) -> str:
    names = ", ".join(dict.fromkeys(each.field.container for each in images))
    workload = images[0].field.workload.workload if images else ""
    return f"{workload} has no container {container!r}; it has {names}"


def _document(survey: SourceSurvey, image: SurveyedImage) -> JSON:
    since = survey.since(image)
    return {
        "source": survey.source.name,
        "historySince": since.isoformat() if since else None,
        **image_document(image),
        "verdicts": verdict_documents(image.verdicts),
        "wants": _wants(image.decision),
    }


def _wants(decision: Decision) -> list[JSON]:
    """Return the facts that are missing."""
    wants = decision.wants if isinstance(decision, Skip) else ()
    return [{"tag": want.tag, "fact": want.fact.value} for want in wants]


def _say(images: Sequence[tuple[SourceSurvey, SurveyedImage]]) -> None:
    terminal = Terminal.standard()
    for number, (survey, image) in enumerate(images):
        if number:
            terminal.say()
        field = image.field
        facts = {
            "image": field.text,
            "at": field.where,
            **_rules(field.rules),
            "newest": image.newest or "",
            "verdict": image.text,
            "history": f"known since {since:%Y-%m-%d}" if (since := survey.since(image)) else "",
        }
        say_facts(terminal, f"{field.workload.workload}  {field.container}", facts)
        say_verdicts(terminal, image.verdicts)


def _rules(rules: TagRules) -> dict[str, str]:
    """Return what is asked of the image, by name."""
    asked = {
        "policy": str(rules.policy),
        "filter": str(rules.tag_filter or ""),
        "excluded": ", ".join(map(str, rules.excluded)),
        "platforms": ", ".join(map(str, rules.platforms)),
        "digest": "pin" if rules.pins_digest else "",
        "downgrade": "allowed" if rules.allows_downgrade else "",
    }
    return {name: text for name, text in asked.items() if text}

"""What is wrong with the image fields of all manifests, as far as they tell by themselves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.images.policy import SemverPolicy
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.shape import take_apart
from reconciler.core.lint.finding import Finding, Places, Rule
from reconciler.core.manifests.images import FileReport, ImageField, SkipReason

_TOLD = frozenset(  # as an error of its own, or not wrong at all
    {
        SkipReason.BAD_ANNOTATION,
        SkipReason.BAD_MANIFEST,
        SkipReason.BAD_POLICY,
        SkipReason.CONFLICT,
        SkipReason.LOCKED,
        SkipReason.NOT_AUTOMATED,
    }
)
_FOR_ITSELF = frozenset({SkipReason.TEMPLATED, SkipReason.PINNED_BY_DIGEST})
"""Why one image of several may stay on purpose."""


def lint_images(reports: Iterable[FileReport], places: Places) -> Iterator[Finding]:
    """Yield what is wrong with image fields; the reports are those of a survey, linked."""
    for report in reports:
        yield from _not_updatable(report.fields, places)
        yield from _conflicts(report.fields, places)
        for field in report.fields:
            yield from _no_tag(field, places)
            yield from _suffix(field, places)


def _not_updatable(fields: Sequence[ImageField], places: Places) -> Iterator[Finding]:
    """Yield the automated images that no tag of any registry could update."""
    with_more = {field.workload for field in fields if field.obstacle is None}
    for field in fields:
        reason = _why_never(field)
        obstacle = field.obstacle
        is_alone = obstacle is not None and obstacle.reason in _FOR_ITSELF
        if reason and not (is_alone and field.workload in with_more):
            message = f"the image {field.text!r} is automated, and cannot be updated: {reason}"
            yield _at(Rule.NOT_UPDATABLE, field, places, message)


def _why_never(field: ImageField) -> str:
    """Return why an automated image stays, whatever is listed; empty if that depends."""
    if field.obstacle is not None:
        return "" if field.obstacle.reason in _TOLD else field.obstacle.detail
    if field.reference is None:
        return ""
    tag = field.reference.effective_tag
    made = select([tag], field.rules, current=tag)
    return made.detail if made.reason is SelectionReason.NO_VERSION else ""


def _conflicts(fields: Sequence[ImageField], places: Places) -> Iterator[Finding]:
    """Yield the images that one value gives to several, with rules that may disagree."""
    sharing: dict[int, list[ImageField]] = defaultdict(list)
    for field in fields:
        for scalar in field.written.scalars if field.obstacle is None else ():
            sharing[scalar.start].append(field)
    for first, *others in sharing.values():
        for other in others:
            if other.rules != first.rules:
                whose = [f"{each.workload.workload} {each.container}" for each in (first, other)]
                message = (
                    f"{' and '.join(whose)} share this image, and their policies differ: "
                    "give them one policy, or an image each"
                )
                yield _at(Rule.CONFLICT, first, places, message)


def _no_tag(field: ImageField, places: Places) -> Iterator[Finding]:
    reference = field.reference
    if reference is None or reference.tag or reference.digest or not field.written.may_get_tag:
        return
    message = f"the image {field.text!r} has no tag, which means 'latest': name one"
    yield _at(Rule.NO_TAG, field, places, message)


def _suffix(field: ImageField, places: Places) -> Iterator[Finding]:
    """Yield what ``semver:`` takes for a pre-release, though it is a variant of an image."""
    rules = field.rules
    if field.reference is None or not isinstance(rules.policy, SemverPolicy) or rules.tag_filter:
        return
    tag = take_apart(field.reference.effective_tag)
    if tag is None or not tag.shape.suffix:
        return
    how = "filterTags of an ImagePolicy" if field.pointer else "reconcile/filter and /extract"
    message = (
        f"{rules.policy} takes {tag.tag!r} for a pre-release: "
        f"choose among tags of its kind by {how}, or without a policy, which keeps the suffix"
    )
    yield _at(Rule.SUFFIX, field, places, message)


def _at(rule: Rule, field: ImageField, places: Places, message: str) -> Finding:
    if field.written.scalars:
        return places.at_offset(rule, field.path, field.written.scalars[0].start, message)
    return places.at(rule, field.path, field.line, message)

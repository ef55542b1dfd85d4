"""Linking: what one manifest says of the images in another."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import DEFAULT_RULES, TagRules
from reconciler.core.manifests.flux_policy import FluxPolicies, Wanted
from reconciler.core.manifests.images import (
    FileReport,
    ImageField,
    Obstacle,
    SkipReason,
    obstacle_of,
    reference_of,
)
from reconciler.core.manifests.marked import MarkedImage
from reconciler.core.manifests.marker import PolicyMarker
from reconciler.core.manifests.overriding import Overrides, overridden
from reconciler.errors import ManifestError, ReferenceSyntaxError


def link(
    reports: Sequence[FileReport], texts: Mapping[str, str] = MappingProxyType({})
) -> tuple[FileReport, ...]:
    """Return the reports of all manifests, with what they say of each other.

    Marked values become fields, by the policies that they mean; they are marked values no more, so
    that what is linked may be linked again with the new report of some manifest. An image that a
    kustomization sets is not updated where it stands: nobody would run it.

    Args:
        texts: of the manifests by path: what patches in files say.
        reports: of single files; those that nobody else says anything of come back as they are.
    """
    linked = tuple(reports)
    if any(each.marked for each in linked):
        policies = FluxPolicies(each for report in linked for each in report.flux_objects)
        linked = tuple(_with_marked(each, policies) for each in linked)
    is_set = any(each.overlay or each.builds for each in linked)
    found = overridden(linked, _names(linked), texts) if is_set else {}
    if found:
        linked = tuple(
            _with_overrides(each, found[each.path]) if each.path in found else each
            for each in linked
        )
    return linked


def _names(reports: Sequence[FileReport]) -> frozenset[str]:
    """Return the names, without tag, of the images that are updated if nobody sets them."""
    return frozenset(
        field.reference.name
        for report in reports
        for field in report.fields
        if field.reference is not None and field.obstacle is None
    )


def _with_overrides(report: FileReport, overrides: Overrides) -> FileReport:
    count = Counter(each.workload for each in report.fields)
    fields = tuple(
        _overridden(each, overrides, is_alone=count[each.workload] == 1) for each in report.fields
    )
    is_same = all(new is old for new, old in zip(fields, report.fields, strict=True))
    return report if is_same else replace(report, fields=fields)


def _overridden(field: ImageField, overrides: Overrides, *, is_alone: bool) -> ImageField:
    if field.obstacle is not None:
        return field
    place = overrides.place_of(field, is_alone=is_alone)
    if place is None:
        return field
    return replace(field, obstacle=Obstacle(SkipReason.OVERRIDDEN, f"is set in {place}"))


def _with_marked(report: FileReport, policies: FluxPolicies) -> FileReport:
    if not report.marked:
        return report
    problems: list[ManifestError] = []
    fields = [_marked_field(report.path, each, policies, problems) for each in report.marked]
    starts = {scalar.start for each in fields for scalar in each.written.scalars}
    others = [each for each in report.fields if not _is_marked_instead(each, starts)]
    return replace(
        report,
        fields=tuple(sorted([*others, *fields], key=lambda each: each.line)),
        problems=(*report.problems, *problems),
        marked=(),
    )


def _is_marked_instead(field: ImageField, starts: set[int]) -> bool:
    """Whether an image that no annotation automates is automated by markers."""
    is_off = field.obstacle is not None and field.obstacle.reason is SkipReason.NOT_AUTOMATED
    return is_off and any(scalar.start in starts for scalar in field.written.scalars)


def _marked_field(
    path: str, image: MarkedImage, policies: FluxPolicies, problems: list[ManifestError]
) -> ImageField:
    """Return the field of a marked image; what is wrong with its policy is a problem."""
    error = ""
    try:
        wanted = _wanted(image, policies)
    except ManifestError as found:
        wanted, error = Wanted("", DEFAULT_RULES, image.puller), found.message
    given_name = wanted.image if image.written.name is None else ""
    written = replace(image.written, given_name=given_name)
    reference = reference_of(written.text)
    rules = _rules_for(image, wanted)
    error = error or _another_image(wanted, reference)
    if error:
        problems.append(ManifestError(error, where=f"{path}:{image.line}"))
        obstacle: Obstacle | None = Obstacle(SkipReason.BAD_POLICY, error)
    else:
        obstacle = _stopped(image, wanted) or obstacle_of(
            written, reference, rules, is_editable=image.is_editable
        )
    return ImageField(
        path=path,
        line=image.line,
        workload=image.owner,
        container=image.pointer,
        text=written.text,
        written=written,
        reference=reference if isinstance(reference, ImageReference) else None,
        rules=rules,
        puller=wanted.puller,
        obstacle=obstacle,
        pointer=image.pointer,
    )


def _wanted(image: MarkedImage, policies: FluxPolicies) -> Wanted:
    marker = image.marker
    if isinstance(marker, PolicyMarker):
        return policies.wanted(marker.policy)
    return Wanted(marker.name, marker.rules, image.puller)


def _rules_for(image: MarkedImage, wanted: Wanted) -> TagRules:
    """Return how the tag is chosen; a policy that adds digests means the values that hold one."""
    if wanted.rules.pins_digest and not image.written.has_place_for_digest:
        return replace(wanted.rules, pins_digest=False)
    return wanted.rules


def _stopped(image: MarkedImage, wanted: Wanted) -> Obstacle | None:
    if image.is_encrypted:
        return Obstacle(SkipReason.ENCRYPTED, "its file is encrypted")
    return Obstacle(SkipReason.LOCKED, wanted.suspended) if wanted.suspended else None


def _another_image(wanted: Wanted, reference: ImageReference | ReferenceSyntaxError) -> str:
    """Return what is wrong where a policy is about another image than stands there.

    Only tags and digests are ever edited, and a tag of one image is none of another.
    """
    of = reference_of(wanted.image) if wanted.image else reference
    if not isinstance(reference, ImageReference):
        return ""
    if isinstance(of, ImageReference) and of.repository == reference.repository:
        return ""
    return f"is {reference.name}, but its policy is about {wanted.image}"

"""What a content of Git says about images, as bytes and back.

The path is left out, so that a file that moves, or stands in two places, is known in both. Whatever
cannot be given back as it was is refused when it is to be kept, and not when it is needed.
"""

from functools import lru_cache
from typing import TypeAlias

import msgspec

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import NOTHING_TAKEN_BACK, TagRules
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.flux_policy import ImagePolicy, ImageRepository
from reconciler.core.manifests.images import (
    FileReport,
    ImageField,
    Obstacle,
    SkipReason,
    reference_of,
)
from reconciler.core.manifests.kustomization import Overlay, Patch, SetImage, Target
from reconciler.core.manifests.marked import MarkedImage, file_key
from reconciler.core.manifests.marker import Marker, OwnMarker, Part, PolicyMarker
from reconciler.core.manifests.reading import Reading
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError, SyntaxProblem


class _Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A part of a reading; read by the places of its fields."""


class _Place(_Row):
    """What follows the path of the file itself: ``:12``; or a place elsewhere, whole."""

    text: str
    is_here: bool


class _Problem(_Row):
    message: str
    place: _Place
    offset: int | None


class _Scalar(_Row):
    value: str
    start: int
    end: int
    line: int
    style: str
    tag: str | None
    anchor: str | None


class _Image(_Row):
    name: _Scalar | None
    registry: _Scalar | None
    tag: _Scalar | None
    digest: _Scalar | None
    given_name: str
    may_get_tag: bool


class _Rules(_Row):
    """Rules; the default policy is the empty text."""

    policy: str
    pattern: str | None
    template: str
    platforms: tuple[str, ...]
    allows_downgrade: bool
    pins_digest: bool


class _Puller(_Row):
    namespace: str
    secrets: tuple[str, ...]
    service_account: str


class _Object(_Row):
    group: str
    kind: str
    namespace: str
    name: str


class _Field(_Row):
    line: int
    workload: _Object
    container: str
    written: _Image
    rules: _Rules
    puller: _Puller
    obstacle: tuple[str, str] | None


class _Marker(_Row):
    """A marker; without rules it is one of Flux's."""

    namespace: str
    name: str
    rules: _Rules | None
    part: str


class _Marked(_Row):
    """A marked image; without an owner it is the file's."""

    line: int
    owner: _Object | None
    pointer: str
    marker: _Marker
    written: _Image
    puller: _Puller
    is_editable: bool
    is_encrypted: bool


class _FluxObject(_Row):
    """A policy, which has rules, or a repository, which has a puller."""

    name: str
    place: _Place
    is_suspended: bool
    problem: str
    subject: str
    rules: _Rules | None
    puller: _Puller | None
    excluded: tuple[str, ...]


class _Overlay(_Row):
    reached: tuple[str, ...]
    images: tuple[tuple[str, int], ...]
    patches: tuple[tuple[int, str, str, tuple[str, str, str] | None], ...]


class _Report(_Row):
    fields: tuple[_Field, ...]
    problems: tuple[_Problem, ...]
    overlay: _Overlay | None
    marked: tuple[_Marked, ...]
    flux_objects: tuple[_FluxObject, ...]
    builds: tuple[_Overlay, ...]


_Content: TypeAlias = tuple[_Problem | None, _Report | None]

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Content)


def encode(path: str, reading: Reading) -> bytes:
    """Return a reading of the file at a path as bytes.

    Raises:
        ValueError: it would not be the same when it is read again.
    """
    if isinstance(reading, ManifestError):
        return _ENCODER.encode((_problem(path, reading), None))
    return _ENCODER.encode((None, _report(path, reading)))


def decode(path: str, content: bytes) -> Reading:
    """Return the reading that was kept, for a file at this path.

    Raises:
        ValueError: these are not the bytes of one.
    """
    try:
        problem, report = _DECODER.decode(content)
        return _problem_at(path, problem) if problem else _report_at(path, report)
    except (msgspec.MsgspecError, SyntaxProblem, KeyError) as error:
        raise ValueError(str(error)) from error


# Places


def _place(path: str, where: str) -> _Place:
    rest = where.removeprefix(path)
    is_here = where.startswith(path) and rest[:1] in ("", ":")
    return _Place(rest if is_here else where, is_here)


def _place_at(path: str, place: _Place) -> str:
    return f"{path}{place.text}" if place.is_here else place.text


def _problem(path: str, error: ManifestError) -> _Problem:
    return _Problem(error.message, _place(path, error.where), error.offset)


def _problem_at(path: str, problem: _Problem) -> ManifestError:
    where = _place_at(path, problem.place)
    return ManifestError(problem.message, where=where, offset=problem.offset)


# Reports


def _report(path: str, report: FileReport) -> _Report:
    overlay = report.overlay
    return _Report(
        tuple(_field(path, each) for each in report.fields),
        tuple(_problem(path, each) for each in report.problems),
        None if overlay is None else _overlay(overlay),
        tuple(_marked(path, each) for each in report.marked),
        tuple(_flux_object(path, each) for each in report.flux_objects),
        tuple(map(_overlay, report.builds)),
    )


def _report_at(path: str, report: _Report | None) -> FileReport:
    if report is None:
        raise ValueError("is neither a report nor a problem")
    overlay = report.overlay
    return FileReport(
        path,
        tuple([_field_at(path, each) for each in report.fields]),
        tuple([_problem_at(path, each) for each in report.problems]),
        None if overlay is None else _overlay_at(path, overlay),
        tuple([_marked_at(path, each) for each in report.marked]),
        tuple([_flux_object_at(path, each) for each in report.flux_objects]),
        builds=tuple([_overlay_at(path, each) for each in report.builds]),
    )


def _overlay(overlay: Overlay) -> _Overlay:
    return _Overlay(
        overlay.reached,
        tuple((each.name, each.line) for each in overlay.images),
        tuple((each.line, each.text, each.file, _target(each.target)) for each in overlay.patches),
    )


def _target(target: Target | None) -> tuple[str, str, str] | None:
    return None if target is None else (target.group, target.kind, target.name)


def _overlay_at(path: str, overlay: _Overlay) -> Overlay:
    return Overlay(
        path,
        overlay.reached,
        tuple(SetImage(*each) for each in overlay.images),
        tuple(
            Patch(line, text, file, None if target is None else Target(*target))
            for line, text, file, target in overlay.patches
        ),
    )


def _field(path: str, field: ImageField) -> _Field:
    made = _Field(
        field.line,
        _object(field.workload),
        field.container,
        _image(field.written),
        _rules(field.rules),
        _puller(field.puller),
        (field.obstacle.reason.name, field.obstacle.detail) if field.obstacle else None,
    )
    again = _field_at(path, made)
    if (again.reference, again.text, again.pointer) != (
        field.reference, field.text, field.pointer,
    ):  # fmt: skip
        raise ValueError("has an image that is more than its values")
    return made


def _field_at(path: str, field: _Field) -> ImageField:
    written = _image_at(field.written)
    text = written.text
    obstacle = field.obstacle
    return ImageField(
        path=path,
        line=field.line,
        workload=_object_at(field.workload),
        container=field.container,
        text=text,
        written=written,
        reference=_reference(text),
        rules=_rules_at(field.rules),
        puller=_puller_at(field.puller),
        obstacle=Obstacle(SkipReason[obstacle[0]], obstacle[1]) if obstacle else None,
    )


@lru_cache(maxsize=4096)
def _reference(text: str) -> ImageReference | None:
    found = reference_of(text)
    return found if isinstance(found, ImageReference) else None


def _object(key: ObjectKey) -> _Object:
    return _Object(key.group, key.kind, key.namespace, key.name)


def _object_at(key: _Object) -> ObjectKey:
    return ObjectKey(key.group, key.kind, key.namespace, key.name)


def _image(image: WrittenImage) -> _Image:
    return _Image(
        _scalar(image.name),
        _scalar(image.registry),
        _scalar(image.tag),
        _scalar(image.digest),
        image.given_name,
        image.may_get_tag,
    )


def _image_at(image: _Image) -> WrittenImage:
    return WrittenImage(
        _scalar_at(image.name),
        _scalar_at(image.registry),
        _scalar_at(image.tag),
        _scalar_at(image.digest),
        image.given_name,
        image.may_get_tag,
    )


def _scalar(scalar: Scalar | None) -> _Scalar | None:
    if scalar is None:
        return None
    place = (scalar.start, scalar.end, scalar.line)
    return _Scalar(scalar.value, *place, scalar.style, scalar.tag, scalar.anchor)


def _scalar_at(scalar: _Scalar | None) -> Scalar | None:
    if scalar is None:
        return None
    place = (scalar.start, scalar.end, scalar.line)
    return Scalar(scalar.value, *place, scalar.style, scalar.tag, scalar.anchor)


def _puller(puller: Puller) -> _Puller:
    return _Puller(puller.namespace, puller.secrets, puller.service_account)


def _puller_at(puller: _Puller) -> Puller:
    return Puller(puller.namespace, puller.secrets, puller.service_account)


# Rules


@lru_cache(maxsize=1024)
def _rules(rules: TagRules) -> _Rules:
    tag_filter = rules.tag_filter
    made = _Rules(
        "" if rules.policy == DEFAULT_POLICY else str(rules.policy),
        None if tag_filter is None else tag_filter.pattern.text,
        "" if tag_filter is None else tag_filter.template,
        tuple(map(str, rules.platforms)),
        rules.allows_downgrade,
        rules.pins_digest,
    )
    if rules.taken_back != NOTHING_TAKEN_BACK or _rules_at(made) != rules:
        raise ValueError(f"has rules that cannot be written down: {rules}")
    return made


def _rules_at(rules: _Rules) -> TagRules:
    return _known_rules(
        rules.policy,
        rules.pattern,
        rules.template,
        rules.platforms,
        rules.allows_downgrade,
        rules.pins_digest,
    )


@lru_cache(maxsize=1024)
def _known_rules(  # noqa: PLR0917 - a key of a cache
    policy: str,
    pattern: str | None,
    template: str,
    platforms: tuple[str, ...],
    allows_downgrade: bool,
    pins_digest: bool,
) -> TagRules:
    chosen: Policy = parse_policy(policy) if policy else DEFAULT_POLICY
    return TagRules(
        chosen,
        None if pattern is None else TagFilter(Pattern(pattern), template),
        tuple(map(Platform.parse, platforms)),
        allows_downgrade,
        pins_digest,
    )


# Markers, and what they mean


def _marked(path: str, image: MarkedImage) -> _Marked:
    owner = _object(image.owner)
    return _Marked(
        image.line,
        None if owner == _file(path) else owner,
        image.pointer,
        _marker(image.marker),
        _image(image.written),
        _puller(image.puller),
        image.is_editable,
        image.is_encrypted,
    )


def _marked_at(path: str, image: _Marked) -> MarkedImage:
    return MarkedImage(
        image.line,
        _object_at(image.owner or _file(path)),
        image.pointer,
        _marker_at(image.marker),
        _image_at(image.written),
        _puller_at(image.puller),
        image.is_editable,
        image.is_encrypted,
    )


def _file(path: str) -> _Object:
    return _object(file_key(path))


def _marker(marker: Marker) -> _Marker:
    if isinstance(marker, PolicyMarker):
        return _Marker(marker.namespace, marker.name, None, marker.part.value)
    return _Marker("", marker.name, _rules(marker.rules), marker.part.value)


def _marker_at(marker: _Marker) -> Marker:
    part = Part(marker.part)
    if marker.rules is None:
        return PolicyMarker(marker.namespace, marker.name, part)
    return OwnMarker(marker.name, _rules_at(marker.rules), part)


def _flux_object(path: str, each: ImagePolicy | ImageRepository) -> _FluxObject:
    common = (each.name, _place(path, each.where), each.is_suspended, each.problem)
    if isinstance(each, ImagePolicy):
        return _FluxObject(*common, each.repository, _rules(each.rules), None, ())
    excluded = tuple(map(str, each.excluded))
    return _FluxObject(*common, each.image, None, _puller(each.puller), excluded)


def _flux_object_at(path: str, each: _FluxObject) -> ImagePolicy | ImageRepository:
    common = (each.name, _place_at(path, each.place), each.is_suspended, each.problem)
    if each.rules is not None:
        return ImagePolicy(*common, each.subject, _rules_at(each.rules))
    if each.puller is None:
        raise ValueError("is neither a policy nor a repository")
    excluded = tuple(map(Pattern, each.excluded))
    return ImageRepository(*common, each.subject, _puller_at(each.puller), excluded)

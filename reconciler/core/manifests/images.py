"""Finds the image fields of a manifest that are ours to update."""

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.core.images.policy import DigestPolicy
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.annotation import Automation, automation_of
from reconciler.core.manifests.annotation_keys import SCREEN
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Document, documents_of, looks_like_manifest
from reconciler.core.manifests.edit import is_editable
from reconciler.core.manifests.flux_policy import ImagePolicy, ImageRepository, read_flux_object
from reconciler.core.manifests.kustomization import Overlay, overlay_of
from reconciler.core.manifests.marked import MarkedImage, Marks
from reconciler.core.manifests.puller import puller_of
from reconciler.core.manifests.value import to_value
from reconciler.core.manifests.workload import Workload, workloads_in
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError, ReferenceSyntaxError

_TEMPLATE = re.compile(r"\$|\{\{|\s")


class SkipReason(enum.Enum):
    """Why an image stays as it is."""

    ALREADY_NEWEST = "already the newest"
    NO_TAG_MATCHES = "no tag matches"
    WOULD_DOWNGRADE = "would be a downgrade"
    CURRENT_MISSING = "the current tag is gone from the registry"
    NO_VERSION = "the current tag is no version"
    NO_TAG = "has no tag to start from"
    TAKEN_BACK = "what is newer was taken back"
    FOUGHT_OVER = "held, because somebody undoes each change"
    TURNED_DOWN = "its proposal was turned down"
    TAG_MOVED = "its tag was moved to another digest"
    UNKNOWN_IMAGES = "held until more is known of its images"
    PINNED_BY_DIGEST = "has a digest and no tag"
    TEMPLATED = "is filled in by a template"
    INVALID = "is no image reference"
    LOCKED = "locked"
    ENCRYPTED = "stands in an encrypted file"
    NOT_EDITABLE = "is written in a way that cannot be edited exactly"
    NO_PLACE = "has no value here that could be edited"
    BAD_POLICY = "its marker or its policy is wrong"
    OVERRIDDEN = "is set by a kustomization"
    CONFLICT = "is shared with a container that wants another image"
    NOT_AUTOMATED = "not automated"
    BAD_ANNOTATION = "its annotations are wrong"
    BAD_MANIFEST = "its manifest cannot be applied as it stands"
    REGISTRY_FAILED = "the registry could not be asked"


FieldKey: TypeAlias = tuple[str, str, str]
"""A field: its place, its workload, its container."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an image from being updated, whatever the registry lists."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True, slots=True)
class ImageField:
    """One ``image:`` of a workload.

    Attributes:
        path: the manifest.
        line: of the image, from 1.
        workload: whose it is; its namespace is the default one where none is written.
        container: the container's name.
        text: the reference as written.
        written: where it stands.
        reference: the same as a value; None if it is none.
        rules: how its tag is chosen.
        puller: who pulls it, and with which secrets.
        obstacle: why it is not updated; None if it is.
        pointer: where a marked value stands in its document (RFC 6901); empty for a container's.
    """

    path: str
    line: int
    workload: ObjectKey
    container: str
    text: str
    written: WrittenImage
    reference: ImageReference | None
    rules: TagRules
    puller: Puller
    obstacle: Obstacle | None = None
    pointer: str = ""

    @property
    def where(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"

    @property
    def place(self) -> str:
        """The path; of a marked value with its pointer: ``values.yaml#/image/tag``."""
        return f"{self.path}#{self.pointer}" if self.pointer else self.path

    @property
    def key(self) -> FieldKey:
        """What trailers name it by."""
        return self.place, self.workload.workload, self.container


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one manifest says about images.

    Attributes:
        path: the manifest.
        fields: those that are ours, in the order of the text.
        problems: what is wrong.
        overlay: the images that it sets in other manifests; None if it is no kustomization.
        marked: the images whose values have a marker; they become fields when all is linked.
        flux_objects: its ImagePolicies and ImageRepositories, which markers mean.
    """

    path: str
    fields: tuple[ImageField, ...] = ()
    problems: tuple[ManifestError, ...] = ()
    overlay: Overlay | None = None
    marked: tuple[MarkedImage, ...] = ()
    flux_objects: tuple[ImagePolicy | ImageRepository, ...] = ()


def inspect(
    path: str,
    text: str,
    *,
    default_namespace: str,
    is_survey: bool = False,
    by_hand: Collection[ObjectKey] = (),
) -> FileReport:
    """Return the image fields of the automated workloads in a manifest, in the text's order.

    What has no key of ours is not parsed. A document that cannot be read is a problem only
    if the text looks like a manifest at all: templates of other tools are none of our business.

    Args:
        path: the manifest.
        text: what it says.
        default_namespace: of workloads that name none.
        is_survey: whether workloads that are not automated count too, and everything is parsed.
        by_hand: workloads whose images a person changes: they count as if they were automated, and
            everything is parsed.
    """
    screen = () if is_survey or by_hand else SCREEN
    if screen and not any(word in text for word in screen):
        return FileReport(path, overlay=overlay_of(path, text))
    fields: list[ImageField] = []
    problems: list[ManifestError] = []
    marks = Marks(path, text, default_namespace=default_namespace)
    flux_objects: list[ImagePolicy | ImageRepository] = []
    has_error = False
    is_manifest = looks_like_manifest(text)
    for document in documents_of(text, path=path, screen=screen):
        if document.error is not None:
            problems += [document.error] if is_manifest else []
            has_error = True
            continue
        marks.take(document.root)
        others: dict[int, str] = {}  # who else has the scalar that begins there
        first = len(fields)
        for workload in workloads_in(document.root, default_namespace=default_namespace, path=path):
            flux_object = read_flux_object(workload.key, workload.node, path=path)
            flux_objects += [flux_object] if flux_object else []
            automation = automation_of(workload, path=path)
            problems += automation.problems
            if automation.is_on or workload.key in by_hand:
                error = _error_of(workload, path)
                problems += [error] if error else []
                obstacle = _of_document(document, error) or _of_workload(automation)
                fields += _fields(path, text, workload, automation, obstacle)
            else:
                others |= dict.fromkeys(_starts(workload), workload.key.workload)
                off = Obstacle(SkipReason.NOT_AUTOMATED, automation.off_note)
                found = _fields(path, text, workload, automation, off)
                fields += found if is_survey else ()
        fields[first:] = _unless_shared(fields[first:], others, problems)
    if not has_error:
        marks.end()
    return FileReport(
        path,
        tuple(fields),
        (*problems, *marks.problems),
        overlay_of(path, text),
        tuple(marks.images),
        tuple(flux_objects),
    )


def _starts(workload: Workload) -> Iterator[int]:
    return (
        scalar.start
        for container in workload.containers
        if container.image is not None
        for scalar in container.image.scalars
    )


def _unless_shared(
    fields: Iterable[ImageField], others: Mapping[int, str], problems: list[ManifestError]
) -> Iterator[ImageField]:
    """Hold back the images that an alias gives to a workload that nobody automated."""
    for field in fields:
        shared = (others.get(scalar.start) for scalar in field.written.scalars)
        other = next(filter(None, shared), None)
        if other is None or field.obstacle:
            yield field
        else:
            detail = f"its image is by an alias that of {other} too, which is not automated"
            problems.append(ManifestError(detail, where=field.where))
            yield replace(field, obstacle=Obstacle(SkipReason.CONFLICT, detail))


def _error_of(workload: Workload, path: str) -> ManifestError | None:
    """Return why an object means nothing to kubectl: a key twice, for instance."""
    try:
        to_value(workload.node, path=path)
    except ManifestError as error:
        return error
    return None


def _fields(
    path: str,
    source: str,
    workload: Workload,
    automation: Automation,
    obstacle: Obstacle | None,
) -> Iterator[ImageField]:
    puller = puller_of(workload)
    for container in workload.containers:
        image = container.image
        if image is None:
            continue
        text = image.text
        reference = reference_of(text)
        rules = automation.rules_of(container.name)
        yield ImageField(
            path=path,
            line=image.scalars[0].line if image.scalars else container.line,
            workload=workload.key,
            container=container.name,
            text=text,
            written=image,
            reference=reference if isinstance(reference, ImageReference) else None,
            rules=rules,
            puller=puller,
            obstacle=obstacle
            or obstacle_of(
                image,
                reference,
                rules,
                is_editable=all(is_editable(source, each) for each in image.scalars),
            ),
        )


def reference_of(text: str) -> ImageReference | ReferenceSyntaxError:
    """Return a reference, or why it is none."""
    try:
        return ImageReference.parse(text)
    except ReferenceSyntaxError as error:
        return error


def _of_document(document: Document, error: ManifestError | None) -> Obstacle | None:
    if isinstance(document.root, yaml.Mapping) and document.root.get("sops") is not None:
        return Obstacle(SkipReason.ENCRYPTED, "its file is encrypted")
    return Obstacle(SkipReason.BAD_MANIFEST, error.message) if error else None


def _of_workload(automation: Automation) -> Obstacle | None:
    if automation.problems:
        return Obstacle(SkipReason.BAD_ANNOTATION, automation.problems[0].message)
    if automation.is_locked:
        note = f" by {automation.lock_note}" if automation.lock_note else ""
        return Obstacle(SkipReason.LOCKED, f"locked{note}")
    return None


def obstacle_of(
    image: WrittenImage,
    reference: ImageReference | ReferenceSyntaxError,
    rules: TagRules,
    *,
    is_editable: bool,
) -> Obstacle | None:
    """Return what keeps an image from being updated by what is written there; None if nothing."""
    if _TEMPLATE.search(image.text):
        return Obstacle(SkipReason.TEMPLATED, "is filled in by a template")
    if isinstance(reference, ReferenceSyntaxError):
        return Obstacle(SkipReason.INVALID, reference.message)
    if not reference.has_meant_tag:
        detail = "has a digest and no tag: name one to have it updated"
        is_asked_for = isinstance(rules.policy, DigestPolicy)
        return Obstacle(SkipReason.NO_TAG if is_asked_for else SkipReason.PINNED_BY_DIGEST, detail)
    if not is_editable:
        return Obstacle(SkipReason.NOT_EDITABLE, "is a block, multi-line or escaped scalar")
    return _of_places(image, reference, rules)


def _of_places(image: WrittenImage, reference: ImageReference, rules: TagRules) -> Obstacle | None:
    """Return what there is no value for, where one more would have to be written."""
    if reference.tag is None and reference.digest is None and not image.may_get_tag:
        return Obstacle(SkipReason.NO_PLACE, "names no tag here: write one to have it updated")
    if _wants_digest(rules) and not image.has_place_for_digest:
        detail = 'is to have a digest and has no value for one: write digest: "" beside its tag'
        return Obstacle(SkipReason.NO_PLACE, detail)
    return None


def _wants_digest(rules: TagRules) -> bool:
    return rules.pins_digest or isinstance(rules.policy, DigestPolicy)

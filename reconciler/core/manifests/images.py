"""Finds the image fields of a manifest that are ours to update."""

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from reconciler.core.images.policy import DigestPolicy
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.annotation import Automation, automation_of
from reconciler.core.manifests.annotation_keys import SCREEN
from reconciler.core.manifests.comparison import Fingerprint
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Document, Piece, looks_like_manifest, pieces_of
from reconciler.core.manifests.edit import is_editable
from reconciler.core.manifests.flux_policy import ImagePolicy, ImageRepository, read_flux_object
from reconciler.core.manifests.kustomization import Overlay, flux_overlays_of, overlay_of
from reconciler.core.manifests.marked import MarkedImage, Marks
from reconciler.core.manifests.puller import puller_of
from reconciler.core.manifests.value import check_value
from reconciler.core.manifests.workload import Workload, workloads_in
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError, ReferenceSyntaxError

_SIGNED = 65_536  # characters of a file; of the many documents of a larger one few change at a time
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
        fingerprints: of its pieces that have such fields or values; they spare a parsing.
        builds: what Flux's Kustomizations set, each in the one folder that it reaches.
    """

    path: str
    fields: tuple[ImageField, ...] = ()
    problems: tuple[ManifestError, ...] = ()
    overlay: Overlay | None = None
    marked: tuple[MarkedImage, ...] = ()
    flux_objects: tuple[ImagePolicy | ImageRepository, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = field(default=(), compare=False)
    builds: tuple[Overlay, ...] = ()


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
        return FileReport(path, overlay=overlay_of(path, text), builds=flux_overlays_of(path, text))
    inspection = _Inspection(path, text, default_namespace, is_survey=is_survey, by_hand=by_hand)
    is_signed = not is_survey and len(text) <= _SIGNED
    for piece in pieces_of(text, path=path, screen=screen, is_signed=is_signed):
        inspection.take(piece)
    return inspection.report()


class _Inspection:
    """Collects what a file says of images, piece by piece."""

    def __init__(
        self,
        path: str,
        text: str,
        default_namespace: str,
        *,
        is_survey: bool,
        by_hand: Collection[ObjectKey],
    ) -> None:
        self._path = path
        self._text = text
        self._default_namespace = default_namespace
        self._is_survey = is_survey
        self._by_hand = by_hand
        self._is_manifest = looks_like_manifest(text)
        self._has_error = False
        self._fields: list[ImageField] = []
        self._problems: list[ManifestError] = []
        self._marks = Marks(path, text, default_namespace=default_namespace)
        self._flux_objects: list[ImagePolicy | ImageRepository] = []
        self._fingerprints: list[Fingerprint] = []

    def take(self, piece: Piece) -> None:
        """Look at a piece of the file."""
        first, first_marked = len(self._fields), len(self._marks.images)
        for document in piece.documents:
            if document.error is None:
                self._read(document)
            else:
                self._problems += [document.error] if self._is_manifest else []
                self._has_error = True
        is_ours = any(each.obstacle is None for each in self._fields[first:])
        if piece.fingerprint and (is_ours or len(self._marks.images) > first_marked):
            self._fingerprints.append(piece.fingerprint)

    def report(self) -> FileReport:
        """Return what was found."""
        if not self._has_error:
            self._marks.end()
        return FileReport(
            self._path,
            tuple(self._fields),
            (*self._problems, *self._marks.problems),
            overlay_of(self._path, self._text),
            tuple(self._marks.images),
            tuple(self._flux_objects),
            tuple(self._fingerprints),
            flux_overlays_of(self._path, self._text),
        )

    def _read(self, document: Document) -> None:
        self._marks.take(document.root)
        others: dict[int, str] = {}  # who else has the scalar that begins there
        found: list[ImageField] = []
        for workload in workloads_in(
            document.root, default_namespace=self._default_namespace, path=self._path
        ):
            flux_object = read_flux_object(workload.key, workload.node, path=self._path)
            self._flux_objects += [flux_object] if flux_object else []
            automation = automation_of(workload, path=self._path)
            self._problems += automation.problems
            if automation.is_on or workload.key in self._by_hand:
                error = _error_of(workload, self._path)
                self._problems += [error] if error else []
                obstacle = _of_document(document, error) or _of_workload(automation)
                found += _fields(self._path, self._text, workload, automation, obstacle)
            else:
                others |= dict.fromkeys(_starts(workload), workload.key.workload)
                off = Obstacle(SkipReason.NOT_AUTOMATED, automation.off_note)
                if self._is_survey:
                    found += _fields(self._path, self._text, workload, automation, off)
        self._fields += _unless_shared(found, others, self._problems)


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
    for each in fields:
        shared = (others.get(scalar.start) for scalar in each.written.scalars)
        other = next(filter(None, shared), None)
        if other is None or each.obstacle:
            yield each
        else:
            detail = f"its image is by an alias that of {other} too, which is not automated"
            problems.append(ManifestError(detail, where=each.where))
            yield replace(each, obstacle=Obstacle(SkipReason.CONFLICT, detail))


def _error_of(workload: Workload, path: str) -> ManifestError | None:
    """Return why an object means nothing to kubectl: a key twice, for instance."""
    try:
        check_value(workload.node, path=path)
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

"""Who took a tag back is told from the file before and after, whatever else happened to it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from reconciler.core.history import Message, Write
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.manifests.linking import link
from reconciler.core.manifests.tree import EntryKind, TreeEntry
from reconciler.core.message import ImageTrailer
from reconciler.core.retraction import Touch, image_at, retraction_of

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
NAME = "r.example/web"
KEY = ("web.yaml", "web:deployment/web", "web")
OURS = Write("f" * 40, NOW, "us", None, ImageTrailer(*KEY, f"{NAME}:v3", f"{NAME}:v4"))
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "{image}"}}]}}}}}}
"""


def state(image: str | None) -> TreeEntry | None:
    return None if image is None else TreeEntry("web.yaml", EntryKind.FILE, image)


def image_of(entry: TreeEntry) -> ImageReference | None:
    return ImageReference.parse(entry.blob) if ":" in entry.blob else None


def touches(*states: str | None, author: str = "Jane Doe <jane@example.org>") -> list[Touch]:
    """Return the commits that made each state of the next one, the newest first."""
    steps = enumerate(pairwise(states))
    return [
        Touch(
            Message(f"{number:x}" * 40, NOW, author, f"step {number}\n\nwhy\n"),
            "web.yaml",
            state(before),
            state(after),
        )
        for number, (before, after) in steps
    ][::-1]


V3, V4, V5 = f"{NAME}:v3", f"{NAME}:v4", f"{NAME}:v5"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([V3, V4, V3], "step 1", id="reverted"),
        pytest.param([V3, V4, f"{V4}@sha256:{'a' * 64}", V3], "step 2", id="with-a-digest-then"),
        pytest.param([V3, V4, V3, V4, V5], "step 3", id="the-last-time-counts"),
        pytest.param([V3, V4, V3, V5], "step 1", id="and-written-again"),
        pytest.param([V4, "other.example/web:v4"], "step 0", id="another-image"),
        pytest.param([V4, None], "step 0", id="the-file-went"),
        pytest.param([V4, "nothing"], "step 0", id="the-field-went"),
        pytest.param([V3, V5], None, id="by-none-of-these"),
        pytest.param([V3, V4], None, id="it-stands-there"),
        pytest.param([], None, id="nothing-happened"),
    ],
)
def test_the_last_commit_that_put_something_else_there(
    states: Sequence[str | None], expected: str | None
) -> None:
    found = retraction_of(OURS, touches(*states), image_of)

    assert (found and found.subject) == expected


def test_what_was_before_our_commit_is_not_its_retraction() -> None:
    earlier = touches(V4, V3)
    ours = Touch(Message(OURS.commit, NOW, "us", "x"), "web.yaml", state(V3), state(V3))

    assert retraction_of(OURS, [ours, *earlier], image_of) is None


def test_it_is_told_on_one_line() -> None:
    (touch,) = touches(V4, V3, author="Jane\x1b[31m Doe <jane@example.org>")
    message = Message("3a33f0a" + "0" * 33, NOW, touch.message.author, "\n\x07" + "x" * 99 + "\ny")

    said = str(retraction_of(OURS, [Touch(message, "web.yaml", state(V4), state(V3))], image_of))

    assert said == f"3a33f0a by Jane?[31m Doe (2026-11-02): ?{'x' * 71}…"


def test_a_commit_without_words_is_told_all_the_same() -> None:
    (touch,) = touches(V4, V3)
    message = Message(touch.message.commit, NOW, "", "\n")

    found = retraction_of(OURS, [Touch(message, "web.yaml", state(V4), state(V3))], image_of)

    assert str(found) == "0000000 by nobody (2026-11-02): no message"


def test_a_write_that_means_no_image_was_taken_back_by_nobody() -> None:
    odd = Write("0" * 40, NOW, "us", None, ImageTrailer(*KEY, "x", "::"))

    assert retraction_of(odd, touches(V4, V3), image_of) is None


def test_the_image_of_a_field_in_an_earlier_text() -> None:
    text = MANIFEST.format(image=V4)

    assert str(image_at(KEY, text, [], default_namespace="default")) == V4
    assert image_at(KEY, "{{ a template }}", [], default_namespace="default") is None
    assert image_at(KEY, MANIFEST.format(image="$X"), [], default_namespace="default") is None


def test_a_marked_value_is_found_by_the_policies_of_today() -> None:
    flux = """\
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImageRepository
metadata: {name: web, namespace: flux}
spec: {image: r.example/web}
---
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImagePolicy
metadata: {name: web, namespace: flux}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: '*'}}}
"""
    values = 'tag: v4 # {"$imagepolicy": "flux:web:tag"}\n'
    now: list[FileReport] = [
        inspect("flux.yaml", flux, default_namespace="default"),
        inspect("values.yaml", values, default_namespace="default"),
    ]
    (field,) = link(now)[1].fields

    found = image_at(field.key, values.replace("v4", "v3"), now, default_namespace="default")

    assert str(found) == V3

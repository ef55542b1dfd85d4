"""Annotations set and removed, byte for byte."""

import pytest

from reconciler.core.manifests.finding import AnnotationEdit, edit_annotations, find_one
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError

KEY = ObjectKey("apps", "Deployment", "default", "web")
AUTOMATED = AnnotationEdit("fluxcd.io/automated", "true")
GONE = AnnotationEdit("fluxcd.io/automated", None)
HEAD = "apiVersion: apps/v1\nkind: Deployment\n"


def edited(text: str, *edits: AnnotationEdit) -> str:
    return edit_annotations("web.yaml", text, KEY, edits, default_namespace="default")


def refusal(text: str, *edits: AnnotationEdit) -> str:
    with pytest.raises(ManifestError) as caught:
        edited(text, *edits)
    return str(caught.value)


ADDED = [
    pytest.param(
        "metadata:\n  name: web # the shop\n  labels: {a: b}\n",
        "metadata:\n  name: web # the shop\n  annotations:\n"
        '    fluxcd.io/automated: "true"\n  labels: {a: b}\n',
        id="no-map",
    ),
    pytest.param(
        "metadata:\n    name: web\n    annotations: {} # none\n",
        'metadata:\n    name: web\n    annotations: # none\n        fluxcd.io/automated: "true"\n',
        id="an-empty-map-and-four-columns",
    ),
    pytest.param(
        "metadata:\n  annotations:\n    # fluxcd.io/automated\n  name: web",
        'metadata:\n  annotations:\n    fluxcd.io/automated: "true"\n'
        "    # fluxcd.io/automated\n  name: web",
        id="nothing",
    ),
    pytest.param(
        "metadata:\n  annotations: ~\n  name: web",
        'metadata:\n  annotations:\n    fluxcd.io/automated: "true"\n  name: web',
        id="null",
    ),
    pytest.param(
        "metadata: {name: web}\n",
        'metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}\n',
        id="metadata-in-braces",
    ),
    pytest.param(
        "metadata: {name: web, annotations: {}}\n",
        'metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}\n',
        id="an-empty-map-in-braces",
    ),
    pytest.param(
        "metadata: {name: web, annotations: }\n",
        'metadata: {name: web, annotations: {fluxcd.io/automated: "true"} }\n',
        id="nothing-in-braces",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations: {a: 'b'}\n",
        "metadata:\n  name: web\n  annotations: {a: 'b', fluxcd.io/automated: 'true'}\n",
        id="map-in-braces",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    a: 'b'\t\n    # end\n",
        "metadata:\n  name: web\n  annotations:\n    a: 'b'\t\n"
        "    fluxcd.io/automated: 'true'\n    # end\n",
        id="single-quotes-and-a-tab",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/ignore: x\n    z: |\n      1\n",
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/ignore: x\n"
        '    fluxcd.io/automated: "true"\n    z: |\n      1\n',
        id="beside-those-of-its-prefix",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    z: |\n      1\n",
        'metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: "true"\n'
        "    z: |\n      1\n",
        id="before-a-block-scalar",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: true # on\n",
        'metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: "true" # on\n',
        id="no-text-becomes-one",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: 'false' # on\n",
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: 'true' # on\n",
        id="its-quotes-stay",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: |-\n      no\n    b: c\n",
        'metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: "true"\n    b: c\n',
        id="in-place-of-a-block-scalar",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: # on\n    b: c\n",
        'metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: "true" # on\n    b: c\n',
        id="a-key-without-a-value",
    ),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "a: b\n---\n", "%YAML 1.1\n---\n"])
@pytest.mark.parametrize(("before", "after"), ADDED)
def test_an_annotation_is_added_or_changed_in_the_manner_of_its_file(
    before: str, after: str, start: str, newline: str
) -> None:
    before, after = ((start + HEAD + each).replace("\n", newline) for each in (before, after))

    assert edited(before, AUTOMATED) == after
    assert edited(after, AUTOMATED) == after


REMOVED = [
    pytest.param(
        "metadata:\n  name: web\n  annotations: # why\n    # about it\n"
        "    fluxcd.io/automated: 'true' # keep\n    # after\n  labels: {}\n",
        "metadata:\n  name: web\n  # why\n    # about it\n  # keep\n    # after\n  labels: {}\n",
        id="the-last-one-and-its-map-without-comments",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: 'true'\n    a: b",
        "metadata:\n  name: web\n  annotations:\n    a: b",
        id="one-of-two",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    a: b\n    fluxcd.io/automated: 'true'",
        "metadata:\n  name: web\n  annotations:\n    a: b",
        id="at-the-end-without-a-newline",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated: |\n      true\n"
        "    a: b\n",
        "metadata:\n  name: web\n  annotations:\n    a: b\n",
        id="a-block-scalar",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations: {fluxcd.io/automated: 'true', a: b}\n",
        "metadata:\n  name: web\n  annotations: {a: b}\n",
        id="the-first-in-braces",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations: {a: b, fluxcd.io/automated: 'true'}\n",
        "metadata:\n  name: web\n  annotations: {a: b}\n",
        id="the-last-in-braces",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations: {fluxcd.io/automated: 'true'} # c",
        "metadata:\n  name: web\n  # c",
        id="braces-that-it-empties",
    ),
    pytest.param(
        "metadata: {name: web, annotations: {fluxcd.io/automated: 'true'}}\n",
        "metadata: {name: web}\n",
        id="braces-in-braces",
    ),
    pytest.param(
        "metadata:\n  name: web\n  annotations:\n    fluxcd.io/automated:\n",
        "metadata:\n  name: web\n",
        id="a-key-without-a-value",
    ),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "a: b\n---\n", "%YAML 1.1\n---\n"])
@pytest.mark.parametrize(("before", "after"), REMOVED)
def test_an_annotation_is_removed_with_its_line_and_comments_stay(
    before: str, after: str, start: str, newline: str
) -> None:
    before, after = ((start + HEAD + each).replace("\n", newline) for each in (before, after))

    assert edited(before, GONE) == after
    assert edited(after, GONE) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}',
            '{"apiVersion":"apps/v1","kind":"Deployment",'
            '"metadata":{"name":"web","annotations":{"fluxcd.io/automated":"true"}}}',
            id="on-one-line",
        ),
        pytest.param(
            '{\n  "apiVersion": "apps/v1",\n  "kind": "Deployment",\n  "metadata": {\n'
            '    "name": "web",\n    "annotations": {\n      "a": "b"\n    }\n  }\n}',
            '{\n  "apiVersion": "apps/v1",\n  "kind": "Deployment",\n  "metadata": {\n'
            '    "name": "web",\n    "annotations": {\n      "a": "b",\n'
            '      "fluxcd.io/automated": "true"\n    }\n  }\n}',
            id="on-lines",
        ),
    ],
)
def test_json_stays_json_and_taking_back_gives_the_same_bytes(before: str, after: str) -> None:
    assert edited(before, AUTOMATED) == after
    assert edited(after, GONE) == before


def test_only_the_item_of_a_list_that_is_meant_changes() -> None:
    item = "- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: {}\n"
    text = "apiVersion: v1\nkind: List\nitems:\n" + item.format("other") + item.format("web")

    assert edited(text, AUTOMATED) == (
        text + '    annotations:\n      fluxcd.io/automated: "true"\n'
    )


def test_a_kustomization_without_metadata_gets_some_and_loses_it_again() -> None:
    text = "resources:\n- web.yaml\nimages:\n- name: nginx\n  newTag: '1'\n"
    key = ObjectKey("kustomize.config.k8s.io", "Kustomization", "default", "apps")
    path = "apps/kustomization.yaml"

    after = edit_annotations(path, text, key, [AUTOMATED], default_namespace="default")

    assert after == f"metadata:\n  annotations:\n    fluxcd.io/automated: 'true'\n{text}"
    assert edit_annotations(path, after, key, [GONE], default_namespace="default") == text


@pytest.mark.parametrize(
    "value",
    ["true", "null", "1.5", "~1.0", "semver:^1", "glob:*", "it's", 'a"b\\c', "a: b # c", "- x",
     "{}", "&a", "*a", "!x", "%d", "@x", "`x`", "", " x ", "a\nb", "\x07", "é 漢 🚀", "0x1f",
     "3:10", "on", "regexp:^v(\\d+)-'\"#: $"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["    a: b\n", "    a: 'b'\n", '    a: "b"\n', "    a: '1'\n"])
def test_a_value_reads_back_as_the_text_that_it_is(value: str, around: str) -> None:
    text = f"{HEAD}metadata:\n  name: web\n  annotations:\n{around}"

    once = edited(text, AnnotationEdit("k", value))

    found = find_one("web.yaml", once, KEY, default_namespace="default").workload.annotations
    assert {key.value: getattr(node, "value", None) for key, node in found} == {
        "a": "1" if "1" in around else "b",
        "k": value,
    }
    assert edited(once, AnnotationEdit("k", value)) == once
    assert edited(once, AnnotationEdit("k", None)) == text


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        pytest.param(
            "  annotations: &a\n    a: b\n",
            "web.yaml:5: its annotations cannot be edited: annotations is an alias, or has an "
            "anchor or a tag",
            id="anchor",
        ),
        pytest.param(
            "  labels: &a {a: b}\n  annotations: *a\n",
            "annotations is an alias, or has an anchor or a tag",
            id="alias",
        ),
        pytest.param(
            "  labels: &a {a: b}\n  annotations:\n    <<: *a\n",
            "annotations has a merge key, or a key that is no text",
            id="merge",
        ),
        pytest.param("  annotations: !!map\n    a: b\n", "anchor or a tag", id="tag"),
        pytest.param("  annotations: text\n", "annotations is no mapping", id="no-mapping"),
        pytest.param(
            "  annotations:\n    a: b\n    a: c\n", "web.yaml:7: key 'a' stands twice", id="twice"
        ),
        pytest.param(
            "  annotations:\n    fluxcd.io/automated: &a 'no'\n",
            "the annotation has an alias, an anchor or a tag",
            id="anchored-value",
        ),
        pytest.param(
            "  annotations:\n    fluxcd.io/automated: [a]\n", "the annotation is no text", id="list"
        ),
        pytest.param(
            "  annotations:\n    fluxcd.io/automated: | # c\n      no\n",
            "a comment stands beside a block scalar",
            id="comment-at-a-block-scalar",
        ),
        pytest.param(
            "  annotations: {\n  }\n", "an empty map stands on several lines", id="empty-lines"
        ),
        pytest.param(
            "  ? annotations\n  :\n", "its key is written in an unusual way", id="explicit-key"
        ),
    ],
)
def test_what_cannot_be_edited_exactly_is_refused_with_its_line(metadata: str, reason: str) -> None:
    assert reason in refusal(f"{HEAD}metadata:\n  name: web\n{metadata}", AUTOMATED)


def test_an_encrypted_file_and_a_doubled_object_are_refused() -> None:
    text = f"{HEAD}metadata:\n  name: web\n"

    assert refusal(f"{text}sops: {{}}\n", AUTOMATED) == "web.yaml:1: its file is encrypted"
    assert refusal(f"{text}---\n{text}", AUTOMATED) == (
        "web.yaml: default:deployment/web stands there 2 times"
    )


def test_the_line_of_a_refusal_is_that_of_the_whole_file() -> None:
    text = f"a: b\n---\n{HEAD}metadata:\n  name: web\n  annotations: text\n"

    assert refusal(text, AUTOMATED).startswith("web.yaml:7: ")


def test_a_comment_in_braces_is_not_lost() -> None:
    text = (
        f"{HEAD}metadata:\n  name: web\n  annotations: {{\n    a: b, # mine\n"
        "    fluxcd.io/automated: 'true'\n  }\n"
    )

    assert "a comment stands beside it" in refusal(text, GONE)

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.yaml_text import yaml_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(min_size=1), inside),
    max_leaves=20,
)

TEXTS = [
    *(
        "true",
        "no",
        "~",
        "1.5",
        "0x1F",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "- a",
        "*a",
        "a:",
        "=",
        "é",
    ),
    *("\n", "a\n\n", "\na\nb", " a\nb\n", "a\r\nb", "a\n\x1b[2J", "\x7f", "\u202e", "\U000e0001"),
    *("y", "a\tb\nc", "%a", "@a", "`a", "'", '"', "{a", "[a", "a\\b", "null", "2024-01-05", "..."),
]


def parsed(text: str) -> object:
    (document,) = parse_documents(text, path="x")
    assert document.error is None, document.error
    return to_value(document.root, path="x")


def test_an_object_reads_like_a_manifest() -> None:
    item = {
        "spec": {"replicas": 1, "image": "nginx:1", "args": ["-c", "a b"], "emptyDir": {}},
        "metadata": {"name": "web", "labels": {"version": "1.10"}},
        "kind": "Thing",
        "apiVersion": "v1",
        "data": {"script.sh": "set -e\n\necho 'hi'\n", "end": "a\nb"},
    }

    assert (
        yaml_text(item)
        == """\
apiVersion: v1
kind: Thing
metadata:
  labels:
    version: "1.10"
  name: web
data:
  end: |-
    a
    b
  script.sh: |
    set -e

    echo 'hi'
spec:
  args:
  - "-c"
  - a b
  emptyDir: {}
  image: nginx:1
  replicas: 1
"""
    )


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_a_text_and_moves_no_cursor(text: str) -> None:
    shown = yaml_text({"key": text, "list": [text, [text], {"a": text}]})

    assert parsed(shown) == {"key": text, "list": [text, [text], {"a": text}]}
    assert shown.replace("\n", "").replace("\t", "").isprintable()


@given(st.dictionaries(st.text(min_size=1), JSON, min_size=1))
def test_whatever_it_is_it_says_the_same(value: dict[str, object]) -> None:
    shown = yaml_text(value)

    assert json.dumps(parsed(shown), sort_keys=True) == json.dumps(value, sort_keys=True)
    assert shown.replace("\n", "").replace("\t", "").isprintable()

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import Value, check_value, is_text, to_value
from reconciler.errors import ManifestError

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data/yaml/sigs.json").read_text()
)
"""What sigs.k8s.io/yaml 1.6 (YAMLToJSONStrict) makes of small texts."""

MERGES = "an explicit key beside a merged one wins; the strict reader calls it a duplicate"
OUR_OWN = {
    "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3": MERGES,
    "x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny:\n  <<: [*x, *z]\n  d: 4": MERGES,
    "y:\n  b: 3\n  <<: {b: 1, c: 2}": MERGES,
    "'1': a\n1: b": "both keys are '1' in JSON, so one would be lost",
    "-.inf: x": "no number of JSON",
    "a: !!int 1.0": "the number is whole",
    "a: -9223372036854775809": "the same float, written with all its digits",
}


def value_of(text: str) -> Value:
    (document,) = parse_documents(text, path="a.yaml")
    if document.error:
        raise document.error
    return to_value(document.root, path="a.yaml")


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["yaml"] not in OUR_OWN], ids=lambda row: repr(row["yaml"])
)
def test_a_text_means_what_kubectl_and_the_api_server_read(row: dict[str, Any]) -> None:
    if "error" in row:
        with pytest.raises(ManifestError):
            value_of(row["yaml"])
    else:
        assert json.dumps(value_of(row["yaml"])) == json.dumps(row["value"]).replace("-0.0", "0")


def test_an_empty_document_is_null() -> None:
    assert value_of("---\n# nothing\n") is None


def test_a_number_of_hundreds_of_digits_is_a_text() -> None:
    assert value_of(f"a: {'9' * 401}") == {"a": "9" * 401}


def test_explicit_keys_win_over_merged_ones_and_earlier_merges_over_later_ones() -> None:
    text = "x: &x {a: 1, b: 2}\nz: &z {a: 3, c: 4}\nw:\n  <<: [*x, *z]\n  b: 5"

    assert value_of(text) == {
        "x": {"a": 1, "b": 2},
        "z": {"a": 3, "c": 4},
        "w": {"a": 1, "b": 5, "c": 4},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\nb: 2\na: 3", "a.yaml:3: key 'a' stands twice", id="duplicate"),
        pytest.param("a: 1\n~: 2", "a.yaml:2: a key must not be null", id="null-key"),
        pytest.param("? [a]\n: 2", "a.yaml:1: a key must be a text", id="list-key"),
        pytest.param("a: .inf", "a.yaml:1: '.inf' cannot be written in JSON", id="infinite"),
        pytest.param("a: !!int x", "a.yaml:1: 'x' is no !!int", id="tag"),
        pytest.param(
            "a: !!binary '*'", "a.yaml:1: !!binary holds no base64 of a text", id="binary"
        ),
        pytest.param(
            "a: !!binary é", "a.yaml:1: !!binary holds no base64 of a text", id="binary-not-ascii"
        ),
        pytest.param("<<: 1", "a.yaml:1: '<<' needs a mapping or a list of mappings", id="merge"),
        pytest.param("a: *x", "a.yaml:1: alias 'x' names no finished anchor", id="alias"),
        pytest.param("a: &x [*x]", "a.yaml:1: alias 'x' names no finished anchor", id="loop"),
        pytest.param("[" * 101, "a.yaml:1: is nested deeper than 100 levels", id="deep"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_line(text: str, message: str) -> None:
    closed = text + "]" * 101 if text.startswith("[") else text

    with pytest.raises(ManifestError) as raised:
        value_of(closed)

    assert str(raised.value) == message


def test_a_bomb_of_aliases_is_refused_before_it_fills_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(ManifestError, match="nodes with aliases expanded"):
        value_of("\n".join(lines))


def test_a_bomb_of_merges_is_refused_too() -> None:
    lines = ["a0: &a0 {}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]

    with pytest.raises(ManifestError, match="nodes with aliases expanded"):
        value_of("\n".join(lines))


def test_merges_inside_merges_count_towards_the_depth() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 120)]

    with pytest.raises(ManifestError, match="is nested deeper than 100 levels"):
        value_of("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'true'", True),
        ("x", True),
        ("!!str 1", True),
        ("1.2", False),
        ("on", False),
        ("~", False),
        ("[x]", False),
        (".inf", False),
        ("{a: 1, a: 2}", False),
    ],
)
def test_a_text_is_what_kubectl_reads_as_one(text: str, *, expected: bool) -> None:
    (document,) = parse_documents(text, path="a.yaml")

    assert document.root is not None
    assert is_text(document.root) is expected


def test_aliases_inside_aliases_count_towards_the_depth() -> None:
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 120)]

    with pytest.raises(ManifestError, match="is nested deeper than 100 levels"):
        value_of("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    ["a: 1\na: 2", "a: {b: [{c: 1, c: 2}]}", "a: .inf", "- -.INF", ".nan", "~: 1", "on: 1\ntrue: 2",
     "1: a\n01: b\n1: c", "? [a]\n: 1", "a: &x {b: 1}\nc: {<<: *x, <<: 1}", "a: !!int b",
     "<<: 1", ".inf: 1", "'': 1\n'': 2", "&x a: 1\n*x : 2"],
)  # fmt: skip
def test_what_has_no_value_is_refused_without_making_one(text: str) -> None:
    (document,) = parse_documents(text, path="a.yaml")

    with pytest.raises(ManifestError) as raised:
        to_value(document.root, path="a.yaml")
    with pytest.raises(ManifestError, match=re.escape(str(raised.value))):
        check_value(document.root, path="a.yaml")


@pytest.mark.parametrize(
    "text", ["a", "[a, 'b', [], {}]", "{a: {b: 1}, 'c': ~, d: 0x1}", "1: a", "a: '.inf'"]
)
def test_what_has_a_value_is_not_refused(text: str) -> None:
    (document,) = parse_documents(text, path="a.yaml")

    check_value(document.root, path="a.yaml")

import pytest

from reconciler.core.manifests.document import (
    MAX_DEPTH,
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    documents_of,
    parse_documents,
)
from reconciler.core.manifests.parser import MAX_PURE


def parsed(text: str) -> tuple[Document, ...]:
    return parse_documents(text, path="a.yaml")


def root(text: str) -> Mapping:
    (document,) = parsed(text)
    assert isinstance(document.root, Mapping)
    return document.root


def scalar(node: Node | None) -> Scalar:
    assert isinstance(node, Scalar)
    return node


def error(text: str) -> str:
    (document,) = parsed(text)
    return str(document.error)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("a: v3", "v3", id="plain"),
        pytest.param("a: 'v3'  # c", "'v3'", id="single"),
        pytest.param('{"a":"v3"}', '"v3"', id="json"),
        pytest.param("a: &x !!str v3\n", "&x !!str v3", id="anchor-and-tag"),
        pytest.param("\ufeffa: v3", "v3", id="byte-order-mark"),
        pytest.param("b: \U0001f680 é\r\na: v3\r\n", "v3", id="non-bmp"),
        pytest.param("# \U0001f680\n---\n# é\na: v3", "v3", id="after-a-mark"),
        pytest.param("%YAML 1.1\n---\na: v3", "v3", id="directive"),
        pytest.param("a: v3\t# c", "v3", id="tab-before-comment"),
    ],
)
def test_a_scalar_knows_where_it_stands(text: str, written: str) -> None:
    found = [
        scalar(document.root.get("a"))
        for document in parsed(text)
        if isinstance(document.root, Mapping)
    ]

    assert [text[each.start : each.end] for each in found] == [written]
    assert [each.value for each in found] == ["v3"]
    assert found[0].line == 1 + text[: found[0].start].count("\n")


def test_an_alias_is_the_node_of_its_anchor() -> None:
    top = root("a: &x [1]\nb: *x\n")

    assert top.get("b") is top.get("a")


def test_an_anchor_may_be_defined_twice_and_the_last_one_before_counts() -> None:
    top = root("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")

    assert (top.text("b"), top.text("d")) == ("1", "2")


def test_anchors_end_with_their_document() -> None:
    first, second = parsed("a: &x 1\n---\nb: *x\n")

    assert first.error is None
    assert str(second.error) == "a.yaml:3: alias 'x' names no finished anchor"


def test_an_alias_to_its_own_parent_is_refused() -> None:
    assert error("a: &x\n  b: *x\n") == "a.yaml:2: alias 'x' names no finished anchor"


def test_duplicate_keys_are_kept_and_the_first_is_got() -> None:
    top = root("a: 1\na: 2\n")

    assert len(list(top.entries)) == 2
    assert top.text("a") == "1"


def test_what_is_no_scalar_has_no_text() -> None:
    top = root("a: [1]\n? [k]\n: v\n")

    assert top.text("a") == ""
    assert top.text("none") == ""
    assert isinstance(top.get("a"), Sequence)


def test_documents_know_their_lines_and_empty_ones_have_no_root() -> None:
    documents = parsed("# c\n---\na: 1\n---\n# nothing\n---  # c\nb: 2\n...\n")

    assert [(each.line, each.root is None) for each in documents] == [
        (2, False),
        (4, True),
        (6, False),
    ]


def test_a_broken_document_leaves_its_siblings_unharmed() -> None:
    first, broken, last = parsed("a: 1\n---\nb: [\nc: }\n---\nd: 4\n")

    assert isinstance(first.root, Mapping)
    assert isinstance(last.root, Mapping)
    assert last.root.line == 6
    assert broken.root is None
    assert str(broken.error).startswith("a.yaml:4: is no valid YAML: ")


def test_a_mark_inside_a_line_cuts_nothing() -> None:
    assert len(parsed("a: x---\nb: '---'\n---b: 2\n")) == 1


def test_depth_is_limited() -> None:
    assert parsed("[" * MAX_DEPTH + "]" * MAX_DEPTH)[0].error is None
    assert error("[" * 101 + "]" * 101) == "a.yaml:1: is nested deeper than 100 levels"


def test_depth_far_beyond_the_limit_is_refused_too() -> None:
    assert error("[" * 5000) != "None"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: 'x", id="open-quote"),
        pytest.param("a: b: c", id="two-colons"),
        pytest.param("a: \t- b", id="tab"),
        pytest.param("a: \x00", id="nul"),
        pytest.param("a: \x07", id="bell"),
        pytest.param('a: "\\UFFFFFFFF"', id="escape-out-of-range"),
        pytest.param("a: \ud800", id="surrogate"),
        pytest.param("@", id="reserved"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str) -> None:
    assert error(text).startswith("a.yaml:1: is no valid YAML: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: 1\nb:\n\t- c", 3, id="scanner"),
        pytest.param("a: 1\n---\nb: 2\nc: é\x07", 4, id="reader"),
        pytest.param("a: 1\n---\nb: \ud800", 3, id="surrogate"),
        pytest.param("%YAML 3.0\n---\na: 1\n", 1, id="directive"),
    ],
)
def test_the_line_of_an_error_is_the_files(text: str, line: int) -> None:
    (error,) = [each.error for each in parsed(text) if each.error]

    assert error.where == f"a.yaml:{line}"


@pytest.mark.parametrize("other", ["\u2028", "\u2029", "\x85", "\r"])
def test_lines_are_counted_as_git_counts_them(other: str) -> None:
    top = root(f"a: 'x{other}y'\nb: [1,\n  2]\nc: 3\n")

    assert [scalar(key).line for key, _ in top.entries] == [1, 2, 4]


def test_a_pair_of_escapes_is_one_character_as_json_has_it() -> None:
    assert root('{"a": "\\ud83d\\ude80 \\u00e9 \\/"}').text("a") == "\U0001f680 é /"
    assert "is no valid YAML" in error('{"a": "é \\ud83d"}')


def test_the_slow_parser_is_not_asked_for_large_texts() -> None:
    pair = '{"a": "\\ud83d\\ude80"}'

    assert parsed(pair + " " * (MAX_PURE - len(pair)))[0].error is None
    assert parsed(pair + " " * MAX_PURE)[0].error is not None
    many = parsed("\n".join([f"--- {pair}{' ' * (MAX_PURE // 4)}"] * 5))
    assert [each.error is None for each in many] == [True, True, True, False, False]


def test_merged_entries_come_after_the_own_ones_and_earlier_merges_win() -> None:
    top = root("x: &x {a: 1, b: 1}\ny: &y {<<: *x, b: 2, c: 2}\nz: {<<: [*x, *y, 3], d: 4, <<: *y}")
    merged = top.get("z")

    assert isinstance(merged, Mapping)
    assert {key: merged.text(key) for key in "abcde"} == {
        "a": "1", "b": "1", "c": "2", "d": "4", "e": "",
    }  # fmt: skip
    assert merged.get("<<") is None


def test_merges_of_merges_cost_no_more_than_their_text() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 60)]
    last = root("\n".join(lines)).get("a59")

    assert isinstance(last, Mapping)
    assert last.text("k") == "v"


def test_documents_that_do_not_pass_the_screen_are_not_parsed() -> None:
    text = "a: 1\n---\nb: [\n---\nours: 1\n---\nours: [\n"
    documents = documents_of(text, path="a.yaml", screen=("ours",))

    assert [(each.line, each.error is None) for each in documents] == [(4, True), (6, False)]

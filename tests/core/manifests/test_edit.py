from collections.abc import Iterator

import pytest

from reconciler.core.manifests.document import Mapping, Node, Scalar, parse_documents, pieces_of
from reconciler.core.manifests.edit import (
    ScalarEdit,
    TextEdit,
    apply_edits,
    edit_scalars,
    is_editable,
    replace_scalar,
)
from reconciler.core.manifests.value import is_text
from reconciler.errors import ManifestError


def scalar_at_a(text: str) -> Scalar:
    for document in parse_documents(text, path="x.yaml"):
        if isinstance(document.root, Mapping) and isinstance(
            found := document.root.get("a"), Scalar
        ):
            return found
    raise AssertionError(text)


def edited(text: str, value: str) -> str:
    return proved(text, replace_scalar(text, scalar_at_a(text), value))


def proved(text: str, edit: ScalarEdit) -> str:
    """Edit a text that is parsed again, and one whose fingerprints are known: that is the same."""
    known = [each.fingerprint for each in pieces_of(text, path="x.yaml", is_signed=True)]
    results: list[str] = []
    for fingerprints in ([], [each for each in known if each is not None]):
        try:
            results.append(edit_scalars(text, [edit], path="x.yaml", known=fingerprints))
        except ManifestError as error:
            results.append(str(error))
    assert results[0] == results[1]
    if results[0].startswith("x.yaml: "):
        raise ManifestError(results[0])
    return results[0]


def test_an_edit_leaves_other_line_ends_alone() -> None:
    text = "image: web:1\r\nname: a\n"

    assert apply_edits(text, [TextEdit(7, 12, "web:2")]) == "image: web:2\r\nname: a\n"


def test_edits_are_given_against_the_original_in_any_order_and_the_same_one_counts_once() -> None:
    edits = [TextEdit(4, 5, "yy"), TextEdit(0, 1, ""), TextEdit(4, 5, "yy")]

    assert apply_edits("a b c d", edits) == " b yy d"


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([TextEdit(0, 2, "x"), TextEdit(1, 3, "y")], id="overlap"),
        pytest.param([TextEdit(0, 2, "x"), TextEdit(0, 2, "y")], id="disagree"),
        pytest.param([TextEdit(2, 1, "x")], id="backwards"),
        pytest.param([TextEdit(2, 9, "x")], id="outside"),
        pytest.param([TextEdit(-1, 1, "x")], id="before"),
    ],
)
def test_edits_that_cannot_all_be_made_are_refused(edits: list[TextEdit]) -> None:
    with pytest.raises(ManifestError, match="edits overlap"):
        apply_edits("abc", edits)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("a: w:1 # c", "a: w:2 # c", id="plain"),
        pytest.param("a: 'w:1'", "a: 'w:2'", id="single"),
        pytest.param('{"a":"w:1"}', '{"a":"w:2"}', id="json"),
        pytest.param("a: &x !!str  'w:1'\nb: *x", "a: &x !!str  'w:2'\nb: *x", id="properties"),
        pytest.param(
            "\ufeff# \U0001f680\n---\na: w:1", "\ufeff# \U0001f680\n---\na: w:2", id="bom"
        ),
        pytest.param("b: [\n---\na: w:1", "b: [\n---\na: w:2", id="broken-sibling"),
    ],
)
def test_a_scalar_keeps_its_quotes_and_its_surroundings(before: str, after: str) -> None:
    assert edited(before, "w:2") == after


@pytest.mark.parametrize(
    "value", ["true", "1.2", "0x10", "1e3", "3:10", "~", "", "a: b", "a #b", "- a", "*a", "é"]
)
def test_a_plain_scalar_gets_quotes_where_it_would_read_as_something_else(value: str) -> None:
    after = edited("a: w:1 # c", value)

    assert after == f'a: "{value}" # c'
    assert scalar_at_a(after).value == value


@pytest.mark.parametrize(
    "value",
    ["1.20", "20", "1_000", "1.", ".5", "1e3", "1.5E3", "0b1", "0o7", "017", "0xFF", "yes", "Off",
     "y", "N", "null", "NULL", "2024-01-05", "2024-1-5", "2024-01-05T10", ".inf", ".NaN", "1:20"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("others", "quote"),
    [
        pytest.param("", '"', id="none"),
        pytest.param("b: 'x'\nc:\n  - 'y'\nd: \"z\"\n", "'", id="mostly-single"),
        pytest.param("b: 'x'\nc: \"z\"\n", '"', id="as-many"),
        pytest.param("b: it's\nc: isn't\n", '"', id="apostrophes"),
    ],
)
def test_a_value_that_would_be_no_text_gets_the_quotes_that_the_file_uses(
    value: str, others: str, quote: str
) -> None:
    after = edited(f"{others}a: v1 # c\n", value)

    assert after == f"{others}a: {quote}{value}{quote} # c\n"
    assert is_text(scalar_at_a(after))


@pytest.mark.parametrize(
    "value",
    ["1.2.3", "v1.20", "1.20-alpine", "20240105-1", "2024.01.05", "1e3f", "0x", "_1a", "no-1"],
)
def test_a_value_that_is_a_text_gets_no_quotes(value: str) -> None:
    after = edited("b: 'x'\na: 1.20 # c\n", value)

    assert after == f"b: 'x'\na: {value} # c\n"
    assert is_text(scalar_at_a(after))


def test_a_number_in_json_becomes_a_text_of_json() -> None:
    assert edited('\ufeff{\n\t"a": 1.20}', "1.20-alpine") == '\ufeff{\n\t"a": "1.20-alpine"}'
    assert edited("{a: v1}", "v2") == "{a: v2}"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_inside_quotes_are_escaped(quote: str) -> None:
    assert scalar_at_a(edited(f"a: {quote}w{quote}", 'it\'s "it"')).value == 'it\'s "it"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: w:1", True, id="plain"),
        pytest.param("a: 'w:1'", True, id="single"),
        pytest.param("a: 'it''s'", True, id="doubled-quote"),
        pytest.param('a: "w\\x3a1"', False, id="escaped"),
        pytest.param("a: |\n  w:1\n", False, id="literal"),
        pytest.param("a: >-\n  w:1\n", False, id="folded"),
        pytest.param("a: w\n  1\n", False, id="two-lines"),
        pytest.param("a: 'w\r  1'", False, id="two-lines-cr"),
        pytest.param("a: &x\n  w:1\n", False, id="anchor-on-another-line"),
    ],
)
def test_only_what_stands_on_one_line_as_it_reads_can_be_edited(
    text: str, *, expected: bool
) -> None:
    assert is_editable(text, scalar_at_a(text)) is expected


@pytest.mark.parametrize(
    ("edit", "value"),
    [
        pytest.param(TextEdit(3, 6, "w:2\nc: d"), "w:2", id="a-key-more"),
        pytest.param(TextEdit(3, 6, "w:2\n---\nc: d"), "w:2", id="a-document-more"),
        pytest.param(TextEdit(3, 6, "w:2\n...\n"), "w:2", id="an-end-mark-more"),
        pytest.param(TextEdit(3, 6, "'w:2'"), "w:2", id="other-quotes"),
        pytest.param(TextEdit(3, 6, "&x w:2"), "w:2", id="an-anchor-more"),
        pytest.param(TextEdit(3, 6, "[w:2]"), "w:2", id="a-list"),
        pytest.param(TextEdit(3, 6, "w:3"), "w:2", id="another-value"),
        pytest.param(TextEdit(3, 6, "'w:2"), "w:2", id="broken"),
        pytest.param(TextEdit(7, 8, "q"), "w:2", id="another-place"),
        pytest.param(TextEdit(3, 6, "w:1"), "w:2", id="nothing"),
    ],
)
def test_an_edit_that_does_more_or_less_than_planned_is_refused(edit: TextEdit, value: str) -> None:
    text = "a: w:1\nb: w:1\n"

    with pytest.raises(ManifestError) as raised:
        proved(text, ScalarEdit(scalar_at_a(text), edit, value))

    assert str(raised.value) == "x.yaml: cannot be edited without changing more than the image"


def test_an_edit_that_writes_what_stands_there_is_proved() -> None:
    text = "a: &x 'w:1'\nb: w:1\n"

    assert edited(text, "w:1") == text


def test_a_document_more_at_the_end_is_refused() -> None:
    text = "a: w:1"
    edit = ScalarEdit(scalar_at_a(text), TextEdit(3, 6, "w:2\n---\nb: 2"), "w:2")

    with pytest.raises(ManifestError, match="cannot be edited"):
        proved(text, edit)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        pytest.param("a: w:1\n---\nb: 1\n", "w:1\n---", "w:2\nc: 1\n---", id="a key before a mark"),
        pytest.param("a: w:1\n---\nb: 1\n", "w:1\n---\n", "w:2\n", id="a mark less"),
        pytest.param("a: w:1\n---\nb: 1\n", "w:1\n---", "w:2\n ---", id="a mark pushed in"),
        pytest.param("a: w:1\n---\nb: 1\n", "w:1", "w:2\n...\n", id="an end before the mark"),
        pytest.param("a: w:1\n---\nb: 1\n", "w:1", "w:2\n--- 1", id="a document between"),
        pytest.param(
            "a: w:1\nc: 1\n---\nb: 1\n",
            "w:1\nc: 1\n---",
            "w:2\n---\nc: 1\n#",
            id="a mark moved up",
        ),
        pytest.param(
            "a: w:1\n---\nb: 1\n---\nc: 1\n",
            "w:1\n---\nb: 1",
            "w:2\n---\nb: 2",
            id="the next document too",
        ),
        pytest.param("a: w:1\nb: it's\nc: 'd'\n", "w:1", "'w:2", id="a quote that is not closed"),
        pytest.param("{a: w:1, b: 2\n}\n", "w:1", "w:2 #", id="a comment over what follows"),
        pytest.param("a: w:1\n  # c\nb: 1\n", "w:1\n  #", "w:2\n ", id="a comment that is text"),
        pytest.param("- a: w:1\n  b: 1\n", "w:1\n  b", "w:2\n- b", id="another depth"),
        pytest.param("a: w:1\nb:\n  c: 1\n", "w:1\nb:\n  c", "w:2\nb:\n   c", id="a place"),
        pytest.param("a: w:1\nb: |\n  ---\n", "w:1\nb: |\n", "w:2\nb: |1\n", id="in a block"),
        pytest.param("a: w:1\nb: >\n  ...\n", "w:1\nb: >", "w:2\nb: |", id="a folded block"),
        pytest.param("a: &x w:1\nb: &y 1\nc: *y\n", "w:1\nb: &y", "w:2\nb: &x", id="an anchor"),
        pytest.param("a: w:1\nb: !!str 1\n", "w:1\nb: !!str", "w:2\nb: !!int", id="a tag"),
        pytest.param("a: w:1\n", "w:1", "w:2\ufeff", id="a byte order mark"),
        pytest.param("a: w:1\n", "w:1", "w:2\0", id="what no parser reads"),
        pytest.param(
            "%TAG ! tag:a,2000:\n---\na: w:1\nb: !c 1\n",
            "w:1\nb: !c",
            "w:2\nb: !d",
            id="directives",
        ),
    ],
)
def test_an_edit_that_reaches_further_than_its_scalar_is_refused(
    text: str, old: str, new: str
) -> None:
    start = text.index(old)
    edit = TextEdit(start, start + len(old), new)
    scalar = next(
        found
        for document in parse_documents(text, path="x.yaml")
        for found in all_scalars(document.root)
        if found.value == "w:1"
    )

    with pytest.raises(ManifestError, match="cannot be edited"):
        proved(text, ScalarEdit(scalar, edit, "w:2"))


def all_scalars(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif node is not None:
        for each in node.inside:
            yield from all_scalars(each)


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("b: |\n  ---\n  ...\n   a: w:1\n", id="marks in a block"),
        pytest.param("b: &x w:1\nc: *x\n---\na: &x w:1\nb: *x\n", id="an anchor used again"),
        pytest.param("...\n%YAML 1.2\n---\na: w:1\n", id="a directive behind an end"),
        pytest.param("b: 'x\n\n  y'\n--- !!map\na: w:1\n", id="a tagged document"),
        pytest.param("...\n---\n...\n---\n", id="empty documents"),
        pytest.param("b: [a: w:1, {? a : w:1}]\n--- |\n a: w:1\n", id="flow and a block alone"),
        pytest.param("? a\n? b\n:\n- \n-\n", id="nothing written"),
        pytest.param("b: \u2028w\u2028  a\x85 🚀\n", id="other line ends"),
        pytest.param("---\nb: [\n---\nc: *y\n", id="documents that cannot be read"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_what_stands_around_an_edit_is_proved_whatever_it_is(
    bom: str, newline: str, rest: str
) -> None:
    text = f"{bom}a: w:1 # a: w:1\n{rest}".replace("\n", newline)

    for value in ("w:2", "w:20", "w", "w:1-longer-than-before"):
        assert edited(text, value) == text.replace("w:1", value, 1)

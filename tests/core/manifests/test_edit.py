import pytest

from reconciler.core.manifests.document import Mapping, Scalar, parse_documents
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
    edit = replace_scalar(text, scalar_at_a(text), value)
    return edit_scalars(text, [edit], path="x.yaml")


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
        edit_scalars(text, [ScalarEdit(3, edit, value)], path="x.yaml")

    assert str(raised.value) == "x.yaml: cannot be edited without changing more than the image"


def test_an_edit_that_writes_what_stands_there_is_proved() -> None:
    text = "a: &x 'w:1'\nb: w:1\n"

    assert edited(text, "w:1") == text


def test_a_document_more_at_the_end_is_refused() -> None:
    edit = ScalarEdit(3, TextEdit(3, 6, "w:2\n---\nb: 2"), "w:2")

    with pytest.raises(ManifestError, match="cannot be edited"):
        edit_scalars("a: w:1", [edit], path="x.yaml")

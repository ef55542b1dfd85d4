"""Tables fit, whatever is in them."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.interfaces.table import fold, table_lines

HEADERS = ("workload", "image", "verdict")


def lines(*rows: tuple[str, ...], width: int = 80) -> list[str]:
    return [line for _, line in table_lines(HEADERS, rows, width=width)]


def test_columns_are_as_wide_as_they_need_to_be() -> None:
    assert lines(("web:deployment/a", "a:v1", "is the newest"), ("b", "bb:v10", "")) == [
        "WORKLOAD          IMAGE   VERDICT",
        "web:deployment/a  a:v1    is the newest",
        "b                 bb:v10",
    ]


def test_the_last_column_is_folded_in_its_place() -> None:
    verdict = "is a pre-release, and the constraint names none"

    assert lines(("web", "a:v1", verdict), width=40) == [
        "WORKLOAD  IMAGE  VERDICT",
        "web       a:v1   is a pre-release, and",
        "                 the constraint names",
        "                 none",
    ]


def test_rows_that_are_too_wide_become_blocks() -> None:
    image = f"registry.example/{'long/' * 6}image:v1"

    assert lines(("web:deployment/a", image, "is the newest"), ("b", "", "x"), width=40) == [
        "web:deployment/a",
        "  image    registry.example/long/long/lo",
        "           ng/long/long/long/image:v1",
        "  verdict  is the newest",
        "b",
        "  verdict  x",
    ]


def test_a_wide_character_takes_two_columns() -> None:
    assert lines(("網頁", "a", "x"), ("b", "c", "y")) == [
        "WORKLOAD  IMAGE  VERDICT",
        "網頁      a      x",
        "b         c      y",
    ]


def test_what_would_move_the_cursor_is_not_written() -> None:
    assert lines(("a\x1b[2J\nb", "c\td", "e\u202e"))[1] == "a�[2J�b   c�d    e�"


@given(st.text(max_size=200), st.integers(min_value=20, max_value=120))
def test_folding_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    folded = fold(text, width)

    assert all(cell_len(line) <= width for line in folded)
    assert "".join(folded).replace(" ", "") == text.replace(" ", "")


@given(
    st.lists(st.tuples(st.text(max_size=90), st.text(max_size=90), st.text(max_size=90))),
    st.integers(min_value=20, max_value=120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    assert all(cell_len(line) <= width for line in lines(*rows, width=width))

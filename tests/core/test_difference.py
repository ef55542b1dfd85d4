import difflib

import pytest

from reconciler.core.difference import LARGE, unified_diff

LINES = [f"line {number}\n" for number in range(LARGE + 1)]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([500], id="one"),
        pytest.param([0, LARGE], id="the first and the last"),
        pytest.param([500, 501, 502], id="a block"),
        pytest.param([10, 16], id="six apart"),
        pytest.param([10, 17], id="seven apart: one hunk still"),
        pytest.param([10, 18], id="eight apart: two hunks"),
        pytest.param([1, 4, 900], id="near the start"),
    ],
)
def test_large_texts_have_the_diff_that_small_ones_have(changed: list[int]) -> None:
    after = [f"new {line}" if at in changed else line for at, line in enumerate(LINES)]

    diff = unified_diff("".join(LINES), "".join(after), path="x.yaml")

    expected = difflib.unified_diff(LINES, after, fromfile="a/x.yaml", tofile="b/x.yaml")
    assert diff == "".join(expected)


def test_a_missing_last_line_end_of_a_large_text_is_marked() -> None:
    before = "".join(LINES) + "image: web:1"

    diff = unified_diff(before, before[:-1] + "2", path="x.yaml")

    assert diff.endswith(
        "-image: web:1\n\\ No newline at end of file\n+image: web:2\n\\ No newline at end of file\n"
    )

"""JSON for people's terminals."""

import json

import pytest

from reconciler.core.json_text import json_text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("\x9b31m", r"\u009b31m", id="an-8-bit-csi"),
        pytest.param("a\x7f", r"a\u007f", id="delete"),
        pytest.param("a\u202eb", r"a\u202eb", id="from-right-to-left"),
        pytest.param("a\u2028b", r"a\u2028b", id="a-line-end-of-javascript"),
        pytest.param("\U000e0041", r"\udb40\udc41", id="a-tag-beyond-the-first-plane"),
        pytest.param("größe 東京 🚀", "größe 東京 🚀", id="letters"),
    ],
)
def test_what_is_not_printable_is_escaped_and_read_back(text: str, written: str) -> None:
    made = json_text({"name": text, text: [1]}, indent=2)

    assert f'"name": "{written}"' in made
    assert json.loads(made) == {"name": text, text: [1]}


def test_a_lone_surrogate_is_left_to_who_encodes_it() -> None:
    assert json_text("a\udc80") == '"a\udc80"'

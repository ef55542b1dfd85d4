"""Whatever a template or a person says in a message, its trailers are read back as ours alone."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.message import (
    Manner,
    finished,
    has_lines_of_ours,
    parse_by,
    parse_trailers,
    trailer_of,
    trailers_of,
)
from reconciler.core.sample_changes import sample_changes

CHANGES = sample_changes()
TRAILERS = trailers_of(CHANGES, by="default@1f3a9c02")

texts = st.lists(
    st.sampled_from(
        ["Reconcile-By", "Reconcile-Image", "reconcile-by", ":", ": ", " ", "\t", "\n", "\r\n",
         "\r", "\v", "\f", "\x85", "\xa0", "\u2028", "a", "a b c d e", "default@-",
         "Signed-off-by: x", "\n\n", "[ci skip]", "-"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@given(texts, st.sampled_from(["", "[ci skip]"]), st.sampled_from(["", "R <r@example.org>"]))
def test_a_text_without_lines_of_ours_adds_nothing_to_what_is_remembered(
    text: str, ci_skip: str, sign_off: str
) -> None:
    message = finished(text, TRAILERS, Manner(ci_skip=ci_skip, sign_off=sign_off))

    if has_lines_of_ours(text):
        return  # refused
    assert parse_trailers(message) == tuple(map(trailer_of, CHANGES))
    assert parse_by(message) == "default@1f3a9c02"
    last = [f"Signed-off-by: {sign_off}"] if sign_off else []
    assert message.splitlines()[-len(TRAILERS) - len(last) :] == [*TRAILERS, *last]
    assert ci_skip in message

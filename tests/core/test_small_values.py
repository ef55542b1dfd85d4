from reconciler.core.difference import unified_diff
from reconciler.core.redaction import MASK, Secret, redact
from reconciler.core.revision import Revision


def test_a_revision_prints_branch_algorithm_and_commit() -> None:
    assert str(Revision("main", "a" * 40)) == f"main@sha1:{'a' * 40}"
    assert str(Revision("main", "a" * 64)) == f"main@sha256:{'a' * 64}"
    assert Revision("main", "0123456789" * 4).short == "0123456"


def test_a_secret_does_not_print_itself() -> None:
    secret = Secret("hunter2")

    assert f"{secret} {secret!r} {[secret]}" == f"{MASK} {MASK} [{MASK}]"
    assert secret.reveal() == "hunter2"


def test_secrets_are_masked_in_texts_the_longest_first_and_very_short_ones_not() -> None:
    secrets = [Secret("hunter2"), Secret("hunter2-long"), Secret("a")]

    assert redact("a hunter2-long and hunter2", secrets) == f"a {MASK} and {MASK}"


def test_equal_texts_have_no_diff() -> None:
    assert unified_diff("a\n", "a\n", path="x") == ""


def test_a_diff_is_what_git_prints_also_without_a_newline_at_the_end() -> None:
    diff = unified_diff("a\nimage: web:1", "a\nimage: web:2", path="web.yaml")

    assert diff == (
        "--- a/web.yaml\n+++ b/web.yaml\n@@ -1,2 +1,2 @@\n a\n"
        "-image: web:1\n\\ No newline at end of file\n"
        "+image: web:2\n\\ No newline at end of file\n"
    )


def test_only_line_feeds_end_a_line_of_a_diff() -> None:
    diff = unified_diff("a\x85b\r\nimage: web:1\r\n", "a\x85b\r\nimage: web:2\r\n", path="x")

    assert diff.endswith("@@ -1,2 +1,2 @@\n a\x85b\r\n-image: web:1\r\n+image: web:2\r\n")

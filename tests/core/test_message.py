from dataclasses import replace

import pytest

from reconciler.core.decision import Change, decide
from reconciler.core.manifests.images import inspect
from reconciler.core.message import (
    ImageTrailer,
    Manner,
    compose,
    finished,
    parse_by,
    parse_trailers,
    release_text,
    trailer_of,
)
from reconciler.core.plan import make_plan, repositories

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "nginx-deployment", namespace: web, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [{name: nginx, image: registry.example/acme/nginx:v3}]}}}
"""


def changes(path: str = "workloads/nginx-deployment.yaml", text: str = MANIFEST) -> list[Change]:
    report = inspect(path, text, default_namespace="default")
    tags = dict.fromkeys(repositories([report]), ("v3", "v4"))
    return list(make_plan([report], {path: text}, decide([report], tags)).changes)


def test_the_message_of_one_change() -> None:
    assert compose(changes(), by="default@1f3a9c02") == (
        "Update nginx to v4\n"
        "\n"
        "web:deployment/nginx-deployment nginx: registry.example/acme/nginx:v3 -> v4\n"
        "\n"
        "Reconcile-Image: workloads/nginx-deployment.yaml web:deployment/nginx-deployment nginx"
        " registry.example/acme/nginx:v3 registry.example/acme/nginx:v4\n"
        "Reconcile-By: default@1f3a9c02\n"
    )


def test_the_message_of_several_changes_counts_them() -> None:
    message = compose([*changes("a.yaml"), *changes("b.yaml")], by="default@-")

    assert message.startswith("Update 2 images\n\n")
    assert [trailer.path for trailer in parse_trailers(message)] == ["a.yaml", "b.yaml"]


def test_what_keeps_ci_away_ends_the_first_line_and_a_sign_off_the_trailers() -> None:
    manner = Manner(ci_skip="[ci skip]", sign_off="Robot <r@example.org>")

    lines = compose(changes(), by="default@-", manner=manner).splitlines()

    assert lines[0] == "Update nginx to v4 [ci skip]"
    assert lines[-2:] == ["Reconcile-By: default@-", "Signed-off-by: Robot <r@example.org>"]


def test_what_a_person_said_keeps_its_lines_and_skips_ci_once() -> None:
    manner = Manner(ci_skip="[ci skip]")
    said = "Back\n\nIt was slow. [ci skip]\n"

    text = release_text(changes(), workload="web:deployment/x", message=said)
    message = finished(text, (), manner)

    assert message.startswith("Back\n\nIt was slow. [ci skip]\n\nweb:deployment/nginx")
    assert message.count("[ci skip]") == 1


def test_no_name_can_break_a_line_or_pass_for_a_trailer() -> None:
    wild = "a\\nReconcile-By: evil@00000000\\n\\u2028 b"
    text = MANIFEST.replace('"nginx-deployment"', f'"{wild}"').replace(
        "name: nginx", 'name: "c d%"'
    )
    made = changes("pa th\n%.yaml", text)
    message = compose(made, by="default@-")

    assert parse_by(message) == "default@-"
    assert parse_trailers(message) == (trailer_of(made[0]),)
    assert trailer_of(made[0]).path == "pa th\n%.yaml"
    assert trailer_of(made[0]).container == "c d%"
    assert len(message.splitlines()) == 6


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Subject\r\n\r\n{0}\r\n{1}\r\n", id="crlf"),
        pytest.param("Squashed\n\n* Update\n\n{0}\n{1}\n\n* Another\n\nmore", id="squash-merge"),
        pytest.param("{0}  \n{1}\t", id="trailing-blanks"),
        pytest.param("Squashed commit\n\n    Update\n\n    {0}\n\t{1}\n", id="indented"),
    ],
)
def test_trailers_are_read_at_any_line_start(message: str) -> None:
    trailer = ImageTrailer("a.yaml", "web:deployment/x", "c", "r/i:1", "r/i:2")
    text = message.format(trailer, "Reconcile-By: s@1")

    assert parse_trailers(text) == (trailer,)
    assert parse_by(text) == "s@1"


def test_a_container_without_a_name_is_remembered() -> None:
    """Knative's services may leave the name of their only container out."""
    trailer = ImageTrailer("a.yaml", "web:service/x", "", "r/i:1", "r/i:2")

    assert parse_trailers(f"Update\n\n{trailer}\n") == (trailer,)


@pytest.mark.parametrize(
    "line",
    [
        "Reconcile-Image: a  c d e",
        "Reconcile-Image: a b  d",
        "x Reconcile-Image: a b c d e",
        "Reconcile-Image: a b c d",
        "Reconcile-Image: a b c d e f",
        "reconcile-image a b c d e",
    ],
)
def test_what_only_resembles_a_trailer_is_none(line: str) -> None:
    assert parse_trailers(f"Subject\n\n{line}\n") == ()
    assert parse_by(f"Subject\n\n{line}\n") is None


def test_digests_are_told_in_full_but_for_the_subject() -> None:
    (change,) = changes()
    digest = f"sha256:{'0123456789ab' * 5}0123"
    pinned = replace(change, new=change.old.with_tag("v3", digest=digest))

    message = compose([pinned], by="default@-")

    assert message.splitlines()[0] == "Update nginx to v3@sha256:0123456789ab"
    assert f"nginx: registry.example/acme/nginx:v3 -> v3@{digest}\n" in message
    assert parse_trailers(message)[0].new == f"registry.example/acme/nginx:v3@{digest}"


def test_a_new_tag_names_an_image_well_enough_beside_its_digest() -> None:
    (change,) = changes()
    digest = f"sha256:{'0' * 64}"
    moved = replace(change, new=change.old.with_tag("v4", digest=digest))

    assert compose([moved], by="x").startswith("Update nginx to v4\n")

"""References are read as distribution/reference reads them, on whose answers these tests stand."""

import json
from pathlib import Path
from typing import Any

from reconciler.core.images.reference import ImageReference
from reconciler.errors import ReferenceSyntaxError

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data/references/distribution.json").read_text()
)

HEX = "0" * 64
DELIBERATE = {
    "registry-1.docker.io/nginx": "where Docker Hub really listens, and the same repository",
    "registry-1.docker.io/acme/web": "as above",
    "registry-1.docker.io/nginx:v3": "as above",
    "a_b.example/nginx": "no host has an underscore: distribution finds no host in it at all",
    "a_b.example/acme/web": "as above",
    "a_b.example/nginx:v3": "as above",
    f"{HEX}:v3": "an image id is no name, with a tag neither",
    f"{HEX}@sha256:{'0a' * 32}": "as above",
}
"""Where we differ on purpose."""

COMPARED = [row for row in ROWS if row["text"] not in DELIBERATE]


def parsed(text: str) -> ImageReference | None:
    try:
        return ImageReference.parse(text)
    except ReferenceSyntaxError:
        return None


def test_a_text_is_a_reference_exactly_when_distribution_says_so() -> None:
    differing = [
        row["text"] for row in COMPARED if (parsed(row["text"]) is not None) is not row["valid"]
    ]

    assert differing == []


def test_a_reference_has_the_parts_that_distribution_sees() -> None:
    for row in COMPARED:
        if not row["valid"]:
            continue
        reference = ImageReference.parse(row["text"])

        assert reference.repository.host == row["host"]
        assert reference.repository.path == row["path"]
        assert (reference.tag or "") == row.get("tag", "")
        assert (reference.digest or "") == row.get("digest", "")
        assert str(reference) == row["text"]


def test_deliberate_differences_are_differences() -> None:
    for text in DELIBERATE:
        row = next(row for row in ROWS if row["text"] == text)
        reference = parsed(text)

        seen = reference and (reference.repository.host, reference.repository.path)
        assert seen != (row.get("host"), row.get("path"))


def test_every_name_of_docker_hub_means_the_same_repository() -> None:
    texts = ("nginx", "docker.io/nginx", "index.docker.io/nginx", "registry-1.docker.io/nginx")

    assert {str(ImageReference.parse(text).repository) for text in texts} == {
        "docker.io/library/nginx"
    }

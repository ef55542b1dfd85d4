"""What docs/registries.md tells people to write is understood by the program."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.adapters.registry.cloud.place import cloud_of
from reconciler.adapters.registry.docker_config import parse_docker_config
from reconciler.adapters.registry.place import Place
from reconciler.configuration import read_settings
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.interfaces.cli.main import command
from reconciler.options import OPTIONS
from reconciler.registry_entries import KEYS
from tests.simulators.vendors import VENDORS

PAGE = (Path(__file__).parents[1] / "docs/registries.md").read_text()
SECTIONS = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| [")
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands(program: str) -> Iterator[list[str]]:
    for block in blocks("sh"):
        for line in block.replace("\\\n", "").splitlines():
            words = shlex.split(line)
            if words[0] == program:
                yield words[1:]


def images() -> Iterator[tuple[str, ImageReference]]:
    """Yield the name of the section and each image of the table."""
    for name, column, *_ in ROWS:
        for text in re.findall(r"`([^`]+)`", column):
            yield name, ImageReference.parse(text)


def servers() -> list[Place]:
    """Return the places that the secrets are for."""
    named = [word for words in commands("kubectl") for word in words if "--docker-server" in word]
    return [Place.parse(word.partition("=")[2]) for word in named]


def test_there_are_twelve_each_with_a_row_and_a_section() -> None:
    linked = [re.findall(r"\(#([^)]*)\)", row[0])[0] for row in ROWS]
    anchors = [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in SECTIONS]

    assert len(ROWS) == 12
    assert linked == anchors


def test_the_settings_are_understood() -> None:
    for block in blocks("yaml"):
        (document,) = parse_documents(block, path="registries.md")
        assert document.root is not None
        file = to_value(document.root, path="registries.md")
        assert isinstance(file, dict)

        settings = read_settings(
            flags={"git-url": "https://git.example/acme/web", "data-dir": "/d"},
            environment={},
            file=file,
        )

        assert settings.registry.hosts or settings.registry.ca_file


def test_the_commands_are_understood() -> None:
    parsed = [
        command().make_context("reconcile", list(words)).params for words in commands("reconcile")
    ]

    assert len(parsed) >= 4
    assert all(each["once"] for each in parsed)


def test_an_option_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(click.NoSuchOption):
        command().make_context("reconcile", ["--once", "--registry-clouds", "aws"])


def test_options_and_keys_in_the_text_exist() -> None:
    named = set(re.findall(r"`--([a-z-]+)", PAGE))
    known = {option.name for option in OPTIONS}
    keys = {
        key
        for block in blocks("yaml")
        for key in re.findall(r"^  (?:- |  )([a-z-]+):", block, re.MULTILINE)
    }

    assert named <= known
    assert keys <= set(KEYS)


def test_each_secret_is_for_a_registry_whose_images_are_shown() -> None:
    shown = {reference.repository for _, reference in images()}
    elsewhere = {Place.parse("nexus.example:8082")}  # the text says that a port is another registry

    unused = [
        each
        for each in servers()
        if each not in elsewhere and not any(each.covers(repository) for repository in shown)
    ]

    assert len(servers()) >= 9
    assert unused == []


def test_the_clouds_that_are_named_are_those_of_the_hosts() -> None:
    named = {
        row[0]: found[1] if (found := re.search(r"--registry-cloud (\w+)", row[2])) else ""
        for row in ROWS
    }

    for name, reference in images():
        cloud = cloud_of(reference.repository.host)
        assert named[name] in (cloud, ""), name
        assert named[name] or not cloud or "ECR Public" in name


def test_the_helper_is_the_one_for_its_images() -> None:
    (block,) = blocks("json")
    config = parse_docker_config(json.dumps(json.loads(block)))
    (repository,) = (each.repository for name, each in images() if "Amazon ECR" in name)

    assert config.helper_for(repository) == "ecr-login"


@pytest.mark.parametrize(
    "name", ["Docker Hub", "GHCR", "GitLab", "Quay", "Harbor", "Artifactory", "Nexus"]
)
def test_what_is_said_of_challenges_and_pages_is_played_in_the_tests(name: str) -> None:
    assert any(vendor.name.startswith(name) for vendor in VENDORS)

"""``registries:`` of the configuration file, as a user meets it."""

from pathlib import Path

import pytest

from lab.authority import Authority, serving_context, split
from tests.interfaces.program import Done, program
from tests.interfaces.test_update import MANIFEST
from tests.simulators.registry import RegistrySimulator, Reply

CONFIG = """\
registries:
  - host: {host}
    ca-file: {ca}
    client-cert-file: {certificate}
    client-key-file: {key}
"""
MIRRORED = """\
registries:
  - host: registry.invalid
    mirrors:
      - host: {mirror}
        rewrite:
          ^acme/(.*)$: cache/$1
"""
TAGS = Reply(body=b'{"tags": ["v3", "v4"]}')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "web").mkdir()
    return tmp_path / "web"


def update(folder: Path, image: str, config: str) -> Done:
    (folder / "a.yaml").write_text(MANIFEST.format(name="a", image=image))
    file = folder.parent / "config.yaml"
    file.write_text(config)
    return program("update", str(folder), "--config", str(file))


def test_a_registry_that_wants_a_certificate_is_shown_it(
    folder: Path, authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"), clients=authority)
    pem, key = split(authority.certificate(tmp_path / "robot.pem"))
    with RegistrySimulator(lambda _: TAGS, context=context) as registry:
        config = CONFIG.format(host=registry.host, ca=authority.ca_file, certificate=pem, key=key)
        done = update(folder, f"{registry.host}/acme/web:v3", config)

    assert done.code == 4
    assert f"+        image: {registry.host}/acme/web:v4" in done.out


def test_a_key_of_another_certificate_is_told_at_start(
    folder: Path, authority: Authority, tmp_path: Path
) -> None:
    pem, _ = split(authority.certificate(tmp_path / "robot.pem"))
    _, key = split(authority.certificate(tmp_path / "other.pem"))
    config = CONFIG.format(host="r.example", ca=authority.ca_file, certificate=pem, key=key)

    done = update(folder, "r.example/acme/web:v3", config)

    assert done.code == 2
    assert done.err.strip().endswith(
        f"{key}: the client-key-file of the registry r.example holds another key than that of {pem}"
    )


def test_a_mirror_is_asked_and_the_manifest_keeps_its_spelling(folder: Path) -> None:
    with RegistrySimulator(lambda _: TAGS) as mirror:
        done = update(folder, "registry.invalid/acme/web:v3", MIRRORED.format(mirror=mirror.host))

        assert [each.path for each in mirror.requests] == ["/v2/cache/web/tags/list?n=1000"]
    assert done.code == 4
    assert "+        image: registry.invalid/acme/web:v4" in done.out


def test_all_problems_of_the_file_are_told_at_once(folder: Path) -> None:
    config = "registries:\n- host: https://r.example\n  mirror: [m.example]\nintervall: 5m\n"

    done = update(folder, "r.example/acme/web:v3", config)

    assert done.code == 2
    for part in (
        "intervall: unknown key; did you mean 'interval'?",
        "host: 'https://r.example' is a URL: write HOST or HOST:PORT",
        "mirror: unknown key; did you mean 'mirrors'?",
    ):
        assert part in done.err

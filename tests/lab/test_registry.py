"""The registry is a real one: it lists what was pushed, and refuses who has no password."""

import base64
import contextlib
import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from lab.images import Images
from lab.process import LabError
from lab.registry import PASSWORD, USER, Registry

pytestmark = pytest.mark.registry


def read(registry: Registry, path: str) -> Any:  # noqa: ANN401 - whatever it has
    """Return a JSON document of an anonymous registry."""
    kinds = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
    connection = http.client.HTTPConnection(registry.host, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", f"/v2/{path}", headers={"Accept": f"{kinds}, */*"})
        return json.loads(connection.getresponse().read())


def test_a_pushed_image_is_listed(registry: Registry) -> None:
    registry.push("listed/web", "v1", "v2")

    assert sorted(registry.tags("listed/web")) == ["v1", "v2"]


def test_a_wrong_password_is_refused_and_so_is_none(registry: Registry) -> None:
    registry.push("refused/web", "v1")

    assert Images(registry.host, USER, PASSWORD).tags("refused/web") == ["v1"]
    for images in (Images(registry.host, USER, "wrong"), Images(registry.host)):
        with pytest.raises(LabError, match="401"):
            images.tags("refused/web")


def test_the_docker_config_holds_the_password(registry: Registry, tmp_path: Path) -> None:
    path = registry.docker_config(tmp_path)

    (entry,) = json.loads(path.read_text())["auths"].values()
    assert base64.b64decode(entry["auth"]).decode() == f"{USER}:{PASSWORD}"
    assert path.stat().st_mode & 0o077 == 0


def test_an_image_has_the_creation_time_and_the_platform_that_were_asked_for(
    anonymous_registry: Registry,
) -> None:
    anonymous_registry.push(
        "dated/web", "v1", created="2020-02-02T02:02:02Z", platforms=["linux/arm/v7"]
    )

    manifest = read(anonymous_registry, "dated/web/manifests/v1")
    config = read(anonymous_registry, f"dated/web/blobs/{manifest['config']['digest']}")
    assert config["created"] == "2020-02-02T02:02:02Z"
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm", "v7")


def test_several_platforms_make_an_index(anonymous_registry: Registry) -> None:
    platforms = ["linux/amd64", "linux/arm64"]
    digests = anonymous_registry.push("multi/web", "v1", platforms=platforms)

    index = read(anonymous_registry, f"multi/web/manifests/{digests['v1']}")
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    for entry in index["manifests"]:
        assert read(anonymous_registry, f"multi/web/manifests/{entry['digest']}")["config"]


def test_no_two_tags_have_the_same_digest(anonymous_registry: Registry) -> None:
    digests = anonymous_registry.push("distinct/web", "v1", "v2")

    assert len(set(digests.values())) == 2


def test_a_tag_that_is_taken_back_is_not_listed(anonymous_registry: Registry) -> None:
    anonymous_registry.push("taken/web", "v1", "v2")

    anonymous_registry.delete("taken/web", "v1")

    assert anonymous_registry.tags("taken/web") == ["v2"]


def test_after_a_stop_it_holds_at_the_same_place_what_it_held(tmp_path: Path) -> None:
    registry = Registry.launch(tmp_path, has_password=False)
    try:
        host = registry.host
        registry.push("kept/web", "v1")
        registry.stop()
        with pytest.raises(LabError, match="refused"):
            registry.tags("kept/web")

        registry.start()

        assert registry.host == host
        assert registry.tags("kept/web") == ["v1"]
    finally:
        registry.stop()

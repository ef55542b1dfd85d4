"""Digests, platforms and creation times: a real registry and a real branch, run by run."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.registry import Registry
from reconciler.pipeline.gather import READS
from tests.interfaces.program import Done, program

pytestmark = pytest.mark.registry

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {fluxcd.io/automated: "true", RULE}
spec:
  template:
    spec:
      containers:
      - name: web
        image: "IMAGE"   # as it is written
"""
BOTH = ("linux/amd64", "linux/arm64")
_numbers = itertools.count(1)


def time_of(day: int) -> str:
    return f"2026-{1 + day // 28:02}-{1 + day % 28:02}T00:00:00Z"


class Shop:
    """A branch with one Deployment of an image that nobody else uses."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.repository = f"facts{os.getpid()}/web{next(_numbers)}"
        self.image = f"{registry.host}/{self.repository}"
        self.remote = BareRemote.create(folder / "web.git")
        registry.docker_config(folder)

    def push(self, tag: str, *, day: int = 0, platforms: tuple[str, ...] = BOTH) -> str:
        """Push an image that was built on a day; return its digest, the index's."""
        pushed = self.registry.push(self.repository, tag, created=time_of(day), platforms=platforms)
        return pushed[tag]

    def write(self, suffix: str, rule: str) -> None:
        """Commit the manifest with an image and a rule."""
        text = DEPLOYMENT.replace("IMAGE", f"{self.image}:{suffix}").replace("RULE", rule)
        self.remote.put({"web.yaml": text.encode()})

    def run(self) -> Done:
        """Run one cycle; no cluster is involved."""
        return self.call("--once", "--no-sync")

    def call(self, *arguments: str) -> Done:
        """Run the program with the shop's settings."""
        return program(
            *arguments,
            *("-o", "json"),
            *("--git-url", str(self.remote.path)),
            *("--docker-config", str(self.folder / "config.json")),
            *("--data-dir", str(self.folder / "data")),
        )

    def settle(self) -> tuple[str, list[str]]:
        """Run a cycle that goes well; return what stands in Git then, and why images stay."""
        done = self.run()
        assert (done.code, done.err) == (0, "")
        (source,) = done.json["sources"]
        return self.written, [skip["reason"] for skip in source["skips"]]

    @property
    def written(self) -> str:
        """What follows the image's name in Git; the rest of its line must be as it was."""
        line = self.remote.content("main:web.yaml").decode().splitlines()[-1]
        head, tail = f'        image: "{self.image}:', '"   # as it is written'
        assert line.startswith(head)
        assert line.endswith(tail)
        return line.removeprefix(head).removesuffix(tail)


@pytest.fixture
def shop(tmp_path: Path, registry: Registry) -> Shop:
    return Shop(tmp_path, registry)


def test_tag_and_digest_move_in_one_edit(shop: Shop) -> None:
    old, new = shop.push("v3"), shop.push("v4")
    shop.write(f"v3@{old}", "a: b")
    before = shop.remote.content("main:web.yaml").decode()

    assert shop.settle() == (f"v4@{new}", [])
    assert len(shop.remote.log()) == 2
    after = shop.remote.content("main:web.yaml").decode()
    assert after == before.replace(f"v3@{old}", f"v4@{new}")
    message = "\n".join(shop.remote.log(form="%B"))
    assert f" web {shop.image}:v3@{old} {shop.image}:v4@{new}\n" in message
    assert shop.settle() == (f"v4@{new}", ["ALREADY_NEWEST"])


def test_pin_adds_the_digest_keeps_it_when_the_tag_is_moved_and_tells(shop: Shop) -> None:
    first = shop.push("v3")
    shop.write("v3", "reconcile/digest: pin")
    assert shop.settle() == (f"v3@{first}", [])

    assert shop.push("v3", day=1) != first
    assert shop.settle() == (f"v3@{first}", ["TAG_MOVED"])
    assert shop.settle() == (f"v3@{first}", ["TAG_MOVED"])
    assert shop.push("v4") != first
    assert shop.settle()[0].startswith("v4@sha256:")
    assert len(shop.remote.log()) == 3


def test_the_digest_policy_follows_a_tag_that_is_moved(shop: Shop) -> None:
    digests = [shop.push("v3")]
    shop.push("v4")
    shop.write("v3", "reconcile/policy: digest")
    assert shop.settle() == (f"v3@{digests[0]}", [])

    digests.append(shop.push("v3", day=1, platforms=("linux/amd64",)))
    assert shop.settle() == (f"v3@{digests[1]}", [])
    assert shop.settle() == (f"v3@{digests[1]}", ["ALREADY_NEWEST"])


def test_the_newest_of_many_takes_several_runs_and_is_then_right(shop: Shop) -> None:
    count = READS + 10
    for number in range(count):
        shop.push(f"build-{number:02x}", day=number * 7 % count, platforms=("linux/amd64",))
    (newest,) = (number for number in range(count) if number * 7 % count == count - 1)
    shop.write("build-00", "reconcile/policy: newest")

    first = shop.run()
    assert first.code == 0
    (skip,) = first.json["sources"][0]["skips"]
    assert skip["detail"] == f"creation time known for {READS} of {count}"
    assert shop.settle() == (f"build-{newest:02x}", [])
    assert shop.settle() == (f"build-{newest:02x}", ["ALREADY_NEWEST"])

    shutil.rmtree(shop.folder / "data" / "facts")
    (image,) = shop.call("explain", "deployment/web").json["images"]
    assert image["verdict"] == "UNKNOWN_IMAGES"
    assert [want["fact"] for want in image["wants"]] == ["creation time"] * (count - READS)
    assert shop.settle() == (f"build-{newest:02x}", ["ALREADY_NEWEST"])


def test_an_image_without_all_platforms_is_kept_away(shop: Shop) -> None:
    shop.push("v3")
    shop.push("v4")
    shop.push("v5", platforms=("linux/amd64",))
    shop.write("v3", 'reconcile/platforms: "linux/amd64,linux/arm64"')

    assert shop.settle() == ("v4", [])
    assert shop.settle() == ("v4", ["ALREADY_NEWEST"])

"""Every lane is a real registry of its version that keeps its door."""

from pathlib import Path

import pytest

from lab import build
from lab.authority import Authority
from lab.image_content import DOCKER, OCI, Recipe
from lab.images import Images
from lab.lanes import LANES, Lanes
from lab.process import LabError
from lab.registry import PROGRAMS

pytestmark = pytest.mark.registry


@pytest.mark.parametrize("lane", LANES)
def test_what_is_pushed_is_listed_whatever_it_is_made_of(lanes: Lanes, lane: str) -> None:
    registry = lanes[lane]
    registry.push("lane/web", "v1", platforms=["linux/amd64", "linux/arm64"])
    registry.push_by("lane/web", "v2", Recipe(kinds=DOCKER))
    registry.push_by("lane/web", "v3", Recipe(["linux/amd64", "linux/arm/v7"], kinds=DOCKER))
    registry.push_by("lane/web", "v4", Recipe(kinds=OCI, has_attestation=True))
    registry.push_by(
        "lane/web", "v5", Recipe(config_type="application/vnd.cncf.helm.config.v1+json")
    )

    assert sorted(registry.tags("lane/web")) == ["v1", "v2", "v3", "v4", "v5"]


@pytest.mark.parametrize("lane", [each for each in LANES if not each.endswith("plain")])
def test_nobody_comes_in_by_no_login(lanes: Lanes, lane: str, authority: Authority) -> None:
    registry = lanes[lane]
    registry.push("door/web", "v1")
    trust = authority.trust if registry.trust else None

    with pytest.raises(LabError, match=r"401|certificate|reset|closed|EOF|Broken pipe"):
        Images(registry.host, trust=trust).tags("door/web")


@pytest.mark.parametrize("lane", ["3-plain", "2.8-plain"])
def test_a_lane_is_of_its_version(lanes: Lanes, lane: str) -> None:
    program = build.require(PROGRAMS[lane.partition("-")[0]])
    pid = lanes[lane].pid

    assert Path(f"/proc/{pid}/exe").readlink() == program

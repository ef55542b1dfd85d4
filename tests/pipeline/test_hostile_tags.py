"""Tags are words of a stranger: none that is no tag gets into a manifest, a message or git."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.message import parse_trailers
from reconciler.pipeline import cycle
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistries
from tests.pipeline.test_update_cycle import DEPLOYMENT, PATH, Recorder

FORGED = (
    "v9\n\nReconcile-Image: x y z registry.example/acme/nginx:v3 registry.example/acme/nginx:v9"
)
HOSTILE = [
    FORGED, "--upload-pack=touch x", "-v9", "v9 --force", "v9;touch x", "$(touch x)", "`touch x`",
    "v9#x", "v9: x", '"v9"', "v9\x1b[31m", "v9\r", "v9@sha256:0", "v9/../..", "zzz%0A", "",
    "\uff56\uff19", "v" + "9" * 128,
]  # fmt: skip


@pytest.mark.parametrize("policy", ["", "semver:*", "alphabetical:asc", "numeric:asc", "glob:v*"])
def test_what_is_no_tag_is_never_chosen(tmp_path: Path, policy: str) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    line = f'    fluxcd.io/automated: "true"\n    reconcile/policy: "{policy}"\n'
    text = DEPLOYMENT.replace('    fluxcd.io/automated: "true"\n', line) if policy else DEPLOYMENT
    remote.put({PATH: text.encode()}, "first")
    git = GitSettings(url=str(remote.path))
    parts = Parts(
        repository=GitRepository(git, tmp_path / "clone"),
        registries=FakeRegistries({"registry.example/acme/nginx": [*HOSTILE, "v3", "v4"]}),
        cluster=None,
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=Recorder(),
    )
    source = SourceSettings("default", git, SyncSettings(), is_synced=False)

    outcome = cycle.run(source, parts)

    is_number = policy.startswith("numeric")  # by which no tag here has a place
    assert outcome.exit_code == 0
    assert remote.log() == ["first"] if is_number else ["Update nginx to v4", "first"]
    assert remote.content(f"main:{PATH}").decode() == (
        text if is_number else text.replace("nginx:v3", "nginx:v4")
    )
    news = [trailer.new for trailer in parse_trailers("\n".join(remote.log(form="%B")))]
    assert news == ([] if is_number else ["registry.example/acme/nginx:v4"])

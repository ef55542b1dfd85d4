"""A branch with manifests that SOPS has encrypted: applied with the key, stalled without."""

import base64
import json
import os
from pathlib import Path

import pyrage
import pytest

from lab.build import require
from lab.sops import encrypt
from reconciler.adapters.kustomize.layout import MEMORY
from tests.e2e.world import Done, World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

CANARY = f"sops-canary-{os.getpid()}-4f21"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: login, namespace: NAMESPACE}}
stringData: {{password: {CANARY}-secret}}
"""
CONFIG = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: config, namespace: NAMESPACE}}
data: {{url: "https://{CANARY}-config@db", open: seen}}
"""
WRONG = f"""\
apiVersion: v1
kind: Service
metadata: {{name: wrong, namespace: NAMESPACE}}
spec: {{ports: [{{port: 80}}], type: {CANARY}-type, externalName: {CANARY}-name}}
"""
REGEX = {"encrypted_regex": "^(url|stringData|spec)$"}
KUSTOMIZATION = """\
namespace: NAMESPACE
resources: [inner.yaml]
secretGenerator: [{name: made, envs: [made.env]}]
"""


def spellings() -> list[str]:
    """Return what nobody may see, as programs write it."""
    encoded = [base64.b64encode(f"{CANARY}{end}".encode()).decode() for end in ("-secret", "-env")]
    return [CANARY, *encoded]


def require_unseen(world: World, *done: Done) -> None:
    """Refuse canaries in what was printed and in all files that are ours."""
    said = "".join(each.out + each.err for each in done)
    kept = b"".join(
        path.read_bytes() for path in (world.folder / "data").rglob("*") if path.is_file()
    )
    memory = MEMORY / f"reconcile-{os.getuid()}"
    state = world.control_plane.kubectl(
        "get", "configmaps", "--namespace", f"{world.name}-state", "--output", "json"
    )
    for each in spellings():
        assert each not in said
        assert each not in state
        assert each.encode() not in kept
    assert not list(memory.glob("build-*/files/inner.yaml")) if memory.is_dir() else True


def value(world: World, kind: str, name: str, field: str) -> str:
    item = json.loads(
        world.control_plane.kubectl(
            "get", kind, name, "--namespace", world.name, "--output", "json"
        )
    )
    return str(item["data"][field])


@pytest.fixture
def key_file(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The story with encrypted manifests, and the key that opens them."""
    monkeypatch.setenv("PATH", f"{require('kustomize').parent}{os.pathsep}{os.environ['PATH']}")
    identity = pyrage.x25519.Identity.generate()
    put(world, str(identity.to_public()), inner=CONFIG.replace("name: config", "name: inner"))
    file = world.folder / "age.agekey"
    file.write_text(f"{identity}\n")
    return file


def put(world: World, recipient: str, *, inner: str) -> None:
    def written(text: str) -> bytes:
        named = text.replace("NAMESPACE", world.name)
        return encrypt(named, [recipient], rule=REGEX).encode()

    world.remote.put(
        {
            "workloads/secrets.yaml": written(f"{SECRET}---\n{CONFIG}"),
            "kustomized/kustomization.yaml": KUSTOMIZATION.replace(
                "NAMESPACE", world.name
            ).encode(),
            "kustomized/inner.yaml": written(inner),
            "kustomized/made.env": encrypt(
                f"PASSWORD={CANARY}-env\n", [recipient], name="made.env"
            ).encode(),
        },
        "Add what nobody may see",
    )


def test_it_is_applied_once_and_seen_nowhere(world: World, key_file: Path) -> None:
    flag = ("--sops-age-key-file", str(key_file))
    dry = world.run("--dry-run", *flag)
    first = world.run(*flag, "--log-level", "debug")

    assert (dry.code, first.code) == (4, 0), dry.err + first.err
    assert "+  open: seen" in dry.out
    assert value(world, "secret", "login", "password") == spellings()[1]
    assert value(world, "configmap", "config", "url") == f"https://{CANARY}-config@db"
    assert value(world, "configmap", "inner", "url") == f"https://{CANARY}-config@db"

    mark = world.control_plane.mark()
    again = world.run(*flag, "-o", "json")
    assert again.code == 0
    assert world.control_plane.writes(since=mark) == []

    recipient = str(pyrage.x25519.Identity.from_str(key_file.read_text().strip()).to_public())
    put(world, recipient, inner=CONFIG.replace("name: config", "name: inner"))
    anew = world.run(*flag)
    assert anew.code == 0
    written = [each for each in world.control_plane.writes(since=mark) if world.name in str(each)]
    assert [each for each in written if "secrets" in str(each)] == []
    require_unseen(world, dry, first, again, anew)


def test_without_the_key_it_is_stalled_and_nothing_is_pruned(world: World, key_file: Path) -> None:
    flag = ("--sops-age-key-file", str(key_file))
    assert world.run(*flag).code == 0

    without = world.run()
    key_file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    other = world.run(*flag)

    for done, words in ((without, "decryption is not set up"), (other, "none of these is ours")):
        assert done.code == 3
        assert "workloads/secrets.yaml:1: is encrypted (sops)" in done.err
        assert "kustomized/inner.yaml:1: is encrypted (sops)" in done.err
        assert words in done.err
    assert value(world, "secret", "login", "password") == spellings()[1]
    assert value(world, "configmap", "inner", "open") == "seen"
    require_unseen(world, without, other)


def test_what_leaves_git_or_is_refused_is_told_without_what_it_says(
    world: World, key_file: Path
) -> None:
    flag = ("--sops-age-key-file", str(key_file))
    assert world.run(*flag).code == 0
    recipient = str(pyrage.x25519.Identity.from_str(key_file.read_text().strip()).to_public())
    world.remote.put({"workloads/secrets.yaml": None}, "Remove it")
    gone = world.run("--dry-run", *flag)
    put(world, recipient, inner=WRONG)

    refused = world.run(*flag)

    assert gone.code == 4
    assert "configmap/config" in gone.out
    assert '-  url: "***"' in gone.out or '-data: "***"' in gone.out
    assert refused.code == 3
    assert "service/wrong" in refused.err
    require_unseen(world, gone, refused)

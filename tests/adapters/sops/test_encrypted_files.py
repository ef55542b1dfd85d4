"""Files in all of SOPS's formats are opened as the real program opens them."""

import json
from pathlib import Path

import pyrage
import pytest

from lab.build import require
from lab.sops import decrypt, encrypt
from reconciler.adapters.kustomize.program import KustomizeProgram
from reconciler.adapters.sops.age_keys import AgeKeys
from reconciler.adapters.sops.key_files import KeyFiles
from reconciler.core.described import read_file
from reconciler.core.encrypted.files import open_file
from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError
from reconciler.pipeline import unsealed as unsealed_module
from reconciler.pipeline.unsealed import Unsealed

OURS, OTHERS = (pyrage.x25519.Identity.generate() for _ in range(2))
US, THEM = str(OURS.to_public()), str(OTHERS.to_public())

DOTENV = "# login\nUSER=me\nPASSWORD=a=b c#d'\"\nEMPTY=\nLINES=one\\ntwo\nport_unencrypted=80\n"
INI = "[db]\nuser = me\n; why\npassword = `a;b`\nport_unencrypted = 80\n\n[web]\nkey = a=b\n"
YAML = "a: {b: [1, two, true], c: x}\nd: 'yes'\n"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(f"{OURS}\n")
    return file


@pytest.fixture(scope="module")
def keys(key_file: Path) -> AgeKeys:
    return KeyFiles([key_file]).read()


def opened(path: str, text: str, keys: AgeKeys) -> bytes:
    found = open_file(path, text.encode(), keys)
    assert found is not None
    return found.content


def refused(path: str, text: str, keys: AgeKeys | None) -> str:
    with pytest.raises(ManifestError) as caught:
        open_file(path, text.encode(), keys)
    return str(caught.value)


def test_dotenv_is_read_as_sops_reads_it(keys: AgeKeys, key_file: Path) -> None:
    text = encrypt(DOTENV, [THEM, US], name="a.env")
    lines = opened("a.env", text, keys).decode()

    assert lines.splitlines() == DOTENV.splitlines()[1:]
    assert lines.splitlines() == decrypt(text, key_file, name="a.env").splitlines()[1:]
    assert "MAC is wrong" in refused("a.env", text.replace("=80\n", "=81\n"), keys)


def test_ini_is_read_as_sops_reads_it(keys: AgeKeys, key_file: Path) -> None:
    text = encrypt(INI, [US], name="a.ini")
    found = opened("a.ini", text, keys).decode()
    theirs = decrypt(text, key_file, name="a.ini")

    assert found.split() == [each for each in theirs.split() if each not in {";", "why"}]
    assert "MAC is wrong" in refused("a.ini", text.replace("= 80\n", "= 81\n"), keys)


def test_json_and_yaml_keep_their_values_and_their_order(keys: AgeKeys, key_file: Path) -> None:
    text = encrypt(json.dumps({"z": 1, "a": [True, None, {"b": "x"}]}), [US], name="a.json")

    assert opened("a.json", text, keys).decode() == decrypt(text, key_file, name="a.json")
    assert json.loads(opened("a.yaml", encrypt(YAML, [US]), keys)) == {
        "a": {"b": [1, "two", True], "c": "x"},
        "d": "yes",
    }


def test_any_other_file_is_what_it_was_byte_for_byte(keys: AgeKeys) -> None:
    for content in (bytes(range(256)), b'{"sops": 1}', b"-----BEGIN KEY-----\n"):
        text = encrypt(content, [US], name="tls.key")

        assert opened("tls.key", text, keys) == content


def test_a_damaged_file_of_any_kind_is_told(keys: AgeKeys) -> None:
    text = encrypt("x", [US], name="tls.key")
    damaged = text.replace("data:", "data:AAAA", 1)
    assert "was changed after that" in refused("tls.key", damaged, keys)


@pytest.mark.parametrize("name", ["a.env", "a.ini", "a.yaml", "a.json", "a.key"])
def test_what_cannot_be_opened_is_told(name: str, keys: AgeKeys) -> None:
    content = {"a.env": DOTENV, "a.ini": INI, "a.yaml": YAML, "a.json": '{"a": 1}'}
    text = encrypt(content.get(name, "x"), [THEM], name=name)

    assert f"{name}:1: is encrypted (sops) for {THEM}: none of these is ours" in refused(
        name, text, keys
    )
    assert refused(name, text, None) == (
        f"{name}:1: is encrypted (sops), and decryption is not set up (--sops-age-key-file)"
    )


def test_what_only_mentions_sops_is_left_alone(keys: AgeKeys) -> None:
    for path, text in {
        "a.yaml": "creation_rules: []  # sops\n",
        "b.yaml": "a: {sops: 1}\n",
        "a.env": "SOPS=1\nsops=2\n",
        "a.ini": "[a]\nsops = 1\n",
        "readme": "{sops}",
        "other": "run sops\n",
        "c.json": '{"a": "sops"}',
    }.items():
        assert open_file(path, text.encode(), keys) is None
    assert open_file("binary", b"\xffsops", keys) is None


def test_kustomize_builds_what_was_decrypted(keys: AgeKeys, tmp_path: Path) -> None:
    kustomize = KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {p: hunter2-c, q: open}\n"
    files = {
        "kustomization.yaml": b"resources: [c.yaml]\nsecretGenerator:\n"
        b"- {name: s, envs: [a.env], files: [tls.key]}\n",
        "c.yaml": encrypt(config, [US], rule={"encrypted_regex": "^p$"}).encode(),
        "a.env": encrypt("PASSWORD=hunter2-e\n", [US], name="a.env").encode(),
        "tls.key": encrypt("hunter2-k", [US], name="tls.key").encode(),
        "unused.env": encrypt("PASSWORD=other\n", [THEM], name="a.env").encode(),
    }
    unsealed = Unsealed.of(files, keys)

    built = unsealed.built(lambda each: kustomize.build(each, "", is_secret=unsealed.is_secret))

    assert "p: hunter2-c" in built
    assert "PASSWORD: aHVudGVyMi1l" in built
    assert "tls.key: aHVudGVyMi1r" in built
    assert "sops" not in built
    assert not (tmp_path / "builds").exists() or not list((tmp_path / "builds").iterdir())
    body = {"data": {"p": "hunter2-c", "q": "open", "r": "http://hunter2-c@x"}, "list": ["x"]}
    found = DesiredObject(ObjectKey("", "ConfigMap", "", "c"), "v1", body, Origin("c.yaml", 1))
    veiled = unsealed.veiled(found)
    assert isinstance(veiled, DesiredObject)
    assert veiled.veiled == {("data", "p"), ("data", "r")}


def test_what_a_build_takes_out_of_a_file_is_veiled(keys: AgeKeys, tmp_path: Path) -> None:
    kustomize = KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, annotations: {a: hunter2-a}}\n"
        "stringData: {p: x}\n"
    )
    properties = "USER=me\nPASSWORD=hunter2-p\n"
    files = {
        "kustomization.yaml": b"resources: [s.yaml]\n"
        b"configMapGenerator: [{name: c, envs: [app.properties]}]\n",
        "s.yaml": encrypt(secret, [US], rule={"encrypted_regex": "^(a|stringData)$"}).encode(),
        "app.properties": encrypt(properties, [US], name="app.properties").encode(),
    }
    unsealed = Unsealed.of(files, keys)

    built = unsealed.built(lambda each: kustomize.build(each, "", is_secret=unsealed.is_secret))

    found = [unsealed.veiled(each) for each in read_file("built.yaml", built)]
    assert [each.veiled for each in found if isinstance(each, DesiredObject)] == [
        {("data", "PASSWORD")},
        {("data",), ("metadata", "annotations", "a")},
    ]


def test_of_very_many_values_each_field_counts_as_one(
    keys: AgeKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsealed_module, "MOST_TEXTS", 2)
    text = encrypt("a: one\nb: two\nc: three\n", [US])
    body = {"metadata": {"name": "c", "labels": {"x": "y"}}, "data": {"q": "open"}}
    found = DesiredObject(ObjectKey("", "ConfigMap", "", "c"), "v1", body, Origin("c.yaml", 1))

    veiled = Unsealed.of({"a.yaml": text.encode()}, keys).veiled(found)

    assert isinstance(veiled, DesiredObject)
    assert veiled.veiled == {("data",), ("metadata", "annotations"), ("metadata", "labels")}


def test_a_build_that_needs_what_cannot_be_decrypted_says_so(keys: AgeKeys, tmp_path: Path) -> None:
    kustomize = KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))
    files = {
        "kustomization.yaml": b"secretGenerator: [{name: s, envs: [a.env]}]\n",
        "a.env": encrypt("PASSWORD=x\n", [THEM], name="a.env").encode(),
    }
    unsealed = Unsealed.of(files, keys)

    with pytest.raises(ManifestError, match=r"^a\.env:1: is encrypted \(sops\) for age1"):
        unsealed.built(lambda each: kustomize.build(each, ""))


def test_words_of_kustomize_hold_nothing_that_was_decrypted(keys: AgeKeys, tmp_path: Path) -> None:
    kustomize = KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {p: 'hunter2 \"c'}\n"
    files = {
        "kustomization.yaml": b"resources: [c.yaml]\npatches:\n- target: {kind: ConfigMap}\n"
        b"  patch: '[{op: test, path: /data/p, value: x}]'\n",
        "c.yaml": encrypt(config, [US], rule={"encrypted_regex": "^data$"}).encode(),
    }
    unsealed = Unsealed.of(files, keys)

    with pytest.raises(ManifestError) as caught:
        unsealed.built(lambda each: kustomize.build(each, "", is_secret=True))

    assert "kustomize cannot build it" in str(caught.value)
    assert "hunter2" not in str(caught.value)

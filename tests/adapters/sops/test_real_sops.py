"""What the real SOPS has encrypted is read, and what was changed afterwards is not."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyrage
import pytest

from lab.sops import encrypt
from reconciler.adapters.sops.age_keys import AgeKeys
from reconciler.adapters.sops.key_files import KeyFiles
from reconciler.core.described import Found, read_file
from reconciler.core.manifests.variables import Variables
from reconciler.core.objects.desired import DesiredObject
from reconciler.errors import ManifestError

OURS = pyrage.x25519.Identity.generate()
OTHERS = pyrage.x25519.Identity.generate()
US, THEM = str(OURS.to_public()), str(OTHERS.to_public())

SECRET = """\
# of the database
apiVersion: v1
kind: Secret
metadata:
  name: login
  labels: {app: "yes", port: "8080"}
stringData:
  password: hunter2-é☃  # keep it
  # the lines of a key
  key: |
    one
    two
  empty: ""
"""
CONFIG = """\
apiVersion: example.com/v1
kind: Settings
metadata: {name: settings, annotations: {}}
spec:
  replicas: 3
  share: 0.25
  large: 1e30
  is-on: true
  nothing: null
  date: 2001-01-01
  list: [1, two, {three: 3, four: ["", ~]}, true]
  text: "12"
  old: "no"
"""
CONFIG_SPEC = {
    "replicas": 3,
    "share": 0.25,
    "large": 1e30,
    "is-on": True,
    "nothing": None,
    "date": "2001-01-01T00:00:00Z",
    "list": [1, "two", {"three": 3, "four": ["", None]}, True],
    "text": "12",
    "old": "no",
}
TOGETHER = "is encrypted (sops) together with what cannot be decrypted:"
MOVED = "is encrypted (sops), and its spec.share was changed after that, or was moved there"
PASSWORD = "aHVudGVyMi3DqeKYgw=="


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> AgeKeys:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(f"# created: today\n# public key: {US}\n{OURS}\n")
    return KeyFiles([file]).read()


def objects(path: str, text: str, keys: AgeKeys) -> list[DesiredObject]:
    found = read_file(path, text, keys=keys)
    assert [each for each in found if isinstance(each, ManifestError)] == []
    return [each for each in found if isinstance(each, DesiredObject)]


def problems(text: str, keys: AgeKeys, path: str = "a.yaml") -> list[str]:
    found: Sequence[Found] = read_file(path, text, keys=keys)
    assert not [each for each in found if isinstance(each, DesiredObject)]
    return [str(each) for each in found]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({}, id="all"),
        pytest.param({"encrypted_regex": "^(data|stringData|spec)$"}, id="encrypted-regex"),
        pytest.param({"unencrypted_regex": "^(apiVersion|kind|metadata)$"}, id="unencrypted-regex"),
        pytest.param({"encrypted_suffix": "Data"}, id="encrypted-suffix"),
        pytest.param({"unencrypted_suffix": "ec"}, id="unencrypted-suffix"),
        pytest.param({"encrypted_comment_regex": "keep it"}, id="encrypted-comment"),
        pytest.param({"unencrypted_comment_regex": "keep it"}, id="unencrypted-comment"),
        pytest.param(
            {"mac_only_encrypted": True, "encrypted_regex": "^(data|stringData)$"},
            id="mac-of-the-encrypted",
        ),
    ],
)
def test_every_way_to_choose_what_is_encrypted_is_understood(
    rule: Mapping[str, object], keys: AgeKeys
) -> None:
    text = encrypt(f"{SECRET}---\n{CONFIG}", [THEM, US], rule=rule)

    secret, settings = objects("a.yaml", text, keys)

    assert secret.body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "labels": {"app": "yes", "port": "8080"}},
        "data": {"password": PASSWORD, "key": "b25lCnR3bwo=", "empty": ""},
    }
    assert settings.body["spec"] == CONFIG_SPEC
    assert "sops" not in settings.body
    assert secret.origin.line == line_of(text, "apiVersion")


def test_json_is_read_as_yaml_is(keys: AgeKeys) -> None:
    spec = {**CONFIG_SPEC, "count": 1234567890123456789, "small": 0.000001, "whole": 7.0}
    body = {
        "apiVersion": "example.com/v1",
        "kind": "Settings",
        "metadata": {"name": "s"},
        "spec": spec,
    }
    for rule in ({}, {"encrypted_regex": "^(text|share)$"}):
        text = encrypt(json.dumps(body), [US], name="a.json", rule=rule)

        (settings,) = objects("a.json", text, keys)

        assert settings.body["spec"] == spec


def test_the_documents_of_a_file_may_have_been_encrypted_one_by_one(keys: AgeKeys) -> None:
    first = encrypt(SECRET, [US])
    second = encrypt(CONFIG, [US], rule={"encrypted_regex": "^spec$"})
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"
    text = f"{first}---\n{plain}---\n{second}"

    assert [each.key.name for each in objects("a.yaml", text, keys)] == [
        "login",
        "plain",
        "settings",
    ]


def test_items_of_an_encrypted_list_are_objects(keys: AgeKeys) -> None:
    items = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": n}, "stringData": {"k": n}}
        for n in ("a", "b")
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    text = encrypt(listed, [US], rule={"encrypted_regex": "^stringData$"})

    assert [each.body["data"] for each in objects("a.yaml", text, keys)] == [
        {"k": "YQ=="},
        {"k": "Yg=="},
    ]


def test_one_of_several_keys_and_files_is_enough(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh], check=True)
    (tmp_path / "keys").write_text(f"{OTHERS}\n\n{OURS}\n")
    keys = KeyFiles([ssh, tmp_path / "none", tmp_path / "keys"]).read()
    public = (tmp_path / "ssh.pub").read_text().strip().rpartition(" ")[0]

    assert objects("a.yaml", encrypt(SECRET, [US]), keys)
    assert objects("a.yaml", encrypt(SECRET, [public]), keys)
    assert len(keys.problems) == 1


def test_what_was_encrypted_anew_is_the_same_object(keys: AgeKeys) -> None:
    one, two = (objects("a.yaml", encrypt(SECRET, [US]), keys)[0] for _ in range(2))

    assert one.digest(bytes(16)) == two.digest(bytes(16))


def test_who_has_no_key_is_told_for_whom_it_is(tmp_path: Path) -> None:
    other = tmp_path / "keys"
    other.write_text(f"{OTHERS}\n")
    text = encrypt(f"{SECRET}---\n{CONFIG}", [US], rule={"unencrypted_suffix": "d"})
    second = line_of(text, "apiVersion: example") if "apiVersion: example" in text else 0

    told = problems(text, KeyFiles([other, tmp_path / "gone"]).read())

    assert told[0] == (
        f"a.yaml:{line_of(text, 'apiVersion')}: is encrypted (sops) for {US}: none of these is "
        f"ours; the key file '{tmp_path}/gone' cannot be read: No such file or directory"
    )
    assert len(told) == 2
    assert second == 0 or told[1].startswith(f"a.yaml:{second}: ")


def test_what_was_changed_after_it_was_encrypted_is_refused(keys: AgeKeys) -> None:
    text = encrypt(f"{SECRET}---\n{CONFIG}", [US], rule={"encrypted_regex": "^(stringData|spec)$"})
    first, second = line_of(text, "apiVersion"), line_of(text, "apiVersion: example")
    wrong = "is encrypted (sops), and was changed after that: its MAC is wrong"

    assert problems(text.replace('app: "yes"', 'app: "no"'), keys) == [
        f"a.yaml:{first}: {wrong}",
        f"a.yaml:{second}: {wrong}",
    ]


def test_a_damaged_value_is_told_with_its_line_and_holds_back_what_was_encrypted_with_it(
    keys: AgeKeys,
) -> None:
    text = encrypt(f"{SECRET}---\n{CONFIG}", [US], rule={"encrypted_regex": "^(stringData|spec)$"})
    value = re.search(r"share: ENC\[AES256_GCM,data:(....)", text)
    assert value is not None
    damaged = text.replace(value[1], "AAAA", 1)
    line = line_of(text, "share:")

    assert problems(damaged, keys) == [
        f"a.yaml:{line_of(text, 'apiVersion')}: {TOGETHER} a.yaml:{line}",
        f"a.yaml:{line}: {MOVED}",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param((r"key: ENC\[", "kez: ENC["), "stringData.kez was changed after", id="moved"),
        pytest.param((r"password: ENC\S+", "password: hunter3"), "password is not", id="plain"),
        pytest.param((r"mac: ENC\S+", "mac: ''"), "its MAC is wrong", id="no-mac"),
        pytest.param((r"lastmodified: .*", "lastmodified: x"), "its MAC is wrong", id="date"),
        pytest.param((r",tag:\S+?==", ",tag:AAAA"), "is not", id="short-tag"),
        pytest.param((r"-> X25519|YWdl", "AAAA"), "none of these", id="no-key"),
        pytest.param((r"stringData\)\$", r"stringData)("), "that is none", id="no-regex"),
        pytest.param((r"    version: 3", "    encrypted_suffix: x\n    version: 3"),
                     "by more than one rule", id="two-rules"),
        pytest.param((r"sops:\n", "sops: x\nsopz:\n"), "says how is none", id="no-block"),
        pytest.param((r",type:str\]", ",type:int]"), "is no int", id="other-type"),
        pytest.param((r",type:str\]", ",type:odd]"), "unknown type 'odd'", id="unknown-type"),
        pytest.param((r",type:str\]", ",type:comment]"), "comment in place", id="comment"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_without_the_values(
    change: tuple[str, str], words: str, keys: AgeKeys
) -> None:
    text = encrypt(SECRET, [US], rule={"encrypted_regex": "^(data|stringData)$"})
    changed = re.sub(change[0], change[1].replace("\\", "\\\\"), text, count=1)
    assert changed != text

    (told,) = problems(changed, keys)

    assert re.match(r"a\.yaml:\d+: ", told)
    assert words in told
    assert "hunter2" not in told


def test_other_kinds_of_keys_are_told(keys: AgeKeys) -> None:
    groups = {"key_groups": [{"age": [US]}, {"age": [THEM]}], "shamir_threshold": 2}
    several = encrypt(SECRET, [], rule=groups)
    one = encrypt(SECRET, [], rule={"key_groups": [{"age": [THEM, US]}]})
    text = encrypt(SECRET, [US])
    pgp = re.sub(r"    age:\n(.*\n)*?    lastm", "    pgp:\n    - fp: A\n    lastm", text)

    assert "for 2 groups of keys" in problems(several, keys)[0]
    assert objects("a.yaml", one, keys)
    assert "is encrypted (sops) for pgp, and not with age" in problems(pgp, keys)[0]


def test_without_keys_it_is_told_for_whom_it_is() -> None:
    (told,) = read_file("a.yaml", encrypt(SECRET, [US, THEM]))

    assert str(told).endswith(
        "is encrypted (sops), and decryption is not set up (--sops-age-key-file): it is for "
        f"{US}, {THEM}"
    )


def test_what_was_decrypted_is_veiled_and_not_filled_in(keys: AgeKeys) -> None:
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '${A}', b: '${A}'}\n"
    text = encrypt(plain, [US], rule={"encrypted_regex": "^a$"})

    (found,) = read_file("a.yaml", text, Variables({"A": "filled"}), keys=keys)

    assert isinstance(found, DesiredObject)
    assert found.body["data"] == {"a": "${A}", "b": "filled"}
    assert found.veiled == {("data", "a")}
    assert found.digest(bytes(16)) != found.digest(b"another key of 16")


def test_a_name_is_no_secret_and_a_list_is_one_field(keys: AgeKeys) -> None:
    (settings,) = objects("a.yaml", encrypt(CONFIG, [US]), keys)

    assert ("metadata", "name") not in settings.veiled
    assert ("spec", "list") in settings.veiled


def test_files_that_hold_no_key_are_told_without_what_they_hold(tmp_path: Path) -> None:
    contents = {
        "empty": (b"# nothing\n", "holds no key"),
        "damaged": (str(OURS).encode()[:-3] + b"QQQ", "holds in line 1 a key that is damaged"),
        "public": (f"\n{US}\n".encode(), "holds in line 2 what is no AGE-SECRET-KEY-1"),
        "binary": (b"\xff", "holds no text"),
        "large": (bytes(300_000), "is larger than"),
        "locked": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "holds in line 1 a key that is"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)

    keys = KeyFiles([tmp_path / name for name in contents]).read()

    assert keys.identities == ()
    assert len(keys.problems) == len(contents)
    for told, (name, (content, words)) in zip(keys.problems, contents.items(), strict=True):
        assert told.startswith(f"the key file '{tmp_path}/{name}' {words}")
        assert content.decode("latin-1") not in told

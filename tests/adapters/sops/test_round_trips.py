"""Whatever SOPS encrypts, we read what was there before."""

import json
import re

import pyrage
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lab.sops import encrypt
from reconciler.adapters.sops.age_keys import AgeKeys, Identity
from reconciler.core.described import read_file
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.redaction import Secret

OURS = pyrage.x25519.Identity.generate()
US = str(OURS.to_public())
KEYS = AgeKeys((Identity(Secret(str(OURS))),))

LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"])
TEXTS = st.text(LETTERS, max_size=20) | st.sampled_from(
    ["yes", "no", "~", "null", "1", "0x1F", "010", "1e3", ".5", "2001-01-01", "<<", "=", "a: b",
     "ENC[", "#", " x ", "a\nb\n", "\t", "true", "12:30:45"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda each: each or 0.0)
    | TEXTS
)
NAMES = st.sampled_from(["a", "b", "sops", "x_unencrypted", "yes", "1", "a:b", "ü", "spec"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
RULES: list[dict[str, object]] = [
    {},
    {"encrypted_regex": "^(a|1)$"},
    {"unencrypted_regex": "^(b|apiVersion|kind|metadata)$"},
    {"encrypted_suffix": "d", "mac_only_encrypted": True},
    {"encrypted_regex": "^$"},
]


def written(value: object) -> str:
    """Return a value as YAML in double quotes, with nothing in it that go-yaml does not take."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[^\x20-\x7e]", lambda found: f"\\U{ord(found[0]):08x}", text)


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@settings(max_examples=20, deadline=None, derandomize=True, phases=[Phase.generate])
@given(trees=st.lists(TREES, min_size=10, max_size=30), rule=st.sampled_from(RULES))
def test_what_is_decrypted_is_what_was_encrypted(
    name: str, trees: list[object], rule: dict[str, object]
) -> None:
    body = {
        "apiVersion": "example.com/v1",
        "kind": "Settings",
        "metadata": {"name": "s"},
        "spec": trees,
        "a": trees[:5],
        "b": trees[5:],
    }
    source = json.dumps(body) if name.endswith(".json") else written(body)
    text = encrypt(source, [US], name=name, rule=rule)

    (found,) = read_file(name, text, keys=KEYS)

    assert isinstance(found, DesiredObject), str(found)
    assert is_same(body, dict(found.body))


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same; what a float is written as may be read as an integer."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, (int, float)):
        return one == float(other)
    return type(one) is type(other) and one == other

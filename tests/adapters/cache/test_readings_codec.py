"""What is kept of a content is what a fresh reading of it finds, at any path."""

from dataclasses import fields, is_dataclass, replace

import msgspec
import pytest

from reconciler.adapters.cache.readings_codec import decode, encode
from reconciler.core.images.policy import parse_policy
from reconciler.core.images.rules import TagRules, TakenBack
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.reading import Reading, Terms, reading_of, text_of
from reconciler.core.manifests.tree import Oversize
from reconciler.errors import ManifestError
from tests.adapters.cache.corpus import texts

KUSTOMIZATION = "kustomization.yaml"
FLUX = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec:
  imageRepositoryRef: {name: web}
  filterTags: {pattern: '^main-(?P<n>\\d+)$', extract: $n}
  policy: {numerical: {order: asc}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: r.example/web, secretRef: {name: regcred}, suspend: true, exclusionList: [rc, '^x']}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: bad, namespace: flux-system}
spec: {image: "r.example/web:v1"}
---
image: r.example/web:main-1  # {"$imagepolicy": "flux-system:web"}
tag: "1.2.3"  # {"$image": {"name": "r.example/api", "policy": "semver:^1.2", "part": "tag"}}
"""
RULES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    reconcile/automated: "true"
    reconcile/policy.a: "semver:>=1.2 <2 || ^3.0.0-rc.1"
    reconcile/policy.b: "regexp:^v[0-9]+$"
    reconcile/policy.c: "glob:v?.*"
    reconcile/policy.d: newest
    reconcile/policy.e: "numeric:desc"
    reconcile/policy.f: digest
    reconcile/filter.a: "^v(.*)$"
    reconcile/extract.a: "$1"
    reconcile/platforms: linux/amd64,linux/arm/v7
    reconcile/allow-downgrade: "true"
    reconcile/digest: pin
    reconcile/policy.none: minor
spec:
  template:
    spec:
      imagePullSecrets: [{name: regcred}, {name: other}]
      serviceAccountName: web
      containers:
        - {name: a, image: "r.example/a:v1.2.3"}
        - {name: b, image: r.example/b:v1@sha256:%s}
        - {name: c, image: &it 'r.example/c:v1.0'}
        - {name: d, image: *it}
        - {name: e, image: "r.example/e:{{ tag }}"}
        - {name: f, image: "::"}
""" % ("a" * 64)
PATCHED = """\
resources: [base]
images: [{name: r.example/a, newTag: v2}]
patchesStrategicMerge: [merge.yaml]
patches:
- path: patch.yaml
  target: {group: apps, kind: Deployment, name: web}
- patch: |-
    kind: Deployment
"""
BUILT = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  sourceRef: {kind: GitRepository, name: web}
  path: ./apps
  images: [{name: r.example/a, newTag: v2}]
  patches: [{patch: "kind: Deployment", target: {kind: Deployment}}]
"""
MORE = (
    FLUX,
    RULES,
    PATCHED,
    BUILT,
    "",
    "\ufeff" + RULES,
    RULES.replace("\n", "\r\n"),
    '{"a": "\\ud800"}',
)


def plain(value: object) -> object:
    """Return what can be compared of a value: scalars and errors are equal only to themselves."""
    if isinstance(value, Scalar):
        return tuple(getattr(value, name) for name in sorted(Scalar.__slots__))
    if isinstance(value, ManifestError):
        return (value.message, value.where, value.offset)
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if is_dataclass(value) and not isinstance(value, type | TagRules):
        compared = (each.name for each in fields(value) if each.compare)
        return (type(value), *(plain(getattr(value, each)) for each in compared))
    return value


@pytest.mark.parametrize("is_survey", [False, True])
@pytest.mark.parametrize(
    ("kept_at", "found_at"),
    [
        ("a.yaml", "a.yaml"),
        ("a.yaml", "other/folder/b.yml"),
        ("a", "a:1/a.yaml"),
        (KUSTOMIZATION, KUSTOMIZATION),
        (f"web/{KUSTOMIZATION}", f"web/{KUSTOMIZATION}"),
    ],
)
def test_what_was_kept_is_what_is_read(kept_at: str, found_at: str, *, is_survey: bool) -> None:
    terms = Terms("somewhere", is_survey=is_survey)
    kept = 0
    for text in (*texts(), *MORE):
        made = reading_of(kept_at, text, terms)
        try:
            content = encode(kept_at, made)
        except UnicodeEncodeError:  # half a surrogate pair: read again each time
            continue
        kept += 1
        assert plain(decode(found_at, content)) == plain(reading_of(found_at, text, terms)), text
    assert kept > 300


def test_many_fields_markers_and_policies_were_among_them() -> None:
    found = [reading_of("a.yaml", text, Terms("x")) for text in (*texts(), *MORE)]
    reports = [each for each in found if isinstance(each, FileReport)]

    assert sum(len(each.fields) for each in reports) > 100
    assert sum(len(each.marked) for each in reports) > 20
    assert sum(len(each.flux_objects) for each in reports) > 5
    assert sum(len(each.problems) for each in reports) > 10


@pytest.mark.parametrize("content", [b"a: \xff\n", Oversize(17 * 1024 * 1024)])
def test_why_a_content_cannot_be_read_is_kept_too(content: bytes | Oversize) -> None:
    made, other = text_of("a.yaml", content), text_of("b.yaml", content)
    assert isinstance(made, ManifestError)

    assert plain(decode("b.yaml", encode("a.yaml", made))) == plain(other)


def test_rules_are_shared_by_those_who_have_the_same() -> None:
    content = encode("a.yaml", reading_of("a.yaml", RULES, Terms("x")))

    first, second = decode("a.yaml", content), decode("b.yaml", content)

    assert isinstance(first, FileReport)
    assert isinstance(second, FileReport)
    assert first.fields[0].rules is second.fields[0].rules


def test_what_git_remembers_is_nobodys_to_keep() -> None:
    report = reading_of("a.yaml", RULES, Terms("x"))
    assert isinstance(report, FileReport)
    rules = TagRules(parse_policy("minor"), taken_back=TakenBack((("v4", "abcdef0"),)))
    changed = FileReport("a.yaml", (replace(report.fields[0], rules=rules),))

    with pytest.raises(ValueError, match="cannot be written down"):
        encode("a.yaml", changed)


def test_a_field_that_was_linked_is_nobodys_to_keep() -> None:
    report = reading_of("a.yaml", RULES, Terms("x"))
    assert isinstance(report, FileReport)

    with pytest.raises(ValueError, match="more than its values"):
        encode("a.yaml", FileReport("a.yaml", (replace(report.fields[0], pointer="/image"),)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode([None, None]),
        msgspec.msgpack.encode([None, [1, 2, 3]]),
        msgspec.msgpack.encode({"a": 1}),
    ],
)
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode("a.yaml", content)


def test_no_cut_and_no_changed_byte_is_more_than_refused() -> None:
    content = encode("a.yaml", reading_of("a.yaml", RULES + "---\n" + FLUX, Terms("x")))
    for place in range(len(content)):
        for odd in (content[:place], content[:place] + b"\xc0" + content[place + 1 :]):
            try:
                found: Reading = decode("a.yaml", odd)
            except ValueError:
                continue
            assert isinstance(found, FileReport | ManifestError)

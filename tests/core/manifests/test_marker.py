"""Markers: comments behind a value, of Flux v2 and of ours."""

import pytest

from reconciler.core.images.policy import DEFAULT_POLICY
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests.marker import OwnMarker, Part, PolicyMarker, markers_in
from reconciler.errors import ManifestError


def marker(text: str) -> object:
    (found,) = markers_in(f"a: b\nc: d {text}\n", path="x.yaml")
    assert found.line == 2
    assert found.start == 10
    return str(found.marker) if isinstance(found.marker, ManifestError) else found.marker


@pytest.mark.parametrize(
    ("text", "part"),
    [("a:b", Part.WHOLE), ("a:b:tag", Part.TAG), ("a:b:name", Part.NAME),
     ("a:b:digest", Part.DIGEST)],
)  # fmt: skip
def test_flux_names_a_policy_and_a_part(text: str, part: Part) -> None:
    found = marker(f'# {{"$imagepolicy": "{text}"}}')

    assert found == PolicyMarker("a", "b", part)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('#{"$imagepolicy":"a:b"}', id="no-blanks"),
        pytest.param('#\t{ "$imagepolicy" : "a:b" }\r', id="blanks"),
        pytest.param('# {"$imagepolicy": "a:b"} as Flux does', id="more-behind"),
    ],
)
def test_blanks_and_words_behind_do_not_matter(text: str) -> None:
    assert marker(text) == PolicyMarker("a", "b", Part.WHOLE)


def test_ours_say_all_themselves() -> None:
    found = marker('# {"$image": {"name": "r.example/w", "policy": "minor", "part": "tag"}}')

    assert isinstance(found, OwnMarker)
    assert (found.name, str(found.rules.policy), found.part) == ("r.example/w", "minor", Part.TAG)
    assert marker('# {"$image": {}}') == OwnMarker("", TagRules(DEFAULT_POLICY), Part.WHOLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"$imagepolicy": "a"}', "'a': write NAMESPACE:NAME, and after another colon tag, name"),
        ('{"$imagepolicy": "a:"}', "'a:': write NAMESPACE:NAME"),
        ('{"$imagepolicy": "a:b:c"}', "'a:b:c': write NAMESPACE:NAME"),
        ('{"$imagepolicy": "a:b:tag:x"}', "'a:b:tag:x': write NAMESPACE:NAME"),
        ('{"$imagepolicy": "a:b:"}', "'a:b:': write NAMESPACE:NAME"),
        ('{"$imagepolicy": 1}', "'1': write NAMESPACE:NAME"),
        ('{"$imagepolicy": a:b}', "is no JSON"),
        ('{"$image": ' + "[" * 100_000, "is no JSON"),
        ('{"$imagepolicy": "a:b", "x": 1}', "has more than one key"),
        ('{"$image": "w"}', "'$image' needs keys: name, policy, part"),
        ('{"$image": {"nam": "w"}}', "unknown key 'nam'; did you mean 'name'?"),
        ('{"$image": {"name": 1}}', "'name' must be a text"),
        ('{"$image": {"name": "w", "part": "name"}}', "part must be 'tag' or 'digest', not 'name'"),
        ('{"$image": {"part": "tag"}}', "name the image, of which the value is a part"),
        ('{"$image": {"policy": "semver:x y"}}', "invalid policy 'semver:x y'"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_wrong_with_a_marker_is_told_with_its_line(text: str, message: str) -> None:
    found = marker(f"# {text}")

    assert isinstance(found, str)
    assert found.startswith("x.yaml:2: invalid marker")
    assert message in found


def test_other_comments_are_no_markers() -> None:
    assert list(markers_in('a: b # "$image" {"$images": 1} {"x": "$image"}', path="x")) == []

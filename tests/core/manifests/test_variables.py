"""Variables are filled into values, and what they hold stays a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.described import read_file
from reconciler.core.manifests.variables import (
    Variable,
    Variables,
    VariablesFrom,
    parse_variable_source,
)
from reconciler.core.objects.desired import DesiredObject
from reconciler.errors import ManifestError, SettingsError

GIVEN = Variables({"NAME": "web", "COUNT": "3", "EMPTY": "", "ON": "yes"})
MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data:
  key: VALUE
"""


def read(text: str, variables: Variables | None = GIVEN) -> DesiredObject:
    (found,) = read_file("a.yaml", text, variables)
    assert isinstance(found, DesiredObject), found
    return found


def value(written: str, variables: Variables | None = GIVEN) -> object:
    data = read(MANIFEST.replace("VALUE", written), variables).body["data"]
    assert isinstance(data, dict)
    return data["key"]


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("${NAME}", "web"),
        ("a-${NAME}-${NAME}.b", "a-web-web.b"),
        ("${COUNT}", 3),
        ('"${COUNT}"', "3"),
        ("'${COUNT}'", "3"),
        ("!!str ${COUNT}", "3"),
        ("${ON}", True),
        ("v${COUNT}", "v3"),
        ("${EMPTY}", None),
        ('"${EMPTY}"', ""),
        ("${MISSING:=other}", "other"),
        ("${MISSING:-other}", "other"),
        ('"${MISSING:=}"', ""),
        ("${NAME:=other}", "web"),
        ("${EMPTY:=other}", "other"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME $(NAME) $", "$NAME $(NAME) $"),
        ("|\n    one ${NAME}\n    two", "one web\ntwo\n"),
        ("[a, '${NAME}']", ["a", "web"]),
    ],
)
def test_a_value_is_filled_in(written: str, filled: object) -> None:
    assert value(written) == filled


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("${NAMES}", "no variable 'NAMES' is given; did you mean 'NAME'?"),
        ("${lower}", "no variable 'lower' is given"),
        ("${NAME:=${OTHER}}", "'${NAME:=${OTHER}' is no variable: write ${NAME} or "),
        ("${NAME%x}", "'${NAME%x}' is no variable: write ${NAME} or ${NAME:=default}, and $${ for"),
        ('"${}"', "'${}' is no variable"),
        ('"${NAME"', "'${NAME' is no variable"),
        ('"${1}"', "'${1}' is no variable"),
    ],
)
def test_what_nobody_gave_and_what_is_no_variable_is_told_with_its_line(
    written: str, words: str
) -> None:
    (problem,) = read_file("a.yaml", MANIFEST.replace("VALUE", written), GIVEN)

    assert isinstance(problem, ManifestError)
    assert str(problem).startswith(f"a.yaml:5: {words}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(MANIFEST.replace("{name: x}", "\n  name: ${PIN}"), id="no-text"),
        pytest.param(MANIFEST.replace("VALUE", "!!bool ${PIN}"), id="another-type"),
        pytest.param(MANIFEST.replace("key", "${PIN}: a\n  ${PIN}"), id="a-key-twice"),
    ],
)
def test_words_about_a_slip_hold_no_secret_value(text: str) -> None:
    variables = Variables({"PIN": "271828"}, secret=frozenset({"PIN"}))

    (found,) = read_file("a.yaml", text, variables)

    assert isinstance(found, ManifestError)
    assert "***" in found.message
    assert "271828" not in str(found)
    assert found.where.startswith("a.yaml:")


def test_a_field_with_a_secret_value_is_not_shown() -> None:
    variables = Variables({"KEY": "hunter2", "Z": "1"}, secret=frozenset({"KEY"}))
    text = MANIFEST.replace("key: VALUE", "{p: 'x${KEY}', q: '$${KEY}', r: '${Z}'}")

    found = read(text, variables)

    assert found.body["data"] == {"p": "xhunter2", "q": "${KEY}", "r": "1"}
    assert found.veiled == {("data", "p")}


def test_a_source_without_variables_is_left_as_it_is_written() -> None:
    assert value('"${NAME}"', None) == "${NAME}"


@pytest.mark.parametrize("where", ["annotations", "labels"])
@pytest.mark.parametrize("key", ["reconcile/substitute", "kustomize.toolkit.fluxcd.io/substitute"])
def test_an_object_can_opt_out(where: str, key: str) -> None:
    mark = f"{{name: x, {where}: {{{key}: disabled}}}}"
    text = MANIFEST.replace("{name: x}", mark).replace("VALUE", "'${MISSING}'")

    assert read(text).body["data"] == {"key": "${MISSING}"}
    with pytest.raises(AssertionError, match="no variable 'MISSING'"):
        read(text.replace("disabled", "enabled"))


def test_names_keys_and_items_of_lists_are_filled_in_too() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: "${NAME}", namespace: "${NAME}-ns"}
  data: {"${NAME}": &a x, other: *a}
"""

    found = read(text)

    assert (found.key.name, found.key.namespace) == ("web", "web-ns")
    assert found.body["data"] == {"web": "x", "other": "x"}


def test_a_file_without_the_sign_is_not_gone_through() -> None:
    assert read(MANIFEST).body["data"] == {"key": "VALUE"}


@given(held=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_a_variable_holds_never_becomes_anything_but_one_value(held: str) -> None:
    variables = Variables({"HELD": held})

    assert value('"a${HELD}b"', variables) == f"a{held}b"
    assert value("a${HELD}b", variables) == f"a{held}b"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("A=1", Variable("A", "1")),
        ("_x9=", Variable("_x9", "")),
        ("A=b=c,d", Variable("A", "b=c,d")),
        ("configmap/cluster", VariablesFrom("configmap", "cluster")),
        ("secret/keys.prod", VariablesFrom("secret", "keys.prod")),
    ],
)
def test_sources_are_read(text: str, source: object) -> None:
    assert parse_variable_source(text) == source


@pytest.mark.parametrize("text", ["A", "9=x", "configmap/", "secret/../x", "Secret/x", "", "a b=c"])
def test_what_gives_no_variables_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="gives no variables: write NAME=VALUE"):
        parse_variable_source(text)


def test_a_value_is_not_told_when_its_name_is_none() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_variable_source("MY-KEY=canary")

    assert "canary" not in str(caught.value)
    assert "'MY-KEY'" in str(caught.value)

"""``reconcile health``, as a user meets it."""

import json
from pathlib import Path

import pytest

from tests.interfaces.program import Done, on_a_terminal, program, undocumented

CRASHING = {
    "phase": "Running",
    "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
}
YAML = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: web}
---
# nothing
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, namespace: web}
  status: {phase: Pending}
"""


def health(text: str, *more: str) -> Done:
    return program("health", "-", *more, stdin=text)


def pod(name: str, **status: object) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "web"}, "status": status}


def test_every_object_has_a_line() -> None:
    done = health(YAML)

    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "OBJECT                              HEALTH      MESSAGE",
        "configmap/settings (namespace web)  Current     exists",
        "pod/a (namespace web)               InProgress  is pending",
    ]


def test_items_of_a_typed_list_take_their_kind_from_it() -> None:
    items = [pod("done", phase="Succeeded"), pod("crashing", **CRASHING)]
    text = json.dumps({"apiVersion": "v1", "kind": "PodList", "items": items})

    done = health(text, "-o", "json")

    assert done.code == 3
    assert undocumented(done.json) == set()
    assert done.json == {
        "version": 1,
        "exitCode": 3,
        "objects": [
            {
                "group": "",
                "kind": "Pod",
                "namespace": "web",
                "name": "done",
                "health": "Current",
                "healthMessage": "has completed",
            },
            {
                "group": "",
                "kind": "Pod",
                "namespace": "web",
                "name": "crashing",
                "health": "Failed",
                "healthMessage": "containers crash again and again: c",
            },
        ],
        "problems": [],
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", 0, id="current"),
        pytest.param("", 0, id="nothing"),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", 1, id="in-progress"),
        pytest.param("apiVersion: v1\nkind: Pod\nstatus: 7\n", 1, id="unknown"),
    ],
)
def test_the_exit_code_tells_how_it_goes(text: str, code: int) -> None:
    assert health(text).code == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: b\n", "standard input:1: is no Kubernetes object", id="no-object"),
        pytest.param("- a\n", "standard input:1: is no Kubernetes object", id="list"),
        pytest.param("a: [\n", "error: standard input:", id="no-yaml"),
        pytest.param("kind: List\napiVersion: v1\nitems: [a]\n", "item 0: is no Kub", id="item"),
        pytest.param("a: &a [*a]\n", "error: standard input:", id="loop"),
    ],
)
def test_what_is_no_object_is_told_and_the_rest_is_done(text: str, message: str) -> None:
    done = health(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n---\n{text}")

    assert done.code == 3
    assert "error: " in done.err
    assert message.replace("standard input:1:", "standard input:5:") in done.err
    assert len(done.err.splitlines()) == 1


def test_a_file_is_read_and_wrong_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "objects.yaml").write_text(YAML)

    assert program("health", str(tmp_path / "objects.yaml")).code == 1
    for name, message in {
        "none": "cannot read it: No such file or directory",
        ".": "cannot read it: Is a directory",
    }.items():
        done = program("health", str(tmp_path / name))
        assert (done.code, message in done.err) == (2, True)


def test_a_person_who_types_is_told_how_to_end() -> None:
    done = on_a_terminal("health", "-", stdin=f"{YAML}\x04")

    assert done.code == 1
    assert "reconcile: reading objects as YAML or JSON; end with Ctrl-D\n" in done.out
    assert "\x1b[32mconfigmap/settings" in done.out


def test_a_narrow_terminal_gets_blocks() -> None:
    done = program("health", "-", stdin=YAML, env={"COLUMNS": "40"})

    assert done.out.splitlines() == [
        "configmap/settings (namespace web)",
        "  health   Current",
        "  message  exists",
        "pod/a (namespace web)",
        "  health   InProgress",
        "  message  is pending",
    ]

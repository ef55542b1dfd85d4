"""``reconcile health``: how given objects are doing; no network."""

from reconciler.core.given import Diagnosis, diagnose
from reconciler.core.objects.health import Status
from reconciler.core.outcome import Problem
from reconciler.exit_codes import OK, STALLED, TRANSIENT
from reconciler.interfaces.cli.input import read_input
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.json_document import object_key, problem_document
from reconciler.interfaces.cli.loading import load_local
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal
from reconciler.text_file import STANDARD_INPUT

SCHEMA_VERSION = 1

_STYLES = {Status.CURRENT: "green", Status.FAILED: "red"}


def run(invocation: Invocation, *, file: str) -> int:
    """Print how each object is; return 0 if all are Current, 3 if any Failed, else 1.

    Raises:
        SettingsError: the file cannot be read.
    """
    output = load_local(invocation).output
    text = read_input(file, what="objects as YAML or JSON")
    found = diagnose(text, path="standard input" if file == STANDARD_INPUT else file)
    code = _exit_code(found)
    if output == "json":
        Terminal.standard().say(_document(found, code))
    else:
        _say(found)
    return code


def _exit_code(found: Diagnosis) -> int:
    if found.is_failed:
        return STALLED
    return OK if found.is_current else TRANSIENT


def _document(found: Diagnosis, code: int) -> str:
    body: JSON = {
        "objects": [
            {
                **object_key(each.key),
                "health": each.health.status.value,
                "healthMessage": each.health.message,
            }
            for each in found.objects
        ],
        "problems": [problem_document(Problem.of(each)) for each in found.problems],
    }
    return rendered(body, version=SCHEMA_VERSION, exit_code=code)


def _say(found: Diagnosis) -> None:
    say_table(
        Terminal.standard(),
        ("object", "health", "message"),
        [(str(each.key), each.health.status.value, each.health.message) for each in found.objects],
        styles=[_STYLES.get(each.health.status, "yellow") for each in found.objects],
    )
    say_problems(Problem.of(each) for each in found.problems)

"""``reconcile policy test``: what a policy picks from a list of tags."""

import sys

from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.images.reference import is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Selection, SelectionReason, select
from reconciler.core.images.verdict import Verdict, verdicts
from reconciler.errors import PolicySyntaxError, SettingsError
from reconciler.exit_codes import OK, STALLED
from reconciler.interfaces.cli.input import STANDARD_INPUT, read_tags
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load_local
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.cli.tags import say_verdicts, verdict_documents
from reconciler.interfaces.terminal import Terminal

SCHEMA_VERSION = 1
DEFAULT = "default"


def run(invocation: Invocation, *, policy: str, current: str | None, tags_file: str) -> int:
    """Print what the policy picks, and why not the others; return the exit code.

    Raises:
        SettingsError: policy, current tag or file are wrong.
    """
    output = load_local(invocation).output
    rules = TagRules(_policy(policy, current))
    if tags_file == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty():
        raise SettingsError("give the tags, one a line: --tags-file FILE, or by a pipe")
    tags = read_tags(tags_file)
    selection = select(tags, rules, current=current)
    found = verdicts(tags, rules, current=current)
    code = STALLED if selection.reason is SelectionReason.NO_VERSION else OK
    selected = next((each.tag for each in found if each.is_chosen), None)
    if output == "json":
        body: JSON = {
            "policy": str(rules.policy),
            "current": current,
            "selected": selected,
            "reason": selection.reason.name,
            "detail": selection.detail,
            "verdicts": verdict_documents(found),
        }
        Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=code))
    else:
        _say(selected, selection, found)
    return code


def _policy(text: str, current: str | None) -> Policy:
    if current is not None and not is_tag(current):
        raise SettingsError(f"--current: {current!r} is no tag")
    if text == DEFAULT:
        if current is None:
            raise SettingsError("the default policy compares with the current tag: give --current")
        return DEFAULT_POLICY
    try:
        return parse_policy(text)
    except PolicySyntaxError as error:
        raise SettingsError(str(error)) from error


def _say(selected: str | None, selection: Selection, found: tuple[Verdict, ...]) -> None:
    terminal = Terminal.standard()
    picked = f"{selected}: {selection.detail}" if selected else f"nothing: {selection.detail}"
    terminal.say(f"Picks {picked}", "bold")
    say_verdicts(terminal, found)

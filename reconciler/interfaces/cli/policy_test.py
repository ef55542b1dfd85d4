"""``reconcile policy test``: what a policy picks from a list of tags."""

import sys
from typing import Any

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import (
    DEFAULT_POLICY,
    DigestPolicy,
    Policy,
    ShapePolicy,
    parse_policy,
)
from reconciler.core.images.reference import is_tag
from reconciler.core.images.rules import TagRules, TakenBack
from reconciler.core.images.selection import Selection, SelectionReason, select
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.images.verdict import Verdict, verdicts
from reconciler.errors import PolicySyntaxError, SettingsError
from reconciler.exit_codes import OK, STALLED
from reconciler.interfaces.cli.input import read_tag_list
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load_local
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.cli.tags import say_verdicts, verdict_documents
from reconciler.interfaces.terminal import Terminal
from reconciler.text_file import STANDARD_INPUT

SCHEMA_VERSION = 1
DEFAULT = "default"


def run(
    invocation: Invocation,
    *,
    policy: str,
    current: str | None,
    tags_file: str,
    **options: Any,  # noqa: ANN401 - click's values
) -> int:
    """Print what the policy picks, and why not the others; return the exit code.

    Args:
        invocation: the command line.
        policy: what an annotation would hold.
        current: the tag that stands in Git.
        tags_file: the list.
        options: the annotations beside it; see :func:`_rules`.

    Raises:
        SettingsError: an option or the file is wrong.
    """
    output = load_local(invocation).output
    if current is not None and not is_tag(current):
        raise SettingsError(f"--current: {current!r} is no tag")
    rules = _rules(policy, **options)
    _check_start(rules.policy, current)
    if tags_file == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty():
        raise SettingsError("give the tags, one a line: --tags-file FILE, or by a pipe")
    listed = read_tag_list(tags_file)
    selection = select(listed.tags, rules, current=current, knowledge=listed.knowledge)
    found = verdicts(listed.tags, rules, current=current, knowledge=listed.knowledge)
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


def _rules(
    policy: str,
    *,
    pattern: str,
    template: str,
    platforms: str,
    allow_downgrade: bool,
    taken_back: tuple[str, ...],
) -> TagRules:
    """Return the rules that the command line writes as annotations would.

    Raises:
        SettingsError: one of them cannot be followed.
    """
    if template and not pattern:
        raise SettingsError("--extract takes its text from what --filter matches: give --filter")
    try:
        return TagRules(
            DEFAULT_POLICY if policy == DEFAULT else parse_policy(policy),
            tag_filter=TagFilter(Pattern(pattern), template) if pattern else None,
            platforms=tuple(Platform.parse(each) for each in platforms.split(",") if platforms),
            allows_downgrade=allow_downgrade,
            taken_back=TakenBack(tuple(sorted(map(_taken_back, taken_back)))),
        )
    except PolicySyntaxError as error:
        raise SettingsError(str(error)) from error


def _taken_back(text: str) -> tuple[str, str]:
    """Return a tag and the commit that wrote it, of ``TAG`` or ``TAG=COMMIT``.

    Raises:
        SettingsError: it is no tag.
    """
    tag, _, commit = text.partition("=")
    if not is_tag(tag):
        raise SettingsError(f"--taken-back: {tag!r} is no tag")
    return tag, commit


def _check_start(policy: Policy, current: str | None) -> None:
    if current is None and isinstance(policy, ShapePolicy | DigestPolicy):
        name = "default" if policy == DEFAULT_POLICY else repr(str(policy))
        raise SettingsError(f"the {name} policy starts from the current tag: give --current")


def _say(selected: str | None, selection: Selection, found: tuple[Verdict, ...]) -> None:
    terminal = Terminal.standard()
    picked = f"{selected}: {selection.detail}" if selected else f"nothing: {selection.detail}"
    terminal.say(f"Picks {picked}", "bold")
    say_verdicts(terminal, found)

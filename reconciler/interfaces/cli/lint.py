"""``reconcile lint``: what is wrong with the manifests of a local folder; no network."""

import os
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from reconciler.bootstrap import Local, local_repository
from reconciler.core.lint.finding import Finding, Level, Rule
from reconciler.core.lint.linting import Lint
from reconciler.errors import SettingsError
from reconciler.exit_codes import OK, STALLED
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load_local, place_of
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.pipeline.lint import lint_repository

SCHEMA_VERSION = 1

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "dim"}
_OF_GITHUB = {Level.NOTE: "notice"}
_IGNORABLE = tuple(rule.word for rule in Rule if rule is not Rule.INVALID)
_IN_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_DATA, ":": "%3A", ",": "%2C"}


def run(invocation: Invocation, *, path: str, ignore: tuple[str, ...], github: bool) -> int:
    """Print a line a finding; return 3 if there is one that is more than a note.

    Raises:
        SettingsError: path or options are wrong.
    """
    settings = load_local(invocation, path)
    _check(ignore, has_two_forms=github and settings.output == "json")
    place = place_of(path)
    found = lint_repository(
        local_repository(Local(place.folder, place.only)),
        default_namespace=settings.sources[0].default_namespace,
    )
    found = replace(found, findings=tuple(_shown(found.findings, place.folder, ignore)))
    code = STALLED if any(each.level is not Level.NOTE for each in found.findings) else OK
    terminal = Terminal.standard()
    if settings.output == "json":
        terminal.say(_document(found, code))
    elif github:
        for each in found.findings:
            terminal.say(_annotation(each))
    else:
        _say(terminal, found)
    return code


def _check(ignore: Collection[str], *, has_two_forms: bool) -> None:
    unknown = [word for word in ignore if word not in _IGNORABLE]
    if unknown:
        raise SettingsError(f"--ignore: must be one of {', '.join(_IGNORABLE)}, not {unknown[0]!r}")
    if has_two_forms:
        raise SettingsError("--github does not go with --output json")


def _shown(findings: Iterable[Finding], folder: Path, ignore: Collection[str]) -> Iterable[Finding]:
    """Yield the findings that are wanted, with paths that an editor can open from here."""
    for each in findings:
        if each.word not in ignore:
            yield replace(each, path=os.path.normpath(folder / each.path))


def _say(terminal: Terminal, found: Lint) -> None:
    for each in found.findings:
        line = f"{each.where}: {each.level}: {each.message} [{each.word}]"
        terminal.say(printable(line), _STYLES[each.level])
    terminal.say(_summary(found), "dim")


def _summary(found: Lint) -> str:
    counts = [
        _counted(sum(each.level is level for each in found.findings), level.value)
        for level in (Level.ERROR, Level.WARNING)
    ]
    notes = sum(each.level is Level.NOTE for each in found.findings)
    told = f", {_counted(notes, Level.NOTE.value)}" if notes else ""
    documents = _counted(found.other_documents, "document")
    others = f"; {documents} without apiVersion and kind left out" if found.other_documents else ""
    return f"{_counted(found.files, 'file')}: {' and '.join(counts)}{told}{others}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _annotation(finding: Finding) -> str:
    """Return a finding as GitHub Actions read it (docs.github.com, "Workflow commands")."""
    properties = {"file": finding.path}
    if finding.line:
        properties |= {"line": str(finding.line), "col": str(finding.column)}
    properties["title"] = f"reconcile lint: {finding.word}"
    written = ",".join(
        f"{name}={_escaped(text, _IN_PROPERTY)}" for name, text in properties.items()
    )
    level = _OF_GITHUB.get(finding.level, finding.level)
    return f"::{level} {written}::{_escaped(finding.message, _IN_DATA)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(letter, letter) for letter in text)


def _document(found: Lint, code: int) -> str:
    body: JSON = {
        "findings": [
            {
                "path": each.path,
                "line": each.line or None,
                "column": each.column or None,
                "level": each.level.value,
                "rule": each.word,
                "message": each.message,
            }
            for each in found.findings
        ],
        "files": found.files,
        "otherDocuments": found.other_documents,
    }
    return rendered(body, version=SCHEMA_VERSION, exit_code=code)

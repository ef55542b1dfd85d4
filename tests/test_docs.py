"""The documentation says what the code does."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler import errors, registry_entries
from reconciler.core.images import policy
from reconciler.core.lint.finding import Rule
from reconciler.core.manifests import annotation_keys
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects import marks
from reconciler.core.objects.report import Action
from reconciler.exit_codes import BUG, INTERRUPTED, OK, PENDING, STALLED, TRANSIENT, USAGE
from reconciler.interfaces.cli.command_group import CommandSpec
from reconciler.interfaces.cli.commands import COMMANDS
from reconciler.interfaces.http.metrics import METRICS
from reconciler.options import OPTIONS, Kind, Option

ROOT = Path(__file__).parents[1]
WORDS_OF_THE_API_SERVER = {"… cannot get resource …", "… cannot impersonate resource …"}
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def rows(name: str) -> list[list[str]]:
    """Return the cells of every table row of a document."""
    text = (ROOT / name).read_text()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def row_of(option: Option) -> list[str]:
    name = f"`--{option.name}`"
    if option.kind is Kind.SWITCH and option.default:
        name += f" / `--no-{option.name}`"
    if option.short:
        name = f"`-{option.short}`, {name}"
    if option.choices:
        name += f" ({', '.join(f'`{choice}`' for choice in option.choices)})"
    default = {True: "on", False: "off", None: "none"}.get(
        option.default if isinstance(option.default, bool) else None
    )
    if not isinstance(option.default, bool) and option.default is not None:
        default = str(option.default)
    return [
        name,
        f"`{option.variable}`",
        option.help,
        option.shown_default or str(default),
        "yes" if option.is_per_source else "",
    ]


def test_the_table_of_settings_is_the_table_of_options() -> None:
    documented = [row for row in rows("docs/reference/settings.md") if row[0].startswith("`")]

    assert documented == [row_of(option) for option in OPTIONS]


def test_the_readme_shows_the_help_as_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    text = (ROOT / "README.md").read_text()
    found = re.search(r"<!-- help -->\n```text\n(.*?)```\n<!-- /help -->", text, re.DOTALL)

    assert found is not None
    assert found[1] == done.stdout.replace("__main__.py", "reconcile")


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    documented = [row for row in rows("docs/reference/metrics.md") if row[0].startswith("`reco")]

    assert documented == [
        [f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.help]
        for each in METRICS
    ]


def test_every_kind_of_error_is_documented_with_the_metrics() -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text()
    kinds = {
        error.kind
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.ReconcilerError)
    }

    assert [kind for kind in sorted({*kinds, "bug"}) if f"`{kind}`" not in text] == []


def test_the_alert_for_what_needs_a_person_leaves_out_what_may_pass() -> None:
    text = (ROOT / "manifests/monitoring/rules.yaml").read_text()
    found = re.search(r'reconcile_problems\{kind!~"([a-z_|]+)"\}', text)
    kinds = {
        error.kind
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.TransientError)
    }

    assert found is not None
    assert set(found[1].split("|")) == kinds


def test_every_log_event_is_documented() -> None:
    call = r"\.(?:debug|info|warning|error|exception|log)\(\s*(?:[\w.]+,\s*)?\"([a-z_]+\.[a-z_]+)\""
    sources = [path.read_text() for path in (ROOT / "reconciler").rglob("*.py")]
    logged = {event for source in sources for event in re.findall(call, source)}
    logged |= {f"object.{action.value}" for action in Action}
    cells = [row[0] for row in rows("docs/reference/logs.md")]

    assert {event for cell in cells for event in re.findall(r"`([a-z_.]+)`", cell)} == logged


def test_every_exit_code_is_documented() -> None:
    documented = [row[0] for row in rows("docs/reference/exit-codes.md") if row[0].isdigit()]

    assert documented == [
        str(code) for code in (OK, TRANSIENT, USAGE, STALLED, PENDING, BUG, INTERRUPTED)
    ]


def command_names(specs: Mapping[str, CommandSpec], before: str = "") -> Iterator[str]:
    """Yield the full names of all commands that do something."""
    for name, spec in specs.items():
        if spec.commands is None:
            yield before + name
        else:
            yield from command_names(spec.commands, f"{before}{name} ")


def test_every_command_is_documented_by_its_own_words() -> None:
    documented = {
        re.sub(r" [A-Z\[].*", "", row[0].strip("`")): row[1]
        for row in rows("docs/reference/commands.md")
        if row[0].startswith("`") and len(row) == 2
    }
    summaries = {name: spec_of(name).summary for name in command_names(COMMANDS)}

    assert documented == summaries


def test_the_rules_of_lint_are_documented_with_their_levels() -> None:
    text = (ROOT / "docs/reference/commands.md").read_text()
    start = text.index("| rule | level |")
    table = re.findall(
        r"^\| `([a-z-]+)` \| (\w+) \|", text[start : text.index("\n\n", start)], re.MULTILINE
    )

    assert table == [(rule.word, rule.level.value) for rule in Rule]


def spec_of(name: str) -> CommandSpec:
    first, _, second = name.partition(" ")
    spec = COMMANDS[first]
    return spec.commands[second] if spec.commands and second else spec


def test_the_table_of_annotations_has_every_key_and_value_that_is_read_and_no_other() -> None:
    table = [row for row in rows("docs/reference/annotations.md") if row[0].startswith("`")]
    cells = " ".join(cell for row in table for cell in row)
    named = {
        key.removeprefix(prefix)
        for row in table
        for key in re.findall(r"`([\w./-]+)`", row[0])
        for prefix in (*marks.PREFIXES, annotation_keys.FILTER_PREFIX)
        if key.startswith(prefix)
    }
    per_container = {f"{key}CONTAINER" for key in annotation_keys.OWN_PER_CONTAINER}
    by_the_way = {key for key in annotation_keys.COMMON if f"`{key}`" in cells}
    values = {value for each in annotation_keys.VALUES.values() for value in each} - {"false"}

    assert named | by_the_way == {*annotation_keys.OWN_KEYS, *per_container, "CONTAINER"}
    assert [value for value in sorted(values) if value not in cells.replace('"', "")] == []
    text = (ROOT / "docs/reference/annotations.md").read_text()
    assert [prefix for prefix in marks.PREFIXES if f"`{prefix}`" not in text] == []


def test_the_table_of_policies_has_those_that_can_be_written() -> None:
    examples = {"CONSTRAINT": "^1.2", "PATTERN": "v*", "RE": "^v"}
    table = (ROOT / "docs/reference/policies.md").read_text().split("\n\n")[2]
    documented = [
        each for line in table.splitlines() for each in re.findall(r"`([^`]+)`", line.split("|")[1])
    ]

    assert {each.partition(":")[0] for each in documented} == set(policy._KEYWORDS)
    for each in documented:
        keyword, colon, argument = each.partition(":")
        text = f"{keyword}{colon}{examples.get(argument, argument)}"
        assert isinstance(policy.parse_policy(text), policy.Policy)


def test_the_messages_about_registry_logins_are_those_of_the_code() -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "reconciler").rglob("*.py")))
    messages = [
        row[0].strip("`")
        for row in rows("docs/reference/registry-credentials.md")
        if row[0].startswith("`")
    ]
    spoken = [message.removeprefix("the registry ") for message in messages]
    pieces = [
        piece
        for message in spoken
        for piece in re.split("…|NAMESPACE/NAME|HOST/PATH|cannot be used: |secrets in|'", message)
        if piece.strip()
    ]

    assert len(messages) > 8
    assert [piece for piece in pieces if piece.strip() not in code] == []


def test_the_registries_of_the_reference_are_those_that_can_be_written() -> None:
    text = (ROOT / "docs/reference/registries.md").read_text()
    sample = re.search(r"```yaml\n(registries:.*?)```", text, re.DOTALL)
    assert sample is not None
    (document,) = parse_documents(sample[1], path="config.yaml")
    assert document.root is not None
    values = to_value(document.root, path="config.yaml")
    assert isinstance(values, dict)
    start = text.index("| key | meaning |")
    table = re.findall(r"^\| `([a-z-]+)` \|", text[start : text.index("\n\n", start)], re.MULTILINE)

    found = registry_entries.read_registry_entries(values["registries"], where="config.yaml")

    assert found.problems == ()
    assert len(found.hosts) == 3
    assert table == list(registry_entries.KEYS)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text())

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_version_is_that_of_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.fullmatch(r"reconcile \d+\.\d+\.\d+\n", done.stdout)


def test_functions_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    named = re.findall(r"`((?:core|adapters|pipeline|interfaces)/[\w/]+\.py)`(?:: `(\w+)`)?", text)

    assert len(named) > 20
    for path, function in named:
        source = (ROOT / "reconciler" / path).read_text()
        assert not function or re.search(rf"(?:def|class) {function}\b", source), (path, function)


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    texts = [
        node.value
        for path in sorted((ROOT / "reconciler").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    said = {cell.strip("`") for cell, *_ in rows("docs/guide/troubleshooting.md") if "`" in cell}
    ours = said - WORDS_OF_THE_API_SERVER
    pieces = {piece.strip() for each in ours for piece in each.split("…") if piece.strip(" .:,;")}

    assert len(ours) > 40
    assert [piece for piece in sorted(pieces) if not any(piece in text for text in texts)] == []

"""``reconcile uninstall``: what install made goes, and nothing else."""

import sys
from typing import Final

import click

from reconciler.core.installation.kinds import SECRET
from reconciler.errors import SettingsError
from reconciler.exit_codes import OK, PENDING
from reconciler.install_parts import on_site
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.pipeline.install import Done
from reconciler.pipeline.uninstall import Removal, look, uninstall

SCHEMA_VERSION: Final = 1
_ANY_REMOTE: Final = {"git-url": "."}  # none is asked; but there are no settings without one


def run(invocation: Invocation, *, is_sure: bool, deletes_namespace: bool) -> int:
    """Remove an installation after asking; return the exit code.

    Raises:
        SettingsError: options are wrong, or nobody is there to be asked.
        NotFoundError: install made nothing there.
        AccessDeniedError, ClusterError: the cluster cannot be asked; the next run goes on.
    """
    settings = load(invocation, defaults=_ANY_REMOTE)
    is_text = settings.output == "text"
    if not (is_sure or settings.dry_run) and not sys.stdin.isatty():
        raise SettingsError("nobody is there to be asked: give --yes, or look with --dry-run")
    with on_site(settings) as site:
        removal = look(settings.cluster.namespace, site)
        if settings.dry_run:
            return _say_plan(removal, is_text=is_text)
        if not is_sure:
            _say_plan(removal, is_text=True)
            click.confirm(_question(removal, deletes_namespace), abort=True, err=True)
        told: list[Done] = []
        for done in uninstall(removal, site, deletes_namespace=deletes_namespace):
            told.append(done)
            if is_text:
                _say(done)
    if is_text:
        _say_what_is_left(removal)
    else:
        body: JSON = {"objects": [_document(each) for each in told]}
        Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=OK))
    return OK


def _question(removal: Removal, deletes_namespace: bool) -> str:
    if deletes_namespace and removal.own_namespace is not None:
        return f"Remove all this, and namespace {removal.namespace} with all that is in it?"
    return "Remove all this? What was synced stays, and runs on"


def _say_plan(removal: Removal, *, is_text: bool) -> int:
    """Say what would be removed; return the exit code for changes that are pending."""
    keys = [*(key for key, _ in removal.objects), *removal.memories]
    if not is_text:
        body: JSON = {
            "objects": [
                *({"object": str(key), "action": "deleted", "reason": None} for key in keys),
                *(_document(each) for each in removal.kept),
            ]
        }
        Terminal.standard().say(rendered(body, version=SCHEMA_VERSION, exit_code=PENDING))
        return PENDING
    for key in keys:
        Terminal.standard().say(printable(f"{key} would be deleted"))
    for done in removal.kept:
        _say(done)
    if removal.own_namespace is not None:
        last = "if nothing else is in it"
        Terminal.standard().say(f"namespace/{removal.namespace} would be deleted, {last}")
    return PENDING


def _say(done: Done) -> None:
    note = f": {done.note}" if done.note else ""
    Terminal.standard().say(printable(f"{done.key} {done.action.value}{note}"))


def _say_what_is_left(removal: Removal) -> None:
    sys.stdout.flush()
    click.echo("What was synced stays, and runs on.", err=True)
    if any(key.group_kind == SECRET.group_kind and key.name == "git" for key, _ in removal.objects):
        click.echo("If it had a deploy key, remove it from the repository, too.", err=True)


def _document(done: Done) -> JSON:
    return {"object": str(done.key), "action": done.action.value, "reason": done.note or None}

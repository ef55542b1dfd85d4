"""``reconcile template``: what a commit template makes of sample changes."""

from reconciler import bootstrap
from reconciler.core.sample_changes import sample_changes
from reconciler.exit_codes import OK
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal
from reconciler.pipeline.wording import wording_of
from reconciler.settings import SourceSettings

SCHEMA_VERSION = 1

_ANY_REMOTE = {"git-url": "."}  # none is asked; but there are no settings without one
_BY = "1f3a9c02"  # stands for a cluster


def run(invocation: Invocation, *, file: str | None) -> int:
    """Print the message of an update for each source; return the exit code.

    Raises:
        SettingsError: options are wrong, or the file is no template or fails.
    """
    settings = load(invocation, defaults=_ANY_REMOTE)
    messages = {each.name: _message(each, file) for each in settings.sources}
    terminal = Terminal.standard()
    if settings.output == "json":
        told: list[JSON] = [{"source": name, "message": text} for name, text in messages.items()]
        terminal.say(rendered({"messages": told}, version=SCHEMA_VERSION, exit_code=OK))
        return OK
    for name, text in messages.items():
        if len(messages) > 1:
            terminal.say(f"# source {name}")
        terminal.say(text)
    return OK


def _message(source: SourceSettings, file: str | None) -> str:
    named = file if file is not None else source.git.commit_template
    template = bootstrap.commit_template(named) if named is not None else None
    wording = wording_of(source, template)
    branch = source.git.branch or "main"
    return wording.of_update(sample_changes(), by=f"{source.name}@{_BY}", branch=branch).rstrip(
        "\n"
    )

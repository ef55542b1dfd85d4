"""``reconcile webhooks``: what to enter at registries and forges."""

from reconciler.core.hooks.senders import SENDERS, Proof, Sender, path_key
from reconciler.errors import SettingsError
from reconciler.exit_codes import OK
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal
from reconciler.secret_file import read_secret

SCHEMA_VERSION = 1

_ANY_REMOTE = {"git-url": "."}  # none is asked; but there are no settings without one
_PROOFS = {
    Proof.SIGNATURE: "the secret, as the webhook's secret",
    Proof.TOKEN: "the secret, as the webhook's secret token",
    Proof.BEARER: "the header 'Authorization: Bearer <secret>'",
    Proof.PATH: "nothing: the URL is the secret",
}


def run(invocation: Invocation, *, base_url: str) -> int:
    """Print the URL and the proof for each sender; return the exit code.

    Raises:
        SettingsError: there is no secret, or it cannot be used.
    """
    settings = load(invocation, defaults=_ANY_REMOTE)
    if settings.webhook_secret_file is None:
        raise SettingsError("--webhook-secret-file is needed: without it there are no webhooks")
    secret = read_secret(settings.webhook_secret_file, option="--webhook-secret-file")
    rows = [
        (f"{each.family}/{each.name}", _url(base_url, each, secret), _PROOFS[each.proof])
        for each in SENDERS
    ]
    terminal = Terminal.standard()
    if settings.output == "json":
        told: list[JSON] = [
            {"sender": name, "url": url, "proof": each.proof.value}
            for (name, url, _), each in zip(rows, SENDERS, strict=True)
        ]
        terminal.say(rendered({"webhooks": told}, version=SCHEMA_VERSION, exit_code=OK))
    else:
        for name, url, proof in rows:  # no table: a URL that is folded cannot be copied
            terminal.say(f"{name}: {proof}", "bold")
            terminal.say(f"  {url}")
    return OK


def _url(base: str, sender: Sender, secret: bytes) -> str:
    path = f"{base.rstrip('/')}/hooks/{sender.family}/{sender.name}"
    return f"{path}/{path_key(secret, sender)}" if sender.proof is Proof.PATH else path

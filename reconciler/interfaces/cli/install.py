"""``reconcile install``: the reconciler in a cluster, with the settings that are given."""

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from reconciler.core.images.reference import ImageReference
from reconciler.core.installation.kinds import DEPLOYMENT
from reconciler.core.installation.overlays import marks_of
from reconciler.core.installation.request import InstallRequest, objects_of
from reconciler.core.objects.health import Status, health_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action
from reconciler.core.objects.yaml_text import yaml_text
from reconciler.core.public_key import PublicKey
from reconciler.errors import ReferenceSyntaxError, SettingsError
from reconciler.exit_codes import OK, PENDING, STALLED, TRANSIENT
from reconciler.install_parts import (
    deploy_key_pages,
    is_ssh,
    on_site,
    own_manifests,
    scan_command,
    ssh_keys,
)
from reconciler.interfaces.cli.carried import Carried, carried
from reconciler.interfaces.cli.identity import KEY, SECRET, say_what_to_do
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.options import parse_duration_s
from reconciler.pipeline.install import (
    Done,
    Wanted,
    held_by,
    install,
    look,
    require_rights,
    with_secrets,
)
from reconciler.pipeline.install_port import Site
from reconciler.settings import Settings

SCHEMA_VERSION: Final = 1
LOOK_AGAIN_S: Final = 1.0
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ANY_REMOTE: Final = {"git-url": "."}
_KNOWN_HOSTS: Final = "known_hosts"


@dataclass(frozen=True, slots=True)
class _MadeKey:
    """A deploy key that was just made."""

    name: str
    public: PublicKey


def run(
    invocation: Invocation,
    *,
    image: str,
    manages: tuple[str, ...],
    tenants: tuple[str, ...],
    is_cluster_wide: bool,
    is_admin: bool,
    syncs_secrets: bool,
    is_adopting: bool,
    is_export: bool,
    is_detached: bool,
    ready_timeout: str,
) -> int:
    """Install, or print what would be; return the exit code.

    Raises:
        SettingsError: something that was given is wrong; nothing was touched.
        AccessDeniedError, RefusedError: likewise, by the cluster's word.
        ClusterError: the cluster did not answer; the next run goes on.
    """
    patience_s = parse_duration_s(ready_timeout)
    local = load(invocation, defaults=_ANY_REMOTE)
    found = carried(invocation)
    namespace = local.cluster.namespace
    _check_names(image, (namespace, *manages, *tenants))
    request = InstallRequest(
        namespace=namespace,
        image=image,
        settings=found.text,
        is_admin=is_admin,
        is_cluster_wide=is_cluster_wide,
        syncs_secrets=syncs_secrets,
        manages=manages,
        tenants=tenants,
    )
    texts = own_manifests()
    if is_export:
        return _export(request, texts, found)
    wanted = Wanted(
        namespace=namespace,
        objects=objects_of(request, texts),
        secrets=found.secrets,
        marks=marks_of("base", texts),
        sources=tuple(each.name for each in found.settings.sources),
        manages=(*manages, *tenants),
        is_adopting=is_adopting,
    )
    if not (manages or tenants or is_cluster_wide or is_admin):
        click.echo("no namespace is given to it: it can sync nothing; see --manage", err=True)
    with on_site(local) as site:
        return _Run(site, local, found, wanted).run(patience_s=0.0 if is_detached else patience_s)


@dataclass(frozen=True, slots=True)
class _Run:
    """One installation in a cluster."""

    site: Site
    local: Settings
    carried: Carried
    wanted: Wanted

    def run(self, *, patience_s: float) -> int:
        is_dry_run = self.local.dry_run
        wanted = with_secrets(self.wanted, {SECRET: {}} if self.carried.ssh_keys else {})
        require_rights(wanted, self.site)
        wanted, made = self._with_keys(wanted)
        before = look(wanted, self.site)
        is_text = self.local.output == "text"
        told: list[Done] = []
        for done in install(wanted, before, self.site, is_dry_run=is_dry_run):
            told.append(done)
            if is_text:
                _say_done(done)
        if is_text:
            for each in made:
                self._say_key(each, is_dry_run=is_dry_run)
        is_changed = any(each.action in (Action.CREATED, Action.CONFIGURED) for each in told)
        code = PENDING if is_changed and is_dry_run else OK
        if not is_dry_run and patience_s:
            code = self._await_readiness(patience_s, is_text=is_text)
        if not is_text:
            body: JSON = {
                "objects": [_document(each) for each in told],
                "publicKeys": [] if is_dry_run else [str(each.public) for each in made],
                "isReady": code == OK if patience_s and not is_dry_run else None,
            }
            text = rendered(body, version=SCHEMA_VERSION, exit_code=code)
            Terminal.standard().say(text)
        return code

    def _with_keys(self, wanted: Wanted) -> tuple[Wanted, list[_MadeKey]]:
        """Add the deploy keys that are missing, made here and in no file.

        Raises:
            SettingsError: nobody has said which host keys are to be trusted.
        """
        if not self.carried.ssh_keys:
            return wanted, []
        held = {*wanted.secrets[SECRET], *held_by(self.site, wanted.namespace, SECRET)}
        if missing := self.carried.known_hosts - held:
            raise SettingsError(_no_known_hosts(self.carried, missing))
        made: list[_MadeKey] = []
        contents: dict[str, bytes] = {}
        for name in sorted(self.carried.ssh_keys - held):
            key = ssh_keys().make("reconcile")
            contents[name] = key.private.encode()
            made.append(_MadeKey(name, key.public))
        return with_secrets(wanted, {SECRET: contents}), made

    def _say_key(self, made: _MadeKey, *, is_dry_run: bool) -> None:
        place = f"secret/{SECRET} (namespace {self.wanted.namespace})"
        place = place if made.name == KEY else f"{place}, {made.name}"
        if is_dry_run:
            Terminal.standard().say(f"a deploy key would be made, in {place}")
            return
        Terminal.standard().say(f"a deploy key was made: {made.public}")
        sys.stdout.flush()
        source = next(
            each
            for each in self.carried.settings.sources
            if each.git.ssh_key_file is not None and each.git.ssh_key_file.name == made.name
        )
        pages = deploy_key_pages(source.git.url, source.forge.kind)
        say_what_to_do(made.public, place, pages)

    def _await_readiness(self, patience_s: float, *, is_text: bool) -> int:
        """Wait until the pod has had a cycle of each source; return the exit code."""
        key = ObjectKey(DEPLOYMENT.group, DEPLOYMENT.kind, self.wanted.namespace, "reconcile")
        until = time.monotonic() + patience_s
        where = f"--namespace {self.wanted.namespace}"
        if is_text:
            Terminal.standard().say(f"Waiting for {key} to be ready ...")
        while True:
            health = health_of(self.site.live(key))
            if health.status is Status.CURRENT:
                if is_text:
                    Terminal.standard().say(f"Ready. 'reconcile status {where}' tells what it does")
                return OK
            if health.status is Status.FAILED or time.monotonic() > until:
                code = STALLED if health.status is Status.FAILED else TRANSIENT
                message = f"is not ready: {health.message}; kubectl logs {where} deploy/reconcile"
                click.echo(f"reconcile: {printable(str(key))}: {printable(message)}", err=True)
                return code
            time.sleep(LOOK_AGAIN_S)


def _check_names(image: str, namespaces: Sequence[str]) -> None:
    problems = []
    try:
        reference = ImageReference.parse(image)
        if reference.tag is None and reference.digest is None:
            problems.append(f"--image: {image!r} has no tag: the newest release is not known here")
    except ReferenceSyntaxError as error:
        problems.append(f"--image: {error}")
    problems += [
        f"{each!r} is no name of a namespace" for each in namespaces if not _LABEL.fullmatch(each)
    ]
    if problems:
        raise SettingsError("\n".join(problems))


def _no_known_hosts(found: Carried, missing: frozenset[str]) -> str:
    hosts = sorted(
        {scan_command(each.git.url) for each in found.settings.sources if is_ssh(each.git.url)}
    )
    lines = "; ".join(f"{host} > {_KNOWN_HOSTS}" for host in hosts)
    return (
        f"nobody has said which host keys are to be trusted ({', '.join(sorted(missing))}): "
        f"{lines}; compare them with what the host's operator publishes, and give "
        f"--git-known-hosts-file {_KNOWN_HOSTS}"
    )


def _say_done(done: Done) -> None:
    note = f": {done.note}" if done.note else ""
    Terminal.standard().say(printable(f"{done.key} {done.action.value}{note}"))


def _document(done: Done) -> JSON:
    return {"object": str(done.key), "action": done.action.value, "reason": done.note or None}


def _export(request: InstallRequest, texts: Mapping[str, str], found: Carried) -> int:
    """Print the objects, for those who keep them in Git; nothing secret is among them."""
    terminal = Terminal.standard()
    for line in _about_secrets(request.namespace, found):
        terminal.say(f"# {printable(line)}")
    for body in objects_of(request, texts, has_owner=False).values():
        terminal.say("---")
        terminal.say(yaml_text(body).rstrip("\n"))
    return OK


def _about_secrets(namespace: str, found: Carried) -> Iterator[str]:
    keys = {name: dict.fromkeys(sorted(values)) for name, values in found.secrets.items()}
    if found.ssh_keys:
        keys.setdefault(SECRET, {}).update(
            dict.fromkeys([*sorted(found.ssh_keys), *sorted(found.known_hosts)])
        )
    if keys:
        yield "Secrets are not exported. Make these by yourself, or keep them encrypted:"
    for name, names in keys.items():
        files = " ".join(f"--from-file={each}" for each in names)
        yield f"  kubectl create secret generic {name} --namespace {namespace} {files}"

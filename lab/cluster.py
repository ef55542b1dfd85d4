"""A cluster that is there already, given by ``RECONCILE_LAB_KUBECONFIG``, and kubectl to see it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

from lab import build
from lab.audit import Asked, Write
from lab.process import LabError, MissingPartError

VARIABLE = "RECONCILE_LAB_KUBECONFIG"


class Cluster:
    """A cluster, used as the kubeconfig says. What only a cluster of our own has is missing."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def stop(self) -> None:
        """Leave it as it is: we did not start it."""

    def kubeconfig_for(self, user: str, *, token: str = "") -> Path:
        """Return a kubeconfig of another user, or with a token of somebody else's.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        del token
        _missing(f"the user {user!r}")

    def mark(self) -> int:
        """Return a place in the audit log, for :meth:`writes`.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        _missing("an audit log to read")

    def writes(self, *, since: int = 0, agent: str = "reconcile/", user: str = "") -> list[Write]:
        """Return the requests since a mark that wrote something, of one user agent and user.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        del since, agent, user
        _missing("an audit log to read")

    def asked(self, *, since: int = 0, user: str) -> list[Asked]:
        """Return what a ServiceAccount asked of resources since a mark, reads included.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        del since, user
        _missing("an audit log to read")

    def start_apiserver(self) -> None:
        """Start the API server, at the same port as before.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        _missing("an API server to start")

    def stop_apiserver(self) -> None:
        """Stop the API server alone.

        Raises:
            MissingPartError: the cluster is somebody's own.
        """
        _missing("an API server to stop")

    def kubectl_command(self, *arguments: str, user: str = "") -> list[str]:
        """Return the words that run kubectl here, as a user if one is named."""
        kubeconfig = self.kubeconfig_for(user) if user else self.kubeconfig
        return [*_kubectl(), "--kubeconfig", str(kubeconfig), *arguments]

    def kubectl(self, *arguments: str, stdin: str | None = None, user: str = "") -> str:
        """Run kubectl, as a user if one is named, and return what it printed.

        Raises:
            LabError: it failed, with its words.
        """
        done = subprocess.run(
            self.kubectl_command(*arguments, user=user),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self._environment(),
        )
        if done.returncode:
            raise LabError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the cluster has
        """Return ``kubectl get … -o json``."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def _environment(self) -> dict[str, str]:
        """Return what kubectl sees: here all, as a kubeconfig may run programs for credentials."""
        return dict(os.environ)


def given_cluster() -> Cluster | None:
    """Return the cluster that the environment gives, if it gives one.

    Raises:
        MissingPartError: it names no file.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    if not Path(given).is_file():
        raise MissingPartError(f"${VARIABLE} names no file: {given!r}")
    return Cluster(Path(given))


def _kubectl() -> list[str]:
    """Return the lab's kubectl, or else the installed one, which serves a given cluster."""
    try:
        return [str(build.require("kubernetes")), "kubectl"]
    except MissingPartError:
        installed = shutil.which("kubectl")
        if installed is None:
            raise
        return [installed]


def _missing(what: str) -> NoReturn:
    raise MissingPartError(f"the cluster of ${VARIABLE} does not have {what}: unset the variable")

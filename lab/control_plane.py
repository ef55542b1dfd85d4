"""A real control plane: etcd, API server, controller manager, scheduler, and kwok's nodes."""

import base64
import json
import os
import secrets
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import audit, build, kwok
from lab.cluster import Cluster, given_cluster
from lab.ports import free_port
from lab.process import Process, wait_until

READY_S = 90.0
USERS: Mapping[str, str] = {
    "admin": "system:masters",
    "kube-controller-manager": "system:masters",
    "kube-scheduler": "system:masters",
    "kwok": "system:masters",
    "limited": "",  # may do nothing until a test gives it RBAC
}
"""The users that the API server knows, each with a group."""


class ControlPlane(Cluster):
    """A control plane on loopback and free ports, with one node without a machine.

    The programs are the lab's own; etcd and kube-apiserver are taken from the folder
    ``KUBEBUILDER_ASSETS``, if that has them.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "admin.kubeconfig")
        self.folder = folder
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._etcd_port, self._etcd_peer_port = free_port(), free_port()
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self._processes: dict[str, Process] = {}

    @classmethod
    def start(cls, folder: Path, *, has_controllers: bool = True) -> "ControlPlane":
        """Start everything and return when Deployments can become Available.

        Without controllers it is etcd and an API server: nobody acts on what is applied.

        Raises:
            MissingPartError: a part is not built.
            LabError: a part did not start.
        """
        plane = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            plane._write_files()
            plane._start_etcd()
            plane.start_apiserver()
            if has_controllers:
                plane._start_controllers()
                plane._start_nodes()
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def pids(self) -> Mapping[str, int]:
        """The process ids of its programs, by their names."""
        return {name: process.pid for name, process in self._processes.items()}

    def kubeconfig_for(self, user: str, *, token: str = "") -> Path:
        """Return a kubeconfig of one of the users, or with a token of somebody else's."""
        path = self.folder / f"{user}.kubeconfig"
        _write_secret(path, self._kubeconfig_text(token or self._tokens[user]))
        return path

    def mark(self) -> int:
        """Return a place in the audit log, for :meth:`writes`."""
        return (self.folder / "audit.log").stat().st_size

    def writes(
        self, *, since: int = 0, agent: str = "reconcile/", user: str = ""
    ) -> list[audit.Write]:
        """Return the requests since a mark that wrote something, of one user agent and user."""
        log = self.folder / "audit.log"
        return audit.read_writes(log, since=since, agent=agent, user=user)

    def asked(self, *, since: int = 0, user: str) -> list[audit.Asked]:
        """Return what a ServiceAccount asked of resources since a mark, reads included."""
        return audit.read_asked(self.folder / "audit.log", since=since, user=user)

    def start_apiserver(self) -> None:
        """Start the API server, at the same port as before."""
        pki = self.folder / "pki"
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",  # else it looks for a network, and fails without one
            "--endpoint-reconciler-type=none",  # which would not have a loopback address
            f"--secure-port={self.port}",
            f"--cert-dir={pki}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={pki / 'sa.key'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.folder / 'audit.log'}",
            "--audit-log-maxsize=100000",  # never begun anew: marks are offsets
            "--allow-privileged=true",
            "--disable-admission-plugins=TaintNodesByCondition",  # nobody here would lift the taint
        )
        wait_until(
            self._is_ready,
            what="the API server",
            timeout_s=READY_S,
            processes=list(self._processes.values()),
        )

    def stop_apiserver(self) -> None:
        """Stop the API server alone, without waiting until its clients have hung up."""
        self._processes["kube-apiserver"].stop(patience_s=1)

    def compact(self) -> None:
        """Have etcd forget every version but the newest ones."""
        newest = self._ask_etcd("range", key=base64.b64encode(b"\0").decode())["header"]["revision"]
        self._ask_etcd("compaction", revision=newest, physical=True)

    def stop(self) -> None:
        """Stop everything, clients before servers: the API server waits for them."""
        for process in reversed(list(self._processes.values())):
            process.stop()
        self._processes.clear()

    def _write_files(self) -> None:
        (self.folder / "pki").mkdir(exist_ok=True)
        _write_secret(self.folder / "tokens.csv", self._token_table())
        _write_secret(self.folder / "pki" / "sa.key", _new_key())
        (self.folder / "audit-policy.yaml").write_text(audit.POLICY)
        (self.folder / "audit.log").touch()
        self.kubeconfig_for("admin")

    def _token_table(self) -> str:
        """Return the tokens in the API server's format: token, name, id and, if any, a group."""
        rows = [(token, user, user, USERS[user]) for user, token in self._tokens.items()]
        return "".join(",".join(filter(None, row)) + "\n" for row in rows)

    def _start_etcd(self) -> None:
        client = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._etcd_peer_port}"
        self._start(
            "etcd",
            "--name=lab",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=lab={peer}",
        )

    def _ask_etcd(self, what: str, **body: object) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._etcd_port}/v3/kv/{what}", data=json.dumps(body).encode()
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=READY_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig_for('kube-controller-manager')}",
            f"--service-account-private-key-file={self.folder / 'pki' / 'sa.key'}",
            f"--root-ca-file={self.folder / 'pki' / 'apiserver.crt'}",
            "--leader-elect=false",
            "--secure-port=0",
            "--controllers=*,-node-lifecycle-controller,-node-ipam-controller",
        )
        self._start(
            "kube-scheduler",
            f"--kubeconfig={self.kubeconfig_for('kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
        )

    def _start_nodes(self) -> None:
        command = kwok.command(self.kubeconfig_for("kwok"), self.folder / "stages.yaml")
        self._start_program("kwok", command)
        self.kubectl("apply", "--validate=false", "-f", "-", stdin=kwok.NODE)

    def _start(self, name: str, *flags: str) -> None:
        self._start_program(name, [*program(name), *flags])

    def _start_program(self, name: str, command: Sequence[str]) -> None:
        self._processes[name] = Process(
            name,
            command,
            self.folder / f"{name}.log",
            environment=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        """Keep what kubectl caches of a cluster with the cluster: a later one may have its port."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)}

    def _is_ready(self) -> bool:
        certificate = self.folder / "pki" / "apiserver.crt"
        if not certificate.is_file():
            return False
        request = urllib.request.Request(  # noqa: S310 - https on loopback
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {self._tokens['admin']}"}
        )
        try:
            context = ssl.create_default_context(cafile=str(certificate))
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
            )
            with opener.open(request, timeout=2):
                return True
        except OSError:  # refused, not ready (an HTTPError), or the certificate is half written
            return False

    def _kubeconfig_text(self, token: str) -> str:
        server = {
            "server": self.url,
            "certificate-authority": str(self.folder / "pki" / "apiserver.crt"),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": server}],
            "users": [{"name": "lab", "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
            "current-context": "lab",
        }
        return json.dumps(config)


def start_or_use(folder: Path) -> Cluster:
    """Return the cluster that the environment gives, or else start one in a folder.

    Raises:
        MissingPartError: a part is not built.
        LabError: a part did not start.
    """
    return given_cluster() or ControlPlane.start(folder)


def program(name: str) -> list[str]:
    """Return how to run a component.

    Raises:
        MissingPartError: it is not built.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / name).is_file():
        return [str((Path(assets) / name).absolute())]
    return [str(build.require("kubernetes")), name]


def _new_key() -> str:
    """Return a private key on the curve P-256, with which ServiceAccount tokens are signed.

    Any number below the curve's order is one, and RFC 5915 lets the public half be left out; so
    random bytes will do, and no library is needed.
    """
    number = b"\x00" + secrets.token_bytes(31)
    curve = bytes.fromhex("a00a06082a8648ce3d030107")
    encoded = base64.b64encode(bytes.fromhex("30310201010420") + number + curve).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded}\n-----END EC PRIVATE KEY-----\n"


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)

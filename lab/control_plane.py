"""A real control plane: etcd, API server, controller manager, scheduler, and kwok's nodes."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import build
from lab.process import LabError, Process, free_port, wait_until

READY_S = 90.0
USERS: Mapping[str, str] = {
    "admin": "system:masters",
    "kube-controller-manager": "system:masters",
    "kube-scheduler": "system:masters",
    "kwok": "system:masters",
    "limited": "",  # may do nothing until a test gives it RBAC
}
WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["kube-controller-manager", "kube-scheduler", "kwok", "system:apiserver"]}
- {level: Metadata, verbs: [create, update, patch, delete, deletecollection]}
- {level: None}
"""
_NODE = """\
apiVersion: v1
kind: Node
metadata:
  name: lab-node
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: lab-node, kubernetes.io/os: linux, type: kwok}
status:
  allocatable: {cpu: 1k, memory: 1Ti, pods: "10000"}
  capacity: {cpu: 1k, memory: 1Ti, pods: "10000"}
"""
_FAILING = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: lab-pod-failing}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {lab/fail: "true"}
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.podIP, operator: DoesNotExist}
  weight: 1000000
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Initialized}
      - lastTransitionTime: {{ $now | Quote }}
        status: "False"
        type: Ready
        reason: ContainersNotReady
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: false
        restartCount: 5
        started: false
        state: {waiting: {reason: CrashLoopBackOff, message: "back-off restarting container"}}
      {{ end }}
      phase: Running
      podIP: 10.0.0.1
"""


@dataclass(frozen=True)
class Write:
    """A request of the audit log that wrote something."""

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    agent: str
    status: int


class ControlPlane:
    """A control plane on loopback and free ports, with one node without a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "admin.kubeconfig"
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._etcd_port, self._etcd_peer_port = free_port(), free_port()
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self._processes: dict[str, Process] = {}
        self._binary = build.require("kubernetes")

    @classmethod
    def start(cls, folder: Path) -> "ControlPlane":
        """Start everything and return when Deployments can become Available.

        Raises:
            LabError: a part is not built, or did not start.
        """
        plane = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            plane._write_files()
            plane._start_etcd()
            plane.start_apiserver()
            plane._start_controllers()
            plane._start_nodes()
        except BaseException:
            plane.stop()
            raise
        return plane

    def kubeconfig_for(self, user: str, *, token: str = "") -> Path:
        """Return a kubeconfig of one of the users, or with a token of somebody else's."""
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(self._kubeconfig_text(token or self._tokens[user]))
        return path

    def kubectl(self, *arguments: str, stdin: str | None = None, user: str = "admin") -> str:
        """Run kubectl and return what it printed.

        Raises:
            LabError: it failed, with its words.
        """
        command = [str(self._binary), "kubectl", "--kubeconfig", str(self.kubeconfig_for(user))]
        done = subprocess.run(
            [*command, *arguments],
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

    def mark(self) -> int:
        """Return a place in the audit log, for :meth:`writes`."""
        log = self.folder / "audit.log"
        return log.stat().st_size if log.exists() else 0

    def writes(self, *, since: int = 0, agent: str = "reconcile/") -> list[Write]:
        """Return the requests since a mark that wrote something, of one user agent."""
        with (self.folder / "audit.log").open("rb") as log:
            log.seek(since)
            events = [json.loads(line) for line in log.read().splitlines()]
        return [_write(event) for event in events if _is_write(event, agent)]

    def start_apiserver(self) -> None:
        """Start the API server, at the same port as before."""
        pki = self.folder / "pki"
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
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
        """Stop the API server alone."""
        self._processes.pop("kube-apiserver").stop()

    def stop(self) -> None:
        """Stop everything."""
        for process in reversed(list(self._processes.values())):
            process.stop()
        self._processes.clear()

    def _write_files(self) -> None:
        (self.folder / "pki").mkdir(exist_ok=True)
        tokens = [
            f'{token},{user},{user},"{USERS[user]}"' if USERS[user] else f"{token},{user},{user}"
            for user, token in self._tokens.items()
        ]
        (self.folder / "tokens.csv").touch(mode=0o600)
        (self.folder / "tokens.csv").write_text("\n".join(tokens) + "\n")
        (self.folder / "audit-policy.yaml").write_text(_AUDIT_POLICY)
        _make_key(self.folder / "pki" / "sa.key")
        self.kubeconfig_for("admin")

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

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig_for('kube-controller-manager')}",
            f"--service-account-private-key-file={self.folder / 'pki' / 'sa.key'}",
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
        kwok = build.require("kwok")
        stages = self.folder / "stages.yaml"
        texts = [file.read_text() for file in sorted((kwok.parent / "stages").glob("*.yaml"))]
        stages.write_text("\n---\n".join([*texts, _FAILING]))
        self._processes["kwok"] = Process(
            "kwok",
            [
                str(kwok),
                f"--kubeconfig={self.kubeconfig_for('kwok')}",
                "--manage-all-nodes=true",
                f"--config={stages}",
                "--node-lease-duration-seconds=0",
            ],
            self.folder / "kwok.log",
            environment=self._environment(),
        )
        self.kubectl("apply", "--validate=false", "-f", "-", stdin=_NODE)

    def _start(self, name: str, *flags: str) -> None:
        self._processes[name] = Process(
            name,
            [str(self._component(name)), *([name] if self._is_ours(name) else []), *flags],
            self.folder / f"{name}.log",
            environment=self._environment(),
        )

    def _component(self, name: str) -> Path:
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        given = Path(assets) / name if assets else None
        return given if given and given.is_file() else self._binary

    def _is_ours(self, name: str) -> bool:
        return self._component(name) == self._binary

    def _is_ready(self) -> bool:
        request = urllib.request.Request(  # noqa: S310 - https on loopback
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {self._tokens['admin']}"}
        )
        certificate = self.folder / "pki" / "apiserver.crt"
        if not certificate.is_file():
            return False
        try:
            context = ssl.create_default_context(cafile=str(certificate))
            with urllib.request.urlopen(request, timeout=2, context=context) as answer:  # noqa: S310 - as above
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP
        except (OSError, urllib.error.URLError):
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

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)}


def _make_key(path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise LabError("the lab needs openssl for a key: install the package openssl")
    command = [openssl, "genrsa", "-out", str(path), "2048"]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _is_write(event: Mapping[str, Any], agent: str) -> bool:
    return (
        event["verb"] in WRITE_VERBS
        and str(event.get("userAgent", "")).startswith(agent)
        and "dryRun=" not in str(event.get("requestURI", ""))
    )


def _write(event: Mapping[str, Any]) -> Write:
    reference = event.get("objectRef") or {}
    return Write(
        verb=event["verb"],
        resource=reference.get("resource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        user=event["user"]["username"],
        agent=event.get("userAgent", ""),
        status=int((event.get("responseStatus") or {}).get("code", 0)),
    )

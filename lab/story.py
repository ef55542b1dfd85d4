"""The manifests of the story: nginx, v3 at first, in Git."""

from collections.abc import Sequence
from pathlib import Path

from lab.bare_repository import BareRemote

DEPLOYMENT_PATH = "workloads/nginx-deployment.yaml"

NAMESPACE = """\
---
apiVersion: v1
kind: Namespace
metadata:
  name: web
"""

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata:
  name: nginx-service
  namespace: web
spec:
  type: LoadBalancer
  selector:
    app: nginx
  ports:
  - port: 80
"""

DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  namespace: web
  annotations:
    fluxcd.io/automated: "true"
spec:
  selector:
    matchLabels:
      app: nginx
  replicas: 2
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: IMAGE:v3
        ports:
        - containerPort: 80
"""


def manifests(
    image: str, *, namespace: str = "web", pod_lines: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the story's files by path.

    Args:
        image: the repository without a tag.
        namespace: where the story plays.
        pod_lines: stand at the beginning of the Deployment's pod spec.
    """
    more = "".join(f"      {line}\n" for line in pod_lines)
    deployment = DEPLOYMENT.replace("      containers:\n", f"{more}      containers:\n")
    texts = {
        "namespaces/web-ns.yaml": NAMESPACE,
        "workloads/nginx-service.yaml": SERVICE,
        DEPLOYMENT_PATH: deployment.replace("IMAGE", image),
    }
    return {
        path: text.replace(": web\n", f": {namespace}\n").encode() for path, text in texts.items()
    }


def create(
    path: Path, *, image: str, namespace: str = "web", pod_lines: Sequence[str] = ()
) -> BareRemote:
    """Make a bare repository that holds the story; see :func:`manifests`."""
    remote = BareRemote.create(path)
    files = manifests(image, namespace=namespace, pod_lines=pod_lines)
    remote.put(files, "Deploy nginx v3")
    return remote

"""Manifests to measure with: Deployments of 40 lines, and ConfigMaps."""

from collections.abc import Iterator

HOST = "127.0.0.1:1"
"""A registry that is not asked where tags are given."""

NEWEST = "1.4.2"
OLD = "1.4.1"

_DEPLOYMENT = """\
# {name} serves one of the shop's pages.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {namespace}
  annotations:
    {annotation}
    example.org/owner: "team-{number}"  # who is called at night
  labels:
    app.kubernetes.io/name: {name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      containers:
        - name: web
          image: {image}:{tag}
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: GREETING
              value: "good morning"
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
            limits:
              memory: 128Mi
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
"""
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {namespace}
data:
  number: "{number}"
  greeting: good morning
  page.html: |
    <html>
      <body>This is page {number}.</body>
    </html>
"""
_AUTOMATED = 'fluxcd.io/automated: "true"'
_PLAIN = 'example.org/automated: "true"'


def image_of(number: int, *, host: str = HOST) -> str:
    """Return the image without tag of the workload with that number."""
    return f"{host}/shop/page-{number:05d}"


def deployment(
    number: int,
    *,
    tag: str = OLD,
    host: str = HOST,
    namespace: str = "shop",
    is_automated: bool = True,
    image: int | None = None,
) -> str:
    """Return a Deployment of 40 lines; with its own image, or with that of another number."""
    return _DEPLOYMENT.format(
        name=f"page-{number:05d}",
        namespace=namespace,
        number=number,
        annotation=_AUTOMATED if is_automated else _PLAIN,
        image=image_of(number if image is None else image, host=host),
        tag=tag,
    )


def config_map(number: int, *, namespace: str) -> str:
    """Return a ConfigMap."""
    return _CONFIG_MAP.format(name=f"page-{number:05d}", namespace=namespace, number=number)


def folder_of(count: int, *, host: str = HOST, tag: str = OLD) -> dict[str, str]:
    """Return that many automated Deployments, each in a file of its own, by path."""
    return {
        f"shop/page-{number:05d}.yaml": deployment(number, host=host, tag=tag)
        for number in range(count)
    }


def shared_folder_of(count: int, *, repositories: int, host: str, tag: str) -> dict[str, str]:
    """Return that many automated Deployments by path, whose images are in few repositories."""
    return {
        f"shop/page-{number:05d}.yaml": deployment(
            number, host=host, tag=tag, image=number % repositories
        )
        for number in range(count)
    }


def one_file(size_bytes: int, *, automated: str) -> str:
    """Return one text with many Deployments; ``automated``: ``one`` of them, or ``all``."""
    return "---\n".join(_until(size_bytes, automated=automated))


def objects(count: int, *, namespace: str) -> dict[str, str]:
    """Return ConfigMaps and Deployments, half of each, by path."""
    texts: dict[str, str] = {}
    for number in range(count // 2):
        texts[f"shop/config-{number:05d}.yaml"] = config_map(number, namespace=namespace)
        texts[f"shop/page-{number:05d}.yaml"] = deployment(
            number, namespace=namespace, is_automated=False
        )
    return texts


def _until(size_bytes: int, *, automated: str) -> Iterator[str]:
    size = number = 0
    while size < size_bytes:
        is_first = number == size_bytes // 2048  # in the middle of the file
        text = deployment(number, is_automated=is_first or automated == "all")
        yield text
        size += len(text)
        number += 1

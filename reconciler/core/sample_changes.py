"""Sample changes: what a template is tried and shown on."""

from collections.abc import Iterator

from reconciler.core.decision import Change
from reconciler.core.manifests.images import inspect

_OLD = f"sha256:{'3f2a' * 16}"
_NEW = f"sha256:{'9c41' * 16}"
_MANIFESTS = {
    "deploy/blog.yaml": """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: blog, namespace: blog}
spec:
  template:
    spec:
      containers:
      - {name: blog, image: "ghcr.io/acme/blog:2024.10.1"}
""",
    "deploy/web.yaml": f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop, annotations: {{reconcile/policy.web: "semver:^1.4"}}}}
spec:
  template:
    spec:
      containers:
      - {{name: web, image: "registry.example/acme/web:1.4.1"}}
      - {{name: proxy, image: "nginx:1.27-alpine@{_OLD}"}}
""",
}
_NEW_TAGS = {"blog": ("2024.11.0", None), "web": ("1.4.2", None), "proxy": ("1.28-alpine", _NEW)}

_LINKS = {
    "blog": "https://blog.example/changes",
    "web": "https://github.com/acme/web/compare/8f3e21c...b07d95a",
}


def sample_changes() -> tuple[Change, ...]:
    """Return three changes of two manifests, one with a policy and one with digests."""
    return tuple(_changes())


def _changes() -> Iterator[Change]:
    for path, text in _MANIFESTS.items():
        for field in inspect(path, text, default_namespace="default", is_survey=True).fields:
            if field.reference is not None:
                tag, digest = _NEW_TAGS[field.container]
                new = field.reference.with_tag(tag, digest=digest)
                yield Change(field, field.reference, new, _LINKS.get(field.container, ""))

"""The rule of RBAC that would grant what the API server refused."""

import re
from typing import Final

_BY_RBAC: Final = re.compile(r'cannot (\w+) resource "([^"]*)" in API group "([^"]*)"')
_OBJECT: Final = re.compile(r'([\w-]+)(?:\.[\w.-]+)? "([^"]*)" is forbidden')
_ESCALATION: Final = "is attempting to grant RBAC permissions not currently held"
_IMPERSONATE: Final = "impersonate"
_SYNCING: Final = ("get", "list", "watch", "create", "patch", "delete")
_RBAC: Final = "rbac.authorization.k8s.io"


def is_impersonation(message: str) -> bool:
    """Whether it was refused that we act as somebody else, and not what we would have done."""
    found = _BY_RBAC.search(message)
    return found is not None and found[1] == _IMPERSONATE


def with_rule(message: str, what: str) -> str:
    """Return why we may not; if RBAC says so, with the rule that would let us.

    Server-side apply is the first request of a kind that is refused: the rule is for all that a
    sync does then.

    Args:
        message: the API server's.
        what: method and path.
    """
    if _ESCALATION in message:
        return f"{message}; {_escalation(message)}"
    found = _BY_RBAC.search(message)
    if not found:
        return message
    verb, resource, group = found.groups()
    if verb == _IMPERSONATE:
        return f"{message}; this rule grants it: {_rule(group, resource, verb, _name(message))}"
    verbs = ", ".join(_SYNCING if what.startswith("PATCH ") else (verb,))
    return f"{message}; this rule grants it: {_rule(group, resource, verbs)}"


def _escalation(message: str) -> str:
    """Return what lets somebody write a role or a binding.

    Kubernetes, "Privilege escalation prevention and bootstrapping": who writes one must have what
    it grants, unless the verb ``escalate`` (for a role) or ``bind`` (for what is bound) is granted.
    """
    found = _OBJECT.search(message)
    if found is not None and found[1].endswith("bindings"):
        way = f"{_rule(_RBAC, 'roles, clusterroles', 'bind', 'the role that is bound')}"
    else:
        resource = found[1] if found else "roles"
        way = _rule(_RBAC, resource, "escalate", _name(message))
    return (
        "who hands out rights must have them: grant these too, or this, by which it can give itself"
        f" what it likes: {way}"
    )


def _rule(group: str, resources: str, verbs: str, name: str = "") -> str:
    names = f", resourceNames: [{name}]" if name else ""
    return f'apiGroups: ["{group}"], resources: [{resources}]{names}, verbs: [{verbs}]'


def _name(message: str) -> str:
    found = _OBJECT.search(message)
    return found[2] if found else ""

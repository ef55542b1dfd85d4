"""Variables in manifests: ``${NAME}`` and ``${NAME:=default}``, filled in value by value.

A variable is filled into a scalar of the parsed document and not into the text of the file: what it
holds cannot become another key, item or document. A scalar without quotes is read anew with what
was filled in, so that ``replicas: ${COUNT}`` is a number and ``"${COUNT}"`` a text.
"""

import re
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.core.manifests.document import Mapping, Node, Opened, Scalar, Sequence
from reconciler.core.nearest import nearest
from reconciler.core.objects.marks import OFF, OWN
from reconciler.errors import ManifestError, SettingsError

SIGN: Final = "${"
OPT_OUT: Final = (f"{OWN}substitute", "kustomize.toolkit.fluxcd.io/substitute")
"""An object with one of these annotations (or, as in Flux, labels) set to ``disabled`` stays as it
is written."""

CONFIG_MAP: Final = "configmap"
SECRET: Final = "secret"  # noqa: S105 - the word for the kind

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OBJECT: Final = re.compile(r"(configmap|secret)/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)")
_FOUND: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_FORM: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::[=-]((?:(?!\$\{).)*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable that the settings give."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class VariablesFrom:
    """An object in the cluster, each of whose values is a variable: a ConfigMap or a Secret."""

    kind: str  # ``configmap`` or ``secret``
    name: str


VariableSource: TypeAlias = Variable | VariablesFrom


def parse_variable_source(text: str) -> VariableSource:
    """Return what ``NAME=VALUE``, ``configmap/NAME`` or ``secret/NAME`` says.

    Raises:
        SettingsError: it says nothing of the kind.
    """
    name, equals, value = text.partition("=")
    if equals and _NAME.fullmatch(name):
        return Variable(name, value)
    found = _OBJECT.fullmatch(text)
    if found is None:
        shown = name if equals else text  # a value may be secret
        raise SettingsError(
            f"{shown[:80]!r} gives no variables: write NAME=VALUE, configmap/NAME or secret/NAME"
        )
    return VariablesFrom(found[1], found[2])


@dataclass(frozen=True, slots=True)
class Variables:
    """What to fill into manifests."""

    values: Values[str, str] = field(default_factory=dict)
    spared: frozenset[str] = frozenset()
    """Texts that are taken as they are: they were decrypted."""
    secret: frozenset[str] = frozenset()
    """Names of values that nobody is to be shown, wherever they are filled in."""

    def filled(self, node: Node, *, path: str) -> Node:
        """Return an object's node with its variables filled in; itself if it has opted out.

        Raises:
            ManifestError: with ``path:line``: a variable that nobody gave, or another form.
        """
        return node if _has_opted_out(node) else _Filling(self, path).node(node)


class _Filling:
    def __init__(self, variables: Variables, path: str) -> None:
        self._values = variables.values
        self._spared = variables.spared
        self._secret = variables.secret
        self._path = path
        self._made: dict[int, Node] = {}  # an alias is the node of its anchor, and stays it

    def node(self, node: Node) -> Node:
        made = self._made.get(id(node))
        if made is not None:
            return made
        match node:
            case Scalar():
                return self._made.setdefault(id(node), self._scalar(node))
            case Sequence():
                items = Sequence(node.line, node.tag, node.anchor)
                self._made[id(node)] = items
                items.inside = [self.node(item) for item in node.inside]
                return items
            case Mapping():
                mapping = Mapping(node.line, node.tag, node.anchor)
                self._made[id(node)] = mapping
                mapping.inside = [self.node(each) for each in node.inside]
                return mapping

    def _scalar(self, node: Scalar) -> Scalar:
        if SIGN not in node.value or isinstance(node, Opened) or node.value in self._spared:
            return node
        used: set[str] = set()
        value = _FOUND.sub(lambda found: self._value(found, node, used), node.value)
        kind = Scalar if used.isdisjoint(self._secret) else Opened
        return kind(value, node.start, node.end, node.line, node.style, node.tag, node.anchor)

    def _value(self, found: re.Match[str], node: Scalar, used: set[str]) -> str:
        """Return what stands for a variable, and note its name among those that are used."""
        if found[1] is None:
            return SIGN  # of ``$${``
        form = _FORM.fullmatch(found[1]) if found[0].endswith("}") else None
        if form is None:
            raise self._error(
                node,
                f"{found[0][:80]!r} is no variable: write ${{NAME}} or ${{NAME:=default}}, and "
                "$${ for ${ itself",
            )
        value = self._values.get(form[1])
        used.add(form[1])
        if form[2] is not None:
            return value or form[2]
        if value is None:
            hint = nearest(form[1], self._values)
            raise self._error(node, f"no variable {form[1]!r} is given{hint}")
        return value

    def _error(self, node: Scalar, message: str) -> ManifestError:
        return ManifestError(message, where=f"{self._path}:{node.line}")


def _has_opted_out(node: Node) -> bool:
    if not isinstance(node, Mapping):
        return False
    metadata = node.mapping("metadata")
    return any(
        metadata.mapping(where).text(key) == OFF
        for where in ("annotations", "labels")
        for key in OPT_OUT
    )

"""What a ``sops`` block says: for whom a document was encrypted, and which of its values were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.encrypted.keys import Wrapped
from reconciler.core.images.pattern import Pattern
from reconciler.core.manifests import document as yaml
from reconciler.errors import ManifestError, PolicySyntaxError

SOPS: Final = "sops"

_DEFAULT_SUFFIX: Final = "_unencrypted"
_RULES: Final = (
    "unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex",
    "unencrypted_comment_regex", "encrypted_comment_regex",
)  # fmt: skip
_GROUPS: Final = "key_groups"
_OTHERS: Final = ("pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
"""Master keys of other kinds than age's."""

_SHOWN: Final = 5  # recipients in a message


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a ``sops`` block says.

    Attributes:
        mac: the encrypted hash of all values.
        last_modified: what that was encrypted together with.
        wrapped: the data key, for each age recipient.
        others: kinds of keys beside age that it was encrypted for: ``pgp``, ``kms``.
        groups: how many groups of keys share the data key; 1: each key is enough.
        is_mac_of_encrypted: whether the hash is of the encrypted values alone.
        is_encrypted: tells of a path whether its value is encrypted; None: its look tells (where
            comments decide).
    """

    mac: str
    last_modified: str
    wrapped: tuple[Wrapped, ...]
    others: tuple[str, ...]
    groups: int
    is_mac_of_encrypted: bool
    is_encrypted: Callable[[Sequence[str]], bool] | None

    @property
    def recipients(self) -> str:
        """For whom it was encrypted, for a person."""
        ages = [each.recipient[:100] for each in self.wrapped]
        more = [f"and {len(ages) - _SHOWN} more"] if len(ages) > _SHOWN else []
        return ", ".join([*ages[:_SHOWN], *more, *self.others]) or "nobody"


def metadata_of(block: yaml.Node | None, *, where: str) -> Metadata:
    """Return what a ``sops`` block says.

    Raises:
        ManifestError: nothing that we understand.
    """
    if not isinstance(block, yaml.Mapping):
        raise ManifestError("is encrypted (sops), and the block that says how is none", where=where)
    rules = {name: text for name in _RULES if (text := block.text(name))}
    if len(rules) > 1:
        raise ManifestError(
            f"is encrypted (sops) by more than one rule: {', '.join(sorted(rules))}", where=where
        )
    groups = _mappings(block.get(_GROUPS))
    holder = groups[0] if len(groups) == 1 else block
    wrapped = (
        Wrapped(each.text("recipient"), each.text("enc")) for each in _mappings(holder.get("age"))
    )
    return Metadata(
        mac=block.text("mac"),
        last_modified=block.text("lastmodified"),
        wrapped=tuple(wrapped),
        others=tuple(name for name in _OTHERS if _mappings(holder.get(name))),
        groups=max(len(groups), 1),
        is_mac_of_encrypted=block.text("mac_only_encrypted").lower() == "true",
        is_encrypted=_rule(rules, where),
    )


def _mappings(node: yaml.Node | None) -> list[yaml.Mapping]:
    items = node.inside if isinstance(node, yaml.Sequence) else []
    return [each for each in items if isinstance(each, yaml.Mapping)]


def _rule(rules: dict[str, str], where: str) -> Callable[[Sequence[str]], bool] | None:
    name, text = next(iter(rules.items()), ("unencrypted_suffix", _DEFAULT_SUFFIX))
    if name.endswith("_comment_regex"):
        return None
    matches: Callable[[str], bool] = lambda step: step.endswith(text)  # noqa: E731 - one of two
    if name.endswith("_regex"):
        try:
            matches = Pattern(text).matches
        except PolicySyntaxError as error:
            message = f"is encrypted (sops) by a {name} that is none: {error.reason}"
            raise ManifestError(message, where=where) from error
    is_negative = name.startswith("un")
    return lambda path: any(map(matches, path)) != is_negative

"""Platforms: what an image runs on."""

import re
from dataclasses import dataclass

from reconciler.errors import PolicySyntaxError

_PLATFORM = re.compile(r"([a-z0-9]{1,32})/([a-z0-9_]{1,32})(?:/(v[0-9]{1,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system and a processor, as Go and OCI name them: ``linux/arm64/v8``.

    Attributes:
        system: ``linux``, ``windows`` …
        architecture: ``amd64``, ``arm64`` …
        variant: ``v7``, ``v8``; empty if none is named.
    """

    system: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Return the platform that a text names.

        Raises:
            PolicySyntaxError: it names none.
        """
        found = _PLATFORM.fullmatch(text)
        if found is None:
            raise PolicySyntaxError(text, "is no platform; write 'linux/amd64' or 'linux/arm/v7'")
        return cls(found[1], found[2], found[3] or "")

    def is_served_by(self, image: "Platform") -> bool:
        """Whether what an image is built for runs here; without a variant, any will do."""
        return (self.system, self.architecture) == (image.system, image.architecture) and (
            not self.variant or not image.variant or self.variant == image.variant
        )

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.system}/{self.architecture}{variant}"

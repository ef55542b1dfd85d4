"""How every command's JSON document is written."""

from reconciler.core.json_text import json_text

JSON = dict[str, object]


def rendered(body: JSON, *, version: int, exit_code: int) -> str:
    """Return a document as text; the version of its schema and the exit code come first."""
    whole = {"version": version, "exitCode": exit_code, **body}
    return json_text(whole, indent=2)

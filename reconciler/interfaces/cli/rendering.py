"""How every command's JSON document is written."""

import json

JSON = dict[str, object]


def rendered(body: JSON, *, version: int, exit_code: int) -> str:
    """Return a document as text; the version of its schema and the exit code come first."""
    whole = {"version": version, "exitCode": exit_code, **body}
    return json.dumps(whole, indent=2, ensure_ascii=False)

"""The description of the API, in OpenAPI 3.1."""

from typing import Final

from reconciler.core.gallery import State
from reconciler.core.history import Standing
from reconciler.interfaces.cli.rendering import JSON
from reconciler.release import VERSION

_TEXT: Final[JSON] = {"type": "string"}
_NUMBER: Final[JSON] = {"type": "integer"}
_YES: Final[JSON] = {"type": "boolean"}
_TIME: Final[JSON] = {"type": "string", "format": "date-time"}
_REVISION: Final[JSON] = {
    "type": "string",
    "description": "BRANCH@sha1:COMMIT, or @sha256:COMMIT",
}


def openapi() -> JSON:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconcile",
            "version": VERSION,
            "summary": "How sources, images and cycles of one process stand. Nothing can be "
            "changed here.",
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}, {"session": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "reconcile-page"},
            },
            "parameters": _parameters(),
            "schemas": _schemas(),
        },
    }


def _paths() -> JSON:
    source, image = [_named("source")], [_named("source"), _named("image")]
    search = [_named(each) for each in ("q", "state", "offset", "limit")]
    images = _object({"total": _NUMBER, "images": _list(_ref("Image"))})
    sources = _object({"sources": _list(_ref("Source"))})
    cycles = _object({"cycles": _list(_ref("Cycle"))})
    return {
        "/sources": _get("listSources", "All sources", sources),
        "/sources/{source}": _get(
            "getSource", "One source, with its last cycle", _ref("DetailedSource"), source
        ),
        "/sources/{source}/cycles": _get(
            "listCycles", "Its cycles of late, the newest first", cycles, source
        ),
        "/sources/{source}/images": _get(
            "listImagesOfSource", "Its images", images, [*source, *search]
        ),
        "/sources/{source}/images/{image}": _get(
            "getImage", "One image, with its tags and its updates", _ref("DetailedImage"), image
        ),
        "/images": _get("listImages", "The images of all sources", images, search),
        "/events": {
            "get": {
                "operationId": "streamEvents",
                "summary": "Server-sent events: `source`, with a Source, when one has changed; "
                "all of them at the beginning",
                "responses": {
                    "200": {
                        "description": "a stream",
                        "content": {"text/event-stream": {"schema": _TEXT}},
                    },
                    **_refusals(),
                },
            }
        },
        "/openapi.json": _get("getDescription", "This document", {"type": "object"}),
    }


def _parameters() -> JSON:
    return {
        "source": _parameter("source", "path", _TEXT, "the name of a source"),
        "image": _parameter("image", "path", _TEXT, "the id of an image"),
        "q": _parameter("q", "query", _TEXT, "words that must all stand in what is shown of it"),
        "state": _parameter("state", "query", _ref("State"), "only images in this state"),
        "offset": _parameter(
            "offset", "query", {"type": "integer", "minimum": 0, "default": 0}, "how many to pass"
        ),
        "limit": _parameter(
            "limit",
            "query",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500},
            "how many to give at most",
        ),
    }


def _schemas() -> JSON:
    source: JSON = {
        "name": _TEXT,
        "url": _TEXT,
        "state": {
            "enum": [
                *("waiting", "follows", "ok", "pending", "transient", "stalled"),
                *("suspended", "stopped", "bug"),
            ]
        },
        "running": _or_null(_TEXT),
        "leads": _or_null(_YES),
        "revision": _or_null(_REVISION),
        "lookedAt": _or_null(_TIME),
        "objects": _or_null(_object({"all": _NUMBER, "lookedAt": _NUMBER, "healthy": _NUMBER})),
        "suspended": _or_null(_object({"by": _TEXT, "why": _TEXT, "at": _TEXT})),
        "problems": {**_list(_ref("Problem")), "maxItems": 20},
        "problemCount": _NUMBER,
        "version": _NUMBER,
    }
    image: JSON = {
        "id": _TEXT,
        "source": _TEXT,
        "state": _ref("State"),
        "path": _TEXT,
        "line": _NUMBER,
        "workload": _TEXT,
        "container": _TEXT,
        "image": _TEXT,
        "current": _or_null(_TEXT),
        "policy": _TEXT,
        "filter": _or_null(_TEXT),
        "extract": _or_null(_TEXT),
        "platforms": _list(_TEXT),
        "pinsDigest": _YES,
        "allowsDowngrade": _YES,
        "newest": _or_null(_TEXT),
        "verdict": {"type": "string", "description": "UPDATE, or why it stays"},
        "detail": _TEXT,
    }
    return {
        "Source": _object(source),
        "DetailedSource": _object(
            {**source, "last": _or_null({"type": "object", "description": "as --output json"})}
        ),
        "State": {"enum": [each.value for each in State]},
        "Image": _object(image),
        "DetailedImage": _object(
            {
                **image,
                "historySince": _or_null(_TIME),
                "verdicts": _list(_object({"tag": _TEXT, "chosen": _YES, "reason": _TEXT})),
                "writes": _list(_ref("Write")),
            }
        ),
        "Write": _object(
            {
                "commit": _TEXT,
                "at": _TIME,
                "author": _TEXT,
                "by": _or_null(_TEXT),
                "old": _TEXT,
                "new": _TEXT,
                "standing": {"enum": [each.name for each in Standing]},
            }
        ),
        "Cycle": _object(
            {
                "number": _NUMBER,
                "why": _TEXT,
                "began": _TIME,
                "result": _TEXT,
                "revision": _or_null(_REVISION),
                "pushed": _or_null(_REVISION),
                "changes": _NUMBER,
                "objects": {"type": "object", "additionalProperties": _NUMBER},
                "problem": _or_null(_ref("Problem")),
                "seconds": {"type": "object", "additionalProperties": {"type": "number"}},
            }
        ),
        "Problem": _object(
            {"where": _TEXT, "message": _TEXT, "kind": {"enum": ["stalled", "transient"]}}
        ),
        "Refusal": _object({"message": _TEXT}),
    }


def _get(name: str, summary: str, schema: JSON, parameters: list[JSON] | None = None) -> JSON:
    operation: JSON = {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _answer(summary, schema), **_refusals()},
    }
    if parameters:
        operation["parameters"] = parameters
    return {"get": operation}


def _refusals() -> JSON:
    told = {
        "400": "a parameter is wrong",
        "401": "no token, or a wrong one",
        "404": "there is no such thing, or the API is not served",
        "429": "too many wrong tokens",
        "503": "nothing is known yet, or the token cannot be read",
    }
    return {code: _answer(why, _ref("Refusal")) for code, why in told.items()}


def _answer(description: str, schema: JSON) -> JSON:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, place: str, schema: JSON, description: str) -> JSON:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }


def _named(name: str) -> JSON:
    return {"$ref": f"#/components/parameters/{name}"}


def _ref(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: JSON) -> JSON:
    return {"type": "array", "items": items}


def _object(members: JSON) -> JSON:
    """Return the schema of an object that has these members, all of them and no others."""
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _or_null(schema: JSON) -> JSON:
    return {"anyOf": [schema, {"type": "null"}]}

"""The two patches of the API that the operator uses. Both leave the object they are given alone."""

from __future__ import annotations

import copy
import json
from typing import Any


class PatchFailed(Exception):
    """The patch cannot be applied to this object."""


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(target: Any, operations: list[dict[str, Any]]) -> Any:
    """RFC 6902 without move and copy; all operations or none."""
    document = copy.deepcopy(target)
    for operation in operations:
        document = _apply(document, operation)
    return document


def split_pointer(pointer: str) -> list[str]:
    """RFC 6901."""
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise PatchFailed(f"not a pointer: {pointer}")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    kind = operation.get("op")
    path = split_pointer(operation["path"])
    if kind == "test":
        if not _equal(_get(document, path), operation.get("value")):
            raise PatchFailed(f"testing value {operation['path']} failed")
        return document
    if kind == "add":
        return _put(document, path, operation["value"], new=True)
    if kind == "replace":
        _get(document, path)
        return _put(document, path, operation["value"], new=False)
    if kind == "remove":
        _get(document, path)
        return _remove(document, path)
    raise PatchFailed(f"no such operation: {kind}")


def _equal(one: Any, other: Any) -> bool:
    """1 and 1.0 are one JSON number, 1 and true are not one value."""
    return json.dumps(_plain(one), sort_keys=True) == json.dumps(_plain(other), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value


def _index(container: list[Any], part: str, length: int) -> int:
    if not part.isdigit() or (part != "0" and part.startswith("0")) or int(part) >= length:
        raise PatchFailed(f"no such element: {part} of {len(container)}")
    return int(part)


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list):
            document = document[_index(document, part, len(document))]
        else:
            raise PatchFailed(f"missing path: {part}")
    return document


def _put(document: Any, path: list[str], value: Any, new: bool) -> Any:
    if not path:
        return copy.deepcopy(value)
    container, last = _get(document, path[:-1]), path[-1]
    if isinstance(container, dict):
        container[last] = copy.deepcopy(value)
    elif not isinstance(container, list):
        raise PatchFailed(f"nothing can be put into a value: {last}")
    elif not new:
        container[_index(container, last, len(container))] = copy.deepcopy(value)
    elif last == "-":
        container.append(copy.deepcopy(value))
    else:
        container.insert(_index(container, last, len(container) + 1), copy.deepcopy(value))
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise PatchFailed("the whole document cannot be removed")
    container, last = _get(document, path[:-1]), path[-1]
    if isinstance(container, dict):
        del container[last]
    else:
        del container[_index(container, last, len(container))]
    return document

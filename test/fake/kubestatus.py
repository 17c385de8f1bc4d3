"""What a kube-apiserver answers when it says no: Status bodies, worded as it words them."""

from __future__ import annotations

from typing import Any

JSON = {"content-type": "application/json"}


class Refusal(Exception):
    """Ends the handling of a request with this Status."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(status["message"])
        self.status = status

    def __str__(self) -> str:
        return f"{self.status['code']} {self.status['reason']}: {self.status['message']}"


def failure(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
              "message": message, "reason": reason, "code": code}
    if details:
        status["details"] = details
    return status


def bad_request(message: str) -> dict[str, Any]:
    return failure(400, "BadRequest", message)


def unauthorized() -> dict[str, Any]:
    return failure(401, "Unauthorized", "Unauthorized")


def forbidden(verb: str, resource: str) -> dict[str, Any]:
    return failure(403, "Forbidden", f'{resource} is forbidden: User "steward" cannot {verb} '
                   f'resource "{resource}"', kind=resource)


def no_such_path() -> dict[str, Any]:
    return failure(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: str, name: str) -> dict[str, Any]:
    return failure(404, "NotFound", f'{resource} "{name}" not found', name=name, kind=resource)


def already_exists(resource: str, name: str) -> dict[str, Any]:
    return failure(409, "AlreadyExists", f'{resource} "{name}" already exists', name=name,
                   kind=resource)


def modified(resource: str, name: str) -> dict[str, Any]:
    """The resourceVersion is not that of the object any more."""
    return failure(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": the '
                   "object has been modified; please apply your changes to the latest version and "
                   "try again", name=name, kind=resource)


def precondition(resource: str, name: str, what: str, wanted: str, found: str) -> dict[str, Any]:
    """A precondition of a DELETE does not hold."""
    return failure(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": '
                   f"Precondition failed: {what} in precondition: {wanted}, {what} in object "
                   f"meta: {found}", name=name, kind=resource)


def expired(version: int | str, oldest: int) -> dict[str, Any]:
    return failure(410, "Expired", f"too old resource version: {version} ({oldest})")


def expired_continue() -> dict[str, Any]:
    return failure(410, "Expired", "The provided continue parameter is too old to display a "
                   "consistent list result.")


def gone() -> dict[str, Any]:
    """As servers said before there was Expired."""
    return failure(410, "Gone", "The event in requested index is outdated and cleared")


def unsupported_type(kind: str) -> dict[str, Any]:
    return failure(415, "UnsupportedMediaType", f"the body of the request was in an unknown "
                   f"format - accepted media types include: {kind}")


def failed_patch() -> dict[str, Any]:
    """A JSON patch that cannot be applied, a failed test too: which one is not said."""
    return failure(422, "Invalid",
                   "the server rejected our request due to an error in our request")


def invalid(kind: str, name: str, field: str, complaint: str) -> dict[str, Any]:
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {complaint}', name=name,
                   kind=kind, causes=[{"reason": "FieldValueInvalid", "message": complaint,
                                       "field": field}])


def too_many_requests(seconds: int) -> dict[str, Any]:
    return failure(429, "TooManyRequests", "Too many requests, please try again later.",
                   retryAfterSeconds=seconds)


def internal_error(message: str = "etcdserver: leader changed") -> dict[str, Any]:
    return failure(500, "InternalError", f"Internal error occurred: {message}",
                   causes=[{"message": message}])


def too_large_version(asked: int | str, current: int) -> dict[str, Any]:
    message = f"Too large resource version: {asked}, current: {current}"
    return failure(504, "Timeout", f"Timeout: {message}", retryAfterSeconds=1,
                   causes=[{"reason": "ResourceVersionTooLarge",
                            "message": "Too large resource version"}])


def too_large_version_legacy(asked: int | str, current: int) -> dict[str, Any]:
    """Before 1.17 there was no cause, only the words."""
    return failure(504, "Timeout",
                   f"Timeout: Too large resource version: {asked}, current: {current}",
                   retryAfterSeconds=1)

"""The SCIM service of an app (RFC 7644), as a client of it: find, create, replace, deactivate and delete resources."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from provider.jose.json_objects import read_object, write_json
from provider.languages.free_text import without_invisible
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbound.client import Outbound
from provider.provisioning.store.resources import LONGEST_ID

JSON = "application/scim+json"
MOST = 4 * 1024 * 1024
"""The largest response in bytes: a service may return a group with all its members."""
SECONDS = 10.0
"""The most seconds for one request. Services of apps are slower than ours."""
LONGEST_PAUSE = timedelta(hours=1)
"""How long a service can ask us to wait (Retry-After)."""
MESSAGE = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CONFIGURATION = "ServiceProviderConfig"


class Unavailable(Exception):
    """No usable response, or one that says to try later. `pause` is how long to wait, if the service says so."""

    def __init__(self, reason: str, *, pause: timedelta | None = None) -> None:
        self.pause = pause
        super().__init__(reason)


class Unauthorized(Exception):
    """The service rejects the token (401 or 403)."""


class Rejected(Exception):
    """The service rejects this request; others may succeed. `status` is that of its response."""

    def __init__(self, reason: str, *, status: int) -> None:
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True)
class Remote:
    """A resource at the app."""

    id: str
    version: str | None
    external_id: str = ""
    """The identifier that a client gave it, if any."""


@dataclass(frozen=True)
class Service:
    """The SCIM service at a base URL. Every function raises Unavailable, Unauthorized or Rejected."""

    base_url: str
    token: str
    outbound: Outbound

    def check(self) -> dict[str, Any]:
        """Return what the service supports (section 4): a request that changes nothing, to test the connection."""
        configuration = self._request("GET", CONFIGURATION)[1]
        self._find_at("Users", {"count": "1"})  # the configuration alone may need no token
        return configuration

    def find(self, endpoint: str, attribute: str, value: str) -> Remote | None:
        """Return the resource with this value of an attribute, or None, also if the service can't filter by it."""
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        try:
            found = self._find_at(endpoint, {"filter": f'{attribute} eq "{escaped}"'})
        except Rejected as refused:
            if refused.status in {400, 404, 405, 501}:
                return None
            raise
        # A service that ignores the filter answers with others.
        same = [one for one in found if str(one.get(attribute, "")).casefold() == value.casefold()]
        return _remote(same[0]) if len(same) == 1 else None

    def create(self, endpoint: str, resource: Mapping[str, Any]) -> Remote:
        """Create a resource (section 3.3)."""
        answer, body = self._request("POST", f"{endpoint}?{_EXCLUDED}", resource)
        made = _remote(body, answer)
        if made is None:
            raise Rejected("it answered without the id of what it created", status=answer.status)
        return made

    def replace(self, endpoint: str, remote_id: str, resource: Mapping[str, Any]) -> Remote:
        """Replace a resource (section 3.5.1)."""
        answer, body = self._request("PUT", f"{_at(endpoint, remote_id)}?{_EXCLUDED}", {**resource, "id": remote_id})
        return _remote(body, answer) or Remote(remote_id, None)

    def deactivate(self, remote_id: str) -> None:
        """Set `active` of a user to false (section 3.5.2), with PUT if the service has no PATCH."""
        operation = {"op": "replace", "path": "active", "value": False}
        try:
            self._request("PATCH", _at("Users", remote_id), {"schemas": [MESSAGE], "Operations": [operation]})
        except Rejected as refused:
            if refused.status not in {405, 501}:
                raise
            user = self._request("GET", _at("Users", remote_id))[1]
            self._request("PUT", _at("Users", remote_id), {**user, "active": False})

    def delete(self, endpoint: str, remote_id: str) -> None:
        """Delete a resource (section 3.6). It may be gone already."""
        try:
            self._request("DELETE", _at(endpoint, remote_id))
        except Rejected as refused:
            if refused.status != 404:
                raise

    def _find_at(self, endpoint: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        asked = urlencode(
            {**query, "excludedAttributes": "members"} if endpoint == "Groups" else query, quote_via=quote
        )
        found = self._request("GET", f"{endpoint}?{asked}")[1].get("Resources") or []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Answer, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": f"{JSON}, application/json"}
        content = None if body is None else write_json(body)
        if content is not None:
            headers["Content-Type"] = JSON
        try:
            answer = self.outbound.request(
                method, f"{self.base_url}/{path}", headers, content, most=MOST, seconds=SECONDS
            )
        except OutboundFailed as failed:
            raise Unavailable(failed.reason) from None
        shown = self._object(answer)
        if 200 <= answer.status < 300:
            return answer, shown
        reason = self._reason(answer, shown)
        if answer.status in {401, 403}:
            raise Unauthorized(reason)
        if answer.status in {429, 502, 503, 504}:
            raise Unavailable(reason, pause=_pause(answer.headers.get("retry-after", "")))
        raise Rejected(reason, status=answer.status)

    def _object(self, answer: Answer) -> dict[str, Any]:
        if not answer.body.strip():
            return {}
        try:
            return read_object(answer.body)
        except ValueError:
            if 200 <= answer.status < 300:
                raise Rejected("it answered without a JSON object", status=answer.status) from None
            return {}

    def _reason(self, answer: Answer, shown: Mapping[str, Any]) -> str:
        """Return what the service says, for operators: short, on one line, and without the token."""
        said = f"{shown.get('scimType') or ''} {shown.get('detail') or ''}".replace(self.token, "…")
        text = " ".join(without_invisible(re.sub(r"[\x00-\x1f\x7f]", " ", said)).split())[:200]
        return f"it answered {answer.status}" + (f": {text}" if text else "")


_EXCLUDED = urlencode({"excludedAttributes": "members"})


def _at(endpoint: str, remote_id: str) -> str:
    return f"{endpoint}/{quote(remote_id, safe='')}"


def _remote(body: Mapping[str, Any], answer: Answer | None = None) -> Remote | None:
    """Return the ID and the version in a resource. An ID that could change the path of a URL is none."""
    found, meta = body.get("id"), body.get("meta")
    if (
        not isinstance(found, str)
        or not 0 < len(found) <= LONGEST_ID
        or found in {".", ".."}
        or not found.isprintable()
    ):
        return None
    version = meta.get("version") if isinstance(meta, Mapping) else None
    if version is None and answer is not None:
        version = answer.headers.get("etag")
    known, external = isinstance(version, str) and len(version) <= LONGEST_ID, body.get("externalId")
    return Remote(found, version if known else None, external if isinstance(external, str) else "")


def _pause(text: str) -> timedelta | None:
    """Return what Retry-After says in seconds (RFC 9110 section 10.2.3). A date is left to our own pauses."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_PAUSE)

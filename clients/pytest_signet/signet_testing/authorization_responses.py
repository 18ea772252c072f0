"""Faults of authorization responses, which a browser carries to the app: in a redirect, or in a form that it posts."""

import re
from dataclasses import dataclass, replace
from html import escape
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.types import Message

from signet_testing.changes import Sign, with_wrong_tokens
from signet_testing.faults import Fault, Faults
from signet_testing.pages import Page

ANSWERS = frozenset({"code", "error", "id_token", "access_token"})
"""The parameters by which an authorization response is known."""
TOKENS = ("access_token", "id_token")
_FORM = re.compile(rb'(<form [^>]*id="answer">).*?(</form>)', re.DOTALL)
_BUTTON = re.compile(rb"<button.*?</button>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """The parameters of an authorization response, and the HTTP response that they are in."""

    parameters: dict[str, str]
    head: Message
    content: bytes
    at: str
    """`query`, `fragment` or `form`."""

    @classmethod
    def found_in(cls, head: Message, content: bytes, issuer: str) -> Self | None:
        """Return the authorization response in this HTTP response of Signet, or None if there is none."""
        headers = dict(head["headers"])
        if 300 <= head["status"] < 400:
            location = headers.get(b"location", b"").decode()
            parts = urlsplit(location)
            at = "fragment" if parts.fragment else "query"
            if not parts.netloc or location.startswith(f"{issuer}/"):
                return None
            given = dict(parse_qsl(getattr(parts, at), keep_blank_values=True))
        elif head["status"] == 200 and _FORM.search(content):
            at = "form"
            form = next(form for form in Page(content.decode()).forms if urlsplit(form.action).netloc)
            given = dict(form.fields)
        else:
            return None
        return cls(given, head, content, at) if given.keys() & ANSWERS else None

    def with_faults(self, faults: Faults, sign: Sign) -> Self:
        """Return the response with what goes wrong now, and count it."""
        of_tokens = faults.of_tokens() if self.parameters.keys() & set(TOKENS) else []
        given = with_wrong_tokens(self.parameters, [fault.tokens for fault in of_tokens], sign)
        for fault in faults.of_redirects():
            given = _replaced(given, fault)
        return replace(self, parameters=given)

    def response(self) -> tuple[Message, bytes]:
        """Return the HTTP response with these parameters."""
        if self.at == "form":
            fields = "".join(
                f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
                for name, value in self.parameters.items()
            ).encode()
            button = _BUTTON.search(self.content)
            content = _FORM.sub(
                lambda form: form[1] + fields + (button[0] if button else b"") + form[2], self.content, count=1
            )
            return _with_header(self.head, b"content-length", str(len(content)).encode()), content
        location = dict(self.head["headers"])[b"location"].decode()
        target = urlunsplit(urlsplit(location)._replace(**{self.at: urlencode(self.parameters)}))
        return _with_header(self.head, b"location", target.encode()), self.content


def _replaced(given: dict[str, str], fault: Fault) -> dict[str, str]:
    if fault.redirect.get("error"):
        given = {name: value for name, value in given.items() if name not in {"code", *TOKENS}}
    given = given | {name: value or "" for name, value in fault.redirect.items()}
    return {name: value for name, value in given.items() if fault.redirect.get(name, "kept") is not None}


def _with_header(head: Message, name: bytes, value: bytes) -> Message:
    kept = [(other, given) for other, given in head["headers"] if other != name]
    return {**head, "headers": [*kept, (name, value)]}

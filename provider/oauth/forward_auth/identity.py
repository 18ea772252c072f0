"""The headers that tell a protected site who the user is."""

from collections.abc import Collection, Iterable
from urllib.parse import quote

from provider.oauth.scopes import GROUPS as OF_GROUPS
from provider.oauth.tokens.store.people import Person

USER, NAME, EMAIL, GROUPS = "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups"
NAMES = (USER, NAME, EMAIL, GROUPS)
"""They are in every answer that allows a request, empty if there is no value, so that proxies overwrite what clients
send.
"""
LONGEST = 3000
"""How long the list of groups can be, in characters. Proxies limit the headers of an answer, many to 4 or 8 KB."""
PLAIN = " !#$&'()*+-./:;<=>?@[]^_`{|}~"
"""What is written as it is, besides letters and digits. Everything else is percent-encoded UTF-8 (RFC 3986 section
2.1), so a value is visible ASCII and cannot end the header.
"""


def headers_for(subject: str, person: Person, *, scope: Collection[str]) -> dict[str, str]:
    """Return the headers about a user, as far as the scope releases them. The email address is there only if it is
    verified.
    """
    name = person.claims.get("name") if "profile" in scope else None
    email = person.email if person.email_verified_at is not None and "email" in scope else None
    return {
        USER: _encode(subject),
        NAME: _encode(name if isinstance(name, str) else ""),
        EMAIL: _encode(email or ""),
        GROUPS: _joined(person.groups if OF_GROUPS in scope else ()),
    }


def no_one() -> dict[str, str]:
    """Return the headers of a request that is allowed without a user."""
    return dict.fromkeys(NAMES, "")


def _encode(text: str) -> str:
    return quote(text[:500], safe=PLAIN)


def _joined(groups: Iterable[str]) -> str:
    """Return the names with commas between them, as many as fit. A comma in a name is encoded."""
    kept, length = [], 0
    for group in map(_encode, groups):
        length += len(group) + 1
        if length > LONGEST:
            break
        kept.append(group)
    return ",".join(kept)

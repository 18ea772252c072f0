"""What the scopes of APIs allow, in the words of operators: `scope_descriptions` in the metadata of an API.

Users read them where the app asks for access to that API. Without a description they read the name of the scope.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provider.accounts.store import user_attributes
from provider.accounts.store.user_attributes import Attribute
from provider.languages.own_text import InvalidOwnText, clean_texts
from provider.languages.text import OwnText, Text
from provider.oauth.claim_mapping.store import ClaimMapping, find_of_scopes
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.store import api_resources, api_scopes
from provider.oauth.clients.store.api_scopes import DescribedScope
from provider.oauth.scopes import IN_WORDS, in_words, is_scope_token
from provider.work import UnitOfWork

MEMBER = "scope_descriptions"
MOST = 100
"""The largest number of scopes that an API can describe."""
LONGEST_SCOPE, LONGEST_TEXT = 256, 200
"""The longest scope that can be described, and its longest description, in characters."""


def clean_descriptions(metadata: ClientMetadata) -> dict[str, Any] | None:
    """Return the descriptions as they are stored: scope to language tag to text. Raises InvalidMetadata."""
    given = metadata.scope_descriptions
    if not given:
        return None
    if not metadata.resource_identifiers:
        raise InvalidMetadata(f"{MEMBER} is for APIs. Set resource_identifiers too.")
    if len(given) > MOST:
        raise InvalidMetadata(f"{MEMBER} can have at most {MOST} scopes, not {len(given)}.")
    cleaned = {}
    for scope, texts in given.items():
        if not is_scope_token(scope) or len(scope) > LONGEST_SCOPE:
            raise InvalidMetadata(f"{MEMBER}: {scope[:60]!r} is not a scope of at most {LONGEST_SCOPE} characters.")
        if scope in IN_WORDS:
            raise InvalidMetadata(f"{MEMBER}: {scope} has a description already.")
        try:
            cleaned[scope] = clean_texts(texts, most=LONGEST_TEXT, name=scope[:60])
        except InvalidOwnText as invalid:
            raise InvalidMetadata(f"{MEMBER}: {invalid}") from None
    return {scope: texts for scope, texts in cleaned.items() if texts} or None


@dataclass(frozen=True)
class ScopeDescriptions:
    """The descriptions of some scopes by enabled APIs, which API has each resource, and the attributes and claim
    mappings that these scopes release.
    """

    issuer: str = ""
    described: Sequence[DescribedScope] = ()
    owners: Mapping[str, str] | None = None
    attributes: Sequence[Attribute] = ()
    mappings: Sequence[ClaimMapping] = ()

    def of(self, scope: str, resources: Sequence[str]) -> list[Text]:
        """Return what a scope of a token for these resources allows: one text for each of these APIs that describes it,
        else its usual text or its name.

        A token for no other resource than the issuer is accepted by every API that trusts the issuer.
        """
        named = (
            None if not resources or self.issuer in resources else {(self.owners or {}).get(uri) for uri in resources}
        )
        found: list[Text] = [
            OwnText(one.texts)
            for one in self.described
            if one.scope == scope and (named is None or one.client_id in named)
        ]
        found += [see_attribute(one) for one in self.attributes if one.scope == scope]
        found += [OwnText(one.description) for one in self.mappings if one.scope == scope and one.description]
        return [*dict.fromkeys(found)] or [in_words(scope)]

    def releases(self, scope: str) -> bool:
        """Return whether this scope releases attributes of the user or mapped claims."""
        return scope in {*(one.scope for one in self.attributes), *(one.scope for one in self.mappings)}


def see_attribute(attribute: Attribute) -> Text:
    """Describe that an app sees an attribute of the user."""
    return Text("See this about you: %(attribute)s", attribute=OwnText(attribute.label))


UNDESCRIBED = ScopeDescriptions()


def find_descriptions(work: UnitOfWork, scopes: Iterable[str], resources: Iterable[str]) -> ScopeDescriptions:
    """Return the descriptions of these scopes, for tokens for these resources. Standard scopes are not looked up."""
    others = [scope for scope in dict.fromkeys(scopes) if scope not in IN_WORDS]
    if not others:
        return UNDESCRIBED
    described = api_scopes.find(work.read, others)
    attributes, mappings = user_attributes.find_of_scopes(work.read, others), find_of_scopes(work.read, others)
    if not described:
        return ScopeDescriptions(attributes=attributes, mappings=mappings)
    wanted = [uri for uri in dict.fromkeys(resources) if uri != work.settings.issuer]
    owners = api_resources.find_owners(work.read, wanted) if wanted else {}
    return ScopeDescriptions(work.settings.issuer, described, owners, attributes, mappings)

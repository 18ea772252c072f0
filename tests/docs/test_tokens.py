"""docs/reference/tokens.md has every member of every token and response, as a run of the provider shows them."""

import pytest

from provider.oauth.clients.metadata import FIELDS
from provider.oauth.endpoints.introspection import SHOWN
from provider.oauth.scopes import SCOPE_OF_CLAIM
from tests.docs.generate.sample_run import samples
from tests.docs.generate.tokens import KINDS, MEMBERS, ROLES, TOO_MANY, Kind

BY_SCOPE = SCOPE_OF_CLAIM.keys() - {"sub", *ROLES}
"""The claims in docs/reference/scopes-and-claims.md."""


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=KINDS)
def test_the_members_of_a_token_are_those_of_the_samples(name: str, kind: Kind) -> None:
    found = {member for sample in kind.samples for member in samples()[sample]}
    of_scopes = BY_SCOPE | {*ROLES} if name == "userinfo" else BY_SCOPE if name == "id-token" else set()
    assert found - of_scopes == kind.claims.keys()


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=KINDS)
def test_what_is_always_present_is_in_every_sample(name: str, kind: Kind) -> None:
    always = {member for member, (_, when, _) in kind.claims.items() if when == "always"}
    inactive = {"introspection of an inactive token", "introspection of a refresh token"}
    assert all(always <= samples()[sample].keys() for sample in kind.samples if sample not in inactive)


def test_every_member_of_an_introspection_response_is_in_the_reference() -> None:
    assert set(SHOWN) - TOO_MANY <= KINDS["introspection"].claims.keys()


def test_every_sample_is_of_a_token_in_the_reference() -> None:
    unused = samples().keys() - {sample for kind in KINDS.values() for sample in kind.samples}
    assert unused == {"introspection JWT header", "OAuth error", "problem"}


def test_the_members_of_a_client_that_change_tokens_exist() -> None:
    """Each member that chooses a signature or an encryption of ours is in the reference."""
    ours = {name for name in FIELDS if name.endswith(("_signed_response_alg", "_encrypted_response_alg"))}
    assert ours <= MEMBERS.keys() <= FIELDS.keys()

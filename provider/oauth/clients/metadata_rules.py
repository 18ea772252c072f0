"""The rules for valid client metadata (RFC 7591 section 2, OIDC Registration section 2). Pure.

First each member is checked alone, by what its declaration in `metadata` says, and then the members that have to fit
each other: see the files in `rules`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata, load_metadata
from provider.oauth.clients.metadata_values import (
    check_allowed,
    check_members,
    require_types,
    with_clean_names,
    without_nothing,
)
from provider.oauth.clients.origins import normal_origins
from provider.oauth.clients.protected_sites.sites import check_sites, with_sites
from provider.oauth.clients.rules.apis import check_resources, check_upstream_tokens
from provider.oauth.clients.rules.assertions import check_assertions
from provider.oauth.clients.rules.backchannel_authentication import check_backchannel_authentication
from provider.oauth.clients.rules.certificates import check_certificates
from provider.oauth.clients.rules.details_types import check_details_types
from provider.oauth.clients.rules.email_pages import check_email_pages
from provider.oauth.clients.rules.fapi2 import check_fapi2
from provider.oauth.clients.rules.flows import (
    check_grant_types,
    check_own_sign_in,
    check_pkce,
    check_redirect_uris,
    check_response_types,
    check_scope,
)
from provider.oauth.clients.rules.keys import check_assertion_algorithm, check_keys, check_request_objects
from provider.oauth.clients.rules.responses import check_encryption, check_response_modes, check_subjects
from provider.oauth.clients.rules.urls import check_logout, check_origins, check_web_pages
from provider.oauth.clients.scope_descriptions import clean_descriptions

LONGEST_MAX_AGE = 10**9
"""The largest default_max_age in seconds: some thirty years."""


def parse_metadata(given: Mapping[str, Any]) -> ClientMetadata:
    """Parse metadata from a request. Members without a value have their defaults (`metadata_values`). Raises
    InvalidMetadata, which says what is wrong.
    """
    sent = without_nothing(given)
    require_types(sent)
    return check_metadata(load_metadata(sent))


def check_metadata(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata as it is stored: with clean names and descriptions, origins as browsers write them, and a
    delivery mode for CIBA.

    Raises InvalidMetadata for metadata that this server does not support.
    """
    metadata = replace(
        with_clean_names(with_sites(metadata)),
        allowed_origins=normal_origins(metadata.allowed_origins),
        scope_descriptions=clean_descriptions(metadata),
    )
    check_sites(metadata)
    check_members(metadata)
    check_response_modes(metadata)
    check_redirect_uris(metadata)  # the rules below rely on each being a URI
    check_response_types(metadata)
    check_grant_types(metadata)
    check_own_sign_in(metadata)
    check_pkce(metadata)
    check_web_pages(metadata)
    check_scope(metadata)
    check_details_types(metadata)
    check_allowed(metadata)
    check_origins(metadata)
    check_email_pages(metadata, may_be_local=True)
    check_resources(metadata)
    check_upstream_tokens(metadata)
    check_assertions(metadata)
    check_keys(metadata)
    check_request_objects(metadata)
    check_assertion_algorithm(metadata)
    check_certificates(metadata)
    check_fapi2(metadata)
    check_encryption(metadata)
    check_subjects(metadata)
    check_logout(metadata)
    if metadata.default_max_age is not None and metadata.default_max_age > LONGEST_MAX_AGE:
        raise InvalidMetadata(f"default_max_age must be at most {LONGEST_MAX_AGE} seconds.")
    return check_backchannel_authentication(metadata)

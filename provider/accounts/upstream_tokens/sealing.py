"""The tokens of an identity, as they are encrypted in their row."""

import json
from dataclasses import asdict, dataclass, field

from provider.accounts.store.upstream_tokens import UpstreamTokens
from provider.crypto.vault import Vault

PURPOSE = "upstream-tokens"


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """The tokens that an upstream issued together."""

    access_token: str = field(repr=False)
    token_type: str
    refresh_token: str | None = field(default=None, repr=False)


def seal(vault: Vault, identity_id: str, pair: TokenPair) -> str:
    return vault.encrypt(json.dumps(asdict(pair)).encode(), purpose=PURPOSE, context=identity_id)


def unseal(vault: Vault, row: UpstreamTokens) -> TokenPair:
    """Return the tokens of a row that has some. Raises VaultError if its key is no longer configured."""
    return TokenPair(**json.loads(vault.decrypt(row.sealed or "", purpose=PURPOSE, context=row.identity_id)))

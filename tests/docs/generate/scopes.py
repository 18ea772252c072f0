"""The standard scopes and the claims they give access to."""

from provider.oauth.scopes import CLAIM_IN_WORDS, CLAIMS_OF_SCOPE, IN_WORDS, SCOPE_OF_CLAIM
from tests.docs.generate.markdown import table


def scopes() -> str:
    rows = [
        (f"`{scope}`", str(IN_WORDS[scope]), ", ".join(f"`{claim}`" for claim in claims))
        for scope, claims in CLAIMS_OF_SCOPE.items()
    ]
    return table(("scope", "what the consent page says", "claims"), rows)


def claims() -> str:
    rows = [
        (f"`{claim}`", f"`{scope}`", str(CLAIM_IN_WORDS.get(claim, IN_WORDS[scope])))
        for claim, scope in SCOPE_OF_CLAIM.items()
    ]
    return table(("claim", "scope", "what the consent page says"), rows)

"""signet import --from keycloak: the clients of a realm."""

import json
from pathlib import Path

from provider.oauth.clients.clients import find_client
from tests.cli.conftest import Signet
from tests.cli.test_moving_in import rows_of
from tests.support.exports import keycloak_client, keycloak_realm
from tests.support.installation import Work


def test_clients_name_what_signet_does_not_have(signet: Signet, work: Work, tmp_path: Path) -> None:
    """N-301: wildcards, old flows, mappers and SAML are in the report; a masked secret is no secret."""
    realm = tmp_path / "realm.json"
    web = keycloak_client(
        redirectUris=["https://shop.example.test/*", "https://shop.example.test/callback"],
        directAccessGrantsEnabled=True,
        implicitFlowEnabled=True,
        protocolMappers=[{"name": "department", "protocolMapper": "oidc-usermodel-attribute-mapper"}],
        attributes={"access.token.lifespan": "60", "pkce.code.challenge.method": ""},
        enabled=False,
    )
    wild = keycloak_client(clientId="wild", redirectUris=["*"])
    spa = keycloak_client(clientId="spa", publicClient=True, secret=None)
    masked = keycloak_client(clientId="masked", secret="**********")
    saml = keycloak_client(clientId="saml", protocol="saml")
    realm.write_text(keycloak_realm([], [web, wild, spa, masked, saml]))
    report = tmp_path / "report.csv"
    done = signet("import", "--from", "keycloak", str(realm), "--report", str(report))
    assert done.status == 1
    rows = {row["name"]: row for row in rows_of(report)}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "shop": "created", "wild": "failed", "spa": "created", "masked": "failed", "saml": "failed",
    }  # fmt: skip
    for words in (
        "list each URI: https://shop.example.test/*",
        "directAccessGrantsEnabled",
        "implicitFlowEnabled",
        "Settings are left out: access.token.lifespan.",
        "Protocol mappers are left out: department.",
        "PKCE is not required, as before.",
    ):
        assert words in rows["shop"]["notes"]
    assert "kc.sh export" in rows["masked"]["reason"]
    assert "saml" in rows["saml"]["reason"]
    with work() as w:
        shop, app = find_client(w, "shop"), find_client(w, "spa")
    assert shop is not None
    assert shop.disabled
    assert not shop.metadata.require_pkce
    assert app is not None
    assert app.metadata.is_public
    assert app.metadata.require_pkce
    again = signet("import", "--from", "keycloak", str(realm), "--json")
    assert json.loads(again.out)["clients"] == {"skipped": 2, "failed": 3}

"""Trusted issuers in the console and the admin API."""

from provider.oauth.trusted_issuers import store
from tests.admin.conftest import Console, Program
from tests.support.client_keys import Signatory
from tests.support.installation import Work

CI = "https://ci.example.test"


def test_an_issuer_is_added_edited_disabled_and_deleted_in_the_console(console: Console, work: Work) -> None:
    page = console.open("/trusted-issuers")
    assert "No trusted issuers yet." in page.text
    page = console.browser.submit({"issuer": CI, "jwks": "no json"}, button="Add trusted issuer")
    assert page.status == 400
    page = console.browser.submit({"issuer": CI, "jwks": "", "algorithms": "ES256"}, button="Add trusted issuer")
    assert "Trusted issuer added." in page.text
    assert CI in page.text
    with work() as w:
        (row,) = store.find_all(w.read)
    here = f"/trusted-issuers/{row.id}"
    console.open(f"{here}/edit")
    page = console.browser.submit({"algorithms": "HS256"}, button="Save")
    assert page.status == 400
    page = console.browser.submit({"algorithms": "ES256 RS256", "user_mapping": "linked"}, button="Save")
    assert "Trusted issuer updated." in page.text
    assert "By the account that the user linked" in page.text
    console.open(f"{here}/disable")
    assert "Trusted issuer disabled." in console.browser.submit(button="Disable").text
    console.open(f"{here}/enable")
    assert "Trusted issuer enabled." in console.browser.submit(button="Enable").text
    console.open(f"{here}/delete")
    assert "Trusted issuer deleted." in console.browser.submit(button="Delete").text


def test_an_issuer_is_managed_by_api(operator: Program) -> None:
    made = operator("POST", "/trusted-issuers", issuer=CI, jwks=Signatory().jwks).json()
    assert (made["issuer"], made["disabled"], made["user_mapping"]) == (CI, False, "none")
    at = f"/trusted-issuers/{made['id']}"
    assert operator("PUT", at, algorithms=["ES256"]).json().get("jwks") is None
    assert operator("POST", f"{at}/disable").status_code == 204
    assert operator.get("/trusted-issuers")["trusted_issuers"][0]["disabled"]
    assert operator("POST", f"{at}/enable").status_code == 204
    assert operator("PUT", at, user_mapping="email").status_code == 400
    assert operator("POST", "/trusted-issuers", issuer="https://10.0.0.1").status_code == 400
    assert operator("DELETE", at).status_code == 204
    assert operator("GET", at).status_code == 404

"""oidcc-3rdparty-init-login-certification-test-plan."""

from tests.conformance.suite import CALLBACK, RP, Provider


def test_oidcc_3rd_party_init_login(provider: Provider) -> None:
    with provider.client(initiate_login_uri=f"{RP}/initiate") as client:
        assert client.registered["initiate_login_uri"] == f"{RP}/initiate"
        bearer = {"authorization": f"Bearer {client.registered['registration_access_token']}"}
        read = provider.http.get(client.registered["registration_client_uri"], headers=bearer)
        assert read.status_code == 200
        assert read.headers["content-type"].startswith("application/json")
        assert read.json()["initiate_login_uri"] == f"{RP}/initiate"
        client.registered |= read.json()  # the token may be a new one


def test_oidcc_3rd_party_init_login_nohttps(provider: Provider) -> None:
    uri = RP.replace("https", "http") + "/initiate"
    refused = provider.register_raw(redirect_uris=[CALLBACK], initiate_login_uri=uri)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")

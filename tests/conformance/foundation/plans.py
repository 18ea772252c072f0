"""The plans of the suite. Each of `PLANS` registers the clients that it needs, and returns what the suite is given."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from provider.work import unit_of_work
from tests.conformance.foundation.browser import Pages
from tests.conformance.foundation.events import cause_events
from tests.conformance.foundation.under_test import UnderTest
from tests.support.client_certificates import Shown, issue
from tests.support.client_keys import Signatory, new_key
from tests.support.factories import make_user

FAPI_SCOPE = "openid profile email address phone offline_access"
CIBA = "urn:openid:params:grant-type:ciba"


@dataclass(frozen=True)
class Plan:
    """A plan of the suite, its variant and its configuration."""

    name: str
    variant: dict[str, str]
    configuration: dict[str, Any]
    meanwhile: Callable[[], None] | None = None
    """What happens when a module asks for events of users, or for new keys."""
    needs_person: bool = False
    """Whether a real browser opens the URLs, instead of the suite's own."""

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{name}={value}" for name, value in self.variant.items())])


@dataclass
class Builder:
    """Signet and the suite, as one plan names them."""

    alias: str
    signet: UnderTest
    suite: str
    trusted: ssl.SSLContext
    approval: str
    """Where the suite says that a backchannel request is to be approved."""

    @property
    def base(self) -> dict[str, Any]:
        pages = Pages(self.signet.issuer, self.url(""))
        return {
            "alias": self.alias,
            "description": "Signet",
            "server": {
                "discoveryUrl": f"{self.signet.issuer}/.well-known/openid-configuration",
                "allow_unexpected_metadata_fields": [
                    "authorization_grant_profiles_supported",
                    "identity_chaining_requested_token_types_supported",
                ],
            },
            "options": {"browsercontrol_css_enable": False},
            **pages.all(),
            "override": pages.overrides,
        }

    def url(self, path: str) -> str:
        """An address of the suite as an app."""
        return f"{self.suite}/test/a/{self.alias}{path}"

    # Shared signals

    def ssf(self, name: str, delivery: str) -> Plan:
        client_id, secret = self.signet.register(
            client_name="Receiver",
            redirect_uris=(self.url("/callback"),),
            grant_types=("client_credentials", "authorization_code"),
            scope="openid email ssf.manage ssf.read",
            token_endpoint_auth_method="client_secret_basic",
            require_pkce=False,
        )
        variant = {
            "ssf_server_metadata": "discovery",
            "ssf_auth_mode": "dynamic",
            "server_metadata": "discovery",
            "client_registration": "static_client",
            "client_auth_type": "client_secret_basic",
            "ssf_delivery_mode": delivery,
        }
        if "caep" not in name:
            variant["ssf_profile"] = "default"
        with unit_of_work(self.signet.installation) as work:
            user_id = make_user(work, f"{self.alias}@example.test")
        subject = {"format": "iss_sub", "iss": self.signet.issuer}
        own = {
            "client": {"client_id": client_id, "client_secret": secret, "scope": "ssf.read ssf.manage"},
            "ssf": {
                "subjects": {"valid": {**subject, "sub": user_id}, "invalid": {"format": "opaque", "id": ""}},
                "transmitter": {"issuer": self.signet.issuer, "metadata_suffix": ""},
            },
        }
        meanwhile = partial(cause_events, self.signet, self.trusted, client_id, str(secret), self.url("/callback"))
        return Plan(name, variant, {**self.base, **own}, meanwhile)

    # FAPI

    def _fapi_client(self, auth: str, bound: str, number: int, **members: Any) -> tuple[dict[str, Any], Shown]:
        """A client with keys and a certificate of its own, as the suite is given it."""
        keys = Signatory("PS256", kid=f"key-{number}", key=new_key("PS256"))
        subject = f"CN=FAPI client {auth} {bound} {number} {members.get('client_name', '')}".strip()
        certificate = issue(subject, by=self.signet.clients_authority)
        own: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}
        if auth == "mtls":
            own = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": subject}
        own[f"{'dpop' if bound == 'dpop' else 'tls_client_certificate'}_bound_access_tokens"] = True
        given = {"client_name": "FAPI", "jwks": keys.jwks, "scope": FAPI_SCOPE, **own, **members}
        client_id, _ = self.signet.register(**given)
        private = {**keys.key.as_dict(private=True), "kid": keys.kid, "alg": "PS256", "use": "sig"}
        told = {"client_id": client_id, "scope": given["scope"], "jwks": {"keys": [private]}}
        return told, certificate

    def fapi2(self, name: str, auth: str, bound: str, *, profile: str = "fapi2", **variant: str) -> Plan:
        first = self.url("/callback")
        members: dict[str, Any] = {
            "profile": profile,
            "grant_types": ("authorization_code", "refresh_token"),
            "id_token_signed_response_alg": "PS256",
            "require_signed_request_object": variant.get("fapi_request_method") == "signed_non_repudiation",
        }
        one, certificate = self._fapi_client(auth, bound, 1, redirect_uris=(first,), **members)
        second = f"{first}?dummy1=lorem&dummy2=ipsum"
        two, certificate2 = self._fapi_client(auth, bound, 2, redirect_uris=(second,), **members)
        resources = self.signet.mtls if bound == "mtls" else self.signet.issuer
        if bound == "dpop":
            one["dpop_signing_alg"] = two["dpop_signing_alg"] = "PS256"
        own = {
            "client": one,
            "client2": two,
            "resource": {"resourceUrl": f"{resources}/oauth2/userinfo"},
        }
        if "mtls" in (auth, bound):
            own |= {"mtls": _pair(certificate), "mtls2": _pair(certificate2)}
        chosen = {
            "client_auth_type": auth,
            "sender_constrain": bound,
            "openid": "openid_connect",
            "fapi_profile": "plain_fapi",
            "authorization_request_type": "simple",
            **variant,
        }
        return Plan(name, chosen, {**self.base, **own})

    def fapi_ciba(self, auth: str, mode: str) -> Plan:
        email = f"{self.alias}@example.test"
        with unit_of_work(self.signet.installation) as work:
            make_user(work, email)
        members: dict[str, Any] = {
            "client_name": f"CIBA {mode}",
            "grant_types": (CIBA, "refresh_token"),
            "response_types": (),
            "redirect_uris": (),
            "scope": "openid email offline_access",
            "backchannel_token_delivery_mode": mode,
            "backchannel_authentication_request_signing_alg": "PS256",
            "id_token_signed_response_alg": "PS256",
        }
        if auth == "private_key_jwt":
            members["token_endpoint_auth_signing_alg"] = "PS256"
        else:
            members["profile"] = "fapi2"
        if mode == "ping":
            members["backchannel_client_notification_endpoint"] = self.url("/ciba-notification-endpoint")
        one, certificate = self._fapi_client(auth, "mtls", 1, **members)
        two, certificate2 = self._fapi_client(auth, "mtls", 2, **members)
        for each in (one, two):
            each |= {"hint_type": "login_hint", "hint_value": email, "acr_value": "aal1"}
        own = {
            "client": one,
            "client2": two,
            "mtls": _pair(certificate),
            "mtls2": _pair(certificate2),
            "resource": {"resourceUrl": f"{self.signet.mtls}/oauth2/userinfo"},
            "automated_ciba_approval_url": f"{self.approval}?user={email}&id={{auth_req_id}}&action={{action}}",
        }
        variant = {
            "client_auth_type": auth,
            "ciba_mode": mode,
            "fapi_ciba_profile": "plain_fapi",
            "client_registration": "static_client",
        }
        return Plan("fapi-ciba-id1-test-plan", variant, {**self.base, **own})

    # OpenID Connect

    def oidcc(self, name: str, **variant: str) -> Plan:
        """With clients that register themselves."""
        own = {"client": {"client_name": "first"}, "client2": {"client_name": "second"}}
        return Plan(name, variant, {**self.base, **own}, self.signet.rotate_keys)

    def session_management(self) -> Plan:
        """Whose module talks to the iframe of the provider, for which the suite's own browser is too simple."""
        plan = self.oidcc("oidcc-session-management-certification-test-plan", **CODE)
        configuration = {key: value for key, value in plan.configuration.items() if key not in {"browser", "override"}}
        return replace(plan, configuration=configuration, needs_person=True)

    def oidcc_static(self, name: str, **variant: str) -> Plan:
        """With three clients that the operator registered."""
        names = {
            "client": {},
            "client_secret_post": {"token_endpoint_auth_method": "client_secret_post"},
            "client2": {},
        }
        own: dict[str, Any] = {}
        for each, members in names.items():
            client_id, secret = self.signet.register(
                **{
                    "client_name": each,
                    "redirect_uris": (self.url("/callback"),),
                    "post_logout_redirect_uris": (self.url("/post_logout_redirect"),),
                    "grant_types": ("authorization_code", "refresh_token"),
                    "token_endpoint_auth_method": "client_secret_basic",
                    "require_pkce": False,
                    **members,
                }
            )
            own[each] = {"client_id": client_id, "client_secret": secret}
        return Plan(
            name,
            {"server_metadata": "discovery", "client_registration": "static_client", **variant},
            {**self.base, **own},
        )


def _pair(certificate: Shown) -> dict[str, str]:
    return {"cert": certificate.pem, "key": certificate.key_pem}


DISCOVERED = {"server_metadata": "discovery", "client_registration": "dynamic_client"}
CODE = {"response_type": "code", "client_registration": "dynamic_client"}
SIGNED = {"fapi_request_method": "signed_non_repudiation"}
SP, MS = "fapi2-security-profile-final-test-plan", "fapi2-message-signing-final-test-plan"
PLANS: dict[str, Callable[[Builder], Plan]] = {
    "ssf-push": lambda b: b.ssf("openid-ssf-transmitter-test-plan", "push"),
    "ssf-poll": lambda b: b.ssf("openid-ssf-transmitter-test-plan", "poll"),
    "caep-push": lambda b: b.ssf("openid-ssf-transmitter-caep-test-plan", "push"),
    "caep-poll": lambda b: b.ssf("openid-ssf-transmitter-caep-test-plan", "poll"),
    "fapi2-jwt-dpop": lambda b: b.fapi2(SP, "private_key_jwt", "dpop"),
    "fapi2-jwt-mtls": lambda b: b.fapi2(SP, "private_key_jwt", "mtls"),
    "fapi2-mtls-mtls": lambda b: b.fapi2(SP, "mtls", "mtls"),
    "signing-jarm": lambda b: b.fapi2(
        MS, "private_key_jwt", "dpop", profile="fapi2-message-signing", fapi_response_mode="jarm", **SIGNED
    ),
    "signing-plain": lambda b: b.fapi2(MS, "private_key_jwt", "dpop", fapi_response_mode="plain_response", **SIGNED),
    "ciba-jwt-poll": lambda b: b.fapi_ciba("private_key_jwt", "poll"),
    "ciba-jwt-ping": lambda b: b.fapi_ciba("private_key_jwt", "ping"),
    "ciba-mtls-poll": lambda b: b.fapi_ciba("mtls", "poll"),
    "oidcc-config": lambda b: b.oidcc("oidcc-config-certification-test-plan"),
    "oidcc-basic": lambda b: b.oidcc("oidcc-basic-certification-test-plan", **DISCOVERED),
    "oidcc-basic-static": lambda b: b.oidcc_static("oidcc-basic-certification-test-plan"),
    "oidcc-dynamic": lambda b: b.oidcc("oidcc-dynamic-certification-test-plan", response_type="code"),
    "oidcc-rp-logout": lambda b: b.oidcc("oidcc-rp-initiated-logout-certification-test-plan", **CODE),
    "oidcc-back-channel": lambda b: b.oidcc("oidcc-backchannel-rp-initiated-logout-certification-test-plan", **CODE),
    "oidcc-front-channel": lambda b: b.oidcc("oidcc-frontchannel-rp-initiated-logout-certification-test-plan", **CODE),
    "oidcc-session": lambda b: b.session_management(),
    "oidcc-implicit": lambda b: b.oidcc("oidcc-implicit-certification-test-plan", **DISCOVERED),
    "oidcc-hybrid": lambda b: b.oidcc("oidcc-hybrid-certification-test-plan", **DISCOVERED),
    "oidcc-form-post": lambda b: b.oidcc("oidcc-formpost-basic-certification-test-plan", **DISCOVERED),
    "oidcc-form-post-implicit": lambda b: b.oidcc("oidcc-formpost-implicit-certification-test-plan", **DISCOVERED),
    "oidcc-form-post-hybrid": lambda b: b.oidcc("oidcc-formpost-hybrid-certification-test-plan", **DISCOVERED),
    "oidcc-third-party": lambda b: b.oidcc("oidcc-3rdparty-init-login-certification-test-plan", response_type="code"),
}

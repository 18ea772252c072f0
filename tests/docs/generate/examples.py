"""Example bodies of the APIs, from the schemas of the OpenAPI documents and the values here."""

from typing import Any

Schema = dict[str, Any]

EARLIER, NOW, LATER = "2026-11-28T09:30:00Z", "2026-11-29T10:15:00Z", "2026-12-29T10:15:00Z"
TYPE: dict[str, Any] = {
    "type": "payment_initiation",
    "label": {"en": "Make a payment"},
    "description": {"en": "Pay {creditor}"},
    "fields": {"creditor": {"en": "To"}},
    "json_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "creditor"],
        "properties": {"type": {"const": "payment_initiation"}, "creditor": {"type": "string"}},
    },
    "resources": ["https://payments.example.com"],
    "ask_each_time": True,
    "updated_at": NOW,
}
ATTRIBUTE: dict[str, Any] = {
    "name": "customer_number",
    "type": "text",
    "label": {"en": "Customer number"},
    "help": {"en": "It is on each of your invoices."},
    "rules": {"pattern": "^[0-9]{4,8}$"},
    "seen_by": ["user", "operator", "api"],
    "edited_by": ["operator", "api"],
    "shown_at": ["profile"],
    "required_at": [],
    "searchable": True,
    "position": 0,
    "scope": "shop",
    "claim": "customer_number",
    "released_since": NOW,
    "updated_at": NOW,
}
GROUP = {"groups": ["backend"], "owners": ["0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34"], "roles": ["developer"]}
LISTED_GROUP = {"name": "engineering", "display_name": "Engineering", "description": "Developers", "members": 12}
MAPPING: dict[str, Any] = {
    "name": "kubernetes-groups",
    "claim": "groups",
    "client_id": "kubernetes",
    "places": ["id_token"],
    "source": "groups",
    "prefix": "k8s-",
    "strip_prefix": True,
    "format": "list",
    "description": {},
    "updated_at": NOW,
}
PROVISIONING: dict[str, Any] = {
    "client_id": "shop",
    "base_url": "https://shop.example.com/scim/v2",
    "members_of": ["staff"],
    "push_groups": ["engineering"],
    "on_deletion": "deactivate",
    "with_attributes": False,
}
PROVISIONED: dict[str, Any] = {
    "client_id": "shop",
    "kind": "user",
    "key": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "state": "current",
    "active": True,
    "remote_id": "2819c223",
    "version": 'W/"3694e05e9dff591"',
    "attempts": 0,
    "error": None,
    "changed_at": EARLIER,
    "succeeded_at": NOW,
}
STREAM: dict[str, Any] = {
    "client_id": "shop",
    "stream_id": "019ad2f0-6d1c-7f2a-9e34-0b8e5c1e4b0f",
    "method": "push",
    "endpoint_url": "https://shop.example.com/events",
    "events": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"],
    "description": "Sessions of the shop",
    "status": "enabled",
    "reason": None,
}
CLAIMS: dict[str, Any] = {"sub": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34", "groups": ["admins"]}
VALUES: dict[str, Any] = {
    "accepted_at": EARLIER,
    "accepted_terms": "2026-11",
    "about": "new_device to ada@example.com",
    "acr": "aal1",
    "alg": "RS256",
    "synced": True,
    "required_factor": "none",
    "authenticator": "Google Password Manager",
    "amr": ["pwd", "otp", "mfa"],
    "at": NOW,
    "attempts": 1,
    "auth_time": EARLIER,
    "auth_session": "hM2c8zWn4vQ1tYxk7RbPfg",
    "client_id": "quill",
    "client_name": "Quill",
    "code": "493817",
    "built_in": False,
    "codes": ["7k2m-x9qd-4htw-1vbn", "c3fp-8wzr-6yjk-5gsa"],
    "confirmed": True,
    "confirmed_at": NOW,
    "country": "FR",
    "created_at": EARLIER,
    "current": False,
    "current_password": "orbit velvet canyon",
    "details": {"by": "user"},
    "device": "Firefox on Linux",
    "disabled": False,
    "email": "ada@example.com",
    "email_verified": True,
    "enabled": True,
    "error": "invalid_grant",
    "error_id": "7f3k2m9qd4htw1vb",
    "events": ["account.*"],
    "expires_at": LATER,
    "expires_in": 86400,
    "grant_types": ["authorization_code", "refresh_token"],
    "granted_at": EARLIER,
    "group": "Lifetimes",
    "has_password": True,
    "id": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "initial_access_token": "wZ8nT3kLq0Vb5yRmXc7dHg",
    "invite": True,
    "is_default": True,
    "is_secret": False,
    "issuer": "https://accounts.example.org",
    "kept": True,
    "key": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "kid": "rs256-2026-11",
    "last_seen": NOW,
    "last_used": NOW,
    "last_used_at": NOW,
    "left": 9,
    "name": "Ada Lovelace",
    "network": "203.0.113.7",
    "new_password": "lantern pepper glacier",
    "next_at": NOW,
    "offline": True,
    "passed": False,
    "password": "orbit velvet canyon",
    "postal_code": "75001",
    "purpose": "verify",
    "reason": "Requested by the support team",
    "recovery_codes_left": 9,
    "redirect_uris": ["https://quill.example.com/callback"],
    "registered_itself": False,
    "request_id": "7f3k2m9qd4htw1vb",
    "roles": ["editor"],
    "scope": "openid profile email",
    "secret": "whsec_Zm9yIHRoZSBkb2N1bWVudGF0aW9u",
    "session_id": "5d0c9a52-7d6e-4a83-8f63-0f0b3c1e2a77",
    "setting_up": False,
    "signs_from": EARLIER,
    "since": EARLIER,
    "state": "due",
    "status": "active",
    "street_address": "1 rue de Rivoli",
    "locality": "Paris",
    "sub": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "subject": "114860392",
    "ticket": "Rk3vB8xN1mQz6tLw",
    "token": "pV4hX2nK9sTd7cYb",
    "token_families": 2,
    "topic": "mail",
    "two_factor": True,
    "updated_at": NOW,
    "uri": "otpauth://totp/Signet:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Signet",
    "url": "https://hooks.example.com/signet",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "user_id": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "uses": 10,
    "users": 12,
    "value": "10m",
    "endpoint": "token",
    "description": "The authorization code has expired",
}
"""The values of members, by name."""

OF_A_BODY: dict[str, Any] = {
    "AcceptedTerms.version": "2026-11",
    "Account.claims": {"name": "Ada Lovelace", "locale": "en"},
    **{f"DeclaredAttribute.{member}": value for member, value in ATTRIBUTE.items()},
    **{
        f"AttributeDeclaration.{member}": value
        for member, value in ATTRIBUTE.items()
        if member not in {"name", "released_since", "updated_at"}
    },
    **{f"OwnAttribute.{member}": ATTRIBUTE[member] for member in ("name", "type", "label", "help", "rules")},
    "OwnAttribute.editable": False,
    "OwnAttribute.required": False,
    "OwnAttribute.value": "4711",
    "AttributeChanges.values": {"newsletter": True},
    "Account.attributes": {"customer_number": "4711"},
    "Account.attribute_problems": {},
    "DoctorResult.progress": "idle",
    "DoctorResult.finished_at": NOW,
    "DoctorResult.requested_by": "user 0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "DoctorResult.host": "node-1",
    "DoctorResult.url": "https://id.example.com",
    "DoctorResult.problems": 1,
    "DoctorFinding.group": "tls",
    "DoctorFinding.examination": "certificates",
    "DoctorFinding.id": "tls.expired",
    "DoctorFinding.severity": "problem",
    "DoctorFinding.what": "The certificate of id.example.com expired on 2026-11-28.",
    "DoctorFinding.why": "Browsers show an error instead of the sign-in page, and apps cannot get tokens.",
    "DoctorFinding.fix": "Renew the certificate and reload the proxy.",
    "DoctorFinding.section": "RFC 5280 section 4.1.2.5",
    "NewAccount.attributes": {"customer_number": "4711"},
    "Change.attributes": {"customer_number": "4711"},
    "Registration.attributes": {"newsletter": True},
    **{f"AuthorizationDetailsType.{member}": value for member, value in TYPE.items()},
    **{f"TypeDeclaration.{member}": value for member, value in TYPE.items() if member not in {"type", "updated_at"}},
    **{f"Provisioning.{member}": value for member, value in PROVISIONING.items()},
    **{f"NewProvisioning.{member}": value for member, value in PROVISIONING.items() if member != "client_id"},
    "NewProvisioning.token": "pV4hX2nK9sTd7cYb",
    **{f"ProvisionedResource.{member}": value for member, value in PROVISIONED.items()},
    "ProvisioningState.client_id": "shop",
    "ProvisioningState.state": "on",
    "ProvisioningState.error": None,
    "ProvisioningState.retry_at": None,
    "ProvisioningState.groups": 1,
    "ProvisioningState.deactivated": 3,
    "ProvisioningState.pending": 0,
    "ProvisioningState.failed": 0,
    "ProvisioningState.scanned": 120,
    "ProvisioningState.scan_started_at": EARLIER,
    "ProvisioningState.scan_finished_at": NOW,
    "ProvisioningState.users": 117,
    **{f"SignalStream.{member}": value for member, value in STREAM.items()},
    "SignalStreamState.client_id": "shop",
    "SignalStreamState.waiting": 0,
    "SignalStreamState.oldest_at": None,
    "SignalStreamState.dropped": 0,
    "SignalStreamState.error": None,
    "SignalStreamState.retry_at": None,
    "SignalStreamState.delivered_at": NOW,
    "StreamChange.reason": "Maintenance of the shop",
    "Which.kind": "user",
    "Which.key": "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34",
    "Retried.count": 1,
    "ConnectionTest.patch": True,
    "ConnectionTest.filter": True,
    **{f"ClaimMapping.{member}": value for member, value in MAPPING.items()},
    **{
        f"MappingDeclaration.{member}": value
        for member, value in MAPPING.items()
        if member not in {"name", "description", "updated_at"}
    },
    "ClaimMapping.scope": None,
    "MappingDeclaration.scope": None,
    "ClaimsPreview.scope": ["openid"],
    "ClaimsPreview.id_token": CLAIMS,
    "ClaimsPreview.access_token": {"client_id": "kubernetes", "scope": "openid"},
    "ClaimsPreview.userinfo": CLAIMS,
    "ClaimsPreview.introspection": {"active": True, "client_id": "kubernetes", "scope": "openid"},
    "AuditEntry.name": "account.email.changed",
    "InspectedValue.value": "01a22d06-0db2-775c-aed4-ab7c33f78aee",
    "Inspection.kind": "grant ID",
    "Inspection.summary": "It is a grant: one sign-in of one user to one application, with all its tokens.",
    "Inspection.is_valid": None,
    "Inspection.gives_access": False,
    "InspectedPart.title": "Grant",
    "InspectedFact.name": "grant",
    "InspectedFact.value": "01a22d06-0db2-775c-aed4-ab7c33f78aee",
    "InspectedFact.meaning": "All tokens of one sign-in of one user to one application.",
    "InspectedFact.passed": True,
    "InspectedFact.why": "",
    "InspectedFact.section": "",
    "TimelineMoment.what": "Access was granted",
    "TimelineMoment.detail": "scope=openid acr=aal1 amr=pwd",
    "TimelineMoment.error_id": None,
    "Check.expected": "a code that was issued less than 60 seconds ago",
    "Check.fix": "Redeem the code as soon as it arrives.",
    "Check.got": "a code that was issued 75 seconds ago",
    "Check.name": "The code is fresh",
    "Check.section": "RFC 6749 section 4.1.2",
    "Consent.name": "Quill",
    "Agent.name": "Quill",
    "Agent.via": "app",
    "AgentApi.name": "Notes",
    "AgentApi.identifier": "https://notes.example.com/mcp",
    "StoppedAgent.name": "Helper",
    "CreatedApplication.client_secret": "q8Yb3xT1nLw6vRk0ZmPd4hCs7jFa2gEu",
    "CreatedWebhook.events": ["account.*"],
    "FailedRow.email": "ada@example",
    "FailedRow.line": 17,
    "FailedRow.problem": "Enter an email address, like name@example.com.",
    "Import.created": 240,
    "Import.failed": 1,
    "Import.finished_at": NOW,
    "Import.skipped": 9,
    "Import.state": "done",
    "Import.total": 250,
    "Import.update": False,
    "Import.updated": 0,
    "Job.error": "the mail server refused the recipient",
    "Key.state": "retired",
    "KeyUse.use": "access_token",
    "KeyUse.source": "shop",
    "KeyUse.count": 12,
    "NewLink.url": "https://id.example.com/reset-password/pV4hX2nK9sTd7cYb",
    "NewSecret.client_secret": "q8Yb3xT1nLw6vRk0ZmPd4hCs7jFa2gEu",
    "Replayed.events": 12,
    "AppName.name": "Tablet",
    "AuthenticatorApp.id": "019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e10",
    "AuthenticatorApp.name": "Tablet",
    "FirstCode.name": "Tablet",
    "Passkey.id": "019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e0f",
    "Passkey.name": "Phone",
    "Role.description": "People who write articles",
    "Account.group_roles": ["developer"],
    "Account.groups": ["engineering"],
    **{f"{body}.{member}": value for body in ("Group", "NewSettings") for member, value in GROUP.items()},
    **{f"{body}.{member}": value for body in ("Group", "ListedGroup") for member, value in LISTED_GROUP.items()},
    "Group.contained_in": [],
    "NewSettings.description": "Developers",
    "NewSettings.display_name": "Engineering",
    "Role.name": "editor",
    "Role.permissions": [],
    "RoleDescription.description": "People who write articles",
    "Rotated.current": "rs256-2026-11",
    "Rotated.upcoming": "rs256-2027-02",
    "Setting.about": "How long an access token is valid.",
    "Setting.name": "SIGNET_ACCESS_TOKEN_LIFETIME",
    "Webhook.events": ["account.*"],
    **{
        f"{body}.{member}": value
        for body in ("NewUpstream", "ChangedUpstream", "Upstream")
        for member, value in {
            "preset": "github",
            "client_id": "Iv1.8a61f9b3a7aba766",
            "name": "GitHub" if body == "Upstream" else None,
            "issuer": "https://github.com" if body == "Upstream" else None,
            "roles": None,
            "may_create_accounts": True,
        }.items()
    },
    "ChangedUpstream.client_secret": "5c61cfb3a8a1cbe4e8f1a9b1c5b9e7d2a0f3e6c9",
    "NewUpstream.client_secret": "5c61cfb3a8a1cbe4e8f1a9b1c5b9e7d2a0f3e6c9",
    "NewUpstream.key": "github",
    "Upstream.key": "github",
    "Upstream.redirect_uri": "https://id.example.com/login/upstream/github/callback",
    "Upstream.post_logout_redirect_uri": "https://id.example.com/login/upstream/github/signed-out",
    "Upstream.backchannel_logout_uri": "https://id.example.com/login/upstream/github/backchannel-logout",
    "Upstream.in_file": False,
}
"""Values that differ from those of the same name in other bodies, by `Body.member`."""


def example(name: str, schemas: dict[str, Schema]) -> Any:
    """Return an example of a body: each required member, and the optional ones that have a value here.

    Raises LookupError for a required member without one.
    """
    body = schemas[name]
    shown = {}
    for member, schema in body.get("properties", {}).items():
        value = _value(f"{name}.{member}", schema, schemas)
        if value is not None:
            shown[member] = value
        elif member in body.get("required", ()):
            raise LookupError(f"{name}.{member} needs a value in tests/docs/generate/examples.py")
    return shown


def _value(path: str, schema: Schema, schemas: dict[str, Schema]) -> Any:
    if path in OF_A_BODY:
        return OF_A_BODY[path]
    if (reference := reference_of(schema)) is not None:
        return example(reference, schemas)
    if (of_each := reference_of(schema.get("items", {}))) is not None:
        return [example(of_each, schemas)]
    if "enum" in schema:
        return schema["enum"][0]
    return VALUES.get(path.rpartition(".")[2])


def reference_of(schema: Schema) -> str | None:
    """Return the name of the body that a schema refers to, alone or besides null."""
    for each in (schema, *schema.get("anyOf", ())):
        if "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return None

"""The URLs of the account API and the admin API."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import roles as admin_roles
from provider.admin.api import sessions as admin_sessions
from provider.admin.api.users import authenticator_apps as admin_authenticator_apps
from provider.admin.api.users import consents as admin_consents
from provider.admin.api.users import credentials as admin_credentials
from provider.admin.api.users import email as admin_email
from provider.admin.api.users import identities as admin_identities
from provider.admin.api.users import links as admin_links
from provider.admin.api.users import passkeys as admin_passkeys
from provider.admin.api.users import picture as admin_picture
from provider.admin.api.users import remembered_devices as admin_remembered_devices
from provider.admin.api.users import user_list as admin_user_list
from provider.admin.api.users import users as admin_users
from provider.api import openapi
from provider.api.endpoints import authenticator_apps as api_authenticator_apps
from provider.api.endpoints import confirm_password as api_confirm_password
from provider.api.endpoints import consents as api_consents
from provider.api.endpoints import email as api_email
from provider.api.endpoints import email_verification as api_email_verification
from provider.api.endpoints import passkeys as api_passkeys
from provider.api.endpoints import password as api_password
from provider.api.endpoints import password_reset as api_password_reset
from provider.api.endpoints import picture as api_picture
from provider.api.endpoints import profile as api_profile
from provider.api.endpoints import recovery_codes as api_recovery_codes
from provider.api.endpoints import registration as api_registration
from provider.api.endpoints import remembered_devices as api_remembered_devices
from provider.api.endpoints import sessions as api_sessions
from provider.api.endpoints import two_factor as api_two_factor
from provider.config.settings import Settings
from provider.oauth.endpoints.preflight import open_preflight
from provider.routes import (
    agents,
    claim_mappings,
    groups,
    imports,
    installation,
    protected_sites,
    signal_streams,
    trusted_issuers,
    upstreams,
    user_attributes,
)
from provider.routes import provisioning as app_provisioning


def account_api(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the account API, JSON for first-party apps, described in docs/reference/account-api.json."""
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    password, two_factor, codes = api_confirm_password, api_two_factor, api_recovery_codes
    table: list[BaseRoute] = [
        Route("/api/account/confirm-password", password.confirmation_status, methods=get, name="confirmation_status"),
        Route("/api/account/confirm-password", password.confirm_password, methods=post, name="confirm_password"),
        Route("/api/account/profile", api_profile.show_profile, methods=get, name="profile_by_api"),
        Route("/api/account/sessions", api_sessions.list_sessions, methods=get, name="list_sessions"),
        Route("/api/account/sessions", api_sessions.end_other_sessions, methods=delete, name="end_other_sessions"),
        Route("/api/account/sessions/{session_id}", api_sessions.end_one_session, methods=delete, name="end_session"),
        Route(
            "/api/account/remembered-devices",
            api_remembered_devices.list_remembered_devices,
            methods=get,
            name="remembered_devices_by_api",
        ),
        Route(
            "/api/account/remembered-devices/{device_id}",
            api_remembered_devices.remove_remembered_device,
            methods=delete,
            name="remove_remembered_device_by_api",
        ),
        *agents.in_api(),
        *user_attributes.in_account_api(may_change=settings.has("update-profile")),
        Route("/api/account/consents", api_consents.list_consents, methods=get, name="list_consents"),
        Route(
            "/api/account/consents/{client_id:path}",
            api_consents.withdraw_consent,
            methods=delete,
            name="withdraw_consent",
        ),
    ]
    if settings.has("registration"):
        table.append(Route("/api/account/register", api_registration.register, methods=post, name="register"))
    if settings.has("email-verification"):
        send, confirm = api_email_verification.request_email, api_email_verification.confirm_address
        check = api_email_verification.check_verify_link
        table += [
            Route("/api/account/verify-email/check", check, methods=post, name="check_verify_link"),
            Route("/api/account/verify-email/letter", send, methods=post, name="request_verification_letter"),
            Route("/api/account/verify-email/confirm", confirm, methods=post, name="confirm_address"),
        ]
    if settings.has("update-profile") and settings.has("email-verification"):
        email = api_email
        table += [
            Route("/api/account/email", email.show_email, methods=get, name="email_by_api"),
            Route("/api/account/email", email.request_change, methods=post, name="request_email_change"),
            Route("/api/account/email/confirm", email.confirm_change, methods=post, name="confirm_email_change"),
            Route("/api/account/email/cancel", email.cancel_change, methods=post, name="cancel_email_change"),
        ]
    if settings.has("reset-passwords"):
        reset = api_password_reset
        table += [
            Route("/api/account/forgot-password", reset.forgot_password, methods=post, name="request_reset"),
            Route("/api/account/reset-password/check", reset.check_link, methods=post, name="check_reset_link"),
            Route("/api/account/reset-password", reset.reset_password, methods=post, name="set_forgotten_password"),
        ]
    if settings.has("update-profile"):
        table += [
            Route("/api/account/profile", api_profile.put_profile, methods=put, name="put_profile"),
            Route("/api/account/picture", api_picture.put_picture, methods=put, name="put_picture"),
            Route("/api/account/picture", api_picture.remove_picture, methods=delete, name="remove_picture"),
        ]
    if settings.has("update-passwords"):
        change = api_password.change_password
        table.append(Route("/api/account/password", change, methods=put, name="change_password_by_api"))
    if settings.has("passkeys"):
        table += [
            Route("/api/account/passkeys", api_passkeys.list_passkeys, methods=get, name="passkeys_by_api"),
            Route(
                "/api/account/passkeys/{passkey_id}",
                api_passkeys.remove_passkey,
                methods=delete,
                name="remove_passkey_by_api",
            ),
        ]
    if settings.has("two-factor"):
        apps, each = api_authenticator_apps, "/api/account/authenticator-apps/{app_id}"
        table += [
            Route("/api/account/authenticator-apps", apps.list_apps, methods=get, name="authenticator_apps"),
            Route("/api/account/authenticator-apps", apps.begin_adding, methods=post, name="add_authenticator_app"),
            Route(each, apps.rename_app, methods=["PATCH"], name="rename_authenticator_app"),
            Route(each, apps.remove_app, methods=delete, name="remove_authenticator_app"),
            Route(f"{each}/move", apps.begin_moving, methods=post, name="move_authenticator_app"),
            Route("/api/account/two-factor", two_factor.two_factor, methods=get, name="two_factor_status"),
            Route("/api/account/two-factor", two_factor.begin_two_factor, methods=post, name="enable_two_factor"),
            Route("/api/account/two-factor/key", two_factor.two_factor_key, methods=get, name="two_factor_key"),
            Route("/api/account/two-factor/qr-code", two_factor.two_factor_picture, methods=get, name="two_factor_qr"),
            Route("/api/account/two-factor/confirm", two_factor.confirm_two_factor, methods=post, name="confirm_totp"),
            Route("/api/account/two-factor/disable", two_factor.disable_two_factor, methods=post, name="disable_totp"),
            Route("/api/account/recovery-codes", codes.codes_left, methods=get, name="recovery_codes_left"),
            Route("/api/account/recovery-codes", codes.renew_codes, methods=post, name="renew_recovery_codes"),
        ]
    return [*table, *_description(openapi.ACCOUNT_API, settings, table)]


def _description(api: openapi.Api, settings: Settings, table: list[BaseRoute]) -> list[BaseRoute]:
    """Return the routes of an API's OpenAPI document, which the pages of any site may read."""
    path, name = f"{api.path}/openapi.json", api.path.removeprefix("/api/") + "_api"
    described = openapi.Described(settings, table, api)
    return [
        Route(path, described, methods=["GET"], name=name),
        Route(path, open_preflight, methods=["OPTIONS"], name=f"{name}_preflight"),
    ]


def admin_api(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the admin API, JSON for operators, described in docs/reference/admin-api.json."""
    table = [
        *_of_accounts(),
        *installation.in_admin_api(),
        *claim_mappings.in_api(),
        *protected_sites.in_api(),
        *app_provisioning.in_api(),
        *groups.in_api(),
        *signal_streams.in_api(),
        *trusted_issuers.in_api(),
        *upstreams.in_api(),
        *user_attributes.in_admin_api(),
    ]
    return [*table, *_description(openapi.ADMIN_API, settings, table)]


def _of_accounts() -> list[BaseRoute]:
    get, post, patch, delete = ["GET"], ["POST"], ["PATCH"], ["DELETE"]
    user, session = "/api/admin/users/{user_id}", "/api/admin/sessions/{session_id}"
    return [
        Route("/api/admin/users", admin_user_list.find_users, methods=get, name="find_users"),
        Route("/api/admin/users", admin_users.create_user, methods=post, name="create_user"),
        Route(user, admin_users.show_user, methods=get, name="show_user"),
        Route(user, admin_users.change_user, methods=patch, name="change_user"),
        Route(user, admin_users.delete_user, methods=delete, name="delete_user"),
        Route(f"{user}/suspend", admin_users.suspend_user, methods=post, name="suspend_user"),
        Route(f"{user}/restore", admin_users.restore_user, methods=post, name="restore_user"),
        Route(f"{user}/email", admin_email.show_email, methods=get, name="email_of_user"),
        Route(f"{user}/email", admin_email.request_change, methods=post, name="request_email_change_of_user"),
        Route(f"{user}/email/cancel", admin_email.cancel_change, methods=post, name="cancel_email_change_of_user"),
        Route(f"{user}/picture", admin_picture.put_picture, methods=["PUT"], name="put_picture_of_user"),
        Route(f"{user}/picture", admin_picture.remove_picture, methods=delete, name="remove_picture_of_user"),
        Route(f"{user}/identities", admin_identities.list_identities, methods=get, name="list_identities"),
        Route(f"{user}/identities", admin_identities.link_identity, methods=post, name="link_identity"),
        Route(
            f"{user}/identities/{{identity_id}}",
            admin_identities.unlink_identity,
            methods=delete,
            name="unlink_identity",
        ),
        Route(
            f"{user}/authenticator-apps",
            admin_authenticator_apps.list_apps,
            methods=get,
            name="authenticator_apps_of_user",
        ),
        Route(
            f"{user}/authenticator-apps/{{app_id}}",
            admin_authenticator_apps.remove_app,
            methods=delete,
            name="remove_authenticator_app_of_user",
        ),
        Route(f"{user}/passkeys", admin_passkeys.list_passkeys, methods=get, name="passkeys_of_user"),
        Route(
            f"{user}/passkeys/{{passkey_id}}",
            admin_passkeys.remove_passkey,
            methods=delete,
            name="remove_passkey_of_user",
        ),
        Route(
            f"{user}/remembered-devices",
            admin_remembered_devices.list_remembered_devices,
            methods=get,
            name="remembered_devices_of_user",
        ),
        Route(
            f"{user}/remembered-devices/{{device_id}}",
            admin_remembered_devices.remove_remembered_device,
            methods=delete,
            name="remove_remembered_device_of_user",
        ),
        Route(f"{user}/letters", admin_credentials.send_email, methods=post, name="send_letter"),
        Route(f"{user}/two-factor", admin_credentials.reset_two_factor, methods=delete, name="reset_two_factor"),
        Route(f"{user}/consents", admin_consents.consents_of_user, methods=get, name="consents_of_user"),
        Route(
            f"{user}/consents/{{client_id:path}}",
            admin_consents.withdraw_consent_of_user,
            methods=delete,
            name="withdraw_consent_of_user",
        ),
        Route(
            f"{user}/token-families",
            admin_consents.token_families_of_user,
            methods=get,
            name="token_families_of_user",
        ),
        Route(
            f"{user}/token-families/{{family_id}}",
            admin_consents.revoke_token_family,
            methods=delete,
            name="revoke_token_family",
        ),
        Route(f"{user}/sessions", admin_sessions.list_sessions, methods=get, name="sessions_of_user"),
        Route(f"{user}/sessions", admin_sessions.end_all_sessions, methods=delete, name="end_sessions_of_user"),
        Route("/api/admin/sessions", admin_sessions.list_all_sessions, methods=get, name="list_all_sessions"),
        Route(session, admin_sessions.show_session, methods=get, name="show_session"),
        Route(session, admin_sessions.change_session, methods=patch, name="change_session"),
        Route(session, admin_sessions.end_session, methods=delete, name="end_session_by_operator"),
        Route(f"{user}/links", admin_links.issue, methods=post, name="issue_link"),
        *imports.in_api(),
        Route("/api/admin/roles", admin_roles.list_roles, methods=get, name="list_roles"),
        Route("/api/admin/roles/{role:path}", admin_roles.put_role, methods=["PUT"], name="put_role"),
        Route("/api/admin/roles/{role:path}", admin_roles.delete_role, methods=delete, name="delete_role"),
        Route("/api/admin/links/use", admin_links.use, methods=post, name="use_link"),
    ]

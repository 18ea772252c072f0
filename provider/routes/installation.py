"""The URLs of the admin API about the installation: clients, keys, the outbox, webhooks and what operators look up."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import audit as admin_audit
from provider.admin.api import clients as admin_clients
from provider.admin.api import details_types as admin_details_types
from provider.admin.api import doctor as admin_doctor
from provider.admin.api import keys as admin_keys
from provider.admin.api import outbox as admin_outbox
from provider.admin.api import registration_tokens as admin_registration_tokens
from provider.admin.api import settings as admin_settings
from provider.admin.api import webhooks as admin_webhooks
from provider.admin.api.requests import inspections
from provider.admin.api.requests import refusals as admin_refusals


def in_admin_api() -> list[BaseRoute]:
    """Return the routes of the admin API."""
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    clients, keys, audit = admin_clients, admin_keys, admin_audit
    client, job, webhook = (
        "/api/admin/clients/{client_id:path}",
        "/api/admin/outbox/{promise_id}",
        "/api/admin/webhooks/{webhook_id}",
    )
    types, details_type = admin_details_types, "/api/admin/authorization-details-types/{type:path}"
    outbox, webhooks, token = admin_outbox, admin_webhooks, admin_registration_tokens.issue_registration_token
    return [
        Route("/api/admin/clients", clients.list_clients, methods=get, name="list_clients"),
        Route("/api/admin/clients", clients.create_client, methods=post, name="create_client"),
        Route(f"{client}/rotate-secret", clients.rotate_client_secret, methods=post, name="rotate_client_secret"),
        Route(f"{client}/end-old-secrets", clients.end_old_client_secrets, methods=post, name="end_old_secrets"),
        Route(f"{client}/disable", clients.disable_client, methods=post, name="disable_client"),
        Route(f"{client}/enable", clients.enable_client, methods=post, name="enable_client"),
        Route(client, clients.show_client, methods=get, name="show_client"),
        Route(client, clients.replace_client, methods=put, name="replace_client"),
        Route(client, clients.delete_client, methods=delete, name="delete_client"),
        Route("/api/admin/authorization-details-types", types.list_types, methods=get, name="list_details_types"),
        Route(details_type, types.show_type, methods=get, name="show_details_type"),
        Route(details_type, types.put_type, methods=put, name="put_details_type"),
        Route(details_type, types.delete_type, methods=delete, name="delete_details_type"),
        Route("/api/admin/registration-tokens", token, methods=post, name="issue_registration_token"),
        Route("/api/admin/keys", keys.list_keys, methods=get, name="list_keys"),
        Route("/api/admin/keys/rotate", keys.rotate_keys, methods=post, name="rotate_keys"),
        Route("/api/admin/keys/{kid}/remove", keys.remove_key, methods=post, name="remove_key"),
        Route("/api/admin/keys/{kid}/revoke", keys.revoke_key, methods=post, name="revoke_key"),
        Route("/api/admin/doctor", admin_doctor.show_doctor, methods=get, name="show_doctor"),
        Route("/api/admin/doctor/run", admin_doctor.run_doctor, methods=post, name="run_doctor"),
        Route("/api/admin/audit", audit.list_audit_events, methods=get, name="list_audit_events"),
        Route("/api/admin/audit/export", audit.export_audit_events, methods=get, name="export_audit_events"),
        Route("/api/admin/outbox", outbox.list_jobs, methods=get, name="list_promises"),
        Route(job, outbox.show_job, methods=get, name="show_promise"),
        Route(f"{job}/retry", outbox.retry_job, methods=post, name="retry_promise"),
        Route(f"{job}/cancel", outbox.cancel_job, methods=post, name="cancel_promise"),
        Route("/api/admin/webhooks", webhooks.list_webhooks, methods=get, name="list_webhooks"),
        Route("/api/admin/webhooks", webhooks.create_webhook, methods=post, name="create_webhook"),
        Route(webhook, webhooks.show_webhook, methods=get, name="show_webhook"),
        Route(webhook, webhooks.delete_webhook, methods=delete, name="delete_webhook"),
        Route(f"{webhook}/rotate-secret", webhooks.rotate_webhook_secret, methods=post, name="rotate_webhook_secret"),
        Route(f"{webhook}/disable", webhooks.disable_webhook, methods=post, name="disable_webhook"),
        Route(f"{webhook}/enable", webhooks.enable_webhook, methods=post, name="enable_webhook"),
        Route(f"{webhook}/replay", webhooks.replay_webhook, methods=post, name="replay_webhook"),
        Route("/api/admin/refusals", admin_refusals.list_refusals, methods=get, name="list_refusals"),
        Route("/api/admin/refusals/{error_id}", admin_refusals.show_refusal, methods=get, name="show_refusal"),
        Route("/api/admin/inspections", inspections.inspect_value, methods=post, name="inspect_value"),
        Route("/api/admin/settings", admin_settings.list_settings, methods=get, name="list_settings"),
    ]

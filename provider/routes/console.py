"""The URLs of the operators' console."""

from starlette.routing import BaseRoute, Route

from provider.admin.pages import (
    audit,
    branding,
    design,
    doctor,
    emails,
    explanation,
    inspection,
    keys,
    outbox,
    overview,
    roles,
    search,
    sessions,
    webhooks,
)
from provider.admin.pages import settings as settings_page
from provider.admin.pages.clients import app_users, clients, credentials, json_view, rejected, try_it
from provider.admin.pages.clients import overview as client_overview
from provider.admin.pages.clients import settings as client_settings
from provider.admin.pages.declarations import details_types
from provider.admin.pages.users import imports, matching, runs, selected, tabs, users
from provider.config.settings import Settings
from provider.oauth.authorize import trials
from provider.routes import (
    claim_mappings,
    groups,
    protected_sites,
    provisioning,
    signal_streams,
    trusted_issuers,
    upstreams,
    user_attributes,
)


def _application_tabs() -> list[BaseRoute]:
    """Return the routes of the tabs of an application's page."""
    get, post, both, at = ["GET"], ["POST"], ["GET", "POST"], "/admin/clients/client"
    return [
        Route(f"{at}/settings", client_settings.show_settings, methods=get, name="admin_client_settings"),
        Route(f"{at}/settings", client_settings.save_settings, methods=post, name="admin_save_client_settings"),
        Route(f"{at}/json", json_view.show_json, methods=get, name="admin_client_json"),
        Route(f"{at}/json", json_view.save_json, methods=post, name="admin_save_client_json"),
        Route(f"{at}/credentials", credentials.show_credentials, methods=get, name="admin_client_credentials"),
        Route(f"{at}/credentials", credentials.fetch_keys, methods=post, name="admin_fetch_client_keys"),
        Route(f"{at}/users", app_users.list_app_users, methods=get, name="admin_client_users"),
        Route(f"{at}/users/{{action}}", app_users.act_on_app_user, methods=both, name="admin_act_on_client_user"),
        Route(f"{at}/try", try_it.show_try, methods=get, name="admin_client_try"),
        Route(f"{at}/try", try_it.start_try, methods=post, name="admin_start_client_try"),
        Route(trials.PATH, try_it.finish_try, methods=get, name="admin_finish_client_try"),
        Route(f"{at}/rejected", rejected.list_rejected, methods=get, name="admin_client_rejected"),
        *claim_mappings.of_client(),
        *protected_sites.of_client(),
        *provisioning.of_client(),
        *signal_streams.in_console(),
    ]


def _user_tabs() -> list[BaseRoute]:
    """Return the routes of the tabs of a user's page."""
    get, at = ["GET"], "/admin/users/{user_id}"
    return [
        Route(at, tabs.show_user, methods=get, name="admin_user"),
        Route(f"{at}/security", tabs.show_security, methods=get, name="admin_user_security"),
        Route(f"{at}/sessions", tabs.show_sessions, methods=get, name="admin_user_sessions"),
        Route(f"{at}/apps", tabs.show_apps, methods=get, name="admin_user_apps"),
        Route(f"{at}/activity", tabs.show_activity, methods=get, name="admin_user_activity"),
    ]


def _imports() -> list[BaseRoute]:
    get, post, at = ["GET"], ["POST"], "/admin/users/imports/{import_id}"
    return [
        Route("/admin/users/runs", runs.list_runs, methods=get, name="admin_user_runs"),
        Route("/admin/users/import", imports.show_upload, methods=get, name="admin_show_import"),
        Route("/admin/users/import", imports.upload, methods=post, name="admin_import_users"),
        Route(at, imports.show_import, methods=get, name="admin_import"),
        Route(at, imports.act_on_import, methods=post, name="admin_act_on_import"),
        Route(f"{at}/failed.csv", imports.download_failures, methods=get, name="admin_export_failed_rows"),
    ]


def for_developers() -> list[BaseRoute]:
    """Return the routes of the pages for those who develop Signet."""
    return [
        Route("/admin/design", design.show_design, methods=["GET"], name="admin_design"),
        Route("/admin/design/parts", design.show_parts, methods=["GET"], name="admin_design_parts"),
    ]


def for_demo() -> list[BaseRoute]:
    """Return the routes of the pages that the demo shows to anybody."""
    show, inspect = inspection.show_inspection_in_demo, inspection.inspect_value_in_demo
    return [
        Route(inspection.IN_DEMO, show, methods=["GET"], name="demo_inspection"),
        Route(inspection.IN_DEMO, inspect, methods=["POST"], name="demo_inspect"),
    ]


def _branding() -> list[BaseRoute]:
    get, post, both, at = ["GET"], ["POST"], ["GET", "POST"], "/admin/branding"
    return [
        Route(at, branding.show_branding, methods=get, name="admin_branding"),
        Route(at, branding.save, methods=post, name="admin_save_branding"),
        Route(f"{at}/preview", branding.show_preview, methods=get, name="admin_branding_preview"),
        Route(f"{at}/preview", branding.preview, methods=post, name="admin_preview_branding"),
        Route(f"{at}/preview.css", branding.preview_css, methods=get, name="admin_branding_styles"),
        Route(f"{at}/saved/{{action}}", branding.act_on_branding, methods=both, name="admin_act_on_branding"),
    ]


def console(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the console. The URL of an action is below that of its object. Fixed URLs come before those
    with parameters.
    """
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    return [
        *(for_developers() if settings.loopback else ()),
        Route("/admin", overview.overview, methods=get, name="admin"),
        Route("/admin/search", search.search, methods=get, name="admin_search"),
        Route("/admin/users", users.list_users, methods=get, name="admin_users"),
        Route("/admin/users/export.csv", users.export_users, methods=get, name="admin_export_users"),
        Route("/admin/users/new", users.show_new_user, methods=get, name="admin_show_new_user"),
        Route("/admin/users/new", users.create_user, methods=post, name="admin_create_user"),
        Route(
            "/admin/users/selected",
            selected.act_on_selected_users,
            methods=both,
            name="admin_act_on_selected_users",
        ),
        Route(
            "/admin/users/matching",
            matching.act_on_matching_users,
            methods=both,
            name="admin_act_on_matching_users",
        ),
        Route("/admin/users/changes/{run_id}", matching.show_run, methods=get, name="admin_user_change"),
        Route("/admin/users/changes/{run_id}", matching.stop_run, methods=post, name="admin_stop_user_change"),
        *_imports(),
        *_user_tabs(),
        *user_attributes.in_console(),
        Route("/admin/users/{user_id}/{action}", users.act_on_user, methods=both, name="admin_act_on_user"),
        Route("/admin/roles", roles.list_roles, methods=get, name="admin_roles"),
        Route("/admin/roles/new", roles.show_new_role, methods=get, name="admin_show_new_role"),
        Route("/admin/roles/new", roles.create_role, methods=post, name="admin_create_role"),
        Route("/admin/roles/role", roles.show_role, methods=get, name="admin_role"),
        Route("/admin/roles/role/{action}", roles.act_on_role, methods=both, name="admin_act_on_role"),
        Route("/admin/clients", clients.list_clients, methods=get, name="admin_clients"),
        Route("/admin/clients/export.csv", clients.export_clients, methods=get, name="admin_export_clients"),
        Route("/admin/clients/new", clients.show_new_client, methods=get, name="admin_show_new_client"),
        Route("/admin/clients/new", clients.create_client, methods=post, name="admin_create_client"),
        Route("/admin/clients/client", client_overview.show_client, methods=get, name="admin_client"),
        *_application_tabs(),
        Route("/admin/clients/client/{action}", clients.act_on_client, methods=both, name="admin_act_on_client"),
        Route("/admin/details-types", details_types.list_types, methods=get, name="admin_details_types"),
        Route("/admin/details-types/new", details_types.show_new_type, methods=get, name="admin_show_new_details_type"),
        Route("/admin/details-types/new", details_types.create_type, methods=post, name="admin_create_details_type"),
        Route("/admin/details-types/type", details_types.show_type, methods=get, name="admin_details_type"),
        Route("/admin/details-types/type", details_types.save_type, methods=post, name="admin_save_details_type"),
        Route(
            "/admin/details-types/type/{action}",
            details_types.act_on_type,
            methods=both,
            name="admin_act_on_details_type",
        ),
        Route("/admin/sessions", sessions.list_sessions, methods=get, name="admin_sessions"),
        Route("/admin/sessions/export.csv", sessions.export_sessions, methods=get, name="admin_export_sessions"),
        Route("/admin/keys", keys.list_keys, methods=get, name="admin_keys"),
        Route("/admin/keys/key/{action}", keys.act_on_key, methods=both, name="admin_act_on_key"),
        Route("/admin/audit", audit.list_events, methods=get, name="admin_audit"),
        Route("/admin/audit/new", audit.list_new_events, methods=get, name="admin_new_audit"),
        Route("/admin/audit/export.{format}", audit.export_events, methods=get, name="admin_export_audit"),
        Route("/admin/outbox", outbox.list_jobs, methods=get, name="admin_outbox"),
        Route("/admin/outbox/export.csv", outbox.export_jobs, methods=get, name="admin_export_outbox"),
        Route("/admin/outbox/{job_id}/{action}", outbox.act_on_job, methods=both, name="admin_act_on_job"),
        Route("/admin/webhooks", webhooks.list_webhooks, methods=get, name="admin_webhooks"),
        Route("/admin/webhooks", webhooks.create_webhook, methods=post, name="admin_create_webhook"),
        Route(
            "/admin/webhooks/{webhook_id}/{action}", webhooks.act_on_webhook, methods=both, name="admin_act_on_webhook"
        ),
        *groups.in_console(),
        *claim_mappings.in_console(),
        *trusted_issuers.in_console(),
        *upstreams.in_console(),
        *_branding(),
        Route("/admin/doctor", doctor.show_doctor, methods=get, name="admin_doctor"),
        Route("/admin/doctor/{action}", doctor.act_on_doctor, methods=both, name="admin_act_on_doctor"),
        Route("/admin/emails", emails.list_emails, methods=get, name="admin_emails"),
        Route("/admin/emails/{name}", emails.show_email, methods=get, name="admin_email"),
        Route("/admin/emails/{name}/html", emails.show_html, methods=get, name="admin_email_html"),
        Route("/admin/emails/{name}/test", emails.send_test, methods=post, name="admin_send_test_email"),
        Route("/admin/settings", settings_page.show_settings, methods=get, name="admin_settings"),
        Route("/admin/explain", explanation.explanation, methods=get, name="explanation"),
        Route(inspection.PATH, inspection.show_inspection, methods=get, name="admin_inspection"),
        Route(inspection.PATH, inspection.inspect_value, methods=post, name="admin_inspect"),
    ]

"""Each page of the console and each operation of the admin API, with the permission it needs."""

Call = tuple[str, str]


def _read(table: str) -> dict[Call, str]:
    rows = (line.split() for line in table.strip().splitlines())
    return {(method, path): permission for method, path, permission in rows}


API = _read("""
    GET /api/admin/users users:read
    POST /api/admin/users users:write
    GET /api/admin/users/{user_id} users:read
    PATCH /api/admin/users/{user_id} users:write
    DELETE /api/admin/users/{user_id} users:write
    POST /api/admin/users/{user_id}/suspend users:write
    POST /api/admin/users/{user_id}/restore users:write
    GET /api/admin/users/{user_id}/email users:read
    POST /api/admin/users/{user_id}/email users:write
    POST /api/admin/users/{user_id}/email/cancel users:write
    PUT /api/admin/users/{user_id}/picture users:write
    DELETE /api/admin/users/{user_id}/picture users:write
    GET /api/admin/users/{user_id}/identities users:read
    POST /api/admin/users/{user_id}/identities users:write
    DELETE /api/admin/users/{user_id}/identities/{identity_id} users:write
    POST /api/admin/users/{user_id}/letters users:write
    DELETE /api/admin/users/{user_id}/two-factor users:write
    GET /api/admin/users/{user_id}/consents users:read
    DELETE /api/admin/users/{user_id}/consents/{client_id:path} users:write
    GET /api/admin/users/{user_id}/token-families users:read
    DELETE /api/admin/users/{user_id}/token-families/{family_id} users:write
    GET /api/admin/users/{user_id}/sessions users:read
    DELETE /api/admin/users/{user_id}/sessions users:write
    GET /api/admin/sessions users:read
    GET /api/admin/sessions/{session_id} users:read
    PATCH /api/admin/sessions/{session_id} users:write
    DELETE /api/admin/sessions/{session_id} users:write
    POST /api/admin/users/{user_id}/links users:write
    POST /api/admin/links/use users:write
    GET /api/admin/clients applications:read
    POST /api/admin/clients applications:write
    POST /api/admin/clients/{client_id:path}/rotate-secret applications:write
    POST /api/admin/clients/{client_id:path}/end-old-secrets applications:write
    POST /api/admin/clients/{client_id:path}/disable applications:write
    POST /api/admin/clients/{client_id:path}/enable applications:write
    GET /api/admin/clients/{client_id:path} applications:read
    PUT /api/admin/clients/{client_id:path} applications:write
    DELETE /api/admin/clients/{client_id:path} applications:write
    POST /api/admin/registration-tokens applications:write
    GET /api/admin/keys keys:read
    POST /api/admin/keys/rotate keys:write
    POST /api/admin/keys/{kid}/revoke keys:write
    GET /api/admin/audit audit:read
    GET /api/admin/audit/export audit:read
    GET /api/admin/outbox outbox:read
    GET /api/admin/outbox/{promise_id} outbox:read
    POST /api/admin/outbox/{promise_id}/retry outbox:write
    POST /api/admin/outbox/{promise_id}/cancel outbox:write
    GET /api/admin/webhooks webhooks:read
    POST /api/admin/webhooks webhooks:write
    GET /api/admin/webhooks/{webhook_id} webhooks:read
    DELETE /api/admin/webhooks/{webhook_id} webhooks:write
    POST /api/admin/webhooks/{webhook_id}/rotate-secret webhooks:write
    POST /api/admin/webhooks/{webhook_id}/disable webhooks:write
    POST /api/admin/webhooks/{webhook_id}/enable webhooks:write
    POST /api/admin/webhooks/{webhook_id}/replay webhooks:write
    GET /api/admin/refusals requests:read
    GET /api/admin/refusals/{error_id} requests:read
    GET /api/admin/settings settings:read
""")
CONSOLE = _read("""
    GET /admin overview:read
    GET /admin/search overview:read
    GET /admin/users users:read
    GET /admin/users/new users:write
    POST /admin/users/new users:write
    GET /admin/users/selected users:write
    POST /admin/users/selected users:write
    GET /admin/users/{user_id} users:read
    GET /admin/users/{user_id}/{action} users:write
    POST /admin/users/{user_id}/{action} users:write
    GET /admin/clients applications:read
    GET /admin/clients/new applications:write
    POST /admin/clients/new applications:write
    GET /admin/clients/client applications:read
    GET /admin/clients/client/{action} applications:write
    POST /admin/clients/client/{action} applications:write
    GET /admin/clients/client/settings applications:read
    POST /admin/clients/client/settings applications:write
    GET /admin/clients/client/json applications:read
    POST /admin/clients/client/json applications:write
    GET /admin/clients/client/credentials applications:read
    POST /admin/clients/client/credentials applications:write
    GET /admin/clients/client/users applications:read
    GET /admin/clients/client/users/{action} applications:write
    POST /admin/clients/client/users/{action} applications:write
    GET /admin/clients/client/rejected requests:read
    GET /admin/clients/client/try applications:write
    POST /admin/clients/client/try applications:write
    GET /admin/clients/try applications:write
    GET /admin/sessions users:read
    GET /admin/keys keys:read
    GET /admin/keys/key/{action} keys:write
    POST /admin/keys/key/{action} keys:write
    GET /admin/audit audit:read
    GET /admin/audit/export.{format} audit:read
    GET /admin/outbox outbox:read
    GET /admin/outbox/{job_id}/{action} outbox:write
    POST /admin/outbox/{job_id}/{action} outbox:write
    GET /admin/webhooks webhooks:read
    POST /admin/webhooks webhooks:write
    GET /admin/webhooks/{webhook_id}/{action} webhooks:write
    POST /admin/webhooks/{webhook_id}/{action} webhooks:write
    GET /admin/branding settings:read
    POST /admin/branding settings:write
    GET /admin/branding/preview settings:read
    POST /admin/branding/preview settings:write
    GET /admin/branding/preview.css settings:read
    GET /admin/branding/saved/{action} settings:write
    POST /admin/branding/saved/{action} settings:write
    GET /admin/settings settings:read
    GET /admin/explain requests:read
""")

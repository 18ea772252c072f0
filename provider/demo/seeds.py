"""The initial data of the demo: a database, keys, an account and the sample clients. Seeding can be repeated safely."""

from provider.accounts.registration import create_user
from provider.accounts.store.users import ADMIN
from provider.accounts.users import find_user
from provider.database.migrations import migrate
from provider.demo.secrets import DEVICE_ID, EMAIL, OPERATOR, SERVICE_ID, SINGLE_PAGE_APP_ID, WEB_APP_ID, Secrets
from provider.oauth.clients import clients
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.setting_up import create_keys_and_salt
from provider.work import Installation, UnitOfWork, unit_of_work


def plant(installation: Installation, secrets: Secrets, *, web_app: str, single_page_app: str) -> None:
    """Fill the installation with the demo's data. It is slow (migrations, keys, bcrypt), so run it in a thread. The
    URLs are those of the sample apps in this run.
    """
    migrate(installation.settings)
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
    with unit_of_work(installation) as work:
        if find_user(work, EMAIL) is None:
            claims = {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"}
            create_user(work, email=EMAIL, password=secrets.password, verified=True, claims=claims)
        if find_user(work, OPERATOR) is None:
            create_user(work, email=OPERATOR, password=secrets.password, verified=True, roles=(ADMIN,))
    with unit_of_work(installation) as work:
        _keep_client(work, WEB_APP_ID, secrets.web_app_secret, _web_app(web_app))
        _keep_client(work, SINGLE_PAGE_APP_ID, None, _single_page_app(single_page_app))
        _keep_client(work, DEVICE_ID, None, _device())
        _keep_client(work, SERVICE_ID, secrets.service_secret, _service())


def _keep_client(work: UnitOfWork, client_id: str, secret: str | None, metadata: ClientMetadata) -> None:
    if clients.find_client(work, client_id) is None:
        clients.create_client(work, metadata, client_id=client_id, secret=secret)
    else:
        clients.update_client(work, client_id, metadata)


def _web_app(url: str) -> ClientMetadata:
    return ClientMetadata(
        client_name="Quill",
        redirect_uris=(f"{url}/callback",),
        post_logout_redirect_uris=(f"{url}/signed-out",),
        backchannel_logout_uri=f"{url}/backchannel-logout",
        backchannel_logout_session_required=True,
        grant_types=("authorization_code", "refresh_token"),
        scope="openid profile email roles offline_access",
        client_uri=url,
    )


def _single_page_app(url: str) -> ClientMetadata:
    return ClientMetadata(
        client_name="Quill Pocket",
        redirect_uris=(f"{url}/callback",),
        post_logout_redirect_uris=(f"{url}/signed-out",),
        grant_types=("authorization_code", "refresh_token"),
        token_endpoint_auth_method="none",  # noqa: S106  # a method's name
        scope="openid profile email roles",
        client_uri=url,
    )


def _device() -> ClientMetadata:
    return ClientMetadata(
        client_name="Quill TV",
        grant_types=(DEVICE_CODE, "refresh_token"),
        response_types=(),
        token_endpoint_auth_method="none",  # noqa: S106  # a method's name
        scope="openid profile email offline_access",
    )


def _service() -> ClientMetadata:
    return ClientMetadata(
        client_name="Quill reports", grant_types=("client_credentials",), response_types=(), scope="reports:read"
    )

"""The people, apps and looks at what is stored, for tests of the tokens of upstreams."""

from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from provider.accounts.store import upstream_tokens as store
from provider.audit.store import audit_events
from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from provider.outbox import relay
from provider.outbox.store import outbox
from provider.outbox.topics import Topic
from provider.work import Installation, unit_of_work
from provider.worker.handlers import HANDLERS, POLICIES
from tests.federation.fake_provider import Traveller
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.people import find_user
from tests.support.relying_party import RelyingParty, Tokens

BOOKS = "https://books.example.test"


def make_party(work: Work, client: TestClient, **metadata: Any) -> RelyingParty:
    with work() as w:
        made, secret = make_client(w, first_party=True, **metadata)
    return RelyingParty(client, made, secret)


class Person:
    """Ada, who signed in with Example, and an app that shows her tokens to the API."""

    def __init__(self, traveller: Traveller, app: RelyingParty, books: RelyingParty) -> None:
        self.traveller, self.app, self.books = traveller, app, books

    def show(self) -> str:
        answer = self.app.ask(self.traveller.browser.client, scope="openid read", resource=BOOKS)
        return self.app.redeem(answer, resource=BOOKS).access_token

    def fetch(self, subject_token: str | None = None, **changes: str | None) -> Tokens:
        given: dict[str, str | None] = {
            "grant_type": GRANT_TYPE,
            "subject_token": subject_token or self.show(),
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": "example",
            **changes,
        }
        return Tokens(self.books.post("/oauth2/token", **given))


def tokens_of(work: Work) -> list[store.UpstreamTokens]:
    with work() as w:
        return store.find_of_user(w.read, find_user(work).id)


def names_of_events(work: Work, kind: str = "account.upstream_tokens") -> list[str]:
    with work() as w:
        rows = w.read.execute(audit_events.select().order_by(audit_events.c.at, audit_events.c.id))
        return [row.name.rpartition(".")[2] for row in rows if row.name.startswith(kind)]


def deliver(installation: Installation) -> None:
    """Deliver the revocations that are due, and no emails."""
    with unit_of_work(installation) as w:
        ids = w.read.scalars(select(outbox.c.id).where(outbox.c.topic == Topic.UPSTREAM_TOKEN_REVOCATION)).all()
    for message_id in ids:
        relay.deliver(installation, message_id, HANDLERS, POLICIES)

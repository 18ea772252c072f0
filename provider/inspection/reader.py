"""What an inspection reads from, and the facts about grants, sessions, users and clients that several kinds need."""

from dataclasses import dataclass

from provider.accounts.store import users
from provider.accounts.store.email_addresses import find_of_user
from provider.inspection.findings import Fact, Part, moment, shown
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.access_tokens import inactive_reason
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant, GrantState, end_of
from provider.sessions import store as sessions
from provider.sessions.assurance import acr_of
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Reader:
    """The unit of work and the protocol state. Nothing that is inspected is stored, and no other server is asked."""

    work: UnitOfWork
    server: AuthorizationServer
    sees_users: bool
    """Whether the operator may see users: their email addresses, sessions and sign-ins."""

    def find_client(self, client_id: object) -> Client | None:
        return self.server.clients.find(self.work, client_id) if isinstance(client_id, str) else None

    def client_fact(self, client_id: object, *, name: str = "client_id", meaning: str = "") -> Fact:
        """Return the fact about a client_id: whether it is registered here and enabled."""
        client = self.find_client(client_id)
        if client is None:
            return Fact(
                name=name, value=shown(client_id), meaning=meaning, passed=False, why="No client has this client_id."
            )
        why = "The client is disabled." if client.disabled else ""
        value = f"{client.client_id} ({client.name})"
        return Fact(name=name, value=shown(value), meaning=meaning, passed=not why, why=why)

    def user_facts(self, user_id: str) -> list[Fact]:
        """Return the fact about a user, for operators who may see users."""
        if not self.sees_users:
            return []
        user = users.find(self.work.read, user_id)
        if user is None:
            return [Fact(name="user", value=shown(user_id), passed=False, why="There is no such account.")]
        address = find_of_user(self.work.read, user_id)
        value = user_id if address is None else f"{address.address} ({user_id})"
        is_active = user.status == users.Status.ACTIVE
        why = "" if is_active else f"The account is {str(user.status).lower()}."
        return [Fact(name="user", value=shown(value), passed=is_active, why=why)]

    def session_facts(self, session_id: str, *, ends_it: bool) -> list[Fact]:
        """Return the facts about a session, for operators who may see users. With `ends_it`, what was issued in it ends
        with it.
        """
        if not self.sees_users:
            return []
        session = sessions.find(self.work.read, session_id)
        if session is None:
            why = "It ended and was deleted." if ends_it else ""
            return [Fact(name="session", value=shown(session_id), passed=False if ends_it else None, why=why)]
        why = ""
        if session.ended_at is not None:
            why = f"It ended at {moment(session.ended_at)} ({session.end_reason})."
        elif session.expires_at <= self.work.now:
            why = f"It expired at {moment(session.expires_at)}."
        passed = not why if ends_it else None
        fact = Fact(name="session", value=session_id, meaning=why if passed is None else "", passed=passed, why=why)
        return [fact, Fact(name="signed in", value=f"{moment(session.auth_time)}, {session.amr or 'no factor'}")]

    def grant_part(self, grant: Grant, state: GrantState) -> Part:
        """Return who got the grant, for whom, in which session, and whether it is active."""
        reason = inactive_reason(grant, state, self.work.now)
        facts = [
            Fact(
                name="grant",
                value=grant.id,
                meaning="All tokens of one sign-in of one user to one application.",
                passed=reason is None,
                why="" if reason is None else f"It is not active: {reason}.",
            ),
            self.client_fact(grant.client_id, name="application"),
            *self.user_facts(grant.user_id),
            *self.session_facts(grant.session_id, ends_it=not grant.offline),
            Fact(name="scope", value=shown(grant.scope or "none")),
            Fact(name="authentication", value=f"{grant.acr or acr_of(grant.amr)} ({grant.amr})"),
            Fact(name="created", value=moment(grant.created_at)),
            Fact(name="ends at the latest", value=moment(end_of(grant, state))),
        ]
        if grant.offline:
            facts.append(Fact(name="offline_access", value="yes", meaning="It stays when the session ends."))
        if grant.assertion_issuer:
            facts.append(Fact(name="issuer of the assertion", value=shown(grant.assertion_issuer)))
        return Part("Grant", facts)

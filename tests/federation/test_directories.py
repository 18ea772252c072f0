"""Users of a directory at the sign-in page: whose password it checks, and what becomes of its answers (RFC 4511)."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from provider.accounts import compromise_report, suspension
from provider.accounts import linked_identities as ways_in
from provider.accounts.factors.store import passkeys
from provider.accounts.groups.groups import GroupSettings, put_group
from provider.accounts.links import issue_link
from provider.accounts.reauthentication import WrongCurrentPassword, require_password
from provider.accounts.store import email_addresses, email_changes, failures, passwords, users
from provider.accounts.store.email_changes import EmailChange
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.federation import directories, ldap_client
from provider.sessions import store as sessions
from tests.accounts.account_with_everything import make_passkey
from tests.federation.conftest import EXAMPLE, events_of, identities_of, sign_out
from tests.federation.stand_in_directory import (
    BASE,
    BIND_DN,
    CORP,
    ID,
    StandIn,
    bind_error_of_active_directory,
    person,
)
from tests.support.attributes import declare, values_of
from tests.support.browser import Browser, Page
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import forgot_password, is_signed_in, sign_in
from tests.support.relying_party import challenge_of

ADA = "ada@corp.test"
DN = f"uid=ada,ou=people,{BASE}"
NEW = "quite another horse battery"


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn({DN: person("ada")})
    monkeypatch.setattr(ldap_client, "open_connection", stand_in.open)
    monkeypatch.setattr(directories, "FAILURE_TAKES", 0.0)
    return stand_in


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {"corp": CORP}


def owner_of(work: Work, address: str = ADA) -> User | None:
    with work() as w:
        found = email_addresses.find_owner(w.read, address)
        return None if found is None else found[0]


def link(work: Work, user_id: str, subject: str = ID) -> None:
    with work() as w:
        ways_in.attach(w, user_id=user_id, issuer="ldap:corp", subject=subject, email=ADA)


def failed_events(work: Work, user_id: str) -> list[dict[str, Any]]:
    return [event.details for event in events_of(work, user_id) if event.name == Event.SIGN_IN_FAILED]


class TestFirstSignIn:
    def test_the_first_sign_in_creates_the_account(self, browser: Browser, work: Work, directory: StandIn) -> None:
        directory.entries[DN] = person("ada", givenName="Ada", sn="Lovelace")
        assert sign_in(browser, ADA).path == "/account"
        user = owner_of(work)
        assert user is not None
        assert user.claims == {"name": "Ada", "given_name": "Ada", "family_name": "Lovelace"} | user.claims
        assert [(one.issuer, one.subject) for one in identities_of(work, user.id)] == [("ldap:corp", ID)]
        with work() as w:
            assert passwords.find(w.read, user.id) is None
            assert {one.amr for one in sessions.find_all(w.read, user.id)} == {"pwd"}

    def test_wrong_passwords_and_unknown_users_get_one_answer(self, browser: Browser, directory: StandIn) -> None:
        """N-344."""
        wrong, unknown = sign_in(browser, ADA, password="x"), sign_in(browser, "eve@corp.test", password="x")
        assert wrong.status == unknown.status == 400
        assert "Wrong email address or password" in wrong.text
        assert wrong.text == unknown.text.replace("eve@", "ada@")
        assert len(directory.binds) == 4  # the service and the user, whether or not there is one

    def test_an_empty_password_is_not_sent(self, browser: Browser, directory: StandIn) -> None:
        """N-345: RFC 4513 section 5.1.2: such a bind succeeds as nobody in particular."""
        directory.answers[DN] = {"result": 0, "description": "success"}
        assert sign_in(browser, ADA, password="").status == 400
        assert directory.binds == []

    def test_the_address_is_escaped_in_the_filter(self, browser: Browser, directory: StandIn) -> None:
        """N-346: RFC 4515 section 3."""
        assert sign_in(browser, "*@corp.test").status == 400
        assert directory.searches == [r"(&(objectClass=person)(mail=\2a@corp.test))"]

    def test_two_entries_are_none(self, browser: Browser, directory: StandIn) -> None:
        """N-347."""
        directory.entries[f"uid=twin,{BASE}"] = person("ada", entryUUID="another")
        assert sign_in(browser, ADA).status == 400
        assert DN not in directory.binds

    def test_an_entry_without_an_id_opens_nothing(self, browser: Browser, directory: StandIn) -> None:
        """N-348."""
        for values in ([], ["one", "two"], ["x" * 300]):
            directory.entries[DN] = person("ada", entryUUID=values)
            assert sign_in(browser, ADA).status == 400

    def test_an_office_signs_in_for_the_first_time_from_one_address(
        self, browser: Browser, work: Work, directory: StandIn, lower: Lower
    ) -> None:
        """The limit on sign-ups is for people whom no one knows."""
        lower(sign_up="1/hour")
        for name in ("ada", "bob", "eve"):
            directory.entries[f"uid={name},{BASE}"] = person(name, entryUUID=f"id of {name}")
        del directory.entries[DN]
        for name in ("ada", "bob", "eve"):
            assert sign_in(browser, f"{name}@corp.test").path == "/account"
            sign_out(browser)

    def test_other_domains_are_not_asked_for(self, browser: Browser, work: Work, directory: StandIn) -> None:
        with work() as w:
            make_user(w)
        assert sign_in(browser).path == "/account"
        assert directory.binds == []


class TestWithoutCreation:
    @pytest.fixture
    def configured(self, request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
        return {"corp": {name: value for name, value in CORP.items() if name != request.param}}

    @pytest.mark.parametrize("configured", ["may_create_accounts", "verifies_email_addresses"], indirect=True)
    def test_no_account_is_created_unless_the_operator_says_so(
        self, browser: Browser, work: Work, directory: StandIn
    ) -> None:
        """N-349."""
        page = sign_in(browser, ADA)
        assert page.status == 403
        assert "No account here belongs to your Corp account" in page.text
        assert owner_of(work) is None

    @pytest.mark.parametrize("configured", ["may_create_accounts"], indirect=True)
    def test_the_right_password_of_a_user_without_an_account_is_no_failure(
        self, browser: Browser, directory: StandIn
    ) -> None:
        assert [sign_in(browser, ADA).status for _ in range(7)] == [403] * 7


@pytest.fixture
def linked(work: Work) -> str:
    """Ada, whose account has a password of its own, and is linked to the directory. Her id."""
    with work() as w:
        user_id = make_user(w, email=ADA, password="the password from before")
    link(work, user_id)
    return user_id


class TestLinked:
    def test_only_the_password_of_the_directory_counts(
        self, browser: Browser, new_browser: Callable[[], Browser], linked: str, directory: StandIn
    ) -> None:
        """N-350."""
        assert sign_in(new_browser(), ADA, password="the password from before").status == 400
        assert sign_in(browser, ADA).path == "/account"
        assert directory.searches == [f"(entryUUID={ID})"] * 2

    def test_a_recycled_address_opens_nothing(self, browser: Browser, linked: str, directory: StandIn) -> None:
        """N-351: a new user in the directory has the address of one who left."""
        directory.entries = {f"uid=ada2,{BASE}": person("ada", entryUUID="another")}
        assert sign_in(browser, ADA).status == 400

    def test_an_entry_that_moved_is_the_same_user(self, browser: Browser, linked: str, directory: StandIn) -> None:
        directory.entries = {f"uid=ada,ou=elsewhere,{BASE}": person("ada", mail="ada.byron@corp.test")}
        assert sign_in(browser, ADA).path == "/account"

    def test_an_outage_is_not_a_wrong_password(
        self, browser: Browser, work: Work, linked: str, directory: StandIn
    ) -> None:
        """N-352: it counts against nobody, either."""
        directory.away = True
        for _ in range(7):
            page = sign_in(browser, ADA)
            assert page.status == 503
            assert "Corp isn't working properly right now" in page.text
        with work() as w:
            assert failures.find_failures(w.read, "password", linked) == 0
        directory.away = False
        assert sign_in(browser, ADA).path == "/account"

    def test_guesses_wait_like_all_others(self, browser: Browser, linked: str, directory: StandIn) -> None:
        """N-353."""
        pages = [sign_in(browser, ADA, password="x") for _ in range(6)]
        assert [page.status for page in pages] == [400] * 5 + [429]
        bound = len(directory.binds)
        assert sign_in(browser, ADA).status == 429
        assert len(directory.binds) == bound

    @pytest.mark.parametrize("result", [19, 53])
    def test_a_locked_account_looks_like_a_wrong_password_whatever_its_server_calls_it(
        self, browser: Browser, work: Work, linked: str, directory: StandIn, result: int
    ) -> None:
        """N-605: 389 Directory Server, FreeIPA and eDirectory say so with results of their own."""
        directory.answers[DN] = {"result": result, "description": "other", "message": "locked"}
        with capture_logs() as logs:
            page = sign_in(browser, ADA)
        assert [line["reason"] for line in logs if line["event"].startswith("directory.")] == ["locked"]
        assert page.status == 400
        assert "Wrong email address or password" in page.text
        with work() as w:
            assert failures.find_failures(w.read, "password", linked) == 1

    @pytest.mark.parametrize("result", [19, 53])
    def test_the_same_results_for_the_account_that_searches_are_an_outage(
        self, browser: Browser, work: Work, linked: str, directory: StandIn, result: int
    ) -> None:
        directory.answers[BIND_DN] = {"result": result, "description": "other", "message": "locked"}
        assert sign_in(browser, ADA).status == 503
        with work() as w:
            assert failures.find_failures(w.read, "password", linked) == 0

    def test_a_user_who_left_the_directory_is_out(
        self, browser: Browser, work: Work, linked: str, directory: StandIn
    ) -> None:
        """N-354."""
        directory.entries.clear()
        assert sign_in(browser, ADA).status == 400
        assert failed_events(work, linked)[-1]["upstream"] == "corp"

    def test_names_and_roles_follow_the_directory(
        self, new_browser: Callable[[], Browser], work: Work, linked: str, directory: StandIn
    ) -> None:
        for name in ("Ada", "Ada Lovelace"):
            directory.entries[DN] = person("ada", cn=name)
            assert sign_in(new_browser(), ADA).path == "/account"
            with work() as w:
                user = users.find(w.read, linked)
                assert user is not None
                assert user.claims["name"] == name

    def test_without_the_directory_the_own_password_counts_again(
        self, browser: Browser, work: Work, linked: str, app: Any, directory: StandIn
    ) -> None:
        app.state.upstreams._of_file.clear()
        assert sign_in(browser, ADA, password="the password from before").path == "/account"

    def test_suspended_accounts_stay_out(self, browser: Browser, work: Work, linked: str, directory: StandIn) -> None:
        with work() as w:
            suspension.suspend(w, user_id=linked, reason=None)
        page = sign_in(browser, ADA)
        assert page.status == 403
        assert "suspended" in page.text


def test_an_app_of_ours_and_a_confirmation_ask_the_directory_too(
    client: TestClient, work: Work, linked: str, directory: StandIn
) -> None:
    """First-Party Applications section 5."""
    with work() as w:
        app, secret = make_client(w, first_party=True, authorization_challenge=True, scope="openid profile")
    form = {"client_id": app.client_id, "username": ADA, "scope": "openid", "response_type": "code"}
    form |= {"code_challenge": challenge_of("v" * 43), "code_challenge_method": "S256"}
    auth = (app.client_id, secret or "")
    for password, status in ("the password from before", 400), (PASSWORD, 200):
        answer = client.post("/oauth2/authorize-challenge", data={**form, "password": password}, auth=auth)
        assert answer.status_code == status
    with work() as w:
        require_password(w, linked, PASSWORD)
    with pytest.raises(WrongCurrentPassword), work() as w:
        require_password(w, linked, "the password from before")
    directory.away = True
    answer = client.post("/oauth2/authorize-challenge", data={**form, "password": PASSWORD}, auth=auth)
    assert answer.status_code == 503


class TestNotLinked:
    """An account here has the address, and no link to the directory, which is not required for the domain."""

    def test_the_own_password_works(self, browser: Browser, work: Work, directory: StandIn) -> None:
        with work() as w:
            make_user(w, email=ADA, password="the password from before")
        assert sign_in(browser, ADA, password="the password from before").path == "/account"
        assert directory.binds == []

    def test_the_password_of_the_directory_links_nothing(
        self, browser: Browser, work: Work, directory: StandIn
    ) -> None:
        """N-355: nor does it take back failures that may be guesses at the account's own password."""
        with work() as w:
            user_id = make_user(w, email=ADA, password="the password from before")
        assert sign_in(browser, ADA, password="x").status == 400
        assert sign_in(browser, ADA).status == 403
        assert identities_of(work, user_id) == []
        with work() as w:
            assert failures.find_failures(w.read, "password", user_id) == 2


class TestRequired:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"corp": CORP | {"is_required_for_domains": True}}

    def test_the_directory_takes_over_the_account_of_its_address(
        self, browser: Browser, work: Work, directory: StandIn
    ) -> None:
        with work() as w:
            user_id = make_user(w, email=ADA, password="the password from before")
        assert sign_in(browser, ADA, password="the password from before").status == 400
        assert sign_in(browser, ADA).path == "/account"
        assert [one.subject for one in identities_of(work, user_id)] == [ID]

    def test_an_unverified_address_is_not_taken_over(self, browser: Browser, work: Work, directory: StandIn) -> None:
        """N-356."""
        with work() as w:
            user_id = make_user(w, email=ADA, verified=False)
        assert sign_in(browser, ADA).path == "/account"
        assert identities_of(work, user_id) == []

    def test_nobody_signs_up_or_resets_a_password_there(
        self, browser: Browser, inbox: Inbox, directory: StandIn
    ) -> None:
        browser.open("/signup")
        page = browser.submit({"email": "new@corp.test", "password": NEW})
        assert page.status == 403
        assert "sign in with Corp" in page.text
        forgot_password(browser, ADA)
        assert inbox.letters() == []


class TestForgotten:
    def test_the_email_says_where_the_password_is(
        self, browser: Browser, linked: str, inbox: Inbox, directory: StandIn
    ) -> None:
        """N-357: no link that would set a password here."""
        forgot_password(browser, ADA)
        (letter,) = inbox.letters()
        assert letter.subject == "Your password is managed by Corp"
        assert "reset-password" not in letter.text


class TestReport:
    """The user reports that another person used the account."""

    def test_the_directory_stays_the_way_back(
        self, browser: Browser, linked: str, work: Work, inbox: Inbox, directory: StandIn
    ) -> None:
        """N-614: an email with a link would give the user a password here, which users cannot choose themselves."""
        sign_in(browser, ADA)
        page = browser.open("/account/activity/not-me")
        assert "Disable your password" not in page.text
        assert "Unlink" not in page.text
        page = browser.submit(button="Secure my account")
        assert (page.path, page.title) == ("/account-secured", "All sessions were signed out \u2013 Signet")
        assert "You sign in to Signet with your Corp password" in page.text
        assert "We emailed you a link" not in page.text
        letter = inbox.letters()[-1]
        assert letter.subject == "Your password is managed by Corp"
        assert "reset-password" not in letter.text
        assert [one.subject for one in identities_of(work, linked)] == [ID]
        assert not is_signed_in(browser)
        assert sign_in(browser, ADA).path == "/account"

    @pytest.mark.usefixtures("browser")  # the service, which knows the directory
    def test_what_the_other_person_may_have_added_ends(self, linked: str, work: Work) -> None:
        """N-615: a passkey and an identity at another provider, and the password from before."""
        with work() as w:
            ways_in.attach(w, user_id=linked, issuer="https://elsewhere.test", subject="mallory", email=None)
            passkeys.add(w.db, make_passkey(linked, w.now))
        with work() as w:
            done = compromise_report.report(w, user_id=linked)
        assert (done.emails_link, done.provider, done.unlinks) == (False, "Corp", True)
        assert [one.subject for one in identities_of(work, linked)] == [ID]
        with work() as w:
            assert passkeys.find_of_user(w.read, linked) == []
            assert passwords.find(w.read, linked) is None

    def test_a_change_of_address_is_undone_without_a_link_for_a_password(
        self, browser: Browser, linked: str, work: Work, inbox: Inbox, directory: StandIn
    ) -> None:
        with work() as w:
            address = email_addresses.find_of_user(w.read, linked)
            assert address is not None
            token = issue_link(w, purpose=Purpose.UNDO, address=address)
            email_changes.add(w.db, EmailChange(token.id, address.address, address.normal))
        page = browser.open(f"/undo-email-change?token={token.token}")
        assert "and email you a link" not in page.text
        page = browser.submit(button="Undo change")
        assert "You sign in to Signet with your Corp password" in page.text
        assert inbox.letters()[-1].subject == "Your password is managed by Corp"
        assert sign_in(browser, ADA).path == "/account"

    @pytest.mark.parametrize("ticket", ["", "x", "ab12cd34.AAAA"])
    def test_a_ticket_that_is_not_ours_shows_no_provider(self, browser: Browser, ticket: str) -> None:
        assert "We emailed you a link" in browser.open(f"/account-secured?ticket={ticket}").text


class TestActiveDirectory:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"corp": CORP | {"preset": "active-directory"}}

    def test_users_are_found_by_object_guid(self, browser: Browser, linked: str, directory: StandIn) -> None:
        assert sign_in(browser, ADA).path == "/account"
        assert directory.searches[0].startswith(r"(objectGUID=\a8\d3\92\01")

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ("532", "Your password has expired"),
            ("773", "Your password has expired"),
            ("533", "Your account is disabled"),
            ("701", "Your account has expired"),
            ("530", "doesn't let you sign in right now"),
        ],
    )
    def test_codes_are_put_into_words(
        self, browser: Browser, work: Work, linked: str, directory: StandIn, data: str, words: str
    ) -> None:
        directory.answers[DN] = bind_error_of_active_directory(data)
        page = sign_in(browser, ADA)
        assert page.status == 403
        assert words in page.text
        assert not is_signed_in(browser)
        assert failed_events(work, linked)[-1]["reason"]

    @pytest.mark.parametrize("data", ["52e", "525", "775"])
    def test_what_is_said_of_wrong_passwords_too_reveals_nothing(
        self, browser: Browser, linked: str, directory: StandIn, data: str
    ) -> None:
        """N-358: a lock says that there is an account."""
        directory.answers[DN] = bind_error_of_active_directory(data)
        page = sign_in(browser, ADA)
        assert page.status == 400
        assert "Wrong email address or password" in page.text

    def test_a_disabled_account_is_out_even_if_the_bind_succeeds(
        self, browser: Browser, linked: str, directory: StandIn
    ) -> None:
        """N-359."""
        directory.entries[DN] = person("ada", userAccountControl="514")
        assert sign_in(browser, ADA).status == 403


class TestGroups:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        roles = {"editors": "editor", "admins": "admin"}
        return {"corp": CORP | {"roles": roles, "group_base_dn": f"ou=groups,{BASE}"}}

    def test_groups_below_the_base_give_roles(
        self, new_browser: Callable[[], Browser], work: Work, linked: str, directory: StandIn
    ) -> None:
        """N-360: a group of the same name elsewhere gives none."""
        groups = [f"CN=editors, OU=groups,{BASE.upper()}", f"cn=admins,ou=people,{BASE}"]
        evil = f"cn=admins\\,ou=groups,{BASE}"
        for member_of, roles in ([*groups, evil], ["editor"]), ([], []):
            directory.entries[DN] = person("ada", memberOf=member_of)
            assert sign_in(new_browser(), ADA).path == "/account"
            with work() as w:
                user = users.find(w.read, linked)
                assert user is not None
                assert user.roles == roles


class TestMapping:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        groups = {"editors": "shop-editors", "admins": "board", "*": "*"}
        claims = {"attributes.room": "roomNumber", "attributes.keys": "keyNumbers"}
        return {"corp": CORP | {"groups": groups, "claims": claims, "group_base_dn": f"ou=groups,{BASE}"}}

    def test_groups_and_attributes_follow_the_directory(
        self, new_browser: Callable[[], Browser], work: Work, linked: str, directory: StandIn
    ) -> None:
        """N-513: a group of the same name elsewhere gives none."""
        declare(work, "room", "number")
        declare(work, "keys", "list")
        with work() as w:
            for name in ("shop-editors", "board", "chess"):
                put_group(w, name, GroupSettings())
        groups = [f"cn={name},ou=groups,{BASE}" for name in ("editors", "chess", "no such group")]
        elsewhere = f"cn=admins,ou=people,{BASE}"
        steps = [
            ([*groups, elsewhere], "7", ["a", "b"], ["chess", "shop-editors"], {"room": 7, "keys": ["a", "b"]}),
            ([groups[1]], "none", ["a"], ["chess"], {"room": 7, "keys": ["a"]}),
            ([], "8", [], [], {"room": 8, "keys": ["a"]}),
        ]
        for member_of, room, keys, joined, values in steps:
            directory.entries[DN] = person("ada", memberOf=member_of, roomNumber=room, keyNumbers=keys)
            assert sign_in(new_browser(), ADA).path == "/account"
            user = owner_of(work)
            assert user is not None
            assert (user.groups, values_of(work, linked)) == (joined, values)


def change_password(browser: Browser, *, current: str = PASSWORD, password: str = NEW) -> Page:
    browser.open("/account/password")
    return browser.submit({"Current password": current, "New password": password})


class TestPasswordChange:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"corp": CORP}

    def test_the_password_changes_in_the_directory(
        self, browser: Browser, new_browser: Callable[[], Browser], work: Work, linked: str, directory: StandIn
    ) -> None:
        other = new_browser()
        for one in (browser, other):
            assert sign_in(one, ADA).path == "/account"
        assert "This changes your Corp password" in browser.open("/account/password").text
        assert "Your password was changed" in change_password(browser).text
        assert directory.entries[DN]["userPassword"] == [NEW.encode()]
        assert is_signed_in(browser)
        assert not is_signed_in(other)
        with work() as w:
            stored = passwords.find(w.read, linked)
        assert stored is not None  # the one from before, which opens nothing
        assert sign_in(new_browser(), ADA).status == 400
        assert sign_in(new_browser(), ADA, password=NEW).path == "/account"

    @pytest.mark.parametrize(
        ("code", "words"), [(19, "doesn't accept this password"), (50, "can't change your Corp password here")]
    )
    def test_what_the_directory_does_not_accept_changes_nothing(
        self, browser: Browser, linked: str, directory: StandIn, code: int, words: str
    ) -> None:
        """N-361."""
        sign_in(browser, ADA)
        directory.new_password_result = code
        page = change_password(browser)
        assert page.status == 400
        assert words in page.text
        assert is_signed_in(browser)

    def test_a_wrong_password_or_an_outage_changes_nothing(
        self, browser: Browser, linked: str, directory: StandIn
    ) -> None:
        """N-362."""
        sign_in(browser, ADA)
        assert change_password(browser, current="the password from before").status == 400
        directory.away = True
        assert change_password(browser).status == 503
        assert directory.entries[DN]["userPassword"] == [PASSWORD.encode()]


def test_a_directory_has_no_button_and_no_pages(client: TestClient, browser: Browser, directory: StandIn) -> None:
    """N-363."""
    assert "Corp" not in browser.open("/login").text
    assert client.get("/login/upstream/corp/callback").status_code == 404


class TestBesideAProvider:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"corp": CORP, "example": EXAMPLE}

    def test_users_do_not_unlink_their_directory(
        self, browser: Browser, work: Work, linked: str, directory: StandIn
    ) -> None:
        """N-371."""
        (identity,) = identities_of(work, linked)
        sign_in(browser, ADA)
        page = browser.open("/account/linked")
        assert "Link Example" in page.text or "Example" in page.text
        assert identity.id not in page.html
        token = page.form(action="/account/linked").fields[0].value
        browser.client.post("/account/linked/unlink", data={"csrf": token, "identity": identity.id})
        assert len(identities_of(work, linked)) == 1

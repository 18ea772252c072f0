"""The search field of the console goes to the only thing that a text names, or lists what it may name."""

from urllib.parse import quote

from starlette.testclient import TestClient

from tests.admin.conftest import Console
from tests.support.factories import make_client, make_user
from tests.support.installation import Work


def test_it_goes_to_what_the_text_names(console: Console, client: TestClient, work: Work, ada: str) -> None:
    with work() as w:
        quill, _ = make_client(w, client_name="Quill")
    error_id = client.post("/oauth2/token", data={"grant_type": "authorization_code", "client_id": "x"}).json()[
        "error_id"
    ]
    user, app = f"/admin/users/{ada}", "/admin/clients/client"
    for text, path in (
        ("ada@example.test", user),
        (" ADA@example.test ", user),
        ("lovelace", user),
        (ada, user),
        (quill.client_id, app),
        ("quil", app),
        (error_id, "/admin/explain"),
        ("", "/admin"),
    ):
        assert console.open(f"/search?q={quote(text)}").path == path, text


def test_it_lists_what_several_match_and_says_when_nothing_does(console: Console, work: Work) -> None:
    with work() as w:
        make_client(w, client_name="Atlas")
        for number in range(7):
            make_user(w, f"atlas{number}@example.com", name="<b>Atlas</b>")
    page = console.open("/search?q=atlas")
    assert page.path == "/admin/search"
    assert page.links["Atlas"].startswith("/admin/clients/client?")
    assert sum("@example.com" in words for words in page.links) == 5
    assert page.links["All users that match"] == "/admin/users?q=atlas"
    assert "<b>Atlas" not in page.html
    assert "Nothing matches." in console.open(f"/search?q={quote('<script>')}").text
    assert "Nothing matches." in console.open("/search?q=01a226ea-e859-7b16-9c15-ad934526c901").text

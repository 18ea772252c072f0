"""Streams of shared signals in the console: the list, and the tab of an application."""

from provider.signals.store import streams as store
from provider.ssf import push
from provider.work import Installation
from tests.admin.conftest import Console, action_form, events
from tests.support.factories import make_client
from tests.support.installation import Work

HEADER = "Bearer of-the-receiver"


def test_streams_in_the_console(console: Console, work: Work, installation: Installation) -> None:
    """Created, changed, verified, paused with a message to the app, and deleted. The header is never shown."""
    with work() as w:
        client_id = make_client(w, client_name="Shop")[0].client_id
    at = f"/clients/client/signals?client_id={client_id}"
    assert "No application has a stream yet." in console.open("/signal-streams").text
    asked = console.open(at)
    assert "The application has no stream." in asked.text
    given = {
        "endpoint_url": "http://shop.example.test/",
        "events.session-revoked": "on",
        "authorization_header": HEADER,
    }
    page = console.browser.submit(given, action=action_form(asked).action)
    assert (page.status, "must be an https URL" in page.text) == (400, True)
    given = given | {"endpoint_url": "https://shop.example.test/events", "why": "They asked"}
    page = console.browser.submit(given, action=action_form(page).action)
    assert "Settings saved" in page.text
    assert "Session ended" in page.text
    page = console.browser.submit({"description": "Shop"}, action=action_form(page).action)
    assert "Settings saved" in page.text
    assert HEADER not in page.html
    with work() as w:
        [stream] = store.find_all(w.read)
    assert (stream.description, stream.sealed is not None, len(stream.events_requested)) == ("Shop", True, 1)
    assert "Verification event queued." in console.act(at.replace("?", "/verify?"), why="Testing").text
    push.deliver(installation, "", {"stream_id": stream.id})  # there is no such server
    page = console.open(at)
    assert "Verification failed" in page.text
    assert "The application is unavailable" in page.text
    listed = console.open("/signal-streams").text
    assert all(said in listed for said in ("Shop", "failing", "on", "never"))
    for name, said in (("pause", "Stream paused."), ("disable", "Stream turned off."), ("enable", "Stream turned on.")):
        assert said in console.act(at.replace("?", f"/{name}?"), why="Because", reason="Moving").text, name
    assert "Moving" in console.open(at).text
    page = console.browser.submit({"no_header": "on"}, action=action_form(console.open(at)).action)
    with work() as w:
        assert store.find_all(w.read)[0].sealed is None
    assert "Stream deleted." in console.act(at.replace("?", "/delete?")).text
    names = ("created", "updated", "verification_sent", "status_changed", "deleted")
    assert all(events(work, f"signal_stream.{name}") for name in names)
    assert events(work, "signal_stream.created")[0]["why"] == "They asked"

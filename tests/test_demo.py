"""`signet demo`: at once, on loopback only, with a mailbox, a ready account and sample clients that work."""

import asyncio
import os
import re
import socket
import stat
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pyotp
import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.crypto.vault import create_key_file
from provider.demo import run as demo_run
from provider.demo.addresses import take_addresses
from provider.demo.mailbox import MOST, Mailbox, mailbox_site
from provider.demo.run import OURS, demo_settings, run_demo
from tests.support import forking
from tests.support.demo_process import Demo, Visitor, demo_arguments, free_ports, running_demo
from tests.support.waiting import PATIENCE, wait_until


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo") / "folder") as demo:
        yield demo


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    visitor = Visitor()
    yield visitor
    visitor.client.close()


def sign_in(visitor: Visitor, demo: Demo, email: str, password: str) -> None:
    """Through the sample app, up to where its page or the consent page is."""
    visitor.open(f"{demo.web_app}/")
    visitor.follow("Sign in")
    visitor.submit({"Email address": email, "Password": password})


def letter_link(visitor: Visitor, demo: Demo, to: str) -> str:
    """The link in the newest letter to an address, as a person finds it in the mailbox."""

    def find() -> str | None:
        page = visitor.open(demo.mailbox)
        return page.text if to in page.text else None

    wait_until(find)
    visitor.follow("Confirm your email address")
    assert visitor.page is not None
    return next(target for target in visitor.page.links.values() if "/verify-email/confirm" in target)


# Starting and stopping


def test_ctrl_c_stops_everything_a_second_start_knows_the_account_and_a_fresh_one_forgets_what_a_demo_made(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    with running_demo(folder) as demo:
        httpx2.get(f"{demo.web_app}/", timeout=PATIENCE)
        first = demo.secrets
        assert demo.stop() == 0
        assert "Traceback" not in demo.output
    (folder / "mine.txt").write_text("mine")
    with running_demo(folder) as demo:
        assert httpx2.get(f"{demo.web_app}/", timeout=PATIENCE).status_code == 200
        assert demo.secrets == first
    with running_demo(folder, fresh=True) as demo:
        httpx2.get(f"{demo.web_app}/", timeout=PATIENCE)
        assert demo.secrets != first
    assert (folder / "mine.txt").read_text() == "mine"
    assert {path.name for path in folder.iterdir()} <= {*OURS, "mine.txt"}


def test_ctrl_c_while_the_demo_starts_ends_it_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process: the sockets are closed before the installation is filled."""
    addresses = take_addresses("localhost", 0)
    settings = demo_settings({}, tmp_path, addresses)
    create_key_file(settings.secret_key_file)

    async def stop_early() -> None:
        demo = demo_run.Demo(settings, tmp_path, addresses)
        asyncio.get_running_loop().call_soon(demo.stop)
        await demo.serve()

    asyncio.run(stop_early())
    addresses.smtp.sock.close()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_refuses_to_listen_beyond_loopback(tmp_path: Path, host: str) -> None:
    with pytest.raises(SystemExit, match="loopback only"):
        run_demo(tmp_path / "f", host, free_ports(), fresh=False)
    assert not (tmp_path / "f").exists()


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        run = forking.run(demo_arguments(tmp_path / "f", port), env=os.environ)
    assert run.returncode == 1
    assert run.stderr.strip() == (
        f"Port {port + 1} is in use. Stop the program that uses it, or choose other ports: signet demo --port 9000"
    )


def test_its_secrets_are_its_owners(demo: Demo) -> None:
    httpx2.get(f"{demo.web_app}/", timeout=PATIENCE)  # answered once the demo is filled
    for name in ("demo.json", "signet.db.key"):
        assert stat.S_IMODE((demo.folder / name).stat().st_mode) == 0o600


def test_the_summary_names_every_address_and_the_account(demo: Demo) -> None:
    wait_until(lambda: demo.secrets["password"] in demo.output)
    for url in (demo.provider, demo.web_app, demo.api, demo.mailbox, f"{demo.provider}/admin", "ada@example.com"):
        assert url in demo.output


# The whole story by hand


def test_the_ready_account_signs_in_through_the_sample_app(demo: Demo, visitor: Visitor) -> None:
    sign_in(visitor, demo, "ada@example.com", demo.secrets["password"])
    page = visitor.submit(button="Allow")
    assert page.url == f"{demo.web_app}/"
    assert "Hello, Ada Lovelace" in page.text
    assert demo.provider in page.text
    assert "nonce" in page.text

    assert "Hello from the API." in visitor.follow("Call the API").text
    assert "The tokens were refreshed." in visitor.submit(button="Refresh the tokens").text
    assert "Hello from the API." in visitor.follow("Call the API").text
    assert "This needs the role admin." in visitor.follow("Open the admin area").text

    assert "You are signed out." in visitor.submit(button="Sign out").text
    assert "Password" in visitor.follow("Sign in").text


def test_somebody_signs_up_and_steps_up_to_a_second_factor(demo: Demo, visitor: Visitor) -> None:
    email, password = "grace@example.com", "the compiler found one moth"
    visitor.open(f"{demo.web_app}/")
    visitor.follow("Sign in")
    visitor.follow("Create an account")
    visitor.submit({"Full name": "Grace Hopper", "Email address": email, "Create a password": password})
    visitor.open(letter_link(visitor, demo, email))
    visitor.submit(button="Confirm email address")
    assert "Hello, Grace Hopper" in visitor.submit(button="Allow").text

    # Without a second factor the provider or the app says what is missing; with one, the API opens.
    visitor.follow("Do something sensitive")
    visitor.open(f"{demo.provider}/account/two-factor")
    page = visitor.submit(button="Turn on two-factor authentication")
    key = "".join(page.html.split('id="key">')[1].split("<")[0].split())
    totp = pyotp.TOTP(key)
    visitor.submit({"Code": totp.now()}, button="Turn on")
    page = visitor.open(f"{demo.web_app}/call/vault")
    assert "The vault is open." in page.text
    assert "aal2" in page.text


def test_an_answer_that_comes_twice_leads_home_or_to_a_new_start(demo: Demo, visitor: Visitor) -> None:
    """OIDC Core section 3.1.2.7: `state` is good once. The sample app has no dead ends either."""
    page = visitor.open(f"{demo.web_app}/callback?code=x&state=y")
    assert page.status == 400
    assert "Sign in" in page.links
    sign_in(visitor, demo, "ada@example.com", demo.secrets["password"])
    if "wants to access your account" in str(visitor.page):
        visitor.submit(button="Allow")
    again = visitor.open(f"{demo.web_app}/callback?code=x&state=y&iss={demo.provider}")
    assert "Hello, Ada Lovelace" in again.text


@pytest.mark.slow
def test_the_printed_commands_work_in_another_terminal(demo: Demo) -> None:
    wait_until(lambda: "To sign in on a device" in demo.output)
    _, _, after = demo.output.partition("To use the command line, open another terminal:\n")
    commands, _, _ = after.partition("\nTo sign in on a device")
    done = subprocess.run(["sh", "-ec", commands], check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert "ada@example.com" in done.stdout, done.stderr
    assert f"{demo.provider}/.well-known/openid-configuration" in demo.output  # also at 80 columns
    doctor = commands.replace("user list", "doctor --only mail --send-test-email operator@example.com")
    done = subprocess.run(["sh", "-c", doctor], check=False, capture_output=True, text=True, timeout=PATIENCE)
    arrived = re.search(rf"arrived: ({re.escape(demo.mailbox)}/emails/\d+)\.", done.stdout)
    assert arrived is not None, done.stdout + done.stderr
    assert httpx2.get(arrived[1]).text.count("Test: ") > 0
    assert httpx2.get(f"{demo.mailbox}/messages/another@localhost").status_code == 404


def test_git_ignores_the_folder(demo: Demo) -> None:
    """It holds a password and two secrets."""
    assert (demo.folder / ".gitignore").read_text() == "*\n"


def test_a_person_can_say_no(demo: Demo, visitor: Visitor) -> None:
    visitor.open(f"{demo.web_app}/")
    visitor.follow("Sign in")
    page = visitor.submit(button="Cancel")
    assert "You did not sign in" in page.text


def test_the_sample_service_reads_the_reports(demo: Demo) -> None:
    from tests.clients.conftest import sample  # noqa: PLC0415

    call_api = sample("service.call_api").call_api
    answer = call_api(demo.provider, "quill-reports", demo.secrets["service_secret"], demo.api)
    assert answer.status_code == 200
    assert answer.json()["for"] == "quill-reports"


# The mailbox


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def receive(mailbox: Mailbox, message: EmailMessage) -> None:
    envelope = SimpleNamespace(content=bytes(message), mail_from="a@example.com", rcpt_tos=["b@example.com"])
    assert asyncio.run(mailbox.handle_DATA(None, None, envelope)).startswith("250")


def email(subject: str, text: str, html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "signet@localhost"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def test_the_mailbox_shows_the_newest_email_first(mailbox: Mailbox) -> None:
    receive(mailbox, email("First", "one"))
    receive(mailbox, email("Zweiter: ü", "two"))
    page = TestClient(mailbox_site(mailbox, Settings())).get("/").text
    assert page.index("Zweiter: ü") < page.index("First")
    assert 'http-equiv="refresh"' in page


def test_an_email_cannot_run_anything_in_the_mailbox(mailbox: Mailbox) -> None:
    receive(mailbox, email("<script>1</script>", "<b>x</b> http://localhost/a?b=1", "<script>2</script><p>Hi</p>"))
    site = TestClient(mailbox_site(mailbox, Settings()))
    assert "<script>1" not in site.get("/").text
    page = site.get("/emails/1")
    assert "<b>x</b>" not in page.text
    assert 'href="http://localhost/a?b=1"' in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert '<iframe src="/emails/1/html"' in page.text
    policy = site.get("/emails/1/html").headers["content-security-policy"]
    assert "script" not in policy
    assert "sandbox" in policy


def test_an_email_that_is_gone_leads_back_to_the_list(mailbox: Mailbox) -> None:
    answer = TestClient(mailbox_site(mailbox, Settings())).get("/emails/7")
    assert answer.status_code == 404
    assert "Mailbox" in answer.text
    assert TestClient(mailbox_site(mailbox, Settings())).get("/emails/7/html").status_code == 404


def test_the_mailbox_forgets_the_oldest_emails(mailbox: Mailbox) -> None:
    for number in range(MOST + 5):
        receive(mailbox, email(f"Email {number}", "x"))
    assert len(mailbox.emails) == MOST
    assert mailbox.find(1) is None

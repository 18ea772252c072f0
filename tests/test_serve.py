"""The web service as processes: starting, refusing to start, being killed, stopping (F-9, F-10, F-12)."""

import contextlib
import json
import os
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from provider import serve
from provider.cli.run import FAILED, run
from provider.ratelimits import LIMITS
from tests.support.certificates import Authority
from tests.support.installation import SECRET_KEY
from tests.support.server_process import Serving, free_port, serving, signet
from tests.support.waiting import PATIENCE, wait_until


@pytest.fixture
def environ(database_url: str) -> dict[str, str]:
    return {"SIGNET_DATABASE_URL": database_url, "SIGNET_SECRET_KEY": SECRET_KEY, "SIGNET_BCRYPT_COST": "4"}


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`refused(environ, "--port", "1")` is the one line that `signet serve` says instead of starting, called in this
    process: starting another one to hear it takes seconds.
    """

    def call(environ: dict[str, str], *options: str) -> str:
        for name in [name for name in os.environ if name.startswith("SIGNET_")]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(serve, "configure_logging", lambda _level: None)
        monkeypatch.setattr(serve, "work", lambda _service: pytest.fail("it started"))
        capsys.readouterr()
        assert run(("serve", "--workers", "1", *options)) == FAILED
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    return call


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_it_serves_on_either_database_and_stops_when_told_to(environ: dict[str, str]) -> None:
    with serving(environ, forked=False) as server:
        assert server.get("/.well-known/openid-configuration")[0] == 200
        assert server.stop() == 0


def test_on_sigterm_it_is_not_ready_before_it_stops_answering(environ: dict[str, str]) -> None:
    """F-10."""
    with serving(environ, "--drain", "2") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/health/ready")[0] == 503)
        assert server.get("/.well-known/openid-configuration")[0] == 200
        assert server.process.wait(PATIENCE) == 0


def test_a_request_in_flight_is_finished(environ: dict[str, str]) -> None:
    """F-10."""
    body = b"grant_type=client_credentials"
    head = f"POST /oauth2/token HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with (
        serving(environ, "--drain", "0") as server,
        socket.create_connection(("127.0.0.1", server.port)) as client,
    ):
        client.sendall(head.encode() + body[:5])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(body[5:])
        assert client.recv(1000).startswith(b"HTTP/1.1 401")
        assert server.process.wait(PATIENCE) == 0


def test_two_workers_share_the_port_and_a_killed_one_is_replaced(environ: dict[str, str]) -> None:
    """F-9."""
    with serving(environ, workers=2) as server:
        wait_until(lambda: len(server.workers()) == 2)
        killed, other = server.workers()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and killed not in server.workers())
        assert other in server.workers()
        wait_until(lambda: server.get("/health/ready")[0] == 200)
        assert server.stop() == 0
        assert not is_running(other)


@pytest.mark.only_on("sqlite")
def test_a_worker_that_is_replaced_while_the_database_is_gone_publishes_the_keys(environ: dict[str, str]) -> None:
    """F-1: the service knew them when it started, so whoever verifies tokens goes on."""
    database = Path(environ["SIGNET_DATABASE_URL"].removeprefix("sqlite:///"))
    with serving(environ, workers=2) as server:
        before = server.get("/oauth2/jwks")
        first = set(server.workers())
        database.rename(database.with_suffix(".gone"))
        for beside in ("-wal", "-shm"):
            Path(f"{database}{beside}").unlink(missing_ok=True)
        database.mkdir()  # nothing can be opened there
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(set(server.workers()) - first) == 2, of=server.process)
        wait_until(lambda: server.get("/health/live")[0] == 200, of=server.process)
        assert server.get("/health/ready")[0] == 503
        assert server.get("/oauth2/jwks") == before
        assert server.get("/.well-known/openid-configuration")[0] == 200
    database.rmdir()


def test_workers_end_with_their_parent_however_that_ended(environ: dict[str, str]) -> None:
    with serving(environ, "--drain", "0", workers=2) as server:
        wait_until(lambda: len(server.workers()) == 2)
        pids = server.workers()
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_answers_name_no_server_and_a_forwarded_address_is_not_believed(environ: dict[str, str]) -> None:
    with serving(environ) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost:8000\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"\r\nserver:" not in answer.lower()


def test_a_port_that_is_taken_is_said_in_one_line(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = signet("serve", "--port", str(taken.getsockname()[1]), settings=environ)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Address already in use" in line


Refused = Callable[..., str]


def test_an_empty_database_is_refused(empty_database_url: str, refused: Refused) -> None:
    """A-128."""
    environ = {"SIGNET_DATABASE_URL": empty_database_url, "SIGNET_SECRET_KEY": SECRET_KEY}
    assert "signet migrate" in refused(environ)


def test_without_a_secret_key_it_does_not_start(environ: dict[str, str], refused: Refused) -> None:
    """F-12, A-128."""
    del environ["SIGNET_SECRET_KEY"]
    assert "SIGNET_SECRET_KEY" in refused(environ)


def test_with_another_secret_key_it_does_not_start(environ: dict[str, str], refused: Refused) -> None:
    """F-12, A-128: never a silent new key."""
    environ["SIGNET_SECRET_KEY"] = "another key, long enough to be one".replace(",", ";")
    assert "SIGNET_SECRET_KEY cannot decrypt the signing keys" in refused(environ)


@pytest.mark.only_on("sqlite")
def test_a_key_file_that_others_may_read_is_refused(environ: dict[str, str], refused: Refused) -> None:
    """F-12, A-128."""
    del environ["SIGNET_SECRET_KEY"]
    path = Path(environ["SIGNET_DATABASE_URL"].removeprefix("sqlite:///") + ".key")
    path.write_text(SECRET_KEY)
    path.chmod(0o644)
    assert "other users of this machine can read" in refused(environ)


def test_a_list_of_breached_passwords_that_is_none_is_refused(
    environ: dict[str, str], tmp_path: Path, refused: Refused
) -> None:
    """ASVS v5.0.0-6.2.12: never silently without."""
    (tmp_path / "list.txt").write_text("password\n123456\n")
    for name, problem in {"missing.txt": "No such file", "list.txt": "SHA-1"}.items():
        environ["SIGNET_BREACHED_PASSWORDS"] = str(tmp_path / name)
        assert problem in refused(environ)


def test_a_database_that_is_away_is_said_in_one_line(refused: Refused) -> None:
    environ = {"SIGNET_DATABASE_URL": "postgresql://signet@127.0.0.1:1/signet", "SIGNET_SECRET_KEY": SECRET_KEY}
    assert "cannot reach the database" in refused(environ)


def test_whoever_could_connect_while_it_stops_is_answered(environ: dict[str, str]) -> None:
    """F-10: a proxy may not send a form again that it sent once, so every connection that was taken has its answer, and
    says that it is the last one.
    """
    body = "grant_type=client_credentials"
    head = f"POST /oauth2/token HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode()
    answers: list[bytes] = []

    def knock(port: int) -> None:
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                    try:
                        client.sendall(request)
                        answers.append(client.recv(2000))
                    except OSError as error:
                        answers.append(repr(error).encode())

    with serving(environ, "--drain", "0.3") as server:
        threads = [threading.Thread(target=knock, args=(server.port,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 50)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        for thread in threads:
            thread.join()
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 401"}
    assert b"\r\nconnection: close\r\n" in answers[-1]
    assert b"\r\nconnection: close\r\n" not in answers[0]


def test_whoever_is_connected_may_still_ask_when_the_port_is_closed(environ: dict[str, str]) -> None:
    """F-10: on a busy machine a proxy sends its request a while after it connected."""
    with (
        serving(environ, "--drain", "0") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client,
    ):
        server.get("/health/live")  # by now that connection is taken
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(server.port))
        client.sendall(b"GET /oauth2/jwks HTTP/1.1\r\nHost: localhost:8000\r\n\r\n")
        answer = client.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        assert server.process.wait(PATIENCE) == 0


def is_refused(port: int) -> bool:
    """Nobody listens: while connections are merely turned away, one that is tried gets no answer at all."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def test_it_serves_https_itself(environ: dict[str, str], tmp_path: Path) -> None:
    """`--tls-cert` and `--tls-key`: TLS 1.2 with ECDHE and AES-GCM, TLS 1.3, nothing older, and no plain http."""
    authority = Authority(tmp_path)
    pem = str(authority.issue_file("localhost"))
    port = free_port()
    settings = environ | {"SIGNET_ISSUER": f"https://localhost:{port}"}
    tls = ("--tls-cert", pem, "--tls-key", pem)
    with serving(settings, *tls, port=port, workers=2, authority=authority.file) as server:
        status, text = server.get("/.well-known/openid-configuration")
        assert (status, json.loads(text)["issuer"]) == (200, settings["SIGNET_ISSUER"])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client, contextlib.suppress(ConnectionError):
            client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert not client.recv(100).startswith(b"HTTP")
        for version, cipher, good in (
            (ssl.TLSVersion.TLSv1_3, None, True),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", False),
        ):
            context = ssl.create_default_context(cafile=authority.file)
            context.minimum_version = context.maximum_version = version
            if cipher is not None:
                context.set_ciphers(cipher)
            with contextlib.ExitStack() as stack:
                if not good:
                    stack.enter_context(pytest.raises(ssl.SSLError))
                plain = stack.enter_context(socket.create_connection(("localhost", port)))
                stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))


@pytest.mark.parametrize(
    ("options", "issuer", "said"),
    [
        (("--tls-cert", "{pem}"), "https://localhost:1", "--tls-cert and --tls-key must be used together"),
        (("--tls-cert", "{pem}", "--tls-key", "{pem}"), "http://localhost:1", "SIGNET_ISSUER must be an https URL"),
        (("--tls-cert", "{pem}", "--tls-key", "{pem}.none"), "https://localhost:1", "No such file"),
        (("--tls-cert", "{ca}", "--tls-key", "{pem}"), "https://localhost:1", "not a certificate in PEM and its key"),
    ],
)
def test_a_certificate_that_cannot_be_used_stops_the_start_in_one_line(
    environ: dict[str, str], tmp_path: Path, options: tuple[str, ...], issuer: str, said: str, refused: Refused
) -> None:
    authority = Authority(tmp_path)
    pem = authority.issue_file("localhost")
    given = [option.format(pem=pem, ca=authority.file) for option in options]
    assert said in refused(environ | {"SIGNET_ISSUER": issuer}, *given)


def test_workers_count_failures_together(environ: dict[str, str]) -> None:
    """Issue 12, line 21: 50 wrong secrets are 50, whichever worker checks them."""
    allowed = int(LIMITS.client_secret.partition("/")[0])
    with serving(environ, workers=2) as server:
        wait_until(lambda: len(server.workers()) == 2)
        statuses = Counter(wrong_secret(server) for _ in range(allowed + 20))  # a new connection each: either worker
    assert statuses == {401: allowed, 429: 20}


def wrong_secret(server: Serving) -> int:
    body = b"grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    request = urllib.request.Request(f"{server.origin}/oauth2/token", data=body, headers={"host": server.host})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code

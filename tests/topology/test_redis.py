"""Redis with TLS and a login, behind Sentinels, and as a cluster: what it is used for, and what its loss costs.

Each test of a use is a row of the table in docs/operate/redis.md (F-5, F-6).
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from provider.config.settings import Settings
from provider.doctor import system_checks
from provider.operators.overview.health import _redis_responds
from provider.outbox import messages, store
from provider.outbox.store import DeliveryState
from provider.ratelimits import counter as ratelimit_counter
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from provider.worker import background
from provider.worker.background import BackgroundWorker
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support.waiting import wait_until
from tests.topology.redis_servers import Arrangement, Cluster, Sentinels, Tls, running

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

LIMIT = "40/hour"
KINDS = [pytest.param(Tls, id="TLS"), pytest.param(Sentinels, id="Sentinel"), pytest.param(Cluster, id="cluster")]


@pytest.fixture(scope="module", params=KINDS)
def arrangement(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrangement]:
    with running(request.param, tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    return settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": sink.port})


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit_counter, "PAUSE", 0.1)
    monkeypatch.setattr(background, "PAUSE_AFTER_FAILURE", 0.1)


@pytest.fixture
def seldom_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a message through Redis makes an email leave."""
    monkeypatch.setattr(background, "QUEUE_DUE_EVERY", 3600.0)


@pytest.fixture
def often_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks for jobs that are due without waiting five seconds."""
    monkeypatch.setattr(background, "QUEUE_DUE_EVERY", 0.2)


def counted(counter: LimitCounter, key: str) -> int:
    """How many hits there is room for."""
    number = 0
    while counter.hit(LIMIT, key) is None:
        number += 1
    return number


def is_shared(arrangement: Arrangement, key: str) -> bool:
    """Whether two processes have one count together."""
    first, second = LimitCounter(arrangement.url), LimitCounter(arrangement.url)
    return (counted(first, key), counted(second, key)) == (40, 0)


@dataclasses.dataclass
class Queue:
    """A web process that queues, and a worker process that delivers."""

    installation: Installation
    sink: Sink
    written: int = 0

    def write(self) -> None:
        self.written += 1
        with unit_of_work(self.installation) as work:
            letter = {
                "to": f"u{self.written}@example.test",
                "subject": "Hello",
                "text": "Hello",
                "html": "<p>Hello</p>",
            }
            messages.enqueue(work, "mail", letter, about=f"hello {self.written}")

    def is_done(self) -> bool:
        with unit_of_work(self.installation) as work:
            return Counter(row.state for row in store.find(work.read)) == {DeliveryState.SENT: self.written}


@pytest.fixture
def queue(installation: Installation, arrangement: Arrangement, sink: Sink) -> Iterator[Queue]:
    settings = installation.settings.model_copy(update={"redis_url": arrangement.url})
    web, worker = BackgroundWorker(settings, delivers=False), BackgroundWorker(settings)
    installation = dataclasses.replace(installation, settings=settings, wake=web.wake)
    with ExitStack() as stack:
        for process in (worker, web):
            process.start(installation)
            stack.callback(process.stop)
        wait_until(lambda: len(worker._timetables) >= 4)
        yield Queue(installation, sink)


def test_processes_share_their_limits_and_the_web_process_wakes_the_worker(
    seldom_looks: None, arrangement: Arrangement, queue: Queue
) -> None:
    assert is_shared(arrangement, "at first")
    for _ in range(10):
        queue.write()
    wait_until(queue.is_done, what="the emails do not leave")
    assert _redis_responds(arrangement.url)
    assert not list(system_checks._redis(arrangement.url))


def test_when_redis_is_emptied_limits_start_from_zero_and_no_email_is_lost(
    often_looks: None, arrangement: Arrangement, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-6. A job that was queued is queued again when its message has been missing for a while."""
    monkeypatch.setattr(background, "QUEUED_AGAIN_AFTER", 0.5)
    counter = LimitCounter(arrangement.url)
    assert counted(counter, "emptied") == 40
    for _ in range(10):
        queue.write()
        arrangement.empty()
    assert counted(counter, "emptied") == 40
    wait_until(queue.is_done, what="an email was lost")


def test_while_redis_is_lost_limits_are_stricter_and_emails_leave_and_afterwards_it_is_used_again(
    often_looks: None, arrangement: Arrangement, queue: Queue
) -> None:
    """F-5."""
    counter = LimitCounter(arrangement.url)
    arrangement.lose()
    assert counted(counter, "lost") == 20
    assert not _redis_responds(arrangement.url)
    assert [one.about for one in system_checks._redis(arrangement.url)] == ["SIGNET_REDIS_URL"]
    for _ in range(3):
        queue.write()
    wait_until(queue.is_done, what="no email leaves without Redis")
    arrangement.restore()
    wait_until(lambda: _redis_responds(arrangement.url))
    wait_until(lambda: counter.hit(LIMIT, "lost") is None, what="the limits are not counted in Redis again")
    assert is_shared(arrangement, "again")
    queue.write()
    wait_until(queue.is_done)


def test_a_process_that_starts_without_redis_uses_it_as_soon_as_it_is_there(
    arrangement: Arrangement, installation: Installation, sink: Sink, seldom_looks: None
) -> None:
    arrangement.lose()
    settings = installation.settings.model_copy(update={"redis_url": arrangement.url})
    web, worker = BackgroundWorker(settings, delivers=False), BackgroundWorker(settings)
    counter = LimitCounter(arrangement.url)
    installation = dataclasses.replace(installation, settings=settings, wake=web.wake)
    with ExitStack() as stack:
        for process in (worker, web):
            process.start(installation)
            stack.callback(process.stop)
        wait_until(lambda: len(worker._timetables) >= 4)
        assert counted(counter, "before") == 20
        arrangement.restore()
        wait_until(lambda: counter.hit(LIMIT, "before") is None)
        queue = Queue(installation, sink)
        wait_until(lambda: worker._worker is not None)
        queue.write()
        wait_until(queue.is_done, what="the worker does not use Redis")


@pytest.mark.nightly
def test_sentinels_promote_the_replica_under_use_and_no_email_is_lost(
    installation: Installation, sink: Sink, tmp_path: Path, often_looks: None
) -> None:
    with running(Sentinels, tmp_path) as sentinels:
        settings = installation.settings.model_copy(update={"redis_url": sentinels.url})
        web, worker = BackgroundWorker(settings, delivers=False), BackgroundWorker(settings)
        queue = Queue(dataclasses.replace(installation, settings=settings, wake=web.wake), sink)
        counter = LimitCounter(sentinels.url)
        with ExitStack() as stack:
            for process in (worker, web):
                process.start(queue.installation)
                stack.callback(process.stop)
            sentinels.primary.kill()

            def is_promoted() -> bool:
                queue.write()
                counter.hit(LIMIT, "under use")  # never raises
                return bool(sentinels.keepers())

            wait_until(is_promoted, what="the replica was not promoted", every=0.1)

            def is_used_again() -> bool:
                queue.write()
                return is_shared(sentinels, f"promoted {queue.written}")

            wait_until(is_used_again, what="the promoted replica is not used", every=0.1)
            queue.write()
            wait_until(queue.is_done, what="an email was lost")
            sentinels.primary.start()  # it comes back as a replica
            wait_until(lambda: sentinels.primary.ask("ROLE")[0] == b"slave")
            assert is_shared(sentinels, "with the old primary")


@pytest.mark.nightly
def test_a_cluster_that_lost_a_node_refuses_and_the_limits_are_counted_in_memory(tmp_path: Path) -> None:
    """Redis's own default: a cluster without all of its slots answers nobody (cluster-require-full-coverage)."""
    with running(Cluster, tmp_path) as cluster:
        counter = LimitCounter(cluster.url)
        assert counter.hit(LIMIT, "ada") is None
        cluster.servers[0].kill()
        wait_until(lambda: not _redis_responds(cluster.url))
        assert counted(counter, "grace") == 20
        cluster.servers[0].start()
        wait_until(cluster._is_whole)
        wait_until(lambda: _redis_responds(cluster.url))
        wait_until(lambda: counter.hit(LIMIT, "grace") is None)


@pytest.mark.parametrize("wrong", ["password", "authority", "no certificate"])
def test_check_reports_a_login_or_a_certificate_that_is_refused(wrong: str, tmp_path: Path) -> None:
    with running(Tls, tmp_path) as tls:
        others = tmp_path / "others"
        others.mkdir()
        options = dict(tls.options)
        if wrong == "authority":
            options.pop("ssl_ca_certs")
        if wrong == "no certificate":
            options = {"ssl_ca_certs": options["ssl_ca_certs"]}
        url = tls.url_with(**({"password": "wrong"} if wrong == "password" else {}), **options)
        (found,) = system_checks._redis(url)
        assert (found.about, found.dangerous) == ("SIGNET_REDIS_URL", True)
        assert counted(LimitCounter(url), "ada") == 20

"""The one list of topics: what is listed, counted and delivered comes from it."""

from provider.operators.lists.jobs import JOBS
from provider.outbox.metrics import OUTBOX, OUTBOX_JOBS, TOPIC
from provider.outbox.topics import TITLES, Topic
from provider.worker.handlers import HANDLERS, POLICIES
from tests.support.installation import Work


def test_each_topic_has_a_handler_a_policy_a_title_and_a_label_of_the_metrics() -> None:
    topics = list(Topic)
    assert set(HANDLERS) == set(POLICIES) == set(topics)
    assert list(TITLES) == topics
    assert len(set(TITLES.values())) == len(topics)
    assert TOPIC.values == tuple(topics)
    assert TOPIC in OUTBOX_JOBS.labels
    assert TOPIC in OUTBOX.labels


def test_the_list_of_jobs_can_be_filtered_by_each_topic(work: Work) -> None:
    with work() as w:
        problems = {topic: JOBS.conditions(w, {"topic": topic})[1] for topic in [*Topic, "letters"]}
    assert [topic for topic, problem in problems.items() if problem] == ["letters"]

"""SIGNET_REDIS_URL for one server, for servers behind Sentinels, and for a cluster."""

import pytest

from provider.config.environment import SettingsError, load_settings
from provider.config.redis_url import CLUSTER, SENTINEL, split
from provider.config.settings_in_force import MASK, settings_in_force


def loaded(url: str) -> str:
    found = load_settings({"SIGNET_REDIS_URL": url}).redis_url
    assert found is not None
    return found


def test_sentinels_have_hosts_a_name_and_a_login_of_their_own() -> None:
    url = loaded("REDIS+Sentinel://me:p@ss/1@one,[::1]:26380/mymaster/3?sentinel_username=s&sentinel_password=x%2By")
    servers = split(url)
    assert servers.kind == SENTINEL
    assert servers.addresses == (("one", 26379), ("::1", 26380))
    assert servers.name == "mymaster"
    assert dict(servers.sentinel_login) == {"username": "s", "password": "x+y"}
    assert servers.server_url == "redis://me:p%40ss%2F1@one:26379/3"
    assert url.startswith("redis+sentinel://me:p%40ss%2F1@one,[::1]:26380/mymaster/3?")


def test_a_cluster_has_hosts_and_options_for_each_connection() -> None:
    servers = split(loaded("rediss+cluster://:secret@one:7000,two/0?ssl_ca_certs=/etc/redis%20ca.pem"))
    assert (servers.kind, servers.addresses, servers.name) == (CLUSTER, (("one", 7000), ("two", 6379)), "")
    assert servers.server_url == "rediss://:secret@one:7000/0?ssl_ca_certs=%2Fetc%2Fredis+ca.pem"


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:6380/2",
        "rediss://me:secret@host/0?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=3",
        "redis+sentinel://one,two/name",
        "redis+cluster://one,two:7000",
    ],
)
def test_a_url_that_is_right_stays_as_it_is(url: str) -> None:
    assert loaded(url) == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://one,two", "must be redis://"),
        ("redis+sentinel://one,two/name/x", "must be redis://"),
        ("redis+sentinel://one,/name", "must be redis://"),
        ("redis+cluster://one/1", "must be redis://"),
        ("redis+cluster://one:0", "must be redis://"),
        ("redis+cluster://one:99999", "must be redis://"),
        ("redis+cluster://me:hunter2@", "must be redis://"),
        ("redis+cluster://me:hunter2@one/0#x", "must be redis://"),
        ("redis+cluster://me:hunter2@one?color=red", "has an option that Redis does not know"),
        ("redis+cluster://one?sentinel_password=x", "has an option that Redis does not know"),
        ("redis+sentinel://one/name?ssl_ca_certs=/ca.pem", "has an option that Redis does not know"),
        ("redis+swarm://one", "redis+swarm:// is not supported"),
        ("unix+cluster:///run/redis.sock", "unix+cluster:// is not supported"),
    ],
)
def test_a_url_that_is_wrong_is_reported_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match="SIGNET_REDIS_URL") as raised:
        loaded(url)
    assert problem in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_passwords_of_servers_and_sentinels_are_masked_where_settings_are_shown() -> None:
    url = "redis+sentinel://me:hunter2@one,two/name/0?sentinel_password=hunter3"
    settings = load_settings({"SIGNET_REDIS_URL": url})
    shown = {one.name: one.value for one in settings_in_force(settings, environ={})}["SIGNET_REDIS_URL"]
    assert shown == f"redis+sentinel://me:{MASK}@one,two/name/0?sentinel_password={MASK}"

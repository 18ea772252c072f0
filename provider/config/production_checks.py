"""Settings that are unsafe or unwise in production: why, and how to fix each (A-128). Pure.

Dangerous ones stop `signet serve`, unless the issuer is on this machine (F-12). Values that are always wrong, such as a
plain http issuer elsewhere, are rejected by the settings themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qs, urlsplit

from provider.config.environment import SettingsError
from provider.config.settings import PREFIX, Settings
from provider.urls import is_loopback

WEAK_COST, SLOW_COST = 10, 12
"""bcrypt costs: below the first, passwords of a stolen table are guessed quickly (OWASP). We recommend the second."""
METADATA_SERVICES = (ip_network("169.254.0.0/16"), ip_network("fd00:ec2::/32"))
"""The networks of cloud metadata services, which give a machine its secrets."""


@dataclass(frozen=True)
class Finding:
    """A problem with the configuration. `about` is a setting, or another thing that was checked."""

    about: str
    dangerous: bool
    problem: str
    fix: str


def require_safe(settings: Settings) -> None:
    """Raise SettingsError, one line, for the first dangerous setting, unless the issuer is on this machine."""
    if settings.loopback:
        return
    for finding in find_problems(settings):
        if finding.dangerous:
            raise SettingsError(f"{finding.about}: {finding.problem}; {finding.fix} (`signet check` lists everything)")


def find_problems(settings: Settings) -> list[Finding]:
    """Return the problems of these settings in production, the dangerous ones first."""
    parts = (_purpose, _secrets, _network, _databases, _mail, _protocol, _sign_up, _lifetimes)
    found = [finding for part in parts for finding in part(settings)]
    return sorted(found, key=lambda finding: not finding.dangerous)


def danger(name: str, problem: str, fix: str) -> Finding:
    return Finding(PREFIX + name.upper(), True, problem, fix)


def warning(name: str, problem: str, fix: str) -> Finding:
    return Finding(PREFIX + name.upper(), False, problem, fix)


def _purpose(settings: Settings) -> Iterator[Finding]:
    if settings.loopback:
        yield danger("issuer", f"{settings.issuer} is this machine alone", "set the https URL people and apps will use")
    if settings.base_path:
        problem = f"a flaw in another site at {settings.origin} reaches the accounts here"
        yield warning("issuer", problem, "give Signet a host of its own, or trust what else runs there")
    if settings.env == "development":
        yield danger("env", "this is a development installation", "leave it out")
    if settings.env == "test":
        yield warning("env", "this is a test installation", "leave it out")
    if settings.totp_bypass_code is not None:
        yield danger("totp_bypass_code", "one code opens every account", "leave it out")
    if settings.log_level == "debug":
        yield warning("log_level", "libraries log what they handle, addresses of people too", "set it to info")


def _secrets(settings: Settings) -> Iterator[Finding]:
    if any(len(set(key)) < 10 for key in settings.secret_keys):
        yield danger("secret_key", "a key of few different characters can be guessed", _NEW_KEY)
    if not settings.secret_keys and settings.embedded:
        yield warning("secret_key", "it lies in a file beside the database, so a copy of both opens it", _MOVE_KEY)
    if settings.bcrypt_cost < SLOW_COST:
        problem = f"stolen hashes of passwords at cost {settings.bcrypt_cost} are guessed quickly"
        kind = danger if settings.bcrypt_cost < WEAK_COST else warning
        yield kind("bcrypt_cost", problem, f"set it to {SLOW_COST} or leave it out")


_MOVE_KEY = "keep what is in the file in this variable, and apart from the database"
_NEW_KEY = "make one by `openssl rand -base64 32`, and to rotate put it before the old one"


def _network(settings: Settings) -> Iterator[Finding]:
    if any(_everything(network) for network in settings.trusted_proxies):
        yield danger(
            "trusted_proxies",
            "whoever asks may say to be at any address, past every limit per network",
            "name the proxy's own address or network",
        )
    if not settings.trusted_proxies and settings.secure:
        yield warning(
            "trusted_proxies",
            "behind a proxy everybody is at its address, and shares its limits",
            "name it; without a proxy (--tls-cert) this is right",
        )
    for text in sorted(settings.outbound_allow):
        network = ip_network(text, strict=False)
        if _everything(text) or any(
            network.version == other.version and network.overlaps(other) for other in METADATA_SERVICES
        ):
            problem = f"{text} lets apps make this server ask what only it can reach, secrets of the cloud too"
            yield danger("outbound_allow", problem, "name the addresses of the servers that are to be asked")
        elif network.num_addresses > 1 << 16 and network.version == 4:
            yield warning("outbound_allow", f"{text} is wide", "name the servers that are to be asked")
    if settings.metrics_address is not None and not is_loopback(host := settings.metrics_address[0]):
        if _is_public(host):
            yield danger("metrics_address", "anybody can read the metrics", "use an address of your own network")
        else:
            yield warning("metrics_address", f"whoever reaches {host} can read the metrics", "let nobody else reach it")


def _databases(settings: Settings) -> Iterator[Finding]:
    if settings.embedded:
        yield warning("database_url", "SQLite is one machine, where processes write in turn", "PostgreSQL for more")
        if settings.sqlite_synchronous == "NORMAL":
            yield warning("sqlite_synchronous", "a power cut can undo the last moment's answers", "set it to FULL")
        return
    if settings.redis_url is None:
        problem = "each node counts limits for itself, and sends the emails of all"
        yield warning("redis_url", problem, "with more than one node set it, and run `signet worker`")
    parts = urlsplit(settings.database_url)
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[-1]
    if parts.hostname and not is_loopback(parts.hostname) and mode not in {"require", "verify-ca", "verify-full"}:
        problem = f"the way to {parts.hostname} may be in plain text"
        yield warning("database_url", problem, "add ?sslmode=verify-full unless the network is your own")


def _mail(settings: Settings) -> Iterator[Finding]:
    host = settings.smtp_host
    if settings.smtp_tls == "none" and not is_loopback(host):
        # A bare name or a private address is most likely next door.
        kind = danger if _is_public(host) else warning
        yield kind(
            "smtp_tls", f"letters with links that sign in go to {host} in plain text", "set it to starttls or tls"
        )
    if settings.smtp_from.rstrip(">").endswith("@localhost"):
        yield warning("smtp_from", f"nobody accepts letters from {settings.smtp_from}", "set an address of your domain")


def _protocol(settings: Settings) -> Iterator[Finding]:
    if settings.registration == "open":
        yield warning(
            "registration", "anybody may register apps, and ask people for consent", "set it to token or closed"
        )
    if settings.registration != "closed" and not settings.registration_require_pkce:
        yield warning("registration_require_pkce", "a stolen code can be redeemed by registered apps", "leave it out")
    if settings.legacy_response_types:
        problem = "tokens pass through the browser's address bar (RFC 9700 section 2.1.2)"
        yield warning("legacy_response_types", problem, "only while an old app needs it")
    if settings.request_uri:
        yield warning("request_uri", "apps make this server fetch their URLs", "use pushed requests (PAR) instead")
    if not settings.key_rotation:
        yield warning("key_rotation", "signing keys are rotated by hand only", "leave it out, or rotate by a timetable")


def _sign_up(settings: Settings) -> Iterator[Finding]:
    if settings.has("registration") and not settings.has("email-verification"):
        problem = "anyone can sign up with anyone's address, and the form says which addresses have an account"
        yield warning("features", problem, "add email-verification, or leave registration out")


def _lifetimes(settings: Settings) -> Iterator[Finding]:
    longest = {
        "code_lifetime": (timedelta(minutes=10), "RFC 6749 section 4.1.2"),
        "access_token_lifetime": (timedelta(hours=1), "an API that does not ask back takes it until then"),
        "refresh_grace": (timedelta(minutes=1), "so long a stolen token is not noticed"),
        "session_absolute_lifetime": (timedelta(days=30), "NIST SP 800-63B section 2.1.3"),
    }
    for name, (most, why) in longest.items():
        value: timedelta = getattr(settings, name)
        if value > most:
            yield warning(name, f"{value} is long ({why})", f"set it to {most} or less")


def _everything(network: str) -> bool:
    found: IPv4Network | IPv6Network = ip_network(network, strict=False)
    return found.prefixlen == 0


def _is_public(host: str) -> bool:
    """Return whether this is a public address, or a name outside private domains (RFC 6762, RFC 8375)."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".home.arpa", ".lan"))

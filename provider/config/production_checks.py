"""Settings that are unsafe or unwise in production: why, and how to fix each (A-128). Pure.

Dangerous ones stop `signet serve`, unless the issuer is on this machine (F-12). Values that are always wrong, such as a
plain http issuer elsewhere, are rejected by the settings themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qs, urlsplit

from provider.config.durations import format_duration
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
            raise SettingsError(
                f"{finding.about}: {finding.problem}. {finding.fix}. Run `signet check` to see all problems"
            )


def find_problems(settings: Settings) -> list[Finding]:
    """Return the problems of these settings in production, the dangerous ones first."""
    parts = (_purpose, _secrets, _factors, _network, _databases, _mail, _protocol, _sign_up, _lifetimes, _retention)
    found = [finding for part in parts for finding in part(settings)]
    return sorted(found, key=lambda finding: not finding.dangerous)


def danger(name: str, problem: str, fix: str) -> Finding:
    return Finding(PREFIX + name.upper(), True, problem, fix)


def warning(name: str, problem: str, fix: str) -> Finding:
    return Finding(PREFIX + name.upper(), False, problem, fix)


def _purpose(settings: Settings) -> Iterator[Finding]:
    if settings.loopback:
        yield danger(
            "issuer",
            f"{settings.issuer} is reachable only from this machine",
            "Set the https URL that users and apps will use",
        )
    if settings.base_path:
        problem = (
            f"other sites at {settings.origin} share this origin, so a flaw in one of them exposes the accounts here"
        )
        yield warning(
            "issuer", problem, "Give Signet its own host name, unless you trust everything else that runs there"
        )
    if settings.env == "development":
        yield danger("env", "development mode turns off protections", "Remove it, or set it to production")
    if settings.env == "test":
        yield warning("env", "this is a test installation", "In production, remove it or set it to production")
    if settings.totp_bypass_code is not None:
        yield danger("totp_bypass_code", "a fixed code replaces the second factor of every account", "Remove it")
    if settings.log_level == "debug":
        yield warning("log_level", "debug logs contain personal data such as email addresses", "Set it to info")


def _secrets(settings: Settings) -> Iterator[Finding]:
    if any(len(set(key)) < 10 for key in settings.secret_keys):
        yield danger("secret_key", "a key has fewer than 10 different characters and can be guessed", _NEW_KEY)
    if not settings.secret_keys and settings.embedded:
        yield warning(
            "secret_key",
            "the key is in a file beside the database, so anyone who copies both can decrypt it",
            _MOVE_KEY,
        )
    if settings.bcrypt_cost < SLOW_COST:
        problem = f"password hashes with cost {settings.bcrypt_cost} are quick to crack if they are stolen"
        kind = danger if settings.bcrypt_cost < WEAK_COST else warning
        yield kind("bcrypt_cost", problem, f"Set it to {SLOW_COST} or more, or remove it")


_MOVE_KEY = "Set this variable to the contents of the file, and store it away from the database"
_NEW_KEY = "Create one with `openssl rand -base64 32`. To rotate, put it before the old key, separated by a comma"


def _factors(settings: Settings) -> Iterator[Finding]:
    has_passkeys, required = settings.can_have_passkeys, settings.required_factor
    if settings.has("passkeys") and not has_passkeys and not settings.loopback:
        problem = f"the host of {settings.issuer} is an IP address, so users cannot add passkeys"
        yield warning("issuer", problem, "Use a host name, or remove passkeys from SIGNET_FEATURES")
    if required == "passkey" and not has_passkeys:
        problem = "it is passkey, and no one can add a passkey here, so no one can sign in to an app"
        yield danger("required_factor", problem, "Turn on passkeys (SIGNET_FEATURES, SIGNET_ISSUER), or require less")
    if required == "two-factor" and not has_passkeys and not settings.has("two-factor"):
        problem = "it is two-factor, and two-factor authentication and passkeys are turned off"
        yield danger("required_factor", problem, "Add two-factor or passkeys to SIGNET_FEATURES, or require less")


def _network(settings: Settings) -> Iterator[Finding]:
    if any(_everything(network) for network in settings.trusted_proxies):
        yield danger(
            "trusted_proxies",
            "any client can fake its address and so avoid all rate limits per network",
            "Set it to the address or network of your proxy",
        )
    if not settings.trusted_proxies and settings.secure:
        yield warning(
            "trusted_proxies",
            "it is not set, so behind a proxy all users have the same address and share its rate limits",
            "Set it to the address of your proxy. Without a proxy (--tls-cert), ignore this warning",
        )
    for text in sorted(settings.outbound_allow):
        network = ip_network(text, strict=False)
        if _everything(text) or any(
            network.version == other.version and network.overlaps(other) for other in METADATA_SERVICES
        ):
            problem = (
                f"with {text}, apps can make this server call internal addresses, such as the cloud's metadata service"
            )
            yield danger("outbound_allow", problem, "Allow only the addresses of the servers that Signet has to call")
        elif network.num_addresses > 1 << 16 and network.version == 4:
            yield warning(
                "outbound_allow",
                f"{text} is a large network",
                "Allow only the addresses of the servers that Signet has to call",
            )
    if settings.metrics_address is not None and not is_loopback(host := settings.metrics_address[0]):
        if _is_public(host):
            yield danger(
                "metrics_address",
                f"{host} is public, so anyone can read the metrics",
                "Use an address in your private network",
            )
        else:
            yield warning(
                "metrics_address",
                f"anyone who can reach {host} can read the metrics",
                "Allow only Prometheus to connect to it",
            )


def _databases(settings: Settings) -> Iterator[Finding]:
    if settings.embedded:
        yield warning(
            "database_url",
            "SQLite runs on one machine and writes one request at a time",
            "For more load or several machines, use PostgreSQL",
        )
        if settings.sqlite_synchronous == "NORMAL":
            yield warning("sqlite_synchronous", "a power failure can lose the last changes", "Set it to FULL")
        return
    if settings.redis_url is None:
        problem = "it is not set, so each node counts rate limits separately"
        yield warning("redis_url", problem, "If you run several nodes, set it and run `signet worker`")
    parts = urlsplit(settings.database_url)
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[-1]
    if parts.hostname and not is_loopback(parts.hostname) and mode not in {"require", "verify-ca", "verify-full"}:
        problem = f"the connection to {parts.hostname} may be unencrypted"
        yield warning("database_url", problem, "Add ?sslmode=verify-full, unless the network is private")


def _mail(settings: Settings) -> Iterator[Finding]:
    host = settings.smtp_host
    if settings.smtp_tls == "none" and not is_loopback(host):
        # A bare name or a private address is most likely next door.
        kind = danger if _is_public(host) else warning
        yield kind("smtp_tls", f"emails with sign-in links go to {host} unencrypted", "Set it to starttls or tls")
    if settings.smtp_from.rstrip(">").endswith("@localhost"):
        yield warning(
            "smtp_from", f"mail servers reject emails from {settings.smtp_from}", "Set an email address at your domain"
        )


def _protocol(settings: Settings) -> Iterator[Finding]:
    if settings.registration == "open":
        yield warning(
            "registration", "anyone can register apps and ask your users for consent", "Set it to token or closed"
        )
    if settings.client_documents == "all":
        yield warning(
            "client_documents",
            "any website can be an app here and ask your users for consent",
            "Set it to listed, and name the domains in SIGNET_CLIENT_DOCUMENT_DOMAINS",
        )
    if settings.registration != "closed" and not settings.registration_require_pkce:
        yield warning(
            "registration_require_pkce",
            "apps that register themselves may skip PKCE, so stolen codes can be used",
            "Remove it, or set it to true",
        )
    if settings.legacy_response_types:
        problem = "tokens are in URLs, where they can leak (RFC 9700 section 2.1.2)"
        yield warning("legacy_response_types", problem, "Set it to false as soon as no old app needs it")
    if settings.request_uri:
        yield warning(
            "request_uri",
            "apps can make this server fetch their URLs",
            "Set it to false and use pushed authorization requests (PAR)",
        )
    if not settings.key_rotation:
        yield warning(
            "key_rotation",
            "signing keys are never rotated automatically",
            "Remove it, or run `signet key rotate` on a schedule",
        )


def _sign_up(settings: Settings) -> Iterator[Finding]:
    if settings.has("registration") and not settings.has("email-verification"):
        problem = "anyone can sign up with another person's email address, and find out which addresses have an account"
        yield warning("features", problem, "Add email-verification, or remove registration")


def _lifetimes(settings: Settings) -> Iterator[Finding]:
    longest = {
        "code_lifetime": (timedelta(minutes=10), "RFC 6749 section 4.1.2"),
        "access_token_lifetime": (
            timedelta(hours=1),
            "APIs accept a revoked token until it expires, unless they introspect it",
        ),
        "refresh_grace": (timedelta(minutes=1), "a stolen refresh token is not detected in this time"),
        "session_absolute_lifetime": (timedelta(days=30), "NIST SP 800-63B section 2.1.3"),
    }
    for name, (most, why) in longest.items():
        value: timedelta = getattr(settings, name)
        if value > most:
            yield warning(
                name, f"{format_duration(value)} is too long ({why})", f"Set it to {format_duration(most)} or less"
            )


def _retention(settings: Settings) -> Iterator[Finding]:
    if not settings.rejected_request_retention:
        problem = "rejected requests are kept forever, and anyone can cause them"
        yield warning("rejected_request_retention", problem, "Set it to 3650d or less")


def _everything(network: str) -> bool:
    found: IPv4Network | IPv6Network = ip_network(network, strict=False)
    return found.prefixlen == 0


def _is_public(host: str) -> bool:
    """Return whether this is a public address, or a name outside private domains (RFC 6762, RFC 8375)."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".home.arpa", ".lan"))

"""Examinations of TLS: certificates of every address, versions of the protocol, and HSTS."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from provider.doctor.examination import Case, Examination, Group
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.http2 import NotSpoken
from provider.doctor.resolver import NoSuchName
from provider.doctor.transport import Handshake, Unreachable
from provider.urls import is_loopback

SOON, VERY_SOON = timedelta(days=14), timedelta(days=3)
"""How long before its end a certificate is a warning, and a problem. Renewal is usual a month before."""
SHORTEST_HSTS = 180 * 24 * 3600
SHORTEST_RSA, SHORTEST_EC = 2048, 256
NOT_YET_VALID, EXPIRED, HOSTNAME, IP_ADDRESS = 9, 10, 62, 64
SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER_HERE, NO_ISSUER = 18, 19, 20, 21
"""Numbers of OpenSSL for what is wrong with a certificate (X509_V_ERR_*)."""
DEPLOY = "docs/operate/deploy.md"

CERTIFICATE_EXPIRED = problem(
    "tls.expired",
    why="Browsers show an error instead of the sign-in page, and apps cannot get tokens.",
    fix="Renew the certificate and reload the proxy. Check why the automatic renewal did not run.",
    section="RFC 5280 section 4.1.2.5",
)
EXPIRES_SOON = warning(
    "tls.expires-soon",
    why="When it expires, no one can sign in. Automatic renewal would have replaced it by now.",
    fix="Renew the certificate, reload the proxy, and check the job that renews it.",
    section=DEPLOY,
)
CERTIFICATE_EARLY = problem(
    "tls.not-yet-valid",
    why="Browsers and apps reject a certificate before its time.",
    fix="Check the clock of this machine first. If it is right, issue the certificate anew.",
    section="RFC 5280 section 4.1.2.5",
)
OTHER_NAME = problem(
    "tls.other-name",
    why="Browsers and apps reject a certificate that does not name the host.",
    fix="Issue a certificate for the host of SIGNET_ISSUER, or correct the server_name of the proxy.",
    section="RFC 9525 section 6",
)
INCOMPLETE_CHAIN = problem(
    "tls.incomplete-chain",
    why="Browsers often fetch the missing certificate themselves, but apps, phones and APIs do not, and fail.",
    fix="Give the proxy the full chain (fullchain.pem): the certificate, then every intermediate authority.",
    section="RFC 8446 section 4.4.2",
)
NOT_TRUSTED = problem(
    "tls.not-trusted",
    why="Browsers warn, and apps refuse to connect, unless each of them trusts the authority.",
    fix="Use a certificate of a public authority. With a private authority, give its certificate with --ca or "
    "SIGNET_OUTBOUND_CA.",
    section=DEPLOY,
)
NOT_ACCEPTED = problem(
    "tls.not-accepted",
    why="Browsers and apps check the certificate in the same way.",
    fix="Issue the certificate anew, and give the proxy the full chain.",
    section="RFC 5280 section 6",
)
NO_TLS = problem(
    "tls.not-spoken",
    why="The issuer is an https URL, so browsers and apps begin with TLS.",
    fix="Configure TLS at this port of the proxy (`listen 443 ssl`), with versions 1.2 and 1.3.",
    section=DEPLOY,
)
OLD_VERSION = problem(
    "tls.old-version",
    why="TLS 1.0 and 1.1 have known weaknesses and must not be used.",
    fix="Allow only TLS 1.2 and 1.3: `ssl_protocols TLSv1.2 TLSv1.3;`.",
    section="RFC 8996; RFC 9325 section 3.1.1",
)
WEAK_SUITES = problem(
    "tls.weak-suites",
    why="Someone on the network can make a connection use them, and read or change it.",
    fix="Remove the line for ciphers from the proxy, or use one that Mozilla recommends (intermediate).",
    section="RFC 9325 section 4.1",
)
NO_NEW_VERSION = warning(
    "tls.no-1.3",
    why="TLS 1.3 is faster and leaves no weak options.",
    fix="Allow TLS 1.3 beside 1.2, or update the proxy.",
    section="RFC 9325 section 3.1.1",
)
WEAK_KEY = problem(
    "tls.weak-key",
    why="A key of this size can be broken, and browsers reject it.",
    fix="Issue a certificate with an RSA key of 2048 bits or more, or an EC key on P-256.",
    section="RFC 9325 section 4.5",
)
WEAK_SIGNATURE = problem(
    "tls.weak-signature",
    why="Signatures with MD5 or SHA-1 can be forged, and browsers reject them.",
    fix="Issue a certificate that is signed with SHA-256.",
    section="RFC 9325 section 4.5",
)
NO_HTTP2 = warning(
    "tls.no-http2",
    why="With HTTP/2 a browser loads a page with its style and fonts over one connection.",
    fix="Turn it on in the proxy, for example `http2 on;` in nginx.",
    section="RFC 9113 section 3.2",
)
BROKEN_HTTP2 = problem(
    "tls.http2-is-broken",
    why="Browsers use HTTP/2 as soon as it is offered, so users see an error where programs work.",
    fix="Turn HTTP/2 off in the proxy, or update it. Another site at the same port must not answer in its place.",
    section="RFC 9113 section 3.4",
)
NO_HSTS = problem(
    "tls.hsts-is-lost",
    why="Signet sends Strict-Transport-Security. Without it, a first visit over http can be intercepted.",
    fix="Remove the rule of the proxy that drops this header (proxy_hide_header).",
    section="RFC 6797 section 6.1",
)
SHORT_HSTS = warning(
    "tls.hsts-is-short",
    why="Browsers forget soon that this host is to be visited with https only.",
    fix="Let the header of Signet through, which says a year, or set max-age to 31536000.",
    section="RFC 6797 section 6.1.1",
)
HSTS_TWICE = warning(
    "tls.hsts-twice",
    why="Browsers use only the first header, which may not be the one you expect.",
    fix="Remove the header that the proxy adds. Signet sends its own.",
    section="RFC 6797 section 8.1",
)


def _certificates(case: Case) -> Iterator[Finding]:
    for host, port in case.hosts(encrypted=True):
        try:
            addresses = case.resolver.addresses(host)
        except NoSuchName:
            continue
        for address in addresses:
            try:
                shaken = case.transport.shake_hands(host, port, address)
            except Unreachable as failed:
                if failed.reason.startswith("TLS failed"):
                    yield NO_TLS.found(f"No TLS handshake with {host}:{port} at {address}: {failed.reason}.")
                continue  # the examination of connections says so
            yield from _of_certificate(case, host, address, shaken)


def _of_certificate(case: Case, host: str, address: str, shaken: Handshake) -> Iterator[Finding]:
    certificate, now = x509.load_der_x509_certificate(shaken.certificate), case.now()
    where = f"The certificate of {host} at {address}"
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    left = ends - now
    if shaken.problem_code == EXPIRED or left <= timedelta(0):
        yield CERTIFICATE_EXPIRED.found(f"{where} expired on {_day(ends)}.")
    elif shaken.problem_code == NOT_YET_VALID or begins > now:
        yield CERTIFICATE_EARLY.found(f"{where} is valid only from {_day(begins)}.")
    elif shaken.problem is not None:
        yield _not_accepted(host, where, certificate, shaken)
    else:
        yield fine("tls.certificate", f"{where} is valid for {left.days} days, until {_day(ends)}.")
        if left <= SOON:
            kind = EXPIRES_SOON.found(f"{where} expires on {_day(ends)}, in {left.days} days.")
            yield kind if left > VERY_SOON else EXPIRES_SOON.found(kind.what, severity=CERTIFICATE_EXPIRED.severity)
    yield from _strength(certificate, where)


def _not_accepted(host: str, where: str, certificate: x509.Certificate, shaken: Handshake) -> Finding:
    if shaken.problem_code in {HOSTNAME, IP_ADDRESS}:
        return OTHER_NAME.found(f"{where} is for {', '.join(_names(certificate)) or 'no name'}, not for {host}.")
    by = certificate.issuer.rfc4514_string()
    if shaken.problem_code in {SELF_SIGNED, SELF_SIGNED_IN_CHAIN} or certificate.issuer == certificate.subject:
        return NOT_TRUSTED.found(f"{where} is self-signed or of a private authority ({by}).")
    if shaken.problem_code in {NO_ISSUER_HERE, NO_ISSUER}:
        if shaken.chain_length == 1:
            return INCOMPLETE_CHAIN.found(f"{where} was sent alone, without the certificate of {by}.")
        return NOT_TRUSTED.found(f"{where} is of an authority that is not trusted here ({by}).")
    return NOT_ACCEPTED.found(f"{where} is not accepted: {shaken.problem}.")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _strength(certificate: x509.Certificate, where: str) -> Iterator[Finding]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        shortest = SHORTEST_RSA if isinstance(key, rsa.RSAPublicKey) else SHORTEST_EC
        if key.key_size < shortest:
            yield WEAK_KEY.found(f"{where} has a key of {key.key_size} bits.")
    digest = certificate.signature_hash_algorithm
    if digest is not None and digest.name in {"md5", "sha1"}:
        yield WEAK_SIGNATURE.found(f"{where} is signed with {digest.name.upper()}.")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _versions(case: Case) -> Iterator[Finding]:
    for host, port in case.hosts(encrypted=True):
        try:
            addresses = case.resolver.addresses(host)
        except NoSuchName:
            continue
        for address in addresses:
            where = f"{host}:{port} at {address}"
            try:
                shaken = case.transport.shake_hands(host, port, address)
                old = case.transport.accepts_old_tls(host, port, address)
                weak = case.transport.accepts_weak_suites(host, port, address)
            except Unreachable:
                continue
            yield fine("tls.version", f"{where} speaks {shaken.version.replace('TLSv', 'TLS ')}.")
            if old is not None:
                yield OLD_VERSION.found(f"{where} accepts {old}.")
            if weak:
                yield WEAK_SUITES.found(f"{where} accepts suites that {', that '.join(weak)}.")
            if shaken.version == "TLSv1.2":
                yield NO_NEW_VERSION.found(f"{where} speaks TLS 1.2, but not 1.3.")
            if host == case.host:
                yield from _http2(case, address, where, shaken)


def _http2(case: Case, address: str, where: str, shaken: Handshake) -> Iterator[Finding]:
    if shaken.alpn != "h2":
        yield NO_HTTP2.found(f"{where} offers only HTTP/1.1.")
        return
    path = f"{urlsplit(case.url).path}/health/live"
    try:
        body = case.transport.ask_with_http2(case.host, case.port, address, path)
    except NotSpoken as failed:
        yield BROKEN_HTTP2.found(f"{where} offers HTTP/2, but {failed}.")
        return
    except Unreachable:
        return  # the examination of connections says so
    if b'"ok"' in body:
        yield fine("tls.http2", f"{where} answers a request with HTTP/2.")
    else:
        yield BROKEN_HTTP2.found(f"{where} answers {path} otherwise with HTTP/2 than Signet does.")


def _hsts(case: Case) -> Iterator[Finding]:
    if not case.secure:
        return
    lines = case.ask("GET", "/login").lines("strict-transport-security")
    if not lines:
        yield NO_HSTS.found("The sign-in page has no Strict-Transport-Security header.")
        return
    if len(lines) > 1:
        yield HSTS_TWICE.found(f"The sign-in page has {len(lines)} Strict-Transport-Security headers.")
    found = re.search(r'max-age="?(\d+)', lines[0], re.IGNORECASE)
    seconds = int(found[1]) if found else 0
    if seconds < SHORTEST_HSTS and not is_loopback(case.host):
        yield SHORT_HSTS.found(f"Strict-Transport-Security is {lines[0]!r}: {seconds // 86400} days.")
    elif len(lines) == 1:
        yield fine("tls.hsts", f"Browsers are to use https for {seconds // 86400} days.")


TLS = (
    Examination("certificates", Group.TLS, "Completes a TLS handshake with each address.", _certificates, seconds=40.0),
    Examination(
        "versions", Group.TLS, "Offers TLS 1.3 to 1.0, weak suites and HTTP/2 to each address.", _versions, seconds=60.0
    ),
    Examination("hsts", Group.TLS, "Asks for the sign-in page and reads one header.", _hsts),
)

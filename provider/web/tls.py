"""TLS without a proxy in front, for tests and small installations: `signet serve --tls-cert --tls-key`.

`mutual_tls_of` is a second listener, which asks for client certificates (RFC 8705).

It allows what OpenID providers are certified with (FAPI 2.0 Security Profile section 5.2.1, RFC 9325): TLS 1.2 with
ECDHE and AES-GCM, and TLS 1.3.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from provider.config.environment import SettingsError
from provider.config.settings import Settings

CIPHERS = "ECDHE+AESGCM"


@dataclass(frozen=True)
class Tls:
    """The TLS files. `certificate` is a PEM file with its chain; `key` is its private key without a passphrase."""

    certificate: Path
    key: Path

    authorities: tuple[Path, ...] = ()
    """Files of certificates that clients may show, and of their authorities. Without a file, none is asked for."""

    def context(self) -> ssl.SSLContext:
        """Return the SSL context. Raises SettingsError, one line, if the files cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        try:
            # An empty passphrase instead of the question that OpenSSL would ask at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            reason = error.strerror if not isinstance(error, ssl.SSLError) and isinstance(error, OSError) else None
            why = reason or "not a certificate in PEM and its key, without a passphrase"
            if self.authorities:
                raise SettingsError(
                    f"SIGNET_MTLS_CERTIFICATE {self.certificate} and SIGNET_MTLS_KEY {self.key} cannot be used: {why}"
                ) from None
            raise SettingsError(
                f"--tls-cert {self.certificate} and --tls-key {self.key} cannot be used: {why}"
            ) from None
        self._ask_for_certificates(context)
        return context

    def _ask_for_certificates(self, context: ssl.SSLContext) -> None:
        """Let clients show a certificate (RFC 8705 section 2).

        Python cannot ask for one without verifying it, so self-signed ones have to be listed (decision 285).
        Whom a certificate belongs to is checked with each request.
        """
        if not self.authorities:
            return
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        for file in self.authorities:  # checked by the settings
            context.load_verify_locations(cafile=file)


def mutual_tls_of(settings: Settings) -> Tls | None:
    """Return the TLS files of SIGNET_MTLS_PORT, or None without it."""
    if settings.mtls_port is None or settings.mtls_certificate is None or settings.mtls_key is None:
        return None
    files = (settings.client_certificate_ca, settings.mtls_self_signed)
    return Tls(
        settings.mtls_certificate,
        settings.mtls_key,
        tuple(file for file in files if file is not None),
    )

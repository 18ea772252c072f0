"""TLS without a proxy in front, for tests and small installations: `signet serve --tls-cert --tls-key`.

It allows what OpenID providers are certified with (FAPI 2.0 Security Profile section 5.2.1, RFC 9325): TLS 1.2 with
ECDHE and AES-GCM, and TLS 1.3.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from provider.config.environment import SettingsError

CIPHERS = "ECDHE+AESGCM"


@dataclass(frozen=True)
class Tls:
    """The TLS files. `certificate` is a PEM file with its chain; `key` is its private key without a passphrase."""

    certificate: Path
    key: Path

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
            raise SettingsError(
                f"--tls-cert {self.certificate} and --tls-key {self.key} cannot be used: "
                f"{reason or 'not a certificate in PEM and its key, without a passphrase'}"
            ) from None
        return context

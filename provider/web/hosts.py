"""The hosts that this server answers for: those of the issuer, of SIGNET_MTLS_URL and of SIGNET_ALLOWED_HOSTS."""

from urllib.parse import urlsplit

from provider.config.settings import Settings
from provider.urls import normal_authority


class KnownHosts:
    """A set of Host headers. The same host in another notation is in it too: in upper case, with the default port or
    an empty one, with a final dot (RFC 9110 section 4.2.3).
    """

    def __init__(self, settings: Settings) -> None:
        issuer = urlsplit(settings.issuer)
        self._scheme = issuer.scheme
        with_port = {issuer.netloc} | ({urlsplit(settings.mtls_url).netloc} if settings.mtls_url else set())
        self._with_any_port: set[str] = set()
        for host in settings.allowed_hosts:
            if normal_authority(host, scheme="")[1] is None:
                self._with_any_port.add(host)
            else:
                with_port.add(host)
        self._usual = issuer.netloc.encode()
        self._with_port = {normal_authority(each, scheme=self._scheme) for each in with_port}

    def __contains__(self, header: bytes) -> bool:
        if header == self._usual:
            return True
        try:
            host, port = normal_authority(header.decode("utf-8"), scheme=self._scheme)
        except ValueError:
            return False
        return host in self._with_any_port or (host, port) in self._with_port

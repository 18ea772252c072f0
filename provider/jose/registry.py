"""The signature algorithms as joserfc takes them. Apart from their names, because commands need only those."""

from joserfc.jws import JWSRegistry

from provider.jose.algorithms import ED25519, EDDSA


class Registry(JWSRegistry):
    """The signature algorithms that joserfc may use.

    EdDSA is the name most libraries have for what RFC 9864 calls Ed25519; here it means nothing else.
    """

    algorithms = {**JWSRegistry.algorithms, EDDSA: JWSRegistry.algorithms[ED25519]}  # noqa: RUF012  # as it is there

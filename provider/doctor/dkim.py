"""The selectors under which a domain usually publishes its DKIM keys (RFC 6376), by the mail server that is used."""

from collections.abc import Mapping

COMMON = ("default", "dkim", "mail", "email", "s1", "s2", "k1", "k2", "selector1", "selector2", "smtp", "mx", "key1")
"""What mail servers are set up with, whichever they are."""
BY_SERVER: Mapping[str, tuple[str, ...]] = {
    "google.com": ("google", "20230601"),
    "gmail.com": ("google", "20230601"),
    "office365.com": ("selector1", "selector2"),
    "outlook.com": ("selector1", "selector2"),
    "sendgrid.net": ("s1", "s2", "smtpapi", "m1"),
    "mailgun.org": ("k1", "pic", "mailo", "mg", "krs", "pdk1", "pdk2"),
    "mandrillapp.com": ("mandrill", "mte1", "mte2"),
    "mailjet.com": ("mailjet",),
    "brevo.com": ("mail", "brevo1", "brevo2"),
    "sendinblue.com": ("mail", "brevo1", "brevo2"),
    "postmarkapp.com": ("pm", "pm-bounces"),
    "sparkpostmail.com": ("scph0123", "scph1023"),
    "messagingengine.com": ("fm1", "fm2", "fm3", "mesmtp"),
    "zoho.com": ("zoho", "zmail", "zoho1"),
    "zoho.eu": ("zoho", "zmail", "zoho1"),
    "protonmail.ch": ("protonmail", "protonmail2", "protonmail3"),
    "resend.com": ("resend",),
    "mailersend.net": ("mlsend", "mlsend2"),
    "yandex.net": ("mail",),
    "yandex.ru": ("mail",),
    "gmx.net": ("s1", "s2"),
    "ionos.com": ("s1-ionos", "s2-ionos", "s42582890"),
    "ionos.de": ("s1-ionos", "s2-ionos", "s42582890"),
    "ovh.net": ("ovhmo1", "ovhmo2"),
}
"""The selectors of providers of email, by the end of the name of their server."""


def usual_selectors(smtp_host: str) -> tuple[str, ...]:
    """Return the selectors to look up: those of the provider first, then the common ones."""
    host = smtp_host.lower().rstrip(".")
    own = next((found for end, found in BY_SERVER.items() if host == end or host.endswith(f".{end}")), ())
    return tuple(dict.fromkeys((*own, *COMMON)))

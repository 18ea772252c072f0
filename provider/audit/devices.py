"""Readable names for browsers, guessed from the User-Agent. Used in lists and emails, never for decisions."""

from provider.languages.text import Text

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> Text:
    """Return the browser's name in words, such as `Firefox on Linux`."""
    browser = Text(name) if (name := _browser_of(user_agent)) else Text("Unknown browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    return browser if system is None else Text("%(browser)s on %(system)s", browser=browser, system=system)


def is_known_browser(user_agent: str) -> bool:
    """Return whether `device_name` names the browser, so that it fits into a sentence."""
    return _browser_of(user_agent) is not None


def _browser_of(user_agent: str) -> str | None:
    return next((name for mark, name in BROWSERS if mark in user_agent), None)

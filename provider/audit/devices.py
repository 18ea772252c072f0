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
    browser = next((Text(name) for mark, name in BROWSERS if mark in user_agent), Text("Unknown browser"))
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    return browser if system is None else Text("%(browser)s on %(system)s", browser=browser, system=system)

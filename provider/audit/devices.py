"""A browser's User-Agent as a person would say it. A guess, for lists and letters; nothing is decided by it."""

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
    """`Firefox on Linux`."""
    browser = next((Text(name) for mark, name in BROWSERS if mark in user_agent), Text("Unknown browser"))
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    return browser if system is None else Text("%(browser)s on %(system)s", browser=browser, system=system)

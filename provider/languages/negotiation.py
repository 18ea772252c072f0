"""Language negotiation: choosing among the languages on offer (RFC 4647 section 3.4, RFC 9110 section 12.5.4). Pure."""

from collections.abc import Iterable

MOST = 20
"""The number of preferences that are looked at."""


def best(offered: Iterable[str], wanted: Iterable[str]) -> str | None:
    """Return the first wanted language that is offered, or None.

    `fr-CA` also matches `fr`. A language that is offered only as a variant is better than another one: `pt` and `pt-PT`
    match `pt-BR`.
    """
    by_tag = {tag.lower(): tag for tag in offered}
    variants: dict[str, str] = {}
    for lowered, tag in by_tag.items():
        variants.setdefault(lowered.partition("-")[0], tag)
    for range_ in wanted:
        parts = range_.strip().lower().replace("_", "-").split("-")
        for length in range(len(parts), 0, -1):
            if (found := by_tag.get("-".join(parts[:length]))) is not None:
                return found
        if (found := variants.get(parts[0])) is not None:
            return found
    return None


def parse_accept_language(header: str) -> list[str]:
    """Return the language ranges of the header, most wanted first. Unreadable items are left out."""
    weighted: list[tuple[float, str]] = []
    for item in header.split(",", MOST)[:MOST]:
        range_, _, parameter = item.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        if range_.strip() and 0 < weight <= 1:
            weighted.append((weight, range_.strip()))
    return [range_ for _, range_ in sorted(weighted, key=lambda pair: -pair[0])]


def parse_ui_locales(value: str | None) -> list[str]:
    """Return the language tags of `ui_locales`, preferred first (OIDC Core section 3.1.2.1)."""
    return (value or "").split()[:MOST]

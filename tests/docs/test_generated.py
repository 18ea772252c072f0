"""The reference pages say what the code has: commands, options, endpoints, scopes, claims and operations."""

from tests.docs.generate import pages as generated


def test_the_generated_parts_of_the_pages_are_those_of_the_code() -> None:
    lagging = [path.name for path, text in generated.pages() if path.read_text("utf-8") != text]
    assert lagging == [], "run `make references`"


def test_every_generated_part_is_on_one_page() -> None:
    placed = [part[1] for path, text in generated.pages() for part in generated.GENERATED.finditer(text)]
    assert sorted(placed) == sorted(generated.PARTS)

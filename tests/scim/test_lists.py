"""Lists: pages by index and by cursor, sorting, and attributes (RFC 7644 sections 3.4.2 and 3.9, RFC 9865)."""

from urllib.parse import quote

import pytest

from tests.scim.conftest import Directory, problem

OFF = {"op": "replace", "path": "active", "value": False}


@pytest.fixture
def people(directory: Directory) -> list[str]:
    return [
        directory.create(userName=f"{name}@example.test", title=name)["userName"] for name in ("ada", "bob", "cleo")
    ]


def _names(page: dict[str, object]) -> list[str]:
    return [one["userName"] for one in page["Resources"]]  # type: ignore[attr-defined]


@pytest.mark.both_databases
def test_a_list_is_read_in_pages_by_index_and_by_cursor(directory: Directory, people: list[str]) -> None:
    page = directory.get("/Users?startIndex=2&count=1")
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, 2, 1)
    assert _names(page) == people[1:2]
    for sort in ("", "&sortBy=meta.created"):
        found, cursor = [], ""
        while True:
            page = directory.get(f"/Users?cursor={cursor}&count=2{sort}")
            found += _names(page)
            if "nextCursor" not in page:
                break
            cursor = page["nextCursor"]
        assert found == people
    assert _names(directory.get("/Users?sortBy=meta.created&sortOrder=descending")) == people[::-1]
    assert directory.get("/Users?count=0")["Resources"] == []
    directory.patch(f"/Users/{directory.get('/Users')['Resources'][0]['id']}", OFF)
    assert directory.get("/Users")["totalResults"] == 3
    assert directory.get("/Users?startIndex=0&count=-1")["totalResults"] == 3
    assert problem(directory("GET", "/Users?sortBy=title")) == (400, "invalidPath")
    assert problem(directory("GET", "/Users?startIndex=500001")) == (400, "tooMany")
    assert problem(directory("GET", "/Users?count=x&cursor")) == (400, "invalidCount")


def test_what_a_filter_finds_is_sorted_and_read_in_pages(directory: Directory, people: list[str]) -> None:
    text = " or ".join(f'userName eq "{name}"' for name in people)
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": text,
        "sortBy": "title",
        "sortOrder": "descending",
        "count": 2,
        "attributes": ["title"],
    }
    page = directory("POST", "/Users/.search", body).json()
    assert [one["title"] for one in page["Resources"]] == ["cleo", "bob"]
    assert page["totalResults"] == 3
    assert set(page["Resources"][0]) == {"schemas", "id", "title"}
    first = directory("POST", "/Users/.search", {**body, "cursor": ""}).json()
    second = directory("POST", "/Users/.search", {**body, "cursor": first["nextCursor"]}).json()
    assert ([one["title"] for one in second["Resources"]], "nextCursor" in second) == (["ada"], False)


def test_conditions_that_no_index_answers_narrow_what_another_one_found(
    directory: Directory, people: list[str]
) -> None:
    assert directory.found(f'userName eq "{people[0]}" and title sw "AD"') == people[:1]
    assert directory.found('userName sw "AD"') == directory.found('emails sw "ad"') == people[:1]
    assert directory.found('userName sw "a" and title co "B"') == []
    assert directory.found(f'title co "z" and userName eq "{people[0]}"') == []
    assert directory.found('meta.created ge "2020-01-01T00:00:00Z" and not (title eq "bob") and active eq true') == [
        people[0],
        people[2],
    ]
    shown = directory.get("/Users?excludedAttributes=title,meta")["Resources"]
    assert all("title" not in one and "userName" in one for one in shown)


@pytest.mark.parametrize("selected", ["attributes=id", "excludedAttributes=members"])
def test_a_filter_compares_members_that_are_not_returned(directory: Directory, selected: str) -> None:
    """RFC 7644 sections 3.4.2.2 and 3.9: the selection is about what is returned."""
    ada = directory.create(userName="ada@example.test")["id"]
    staff, others = directory.group("staff", ada)["id"], directory.group("others")["id"]
    version = directory.get(f"/Groups/{staff}")["meta"]["version"].replace('"', '\\"')
    for text, expected in (
        (f'id eq "{staff}" and members eq "{ada}"', [staff]),
        (f'members.value eq "{ada}"', [staff]),
        (f'members[value eq "{ada}"]', [staff]),
        (f'(id eq "{staff}" or id eq "{others}") and members pr', [staff]),
        (f'(id eq "{staff}" or id eq "{others}") and not (members eq "{ada}")', [others]),
        (f'id eq "{staff}" and meta.version eq "{version}"', [staff]),
    ):
        found = directory.get(f"/Groups?{selected}&filter={quote(text)}")
        assert [one["id"] for one in found["Resources"]] == expected, text
        assert all("members" not in one for one in found["Resources"])

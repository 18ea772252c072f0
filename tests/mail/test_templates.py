"""An operator's own templates of emails: used, checked, and never in the way of a user."""

import re
from pathlib import Path

import pytest

from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail.samples import VALUES
from provider.mail.settings_check import check_templates
from tests.support.emails import rendered
from tests.support.server_process import REPOSITORY

LANGUAGES_HERE = ("en", "de")
GUIDE = REPOSITORY / "docs/guides/emails.md"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "emails"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(settings: Settings, own: Path) -> Settings:
    """With two of the languages: every email is rendered in each."""
    return settings.model_copy(update={"email_templates": own, "languages": LANGUAGES_HERE})


def test_the_example_of_the_guide_replaces_both_parts_of_its_email_and_no_other(settings: Settings, own: Path) -> None:
    block = re.search(r'^```jinja title="(\w+\.jinja)"\n(.*?)^```$', GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert block is not None
    (own / block[1]).write_text(block[2])
    assert check_templates(settings) == []
    email = rendered(settings, ENGLISH, "invitation")
    assert email.subject == "Your Example Ltd account"
    for part in (email.text, email.html):
        assert "This link expires in 24 hours and works once." in part
        assert "Questions? Ask the service desk" in part
        assert VALUES["link"] in part
    without = settings.model_copy(update={"email_templates": None})
    assert rendered(settings, ENGLISH, "reset_password") == rendered(without, ENGLISH, "reset_password")


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% extends layout %}{% block body %}", "invitation.jinja in English: Unexpected end of template"),
        (
            "{% extends layout %}{% set subject %}{{ nam }}{% endset %}",
            "invitation.jinja in English: 'nam' is undefined",
        ),
        ("no layout", "invitation.jinja in English: "),
    ],
    ids=["syntax", "unknown value", "no subject"],
)
def test_a_template_that_fails_is_named_and_the_email_is_sent_with_ours(
    settings: Settings, own: Path, template: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "invitation.jinja").write_text(template)
    problems = check_templates(settings)
    assert len(problems) == len(LANGUAGES_HERE)
    assert problems[0].setting == "SIGNET_EMAIL_TEMPLATES"
    assert problems[0].said.startswith(said)
    assert rendered(settings, ENGLISH, "invitation").subject == "You've been invited to Signet"
    assert "mail.template_failed" in capsys.readouterr().out


@pytest.mark.slow
def test_a_file_that_replaces_nothing_is_named(settings: Settings, own: Path) -> None:
    (own / "invitations.jinja").write_text("x")
    assert [problem.said for problem in check_templates(settings)] == [
        "invitations.jinja is not the name of a template of Signet"
    ]


def test_the_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SIGNET_EMAIL_TEMPLATES: must be a folder"):
        load_settings({"SIGNET_EMAIL_TEMPLATES": str(tmp_path / "none")})

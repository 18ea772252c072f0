"""The account in a browser: its menu on a narrow screen, and the crop of a picture."""

import io

import pytest
from PIL import Image

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MIDDLE = """() => {
  const shown = document.querySelector("main img, main canvas"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [1, 1];
  canvas.getContext("2d").drawImage(shown, -50, -50);
  return [...canvas.getContext("2d").getImageData(0, 0, 1, 1).data];
}"""
"""The color of a point of the picture or of its preview."""


def test_a_picture_is_cropped_as_the_preview_shows_it(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """By the keyboard alone: the sliders move the square."""
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/picture")
    drawn, file = Image.new("RGB", (1600, 400), "red"), io.BytesIO()
    drawn.paste("blue", (800, 0, 1600, 400))
    drawn.save(file, "PNG")
    person.page.get_by_label("Picture file").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    person.page.get_by_role("img", name="Preview of your picture").wait_for()
    person.page.get_by_label("Left to right").press("End")
    red, _, blue, _ = person.page.evaluate(MIDDLE)
    assert blue > 200 > red
    person.press("Save picture")
    person.expect_text("Profile picture saved.")
    person.page.get_by_role("img", name="Your profile picture").wait_for()
    red, _, blue, _ = person.page.evaluate(MIDDLE)
    assert blue > 200 > red


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_of_a_narrow_screen_opens_without_scripts_too(
    new_person: NewPerson, account: Account, demo: Demo, steps: Steps, scripts: bool
) -> None:
    person = new_person(viewport={"width": 320, "height": 568}, java_script_enabled=scripts)
    person.open(f"{demo.provider}/account")
    steps.sign_in(person, account)
    sections = person.page.get_by_role("navigation", name="Account")
    assert not sections.is_visible()
    person.press("Menu")
    sections.wait_for()
    person.follow("Security")
    person.expect_heading("Security")
    person.page.get_by_role("button", name="Menu").focus()
    person.page.keyboard.press("Enter")
    sections.get_by_role("button", name="Sign out").press("Enter")
    person.expect_heading("You are signed out")

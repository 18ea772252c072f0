"""Write the generated parts of the reference pages: `make references`."""

from tests.docs.generate.pages import pages

for path, text in pages():
    path.write_text(text, "utf-8")

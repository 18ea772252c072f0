"""Write the generated parts of the reference pages and of the chart: `make references`."""

from tests.docs.generate.chart import schema
from tests.docs.generate.pages import pages

for path, text in (*pages(), schema()):
    path.write_text(text, "utf-8")

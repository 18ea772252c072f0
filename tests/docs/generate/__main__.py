"""Write the generated parts of the reference pages, of the chart and of the test kit: `make references`."""

from tests.docs.generate.chart import schema
from tests.docs.generate.kit_schema import kit_schema
from tests.docs.generate.pages import pages

for path, text in (*pages(), schema(), kit_schema()):
    path.write_text(text, "utf-8")

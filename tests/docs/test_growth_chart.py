"""The chart that `make bench-at-size` draws."""

from xml.etree import ElementTree as ET

from benchmarks.growth_chart import draw

SVG = "{http://www.w3.org/2000/svg}"


def test_the_chart_has_a_line_for_each_path_in_each_panel_and_no_background() -> None:
    lines = {"refresh_token": [(10_000, 1.0), (1_000_000, 1.1)], "authorize + code": [(10_000, 1.0), (1_000_000, 2.0)]}
    measures = {"Processor time": lines, "p99": lines}
    svg = ET.fromstring(draw({"sqlite": measures, "postgresql": measures}))  # our own
    assert len(svg.findall(f".//{SVG}polyline")) == 8
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"SQLite: p99", "PostgreSQL: Processor time", "10 k", "1 M", "authorize + code"} <= set(texts)
    assert all(float(rect.attrib["width"]) < 20 for rect in svg.iter(f"{SVG}rect"))

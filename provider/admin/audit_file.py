"""The audit log as a downloadable file, for the console and the API."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from starlette.responses import Response, StreamingResponse

from provider.audit.export import as_csv, as_json_lines
from provider.audit.store import AuditEvent
from provider.operators.audit import audit_log
from provider.operators.audit.audit_log import Filters
from provider.web.call import Call

FORMATS: Mapping[str, tuple[str, Callable[[Iterable[AuditEvent]], Iterator[str]]]] = {
    "jsonl": ("application/jsonl", as_json_lines),
    "csv": ("text/csv", as_csv),
}
"""The export formats: name to (media type, function that writes it)."""


def as_file(call: Call, wanted: Filters, name: str) -> Response:
    """Stream all matching events up to now, the newest first, in the format `name` (a key of FORMATS). If the
    connection breaks off, the file is incomplete.
    """
    media_type, written = FORMATS[name]
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="audit.{name}"'}
    if call.method == "HEAD":
        return Response(headers=headers, media_type=media_type)  # the whole log is not read for nobody
    return StreamingResponse(
        written(audit_log.every(call.installation, wanted)), headers=headers, media_type=media_type
    )

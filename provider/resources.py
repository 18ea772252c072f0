"""The location of files that are not Python: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


TEMPLATES = _find("templates")
MIGRATIONS = _find("migrations")
CLIENTS = _find("clients")
_DEPLOY = _find("forward_auth")
FORWARD_AUTH = _DEPLOY if _DEPLOY.is_dir() else _PACKAGE.parent / "deploy" / "forward-auth"

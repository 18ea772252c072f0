"""docs/development/replaces.md is true: what it names is there, and the tests it points to use that.

What is "not there yet" is not there.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.routing import Route

from provider.cli.run import command_line
from provider.config.settings import PREFIX, Settings
from provider.routes import routes
from tests.support.server_process import REPOSITORY

TESTS = REPOSITORY / "tests"
TEXT = (REPOSITORY / "docs/development/replaces.md").read_text()
API = "/api/account/"
URLS = {
    (method, re.sub(r"{\w+(:\w+)?}", "{}", route.path))
    for route in routes(Settings(upstreams=Path("upstreams.toml")))  # and of what is there when configured
    if isinstance(route, Route)
    for method in route.methods or ()
}
NOT_YET = r"not there yet(?: \(`([^`]+)`\))?"


PUBLISHED = {
    "NestJS extended-auth guide": {
        "register", "login", "verifyEmail", "requestPasswordReset", "verifyPasswordResetToken", "resetPassword",
        "generateTwoFactor", "bindTwoFactor", "unbindTwoFactor", "verifyTwoFactor", "TWOFA_BYPASS_PASSWORD",
        "send-password-reset", "send-email-verification", "SecuredTokenEntity", "migrations up and down",
    },
    "@nestbolt/authentication": {
        "POST /login", "POST /refresh", "POST /logout", "POST /register", "POST /forgot-password",
        "POST /reset-password", "GET /email/verify/:id/:hash", "POST /email/verification-notification",
        "PUT /user/profile-information", "PUT /user/password", "POST /user/confirm-password",
        "GET /user/confirmed-password-status", "POST /user/two-factor-authentication",
        "DELETE /user/two-factor-authentication", "POST /user/confirmed-two-factor-authentication",
        "GET /user/two-factor-qr-code", "GET /user/two-factor-secret-key", "GET /user/two-factor-recovery-codes",
        "POST /user/two-factor-recovery-codes", "POST /two-factor-challenge",
        "auth.login", "auth.logout", "auth.registered", "auth.lockout", "auth.password-reset", "auth.password-updated",
        "auth.email-verified", "auth.two-factor-enabled", "auth.two-factor-disabled", "auth.two-factor-confirmed",
        "auth.two-factor-challenged", "auth.two-factor-failed", "auth.valid-two-factor-code",
        "auth.recovery-code-replaced", "auth.recovery-codes-generated",
        "features: [Feature...]", "UserRepository", "PasswordResetRepository", "findById", "findByField", "create",
        "save", "createToken", "findByEmail", "deleteByEmail",
        "CreatesNewUsers", "UpdatesUserProfile", "UpdatesUserPasswords", "ResetsUserPasswords",
        "JwtAuthGuard", "LocalAuthGuard", "GuestGuard", "FeatureEnabledGuard", "LoginThrottleGuard",
        "PasswordConfirmedGuard", "jwtSecret", "refreshSecret", "encryptionKey", "jwtExpiresIn", "refreshExpiresIn",
        "usernameField", "lowercaseUsernames", "loginRateLimit", "twoFactorRateLimit", "verificationRateLimit",
        "passwordTimeout", "appName", "routePrefix", "twoFactorOptions.confirm", "twoFactorOptions.confirmPassword",
        "window", "secretLength",
    },
    "NestJS two-factor article": {
        "POST /auth/register", "POST /auth/login", "POST /auth/2fa/generate", "POST /auth/2fa/turn-on",
        "POST /auth/2fa/turn-off", "POST /auth/2fa/authenticate", "GET /auth/me", "clock drift of one step",
        "JwtAuthGuard", "JwtTwoFactorGuard", "isSecondFactorAuthenticated",
    },
    "Next.js + NestJS end-to-end login system": {
        "register", "log in", "log in by OAuth (Google)", "refresh", "get a user", "list users", "update a user",
        "upload an image", "forgot password, reset password", "request a verification email, verify the address",
        "createUser", "getUser", "getUserByEmail", "getUserByAccount", "updateUser", "deleteUser", "linkAccount",
        "unlinkAccount", "createSession", "getSessionAndUser", "updateSession", "deleteSession",
        "createVerificationToken", "useVerificationToken",
        "JWT guard, refresh guard; gateway and services verify the JWT",
    },
    "Mifty authentication guide": {
        "POST /auth/register", "POST /auth/login", "POST /auth/refresh", "POST /auth/logout", "GET /users/profile",
        "GET /users/admin", "RolesGuard", "@Roles", "JwtStrategy",
    },
}  # fmt: skip
"""What each system publishes, read from its source or its text."""


@dataclass(frozen=True)
class Row:
    section: str
    there: str
    here: str
    tests: tuple[str, ...]

    @property
    def references(self) -> list[str]:
        """What it names of ours, but for what is not there yet."""
        named = re.findall("`([^`]+)`", re.sub(NOT_YET, "", self.here))
        return [name for name in named if re.match(r"/|[A-Z]+ [/a-z]|SIGNET_|signet |provider/|clients/", name)]


def read_rows() -> list[Row]:
    rows: list[Row] = []
    for section in TEXT.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        before: tuple[str, ...] = ()
        for line in re.findall(r"^\| (.*) \|$", body, re.MULTILINE)[1:]:
            there, here, shown = [cell.strip() for cell in f"{line} ".split(" | ")]
            before = (before if "the same" in shown else ()) + tuple(re.findall("`([^`]+)`", shown))
            rows.append(Row(title, there, here, before))
    return rows


ROWS = read_rows()


def is_there(reference: str) -> bool:
    """A URL, an operation of the account API, a setting, a command with its options, a file of ours."""
    if reference.startswith("signet "):
        return is_command(reference.split()[1:])
    if reference.startswith(PREFIX):
        return reference.removeprefix(PREFIX).lower() in Settings.model_fields
    if reference.startswith(("provider/", "clients/")):
        return (REPOSITORY / reference).exists()
    method, _, path = reference.rpartition(" ")
    path = re.sub(r"{\w+}", "{}", path if path.startswith("/") else API + path)
    return any(path == other and method in {"", known} for known, other in URLS)


def is_command(words: list[str]) -> bool:
    command: Any = command_line()
    for word in words:
        if hasattr(command, "commands"):
            command = command.commands.get(word)
        elif word.startswith("--") and not any(word in option.opts for option in command.params):
            return False
    return command is not None and not hasattr(command, "commands")


def is_called(reference: str, text: str) -> bool:
    """Does this test use it? Settings and files of ours are looked at by reading."""
    if reference.startswith("signet "):
        words = [word for word in reference.split()[1:3] if not word.startswith("--")]
        return ", ".join(f'"{word}"' for word in words) in text
    if reference.startswith((PREFIX, "provider/", "clients/")):
        return True
    path = reference.rpartition(" ")[2]
    if path.startswith("/"):
        return path in text
    return re.search(rf'["}}]/{re.escape(path.partition("/{")[0])}["/?]', text) is not None


def with_helpers(file: Path) -> str:
    """A test, its folder's fixtures, and the helpers it takes from others."""
    text = file.read_text()
    helpers = [TESTS / f"{module.replace('.', '/')}.py" for module in re.findall(r"from tests\.([\w.]+) import", text)]
    return "\n".join(path.read_text() for path in {file, file.parent / "conftest.py", *helpers} if path.exists())


def said_to_replace() -> set[tuple[str, str]]:
    """Row and file, of every test whose docstring names a row."""
    said = set()
    texts = {file: file.read_text() for file in TESTS.rglob("test_*.py")}
    for file, text in texts.items():
        for node in ast.walk(ast.parse(text)) if "Replaces:" in text else ():
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names = re.findall(r"Replaces: ([^.]+)\.", ast.get_docstring(node) or "")
                said |= {(name, str(file.relative_to(TESTS))) for name in names}
    return said


def test_the_table_is_read_whole() -> None:
    assert len(ROWS) == len([line for line in TEXT.splitlines() if line.startswith("| ")]) - TEXT.count("| there |") - 1
    assert len({row.section for row in ROWS}) == 6


def test_each_system_has_a_row_for_everything_it_publishes_and_for_nothing_else() -> None:
    for system, published in PUBLISHED.items():
        rows = [{row.there, *re.findall("`([^`]+)`", row.there)} for row in ROWS if row.section.startswith(system)]
        assert published - set[str]().union(*rows) == set(), system
        assert [row for row in rows if not row & published] == [], system


def test_what_a_row_names_is_there() -> None:
    missing = {row.there: [reference for reference in row.references if not is_there(reference)] for row in ROWS}
    assert {there: references for there, references in missing.items() if references} == {}


def test_what_is_not_there_yet_is_not_there() -> None:
    """When it comes, its row is finished with it."""
    awaited = [(row.there, reference) for row in ROWS for reference in re.findall(NOT_YET, row.here)]
    assert [there for there, reference in awaited if not reference] == [], "say in parentheses what will be there"
    present = [
        (there, reference)
        for there, reference in awaited
        if is_there(reference) or any(path.startswith(f"{reference}/") for _, path in URLS)
    ]
    assert present == [], "say what it does and which tests show it"


def test_a_row_points_to_tests_that_use_what_it_names() -> None:
    assert {row.there: wrong for row in ROWS if (wrong := wrong_about_its_tests(row))} == {}


def wrong_about_its_tests(row: Row) -> list[str]:
    files = [TESTS / name for name in row.tests]
    if not files:
        explained = not row.references and re.search(rf"{NOT_YET}|^not planned: ", row.here)
        return [] if explained else ["no test, and not said why"]
    gone = [f"{file} is not there" for file in files if not file.is_file()]
    text = "\n".join(with_helpers(file) for file in files if file.is_file())
    return gone + [f"{reference} is not used" for reference in row.references if not is_called(reference, text)]


def test_the_tests_of_a_row_name_it() -> None:
    shown = {(row.there, name) for row in ROWS if row.section == "The rows" for name in row.tests}
    assert said_to_replace() == shown

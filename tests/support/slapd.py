"""A real OpenLDAP server with a few users, as a plain process on loopback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provider.federation.ldap_client import library
from tests.support.certificates import Authority
from tests.support.server_process import free_port
from tests.support.services import unavailable
from tests.support.waiting import wait_until

BASE = "dc=corp,dc=test"
BIND_DN, BIND_PASSWORD = f"cn=signet,{BASE}", "the password of the service"
PASSWORD = "correct horse battery staple"
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
modulepath {modules}
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
TLSCACertificateFile {authority}
database mdb
maxsize 10485760
dbnosync
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}
access to attrs=userPassword by self write by anonymous auth by * none
access to * by * read
overlay memberof
overlay ppolicy
ppolicy_default "cn=policy,{base}"
"""
ENTRIES = """
dn: {base}
objectClass: dcObject
objectClass: organization
dc: corp
o: Corp

dn: cn=policy,{base}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMinLength: 12
pwdCheckQuality: 1
pwdMustChange: TRUE

dn: cn=signet,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: signet
userPassword: {bind_password}

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: uid=ada,ou=people,{base}
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
givenName: Ada
sn: Lovelace
mail: ada@corp.test
userPassword: {password}

dn: uid=bob,ou=people,{base}
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Bob
mail: bob@corp.test
mail: twins@corp.test
userPassword: {password}

dn: uid=twin,ou=people,{base}
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Twin
mail: twins@corp.test
userPassword: {password}

dn: uid=reset,ou=people,{base}
objectClass: inetOrgPerson
uid: reset
cn: Reset
sn: Reset
mail: reset@corp.test
userPassword: {password}
"""


@dataclass
class Slapd:
    """A running server. The methods change it as its administrator."""

    folder: Path
    port: int
    tls_port: int
    authority: Path

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    def add_group(self, dn: str, *members: str) -> None:
        """Only a running server keeps memberOf."""
        connection = self._as_administrator()
        names = {"cn": dn.partition(",")[0].partition("=")[2], "member": list(members)}
        assert connection.add(dn, "groupOfNames", names), connection.result
        connection.unbind()

    def delete(self, dn: str) -> None:
        connection = self._as_administrator()
        assert connection.delete(dn), connection.result
        connection.unbind()

    def replace(self, dn: str, name: str, *values: str) -> None:
        connection = self._as_administrator()
        assert connection.modify(dn, {name: [("MODIFY_REPLACE", list(values))]}), connection.result
        connection.unbind()

    def _as_administrator(self) -> Any:
        ldap3 = library()
        server = ldap3.Server("127.0.0.1", port=self.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, f"cn=root,{BASE}", "root", check_names=False)
        assert connection.bind()
        return connection


def find_slapd() -> str:
    """Also where Debian keeps it. Without it the test is skipped, loudly."""
    found = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/libexec")
    return found or unavailable("slapd", "no slapd on PATH or in /usr/sbin")


@contextmanager
def running_slapd() -> Iterator[Slapd]:
    program = find_slapd()
    modules = next((str(path) for path in map(Path, ("/usr/lib/ldap", "/usr/lib/openldap")) if path.exists()), "")
    with TemporaryDirectory(prefix="signet-slapd-") as name:
        folder = Path(name)
        authority = Authority(folder)
        values = {
            "folder": folder,
            "modules": modules,
            "base": BASE,
            "bind_password": BIND_PASSWORD,
            "password": PASSWORD,
            "certificate": authority.issue_file("localhost"),
            "authority": authority.file,
        }
        (folder / "slapd.conf").write_text(CONFIGURATION.format(**values))
        (folder / "entries.ldif").write_text(ENTRIES.format(**values))
        load = [program, "-T", "add", "-f", "slapd.conf", "-l", "entries.ldif"]
        loaded = subprocess.run(load, cwd=folder, capture_output=True, text=True, check=False)
        if loaded.returncode:
            unavailable("slapd", loaded.stderr[-500:])
        server = Slapd(folder, free_port(), free_port(), authority.file)
        urls = f"{server.url} ldaps://127.0.0.1:{server.tls_port}"
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([program, "-d", "0", "-f", "slapd.conf", "-h", urls], cwd=folder, stderr=log)
        try:
            wait_until(lambda: _answers(server.port), of=process)
            server.add_group(f"cn=editors,ou=groups,{BASE}", f"uid=ada,ou=people,{BASE}")
            server.add_group(f"cn=admins,ou=people,{BASE}", f"uid=ada,ou=people,{BASE}")
            yield server
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0

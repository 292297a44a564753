"""An fsspec address as a value: `s3://bucket/SENR.txt`, `sftp://host/exports`, `zip://SENR.txt::https://host/a.zip`."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

# What stands before the first :: is the link of the chain that names the file, or a word such as simplecache.
_ADDRESS = re.compile(
    r"(?P<before>(?:[a-z][\w.\-]+::)*)(?P<scheme>[a-z][\w+.\-]+)://(?P<path>.*?)(?P<after>::.*)?", re.IGNORECASE
)
_WEB = ("http", "https")
_DATABASES = ("sqlite", "mssql", "postgresql", "mysql", "mariadb", "oracle")
# user:password@, where :1433/ is a port. SQLite has no log-in, and a colon in its path is a Windows drive.
_URL_PASSWORD = re.compile(
    r"(?i)(?P<user>(?:^|(?<=::))(?!sqlite:|sqlite\+pysqlite:)[a-z][a-z0-9+.\-]*://[^?@]*?:)(?!\d*(?:/|\?|$))(?P<secret>.+)(?=@)"
)
# name=value in an address, plain or inside an encoded ODBC string.
_NAMED_SECRET = re.compile(
    r"(?i)(?P<name>(?:\b|(?<=%3B)|(?<=%26))"
    r"(?:pwd|passwd|password|passphrase|secret|api_?key|(?:access_?)?token|sig(?:nature)?)"
    r"(?:\s|%20|\+)*(?:=|%3D))"
    r"(?P<secret>(?:(?!%3B|%26)[^;&])+)"
)


@dataclass(frozen=True)
class Address:
    """A file or folder by its fsspec address. `text` is as written and may hold a password; `str()` never does."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        return without_secret(self.text)

    @property
    def protocols(self) -> tuple[str, ...]:
        """`("zip", "s3")` of `zip://SENR.txt::s3://bucket/november.zip`."""
        # A link without a protocol is one of fsspec's own words, or a path of this machine.
        return tuple(
            link.partition("://")[0].lower() if "://" in link or link.isidentifier() else "file"
            for link in self.text.split("::")
        )

    @property
    def is_web(self) -> bool:
        """Whether names in it are encoded as in a browser."""
        return self._parts["scheme"].lower() in _WEB

    @property
    def name(self) -> str:
        """The file's or folder's own name."""
        name = self._path.rstrip("/").rpartition("/")[2].rpartition("@")[2]
        return unquote(name) if self.is_web else name

    @property
    def parent(self) -> Address:
        """The folder it is in."""
        return self._at(self._path.rstrip("/").rpartition("/")[0])

    def joined(self, relative: str) -> Address:
        """The file or folder at `relative`, seen from this folder."""
        below = quote(relative) if self.is_web else relative
        return self._at(posixpath.normpath(f"{self._path}/{below}" if self._path else below))

    @property
    def _parts(self) -> re.Match[str]:
        parts = _ADDRESS.fullmatch(self.text)
        assert parts is not None
        return parts

    @property
    def _path(self) -> str:
        # Elsewhere ? and # may stand in a file's name. A signature is of one file and opens no other.
        return re.split(r"[?#]", self._parts["path"])[0] if self.is_web else self._parts["path"]

    def _at(self, path: str) -> Address:
        return Address(f"{self._parts['before']}{self._parts['scheme']}://{path}{self._parts['after'] or ''}")


def address_of(text: str) -> Address | None:
    """The address that a text is; None when it is a path."""
    return Address(text) if _ADDRESS.fullmatch(text) else None


def source_address(text: str) -> Address | None:
    """The fsspec address that `[aeries] source` is; None for a path, a database's address and the API's (`https://…`).

    It is fsspec's when its protocol is one of `fsspec.available_protocols()`, with the exception of `http` and `https`.
    `sqlite`, `mssql+pyodbc` and all else that fsspec does not know is left to SQLAlchemy.
    """
    address = address_of(text)
    if address is None or address.protocols[0] in _WEB or address.protocols[0].partition("+")[0] in _DATABASES:
        return None
    try:
        import fsspec
    except ImportError:
        # Whoever reads it says that fsspec is missing.
        return None if _is_known_to_sqlalchemy(address.protocols[0]) else address
    return address if address.protocols[0] in fsspec.available_protocols() else None


def _is_known_to_sqlalchemy(protocol: str) -> bool:
    from sqlalchemy.dialects import registry
    from sqlalchemy.exc import NoSuchModuleError

    try:
        registry.load(protocol)
    except NoSuchModuleError:
        return False
    return True


def without_secret(source: str) -> str:
    """The address with a password, if there is one, replaced by `***`."""
    masked = _URL_PASSWORD.sub(lambda found: f"{found['user']}***", source)
    return _NAMED_SECRET.sub(lambda found: f"{found['name']}***", masked)

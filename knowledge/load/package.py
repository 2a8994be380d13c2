"""Office packages (ZIP containers of XML): what they are, and a copy of them that cannot do harm.

The readers get a rebuilt package with nothing but XML: macros, embedded programs, fonts and pictures are
emptied, every part is as large as the directory said, and no part carries a document type declaration, by
which entities expand (billion laughs) or name other files (XXE). ECMA-376 part 2, 8.1.4 forbids these anyway.
"""

import re
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from knowledge.load.errors import UnreadableDocument

PackageKind = Literal["docx", "xlsx", "pptx"]

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
MAX_ENTRIES = 20_000
# Small archives of repetitive XML compress well without being a bomb.
RATIO_MATTERS_FROM = 20_000_000

_CONTENT_TYPES = "[Content_Types].xml"
# What the main part says that it is → kind, and the plain type that the libraries accept.
_MAIN = re.compile(
    rb"application/vnd\.(?:openxmlformats-officedocument|ms-(?:word|excel|powerpoint))\."
    rb"(?:wordprocessingml\.)?(?:spreadsheetml\.)?(?:presentationml\.)?"
    rb"(?P<what>document|template|sheet|presentation|slideshow)"
    rb"(?P<binary>\.binary)?(?P<macros>\.macroEnabled(?:Template)?)?\.main\+xml",
    re.IGNORECASE,
)
_PLAIN: dict[PackageKind, bytes] = {
    "docx": b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "pptx": b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
}
_FAMILIES: tuple[tuple[bytes, PackageKind], ...] = (
    (b"word", "docx"), (b"sheet", "xlsx"), (b"excel", "xlsx"), (b"presentation", "pptx"),
    (b"powerpoint", "pptx"), (b"slideshow", "pptx"),
)  # fmt: skip
_OTHER = {
    "content.xml": "an OpenDocument file",
    "META-INF/container.xml": "an EPUB book",
    "META-INF/MANIFEST.MF": "a Java program",
    "AndroidManifest.xml": "an Android program",
    "Index/Document.iwa": "an iWork document",
}
_XML_NAMES = (".xml", ".rels", ".vml")
# Written in one byte or in two a letter: a part in UTF-16 hides it from the first.
_DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w.-]+)", re.IGNORECASE)
_ENCODINGS = frozenset({b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@dataclass(frozen=True, slots=True)
class Package:
    """data: the rebuilt container. macros: whether the original carried any; they are not in `data`."""

    kind: PackageKind
    data: bytes
    macros: bool


def package_kind(data: bytes) -> PackageKind:
    """What the container is. Raises UnreadableDocument: corrupt, encrypted, unsupported, too_complex."""
    with _opened(data) as archive:
        entries = archive.infolist()
        _refuse_bomb(entries, len(data))
        types = next((entry for entry in entries if entry.filename == _CONTENT_TYPES), None)
        if types is None:
            raise _unsupported({entry.filename for entry in entries})
        return _kind(_part(archive, types), {entry.filename for entry in entries})


def open_package(data: bytes) -> Package:
    """The package, neutralised. Raises UnreadableDocument: as `package_kind`."""
    kind = package_kind(data)
    target = BytesIO()
    macros = False
    with _opened(data) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as rebuilt:
        for entry in _unique(archive.infolist()):
            part = _part(archive, entry) if entry.filename.lower().endswith(_XML_NAMES) else b""
            macros = macros or entry.filename.lower().endswith("vbaproject.bin")
            _refuse_declarations(part)
            if entry.filename == _CONTENT_TYPES:
                macros = macros or b"macroenabled" in part.lower()
                part = _MAIN.sub(_PLAIN[kind], part)
            rebuilt.writestr(zipfile.ZipInfo(entry.filename), part)
    return Package(kind, target.getvalue(), macros)


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(data))
    # zipfile raises NotImplementedError for versions and methods that it does not know.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _damaged() from error


def _unique(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Of two parts with one name the last counts, as for zipfile; folders are no parts."""
    return list({entry.filename: entry for entry in entries if not entry.is_dir()}.values())


def _part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in _METHODS:
        raise _damaged()
    try:
        with archive.open(entry) as stream:
            # With a length zlib stops there; without one it unpacks all that a lying directory hides.
            return stream.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise _damaged() from error


def _damaged() -> UnreadableDocument:
    return UnreadableDocument("corrupt", "It begins like an Office file, but it is damaged.")


def _kind(types: bytes, names: set[str]) -> PackageKind:
    found: set[PackageKind] = {_family(main) for main in _MAIN.finditer(types)}
    if len(found) > 1:
        raise UnreadableDocument("corrupt", "It claims to be several kinds of Office file at once.")
    if not found and any(name.startswith(("word/", "xl/", "ppt/")) for name in names):
        raise _damaged()
    if not found:
        raise UnreadableDocument("unsupported", "It is an Office package of a kind that we cannot read.")
    return found.pop()


def _family(main: re.Match[bytes]) -> PackageKind:
    if main.group("binary"):
        raise UnreadableDocument(
            "unsupported",
            "It is a binary Excel workbook (.xlsb).",
            hint="Save it as .xlsx and send it again.",
        )
    text = main.group().lower()
    kinds: list[PackageKind] = [kind for word, kind in _FAMILIES if word in text]
    return kinds[0]


def _unsupported(names: set[str]) -> UnreadableDocument:
    for mark, what in _OTHER.items():
        if mark in names:
            return UnreadableDocument("unsupported", f"It is {what}, which we cannot read.")
    hint = "Unpack it and send the files that are inside."
    return UnreadableDocument("unsupported", "It is a ZIP archive.", hint=hint)


def _refuse_bomb(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise UnreadableDocument("encrypted", "The file is protected with a password.")
    unpacked = sum(entry.file_size for entry in entries)
    too_dense = unpacked > RATIO_MATTERS_FROM and unpacked > MAX_RATIO * packed
    if unpacked > MAX_UNPACKED or len(entries) > MAX_ENTRIES or too_dense:
        raise UnreadableDocument(
            "too_complex",
            f"Unpacked it takes {unpacked // 1_000_000:,} MB; the limit is {MAX_UNPACKED // 1_000_000} MB "
            f"and {MAX_RATIO} times its size.",
        )


def _refuse_declarations(part: bytes) -> None:
    encoding = _ENCODING.match(part.lstrip(b"\xef\xbb\xbf \r\n\t"))
    odd = encoding is not None and encoding.group(1).lower() not in _ENCODINGS
    if odd or any(mark in part for mark in _DECLARATIONS):
        raise UnreadableDocument(
            "too_complex",
            "Its XML declares entities of its own or an unusual encoding, which Office files never do.",
            hint="Open it in the program that made it, save it again and send the new copy.",
        )

"""Each hostile file by name, and what must come of it."""

from functools import partial

from tests.knowledge.load.hostile import (
    ENTITIES,
    EXCEL,
    EXTERNAL,
    INJECTION,
    MAIL,
    POINT,
    SCRIPTS,
    WORD,
    Hostile,
    bomb,
    changed,
    declared_in_utf16,
    declaring,
    lying_bomb,
    nested_mail,
    pdf_bomb,
    pdf_objects,
    pdf_of_itself,
    pdf_of_pages,
    pdf_ring,
    pdf_with,
    pdf_with_attachment,
    pdf_with_ring_of_bookmarks,
    pptx_file,
    shared_text_bomb,
    table_bomb,
    two_offices,
    with_macros,
    zip_behind,
)
from tests.knowledge.load.made import docx_file, pdf_file, xlsx_file

_DOC, _SHEET, _SLIDE = "word/document.xml", "xl/worksheets/sheet1.xml", "ppt/slides/slide1.xml"
_GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00;"

_PACKAGES = (("docx", docx_file, _DOC), ("xlsx", xlsx_file, _SHEET), ("pptx", pptx_file, _SLIDE))

FILES = {
    # bombs
    "docx bomb": Hostile("a.docx", lambda: bomb(docx_file(), _DOC), "too_complex"),
    "xlsx bomb": Hostile("a.xlsx", lambda: bomb(xlsx_file(), _SHEET), "too_complex"),
    "pptx bomb": Hostile("a.pptx", lambda: bomb(pptx_file(), _SLIDE), "too_complex"),
    "bomb that lies about its size": Hostile("a.docx", lying_bomb, "corrupt"),
    "one text in many cells": Hostile("a.xlsx", shared_text_bomb, "too_complex"),
    "pdf bomb": Hostile("a.pdf", pdf_bomb, "empty"),
    # entities
    **{
        f"{kind} {what}": Hostile(f"a.{kind}", partial(declaring, make, part, text), "too_complex")
        for kind, make, part in _PACKAGES
        for what, text in (("billion laughs", ENTITIES), ("external entity", EXTERNAL))
    },
    "docx declaration in utf-16": Hostile(
        "a.docx",
        declared_in_utf16,
        "too_complex",
    ),
    "svg with an external entity": Hostile(
        "a.svg", f'<?xml version="1.0"?>{EXTERNAL}<svg>&a;</svg>'.encode, "unsupported"
    ),
    "html with an external entity": Hostile(
        "a.html", f"<!doctype html>{EXTERNAL}<p>Hi &a;</p>".encode, said="Hi"
    ),
    # macros
    "docm": Hostile("a.docm", lambda: with_macros(docx_file(), WORD, "word"), "", "Boarding closes", "VBA"),
    "xlsm": Hostile("a.xlsm", lambda: with_macros(xlsx_file(), EXCEL, "xl"), said="Meal", unsaid="VBA"),
    "pptm": Hostile(
        "a.pptm", lambda: with_macros(pptx_file(), POINT, "ppt"), said="High at noon", unsaid="VBA"
    ),
    "macro document named docx": Hostile(
        "a.docx", lambda: with_macros(docx_file(), WORD, "word"), "", "Boarding closes", "VBA"
    ),
    # polyglots
    "pdf and zip": Hostile("a.zip", lambda: zip_behind(pdf_file()), said="Rule 1", unsaid="steal"),
    "gif and jar": Hostile("a.jar", lambda: zip_behind(_GIF), "unsupported"),
    "html called pdf": Hostile(
        "a.pdf", lambda: b"<!doctype html><p>Hello</p><script>steal()</script>", said="Hello", unsaid="steal"
    ),
    "html with a pdf inside": Hostile(
        "a.pdf", lambda: b"<!doctype html><p>Hello</p><!-- " + pdf_file() + b" -->", "unsupported"
    ),
    "zip with a pdf inside": Hostile("a.pdf", lambda: zip_behind(b"PK\x03\x04") + pdf_file(), "unsupported"),
    "two offices in one": Hostile("a.docx", two_offices, "corrupt"),
    "text about pdf": Hostile(
        "a.md", lambda: b"# Files\n\nA PDF begins with %PDF-1.7 and ends with %%EOF.\n", said="begins with"
    ),
    # pdf
    "pdf of 10,000 pages": Hostile("a.pdf", lambda: pdf_of_pages(10_000), "too_many_pages"),
    "pdf with script": Hostile(
        "a.pdf",
        lambda: pdf_with(b"/OpenAction << /S /JavaScript /JS (app.alert\\(steal\\)) >>"),
        said="Hello harbour",
        unsaid="steal",
    ),
    "pdf with a file inside": Hostile("a.pdf", pdf_with_attachment, said="Hello harbour", unsaid="evil"),
    "pdf that launches": Hostile(
        "a.pdf",
        lambda: pdf_with(b"/OpenAction << /S /Launch /F (/bin/sh) >>"),
        said="Hello harbour",
        unsaid="/bin/sh",
    ),
    "pdf whose page tree is a ring": Hostile("a.pdf", pdf_ring, "empty"),
    "pdf whose form calls itself": Hostile("a.pdf", pdf_of_itself, said="Hello harbour"),
    "pdf whose bookmarks are a ring": Hostile("a.pdf", pdf_with_ring_of_bookmarks, said="Hello harbour"),
    "pdf that refers to itself": Hostile("a.pdf", lambda: pdf_objects(b"1 0 R"), "corrupt"),
    # text
    "script in html": Hostile("a.html", lambda: SCRIPTS, said="Fares", unsaid="steal"),
    "prompt injection": Hostile("a.md", f"# Fares\n\n{INJECTION}\n".encode, said=INJECTION),
    "prompt injection in a slide": Hostile(
        "a.pptx",
        lambda: changed(pptx_file(), _SLIDE, lambda part: part.replace(b"High at noon", INJECTION.encode())),
        said=INJECTION,
    ),
    "open brackets": Hostile("a.md", lambda: b"[" * 100_000, said="[[["),
    "balanced brackets": Hostile("a.md", lambda: b"[" * 50_000 + b"]" * 50_000, said="[[["),
    "deep quotes": Hostile("a.md", lambda: b"> " * 5000 + b"x\n\nend\n", said="end"),
    "deep lists": Hostile(
        "a.md", lambda: b"".join(b"  " * depth + b"- a\n" for depth in range(300)), said="- a"
    ),
    "deep html": Hostile(
        "a.html", lambda: b"<html><body>" + b"<div><b>" * 10_000 + b"x</body><p>end</p></html>", said="end"
    ),
    "deep json": Hostile("a.json", lambda: b"[" * 100_000 + b"]" * 100_000, "too_complex"),
    "json of 200 levels": Hostile("a.json", lambda: b"[" * 200 + b"]" * 200, "too_complex"),
    "json whose indentation explodes": Hostile(
        "a.json", lambda: b"[" * 90 + b",".join([b"1"] * 200_000) + b"]" * 90, "too_complex"
    ),
    "json number of a million digits": Hostile("a.json", lambda: b"[" + b"9" * 1_000_000 + b"]", "corrupt"),
    "one line of a megabyte": Hostile("a.txt", lambda: b"word " * 200_000, said="word word"),
    "one word of a megabyte": Hostile("a.txt", lambda: b"x" * 1_000_000, said="xxx"),
    "csv of a million columns": Hostile("a.csv", lambda: b"," * 1_100_000, "too_complex"),
    "csv wide above and long below": Hostile(
        "a.csv", lambda: b"a," * 100_000 + b"b\n" + b"x\n" * 10_000, said="a | a"
    ),
    "csv of one endless cell": Hostile("a.csv", lambda: b'a,b\n"' + b"x" * 1_100_000, "corrupt"),
    "nuls": Hostile("a.csv", lambda: b"a,b\n1\x00,2\n" * 50, "not_text"),
    "yaml aliases": Hostile("a.md", lambda: b"---\na: &a [x,x]\nb: [*a,*a]\n---\ntext\n", said="text"),
    "rows and columns that span": Hostile("a.html", table_bomb, "too_complex"),
    # mail
    "mail with a thousand parts": Hostile(
        "a.eml", lambda: MAIL + b"--b\n\nx\n" * 1100 + b"--b--\n", "too_complex"
    ),
    "mail nested deeply": Hostile("a.eml", nested_mail, said="From: a@x"),
    "mail that names a path": Hostile(
        "a.eml",
        lambda: (
            MAIL
            + b'--b\n\nHello\n--b\nContent-Disposition: attachment; filename="../../etc/passwd"\n\nx\n--b--\n'
        ),
        said="passwd",
        unsaid="..",
    ),
    "rtf nested deeply": Hostile(
        "a.rtf", lambda: b"{\\rtf1 " + b"{" * 100_000 + b"Hello" + b"}" * 100_000 + b"}", said="Hello"
    ),
}

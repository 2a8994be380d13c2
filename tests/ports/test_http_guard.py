"""The guard of addresses that other people name: nothing inside is ever connected to (SPEC 13)."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ports.http import AddressRefused, Fetcher, FetchFailed, FetchLimits, Guard, OutboundSettings
from tests.loopback import listening

PUBLIC = "93.184.215.14"


def names(**known: str | Sequence[str]) -> Any:
    """A resolver that knows these names, `_` for a dot."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise OSError("no such name")
        return [found] if isinstance(found, str) else found

    return resolve


def guard(resolver: Any = None, **settings: Any) -> Guard:
    return Guard(OutboundSettings(**settings), resolver or names(site_test=PUBLIC))


class Recorder(httpcore.AsyncNetworkBackend):
    """Connects to nothing, and remembers where it should have."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.asked.append(host)
        raise httpcore.ConnectError("not in a test")


async def connected_to(url: str, watch: Guard) -> list[str]:
    network = Recorder()
    async with Fetcher(watch, "test", network=network) as fetcher:
        with pytest.raises((AddressRefused, FetchFailed)):
            await fetcher.fetch(url)
    return network.asked


@pytest.mark.proves("SSRF-001")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://0/",
        "http://0.0.0.0/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://127。0。0。1/",
        "http://127．0．0．1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
        "http://[2001::1]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://192.0.0.1/",
        "http://198.18.0.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://site.test@127.0.0.1/",
        "http://user:password@site.test/",
        "http://site.test:80@127.0.0.1/",
        "http://127.0.0.1\\@site.test/",
        "http://site.test\\@127.0.0.1/",
        "http://@site.test/",
        "http:///etc/passwd",
        "file:///etc/passwd",
        "ftp://site.test/",
        "gopher://site.test/",
        "javascript:alert(1)",
        "http://site.test/\r\nHost: other",
        "http://site .test/",
        "http://site.test:22/",
        "http://site.test:6379/",
        "http://site..test/",
        "",
        "http://",
    ],
)
async def test_nothing_inside_is_connected_to(url: str) -> None:
    watch = guard(names(site_test=PUBLIC, localhost="127.0.0.1", metadata_google_internal="169.254.169.254"))
    assert await connected_to(url, watch) == []


@pytest.mark.proves("SSRF-001")
async def test_a_public_site_is_connected_to_at_the_address_that_was_checked() -> None:
    assert await connected_to("https://site.test/page", guard()) == [PUBLIC]


@pytest.mark.proves("SSRF-001")
async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    assert await connected_to("http://site.test/", guard(names(site_test=[PUBLIC, "10.0.0.8"]))) == []


@pytest.mark.proves("SSRF-001")
@given(address=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
async def test_no_private_address_is_ever_connected_to(address: IPv4Address | IPv6Address) -> None:
    for host, watch in (
        ("site.test", guard(names(site_test=str(address)))),
        (f"[{address}]" if address.version == 6 else str(address), guard()),
    ):
        for asked in await connected_to(f"http://{host}/", watch):
            reached = ip_address(asked)
            inside = ("is_private", "is_loopback", "is_link_local", "is_multicast", "is_unspecified")
            assert reached.is_global
            assert not any(getattr(reached, kind) for kind in inside)


@pytest.mark.proves("SSRF-001")
@given(
    inner=st.sampled_from(["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "0.0.0.0"]),
    wrap=st.sampled_from([0xFFFF << 32, 0, 0x0064_FF9B << 96, 0x2002 << 112]),
)
async def test_an_address_in_another_ones_clothes_is_still_refused(inner: str, wrap: int) -> None:
    number = int(IPv4Address(inner))
    worn = IPv6Address(wrap | (number << 80 if wrap == 0x2002 << 112 else number))
    assert await connected_to("http://site.test/", guard(names(site_test=str(worn)))) == []


@pytest.mark.proves("SSRF-002")
async def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], [PUBLIC], ["169.254.169.254"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    watch = guard(rebinding)
    await watch.check("http://site.test/")
    assert await connected_to("http://site.test/", watch) == []
    assert await connected_to("http://site.test/", watch) == [PUBLIC]
    assert await connected_to("http://site.test/", watch) == []


def opened(address: str) -> tuple[str, Guard]:
    """A server of this test under the name site.test, which the operator allowed."""
    port = address.rpartition(":")[2]
    watch = guard(names(site_test="127.0.0.1", other_test="127.0.0.1"), allowed_hosts=[f"site.test:{port}"])
    return f"http://site.test:{port}", watch


@pytest.mark.proves("SSRF-003")
async def test_every_redirect_is_checked_again() -> None:
    reached: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        reached.append(request.path)
        raise web.HTTPFound(request.query["to"])

    app = web.Application()
    app.router.add_get("/go", redirect)
    async with listening(app) as address:
        root, watch = opened(address)
        port = root.rpartition(":")[2]
        for to in (
            "http://169.254.169.254/latest/meta-data/iam/",
            f"http://127.0.0.1:{port}/inside",
            f"http://other.test:{port}/inside",
            "//169.254.169.254/",
            "file:///etc/passwd",
            f"http://site.test:{port}@127.0.0.1:{port}/inside",
        ):
            async with Fetcher(watch, "test") as fetcher:
                with pytest.raises(AddressRefused):
                    await fetcher.fetch(f"{root}/go?to={to}")
    assert set(reached) == {"/go"}


async def test_a_redirect_that_never_ends_is_left() -> None:
    async def again(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/go?n={int(request.query.get('n', 0)) + 1}")

    app = web.Application()
    app.router.add_get("/go", again)
    async with listening(app) as address:
        root, watch = opened(address)
        async with Fetcher(watch, "test") as fetcher:
            with pytest.raises(FetchFailed) as failed:
                await fetcher.fetch(f"{root}/go")
    assert failed.value.why == "too_many_redirects"


@pytest.mark.proves("SSRF-004")
async def test_an_operator_can_open_a_host_of_the_own_network_but_no_metadata_service() -> None:
    resolver = names(wiki_intra="10.1.2.3", aws_intra="169.254.169.254", other_intra="10.9.9.9")
    watch = guard(resolver, allowed_hosts=["*.intra", "wiki.intra:8090"])
    assert await connected_to("http://wiki.intra/", watch) == ["10.1.2.3"]
    assert await connected_to("http://wiki.intra:8090/", watch) == ["10.1.2.3"]
    assert await connected_to("http://other.intra:8090/", watch) == []
    assert await connected_to("http://aws.intra/", watch) == []


@pytest.mark.proves("SSRF-004")
async def test_an_operator_can_open_a_network() -> None:
    resolver = names(wiki_intra="10.1.2.3", far_intra="10.2.0.1", odd_intra=["10.1.2.3", "192.168.0.1"])
    watch = guard(resolver, allowed_networks=["10.1.0.0/16", "169.254.0.0/16"])
    assert await connected_to("http://wiki.intra/", watch) == ["10.1.2.3"]
    assert await connected_to("http://10.1.2.3/", watch) == ["10.1.2.3"]
    assert await connected_to("http://far.intra/", watch) == []
    assert await connected_to("http://odd.intra/", watch) == []
    assert await connected_to("http://169.254.169.254/", watch) == []


@pytest.mark.proves("SSRF-005")
async def test_a_refusal_does_not_tell_what_there_is_inside() -> None:
    watch = guard(names(db_internal="10.0.0.5"))

    async def said(url: str) -> tuple[str, str]:
        with pytest.raises(AddressRefused) as refused:
            await watch.check(url)
        return refused.value.detail, refused.value.hint

    there, not_there = await said("http://db.internal/"), await said("http://nothing.internal/")
    assert there == not_there == await said("http://10.0.0.5/")
    assert "10.0.0.5" not in str(there)


@pytest.mark.proves("SSRF-006")
async def test_a_small_answer_that_unpacks_to_gigabytes_is_left_early() -> None:
    bomb = gzip.compress(zlib.compress(b"", 9) + bytes(64 * 1024 * 1024))

    async def small(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))

    app = web.Application()
    app.router.add_get("/bomb", small)
    app.router.add_get("/endless", endless)
    async with listening(app) as address:
        root, watch = opened(address)
        async with Fetcher(watch, "test", FetchLimits(max_bytes=1024 * 1024)) as fetcher:
            for path in ("/bomb", "/endless"):
                with pytest.raises(FetchFailed) as failed:
                    await fetcher.fetch(root + path)
                assert failed.value.why == "too_large"


@pytest.mark.proves("SSRF-006")
async def test_a_site_that_drips_is_left_in_the_end() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        # Never ends; the client does.
        while True:
            await response.write(b".")
            await asyncio.sleep(0.01)

    app = web.Application()
    app.router.add_get("/", drip)
    async with listening(app) as address:
        root, watch = opened(address)
        async with Fetcher(watch, "test", FetchLimits(within_s=0.3)) as fetcher:
            with pytest.raises(FetchFailed) as failed:
                await fetcher.fetch(root)
    assert failed.value.why == "timed_out"


async def test_a_packed_page_is_unpacked_and_says_who_asked() -> None:
    async def page(request: web.Request) -> web.Response:
        packed = gzip.compress(request.headers["User-Agent"].encode())
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_get("/", page)
    async with listening(app) as address:
        root, watch = opened(address)
        async with Fetcher(watch, "SwitchboardBot/1 (+mailto:it@example.com)") as fetcher:
            fetched = await fetcher.fetch(root)
    assert fetched.body == b"SwitchboardBot/1 (+mailto:it@example.com)"


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await connected_to("http://site.test/", guard()) == [PUBLIC]


def certificate(name: str) -> tuple[bytes, bytes]:
    """(certificate, key) of a site that signs for itself, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM), plain


@pytest.mark.proves("SSRF-002")
async def test_tls_goes_by_the_name_though_the_connection_goes_to_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, key = certificate("site.test")
    (tmp_path / "site.pem").write_bytes(pem + key)
    monkeypatch.setattr("ports.http.guarded.trust", lambda: ssl.create_default_context(cadata=pem.decode()))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "site.pem")
    asked: list[str | None] = []
    serving.sni_callback = lambda connection, name, context: asked.append(name)
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Host"])

    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving).start()
        port = runner.addresses[0][1]
        hosts = [f"site.test:{port}", f"other.test:{port}"]
        watch = guard(names(site_test="127.0.0.1", other_test="127.0.0.1"), allowed_hosts=hosts)
        async with Fetcher(watch, "test") as fetcher:
            fetched = await fetcher.fetch(f"https://site.test:{port}/")
            with pytest.raises(FetchFailed):
                await fetcher.fetch(f"https://other.test:{port}/")
    finally:
        await runner.cleanup()
    assert fetched.body.decode() == f"site.test:{port}"
    assert asked == ["site.test", "other.test"]

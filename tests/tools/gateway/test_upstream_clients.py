"""One contract for both HTTP clients: whatever a tool server does with its connection."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.errors import Unavailable, UpstreamFailed
from tools.gateway.upstreams.errors import ResultTooLarge
from tools.gateway.upstreams.http1 import Http1Client
from tools.gateway.upstreams.library import LibraryClient

Client = Http1Client | LibraryClient
Behaviour = Callable[[int, asyncio.StreamWriter], Awaitable[None]]
"""(which request of the connection, counted from 0; where to answer)."""
LIMIT = 100_000
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
ANSWER = OK.replace(b"{}", b'{"a":1}').replace(b": 2", b": 7")


class RawServer:
    """Answers with bytes, as a test says; notes what came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.gone = asyncio.Event()
        self.came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for number in range(1000):
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
                self.requests.append(head + await reader.readexactly(int(length.partition(b":")[2])))
                self.came.set()
                await self.behaviour(number, writer)
                if writer.is_closing():
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            with contextlib.suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()


@asynccontextmanager
async def raw_server(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    served = RawServer(behaviour)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


def says(*parts: bytes, then_close: bool = False) -> Behaviour:
    async def behaviour(number: int, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then_close:
            writer.close()

    return behaviour


@pytest.fixture(params=[Http1Client, LibraryClient], ids=["own", "library"])
def kind(request: pytest.FixtureRequest) -> type[Client]:
    return request.param


@asynccontextmanager
async def connected(
    kind: type[Client], server: RawServer, *, connections: int = 100
) -> AsyncIterator[Client]:
    client = kind(f"http://127.0.0.1:{server.port}/mcp", LIMIT, connections=connections)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


HEADERS = {"content-type": "application/json", "authorization": "Bearer abc"}


@pytest.mark.parametrize(
    "parts",
    [
        (ANSWER,),
        tuple(bytes([byte]) for byte in ANSWER),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            b'3\r\n{"a\r\n',
            b'4;x=y\r\n":1}\r\n0\r\n\r\n',
        ),
        (b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n", ANSWER),
    ],
    ids=["length", "byte by byte", "chunked", "early hints"],
)
@pytest.mark.proves("GATE-001")
async def test_an_answer_comes_whole_however_it_was_cut(kind: type[Client], parts: tuple[bytes, ...]) -> None:
    async with raw_server(says(*parts)) as server, connected(kind, server) as client:
        for _ in range(3):
            answer = await client.call(b'{"q":1}', HEADERS)
            assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b'{"a":1}')

        assert server.connections == 1
        assert server.requests[0].startswith(b"POST /mcp HTTP/1.1\r\n")
        assert server.requests[0].endswith(b'\r\n\r\n{"q":1}')
        assert b"bearer abc" in server.requests[0].lower()


async def test_an_event_stream_comes_as_it_was_sent(kind: type[Client]) -> None:
    events = (b"data: 1\n\n", b"data: 2\n\n")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    async with raw_server(says(head, *chunks, b"0\r\n\r\n")) as server, connected(kind, server) as client:
        answer = await client.call(b"{}", HEADERS)
        assert (answer.content_type, answer.body) == ("text/event-stream", b"data: 1\n\ndata: 2\n\n")


async def test_an_answer_may_end_with_its_connection(kind: type[Client]) -> None:
    whole = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"a":1}'
    async with raw_server(says(whole, then_close=True)) as server, connected(kind, server) as client:
        assert (await client.call(b"{}", HEADERS)).body == b'{"a":1}'
        assert (await client.call(b"{}", HEADERS)).body == b'{"a":1}'
        assert server.connections == 2


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",),
        (b"HTTP/1.1 200",),
        (b"nonsense\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",),
        (),
    ],
    ids=["short body", "short chunk", "half a head", "not HTTP", "bad chunk", "nothing"],
)
@pytest.mark.proves("GATE-001")
async def test_a_broken_answer_is_an_error_and_the_next_call_is_well(
    kind: type[Client], parts: tuple[bytes, ...]
) -> None:
    broken = says(*parts, then_close=True)
    async with raw_server(broken) as server, connected(kind, server) as client:
        with pytest.raises(UpstreamFailed):
            await client.call(b"{}", HEADERS)
        server.behaviour = says(OK)
        assert (await client.call(b"{}", HEADERS)).body == b"{}"


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.proves("GATE-002")
async def test_an_answer_over_the_limit_is_not_read_to_its_end(kind: type[Client], declared: bool) -> None:
    size = b"content-length: 100000000" if declared else b"transfer-encoding: chunked"
    chunk = b"x" * 50_000 if declared else b"c350\r\n" + b"x" * 50_000 + b"\r\n"
    sent = 0

    async def endless(number: int, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + size + b"\r\n\r\n")
        for _ in range(2000):
            writer.write(chunk)
            sent += len(chunk)
            await writer.drain()

    async with raw_server(endless) as server, connected(kind, server) as client:
        with pytest.raises(ResultTooLarge):
            await client.call(b"{}", HEADERS)
        await asyncio.wait_for(server.gone.wait(), 20)
        assert sent < 50_000_000


async def test_a_head_without_an_end_is_given_up(kind: type[Client]) -> None:
    async def endless(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(10_000):
            writer.write(b"x-filler: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    async with raw_server(endless) as server, connected(kind, server) as client:
        with pytest.raises(UpstreamFailed):
            await client.call(b"{}", HEADERS)
        await asyncio.wait_for(server.gone.wait(), 20)


@pytest.mark.proves("GATE-003")
async def test_cancelling_a_call_hangs_up(kind: type[Client]) -> None:
    async def silent(number: int, writer: asyncio.StreamWriter) -> None:
        return None

    async with raw_server(silent) as server, connected(kind, server) as client:
        call = asyncio.create_task(client.call(b"{}", HEADERS))
        await asyncio.wait_for(server.came.wait(), 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(server.gone.wait(), 20)


@pytest.mark.proves("GATE-004")
async def test_a_call_with_an_effect_is_never_sent_twice(kind: type[Client]) -> None:
    async def once(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 0:
            writer.write(OK)
        else:
            writer.close()  # a kept connection that is dropped after the request has come

    async with raw_server(once) as server, connected(kind, server) as client:
        await client.call(b"{}", HEADERS)
        with pytest.raises(UpstreamFailed):
            await client.call(b'{"pay":1}', HEADERS)
        assert sum(b"pay" in request for request in server.requests) == 1


async def test_a_call_that_may_be_repeated_is_sent_again_over_a_new_connection() -> None:
    async def once(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 0:
            writer.write(OK)
        else:
            writer.close()

    async with raw_server(once) as server, connected(Http1Client, server) as client:
        await client.call(b"{}", HEADERS)
        assert (await client.call(b'{"list":1}', HEADERS, repeatable=True)).body == b"{}"
        assert sum(b"list" in request for request in server.requests) == 2
        assert server.connections == 2


@pytest.mark.proves("GATE-004")
async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(kind: type[Client]) -> None:
    async with raw_server(says(OK)) as server, connected(kind, server) as client:
        await client.call(b"{}", HEADERS)
        server.behaviour = says(OK, then_close=True)
        await client.call(b"{}", HEADERS)
        await asyncio.sleep(0.05)  # the end of the connection arrives; nothing else tells
        server.behaviour = says(OK)
        assert (await client.call(b"{}", HEADERS)).status == 200
        assert server.connections == 2


async def test_bytes_behind_an_answer_are_never_the_next_ones(kind: type[Client]) -> None:
    stray = OK + b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"someone"'
    async with raw_server(says(stray)) as server, connected(kind, server) as client:
        for _ in range(5):
            try:
                assert (await client.call(b"{}", HEADERS)).body == b"{}"
            except UpstreamFailed:
                continue


async def test_no_more_connections_than_allowed_and_everybody_gets_a_turn(kind: type[Client]) -> None:
    release = asyncio.Event()

    async def held(number: int, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(OK)

    async with raw_server(held) as server, connected(kind, server, connections=2) as client:
        calls = [asyncio.create_task(client.call(b"{}", HEADERS)) for _ in range(6)]
        await asyncio.wait_for(server.came.wait(), 20)
        calls[5].cancel()
        release.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(answer, "body", None) for answer in answers] == [b"{}"] * 5 + [None]
        assert server.connections <= 2


async def test_nobody_there_is_unavailable(kind: type[Client]) -> None:
    async with raw_server(says(OK)) as server:
        pass
    async with connected(kind, server) as client:
        with pytest.raises(Unavailable):
            await client.call(b"{}", HEADERS)


@pytest.mark.parametrize("name", ["x-a\r\nx-b", "x-a"])
async def test_a_header_with_a_line_end_is_not_sent(kind: type[Client], name: str) -> None:
    async with raw_server(says(OK)) as server, connected(kind, server) as client:
        with pytest.raises(ValueError):
            await client.call(b"{}", HEADERS | {name: "1\r\nx-evil: 1"})
        assert server.requests == []


@pytest.mark.parametrize(
    "address", ["ftp://a/mcp", "http://user:pass@a/mcp", "http:///mcp", "http://a/m cp", "http://a/\r\nx: y"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        Http1Client(address, LIMIT)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return public, private


@pytest.mark.proves("GATE-005")
async def test_over_tls_only_a_certificate_that_we_trust_is_talked_to(tmp_path: Path) -> None:
    public, private = certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(public, private)
    trusting = ssl.create_default_context(cafile=str(public))
    async with raw_server(says(OK), theirs) as server:
        address = f"https://localhost:{server.port}/mcp"
        trusted = Http1Client(address, LIMIT, tls=trusting)
        for _ in range(2):
            assert (await trusted.call(b"{}", HEADERS)).body == b"{}"
        assert server.connections == 1
        await trusted.close()
        stranger = Http1Client(address, LIMIT)
        with pytest.raises(Unavailable):
            await stranger.call(b"{}", HEADERS)
        await stranger.close()
        assert len(server.requests) == 2

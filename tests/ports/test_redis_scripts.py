"""One script over a connection of its own: quick, and gone from nobody's way when Redis hangs."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from launch.engines import RunningEngine, start_valkey
from ports.redis import RedisIsACluster, connect, refuse_cluster
from ports.redis.scripts import ScriptRunner, ScriptUnavailable
from tests.engines import engine_folder

COUNT = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2]}"
PATIENT_S = 20.0


@asynccontextmanager
async def running(
    url: str, deadline_s: float = PATIENT_S, script: str = COUNT
) -> AsyncIterator[ScriptRunner]:
    runner = ScriptRunner(url, script, deadline_s=deadline_s)
    await runner.start()
    try:
        yield runner
    finally:
        await runner.close()


@pytest.fixture
def own_valkey() -> Iterator[RunningEngine]:
    with engine_folder() as data:
        engine = start_valkey(data, durable=False)
        yield engine
        engine.stop()


async def until_up(runner: ScriptRunner) -> None:
    async with asyncio.timeout(30):
        while not runner.up:
            await asyncio.sleep(0.01)


async def test_any_number_of_runs_at_once_get_each_their_own_answer(redis_url: str) -> None:
    async with running(redis_url) as runner:
        one, other = runner.packed(["{s}:a"], [1]), runner.packed(["{s}:b"], [10])
        answers = await asyncio.gather(
            *(runner.run(one if number % 2 else other, number) for number in range(500))
        )
        assert [int(answer[1]) for answer in answers] == list(range(500))
        assert max(answer[0] for answer in answers[1::2]) - min(answer[0] for answer in answers[1::2]) == 249
        assert {answer[0] % 10 for answer in answers[::2]} == {0}


@pytest.mark.proves("GATE-006")
async def test_a_script_that_redis_forgot_is_sent_again(redis_url: str) -> None:
    client = connect(redis_url, timeout_s=PATIENT_S)
    async with running(redis_url) as runner:
        packed = runner.packed(["{s}:forgotten"], [1])
        await runner.run(packed, 0)
        await client.script_flush()  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
        answers = await asyncio.gather(*(runner.run(packed, 0) for _ in range(20)))
        assert sorted(answer[0] for answer in answers) == list(range(2, 22))
    await client.aclose()


async def test_an_error_in_the_script_fails_that_run_and_no_other(redis_url: str) -> None:
    script = "if ARGV[1] == '7' then return redis.error_reply('no') end return 1"
    async with running(redis_url, script=script) as runner:
        packed = runner.packed([], [])
        answers = await asyncio.gather(*(runner.run(packed, n) for n in range(10)), return_exceptions=True)
        assert [type(answer) for answer in answers].count(ScriptUnavailable) == 1
        assert runner.up


@pytest.mark.proves("GATE-006")
async def test_with_a_redis_that_hangs_nobody_waits_twice_and_it_is_found_again(
    own_valkey: RunningEngine,
) -> None:
    async with running(own_valkey.url, deadline_s=0.3) as runner:
        packed = runner.packed(["{s}:hung"], [1])
        await runner.run(packed, 0)
        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            hung = await asyncio.gather(*(runner.run(packed, 0) for _ in range(16)), return_exceptions=True)
            assert all(isinstance(answer, ScriptUnavailable) for answer in hung)
            assert not runner.up
            with pytest.raises(ScriptUnavailable):
                # at once: a run that went to Redis would end this test by its time limit
                async with asyncio.timeout(0):
                    await runner.run(packed, 0)
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)
        await until_up(runner)


@pytest.mark.proves("GATE-006")
async def test_a_redis_that_is_away_at_the_start_is_used_once_it_is_there(own_valkey: RunningEngine) -> None:
    os.kill(own_valkey.pid, signal.SIGSTOP)
    runner = ScriptRunner(own_valkey.url, COUNT, deadline_s=PATIENT_S)
    try:
        await runner.start()
        with pytest.raises(ScriptUnavailable):
            await runner.run(runner.packed(["{s}:late"], [1]), 0)
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
    await until_up(runner)
    assert await runner.run(runner.packed(["{s}:late"], [1]), 5) == [1, b"5"]
    await runner.close()


async def test_no_redis_at_all_is_no_obstacle_to_the_start() -> None:
    async with running("redis://127.0.0.1:1/0") as runner:
        assert not runner.up


async def test_a_wrong_password_is_no_connection(redis_url: str) -> None:
    async with running(redis_url.replace(":", ":wrong", 2).replace("unix:wrong", "unix:")) as runner:
        assert not runner.up


@asynccontextmanager
async def answering(**answers: bytes) -> AsyncGenerator[str]:
    """A Redis that says to each command (by name, small letters) what it was told to, else `+OK`."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while (head := await reader.readline()).startswith(b"*"):
                words: list[bytes] = []
                for _ in range(int(head[1:])):
                    length = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(length + 2))[:-2])
                writer.write(answers.get(words[0].decode().lower(), b"+OK\r\n"))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    await asyncio.gather(*(task for task in serving if task is not None))


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


@pytest.mark.proves("GATE-006")
@pytest.mark.parametrize(
    "answers",
    [
        {"info": bulk(b"# Cluster\r\ncluster_enabled:1\r\n")},
        {"script": b"-MOVED 866 10.0.0.7:6379\r\n"},
        {"script": b"-CLUSTERDOWN The cluster is down\r\n"},
    ],
)
async def test_a_cluster_is_refused_at_the_start_with_the_next_step(answers: dict[str, bytes]) -> None:
    async with answering(**answers) as url:
        runner = ScriptRunner(url, COUNT, deadline_s=PATIENT_S)
        for start in (runner.start(), refuse_cluster(url)):
            with pytest.raises(RedisIsACluster, match="SWITCHBOARD_REDIS__URL") as refused:
                await start
            assert "cluster mode disabled" in str(refused.value)
        await runner.close()


@pytest.mark.proves("GATE-006")
@pytest.mark.parametrize("error", [b"MOVED 866 10.0.0.7:6379", b"ASK 866 10.0.0.7:6379"])
async def test_one_that_does_not_say_so_is_named_at_the_first_run_and_none_is_counted(error: bytes) -> None:
    with capture_logs() as logs:
        refusal = b"-%b\r\n" % error
        async with answering(info=b"-NOPERM\r\n", evalsha=refusal) as url, running(url) as runner:
            packed = runner.packed(["{s}:x"], [1])
            for _ in range(3):
                with pytest.raises(ScriptUnavailable):
                    await runner.run(packed, 0)
    [told] = [entry for entry in logs if entry["event"] == "redis.is_a_cluster"]
    assert "SWITCHBOARD_REDIS__URL" in told["hint"]


async def test_one_server_is_no_cluster(redis_url: str) -> None:
    await refuse_cluster(redis_url)
    await refuse_cluster("redis://127.0.0.1:1/0")

"""make eval: python -m tests.evals --corpus DIR --golden FILE [--claims FILE] [--url URL --token TOKEN]"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from rich.console import Console
from switchboard_sdk import ApiError, Switchboard

from kit.wire.library import KnowledgeBase
from launch.child import running
from launch.cli.connect import Access, connected
from launch.cli.docs import add_path
from platform_api.llm.frames import is_frame
from tests.evals import claims_section, report
from tests.evals.abstaining import abstaining
from tests.evals.asking import Asked, Interview, Judged
from tests.evals.content import readable_text
from tests.evals.golden import Claim, Question, read_claims, read_questions
from tests.evals.retrieval.golden import show_golden
from tests.evals.scores import Fact, facts_of
from tests.unlimited import without_limits

console = Console()


def main() -> int:
    without_limits()
    options = _options()
    questions = read_questions(options.golden)
    claims = read_claims(options.claims) if options.claims and options.claims.is_file() else []
    try:
        code = asyncio.run(_measure(options, questions, claims))
    except ApiError as error:
        console.print(f"{error} (request id {error.request_id})", markup=False)
        return 1
    show_golden(options.corpus, questions, console)
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evals", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="the folder that is asked about")
    parser.add_argument("--golden", type=Path, required=True, help="questions")
    parser.add_argument("--claims", type=Path, help="claims for verify.quote")
    parser.add_argument("--url", default="", help="a platform that runs; else one is started and thrown away")
    parser.add_argument("--token", default="", help="for --url")
    parser.add_argument("--as", dest="person", default="ada", help="without a token: the dev person")
    parser.add_argument("--data", type=Path, help="keep the data of the started platform here")
    parser.add_argument("--brief", action="store_true", help="no misses on the terminal")
    return parser.parse_args()


async def _measure(options: argparse.Namespace, questions: list[Question], claims: list[Claim]) -> int:
    access = Access(options.url, options.token, options.person)
    async with _platform(access, options.data) as platform, connected(platform) as switchboard:
        base = await _base(switchboard, options.corpus)
        begun = time.monotonic()
        uploaded = await add_path(switchboard, base.id, options.corpus, console)
        names = {result.document_id: result.name for result in uploaded if result.document_id}
        settings = {
            "corpus": str(options.corpus),
            "golden": str(options.golden),
            "claims": str(options.claims),
            "upload": f"{len(uploaded)} files in {time.monotonic() - begun:.1f} s",
        }
        interview = Interview(switchboard, base.id, names)
        asked = await _ask_all(interview, questions)
        judged = await _judge_all(interview, claims)
        facts = await _facts(switchboard, interview, asked)
    made = report.make(settings, asked, facts, judged, interview.name)
    made.abstaining = await abstaining(options.corpus, questions)
    report.show(made, console, misses=not options.brief)
    if options.claims:
        await asyncio.to_thread(claims_section.show, console, options.corpus, judged)
    console.print(f"\nReport: {report.write(made, options.golden)}", highlight=False)
    return 1 if any(one.trouble for one in [*asked, *judged]) else 0


@asynccontextmanager
async def _platform(access: Access, data: Path | None) -> AsyncGenerator[Access]:
    if access.url:
        yield access
        return
    with tempfile.TemporaryDirectory(prefix="switchboard-eval-") as thrown_away:
        async with running(data or Path(thrown_away)) as started:
            console.print(f"Platform ready after {started.ready_s:.1f} s", highlight=False)
            yield Access(started.base_url, "", access.person)


async def _base(switchboard: Switchboard, corpus: Path) -> KnowledgeBase:
    name = f"Eval: {corpus.resolve().name}"[:120]
    async for base in switchboard.knowledge_bases.all():
        if base.name == name:
            return base
    return await switchboard.knowledge_bases.create(name)


async def _ask_all(interview: Interview, questions: list[Question]) -> list[Asked]:
    """One after the other: the times are those of one person alone. The first turn warms up, unmeasured."""
    await interview.ask(questions[0])
    return [await interview.ask(question) for question in questions]


async def _judge_all(interview: Interview, claims: list[Claim]) -> list[Judged]:
    return [await interview.judge(claim) for claim in claims]


async def _facts(switchboard: Switchboard, interview: Interview, asked: list[Asked]) -> list[Fact]:
    """Reads every cited document as the platform shows it."""
    cited = {citation.doc_id for one in asked for citation in one.citations}
    texts = {interview.name(doc_id): await _text(switchboard, doc_id) for doc_id in cited}
    judge: Callable[[Asked], list[Fact]] = partial(
        facts_of, document=texts.__getitem__, is_frame=is_frame, names=interview.name
    )
    return [fact for one in asked for fact in judge(one)]


async def _text(switchboard: Switchboard, doc_id: UUID) -> str:
    return readable_text(await switchboard.documents.content(doc_id))


if __name__ == "__main__":
    sys.exit(main())

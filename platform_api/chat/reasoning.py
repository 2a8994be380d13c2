"""What a model thinks aloud is no part of its answer: it is taken out while the text arrives.

Known are the marks of common servers and models: `<think>…</think>` and its kin, `[THINK]…[/THINK]`,
`◁think▷…◁/think▷`, and the channels of the harmony format.
"""

import re

_NAMES = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|inner_monologue)"
_OPEN = re.compile(
    rf"<{_NAMES}(?:\s[^<>\n]{{0,200}})?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
    r"|(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<\n]{0,80}(?:<\|message\|>)?",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</{_NAMES}\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
    r"|(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>final[^<\n]{0,80}<\|message\|>|<\|end\|>",
    re.IGNORECASE,
)
_MARK_BEGUN = re.compile(
    r"(?:<(?:[|/]?[a-z_|]{0,40}|[a-z_]{1,20}\s[^<>\n]{0,200}|\|[a-z_|<>]{0,80})|\[/?[a-z]{0,5}|◁/?[a-z]{0,5})\Z",
    re.IGNORECASE,
)
_LONGEST_MARK = 220


class Spoken:
    """`feed` pieces, get what is said. `restarted` tells that all before was thought, after all."""

    def __init__(self) -> None:
        self._waiting = ""
        self._thinks = False
        self.restarted = False

    def feed(self, piece: str) -> str:
        """What of the text so far is certain to be said, and was not given out before."""
        self.restarted = False
        if not self._waiting and not self._thinks and not _suspicious(piece):
            return piece
        self._waiting += piece
        return "".join(self._taken())

    def end(self) -> str:
        """A mark that was never completed is text; a thought that was never closed is none."""
        said = "" if self._thinks else self._waiting
        self._waiting = ""
        return said

    def _taken(self) -> list[str]:
        said: list[str] = []
        while True:
            opened, closed = _OPEN.search(self._waiting), _CLOSE.search(self._waiting)
            if self._thinks:
                if not closed:
                    self._waiting = self._waiting[-_LONGEST_MARK:]
                    return said
                self._thinks, self._waiting = False, self._waiting[closed.end() :]
            elif closed and not (opened and opened.start() < closed.start()):
                # The server has kept the opening mark to itself.
                said, self.restarted = [], True
                self._waiting = self._waiting[closed.end() :]
            elif opened:
                said.append(self._waiting[: opened.start()])
                self._thinks, self._waiting = True, self._waiting[opened.end() :]
            else:
                begun = _MARK_BEGUN.search(self._waiting)
                at = begun.start() if begun else len(self._waiting)
                said.append(self._waiting[:at])
                self._waiting = self._waiting[at:]
                return said


def _suspicious(piece: str) -> bool:
    return any(mark in piece for mark in "<[◁")

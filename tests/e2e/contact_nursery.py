"""`switchboard tool contact`, started in a moment: imported once, forked for each life. A line on stdin
begins one; its process id is the line that comes back. To be killed -9 by whoever asked for it.
"""

import os
import signal
import sys

from launch import contact, separate


def main(port: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            separate.begin("tool-contact", contact.run("127.0.0.1", port))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))

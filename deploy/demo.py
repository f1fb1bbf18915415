"""make demo, make demo-check: two real OpenStack sites behind one endpoint, and a short tour.

    sites      the lab's, started if they are not up yet
    gateway    federator serve, with a Redis of its own
    seed       a network, a server and a volume at each site, made through the gateway
    tour       the unmodified openstack command, with its real output

`make demo` then runs until Ctrl-C; `make demo-check` ends and fails if any step failed. Both stop what they
started, and nothing else. All they write is in .demo and, as sites go, in .lab.
"""

import argparse
import signal
import sys
from contextlib import ExitStack
from types import FrameType

from demo_parts import DemoFailed, gateway, redis_server, say, sites
from demo_seed import seed
from demo_tour import tour

SITES = ("paris", "tokyo")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    options = argparse.ArgumentParser(description="Two real OpenStack sites behind one endpoint.")
    options.add_argument("--check", action="store_true", help="once, without waiting at the end")
    check = options.parse_args().check
    for number in _SIGNALS:
        signal.signal(number, _stop)
    with ExitStack() as started:
        # Entered first, so left last.
        started.callback(say, "demo", "everything it started is stopped")
        try:
            started.enter_context(sites(SITES))
            redis = started.enter_context(redis_server())
            client = started.enter_context(gateway(SITES, redis))
            seed(client, SITES)
            failed = tour(client)
            _farewell(failed, client.environment)
            if not check:
                print("\nIt runs until Ctrl-C.", flush=True)
                signal.pause()
            return 1 if failed else 0
        except DemoFailed as error:
            say("demo", f"FAILED: {error}")
            return 1
        except (Stopped, BrokenPipeError):
            say("demo", "stops what it started")
            return 1 if check else 0
        finally:
            _do_not_disturb()


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. No Exception, so that nothing on the way takes it for an error."""


def _stop(number: int, frame: FrameType | None) -> None:
    _do_not_disturb()
    raise Stopped


def _do_not_disturb() -> None:
    """A second Ctrl-C must not end the stopping half-way."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _farewell(failed: list[str], environment: dict[str, str]) -> None:
    for step in failed:
        say("demo", f"FAILED: {step}")
    if not failed:
        say("demo", "all steps of the tour went as they should")
    words = " ".join(f"{name}={value}" for name, value in environment.items())
    print("\nFrom another shell, in this folder:\n")
    print(f"  export {words}")
    print("  .venv/bin/openstack server list", flush=True)


if __name__ == "__main__":
    sys.exit(main())

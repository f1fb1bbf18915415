"""A command, the unmodified ``openstack`` or ``federator``, imported once and forked for each call.

Starting Python and importing a command takes longer than most of what it does. So this process imports it,
listens on a unix socket, and forks for each connection: the child becomes the command, with arguments,
environment, working directory, standard output and error of its own, and its exit status is the answer.

    python command_server.py COMMAND SOCKET
"""

import gc
import importlib
import json
import logging
import os
import pkgutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

Main = Callable[[list[str]], int]

PRELOADED = (
    "openstackclient.common",
    "openstackclient.compute.v2",
    "openstackclient.identity.v3",
    "openstackclient.image.v2",
    "openstackclient.network.v2",
    "openstackclient.volume.v3",
)


def openstack() -> Main:
    """With all that its commands import, and the caches that they fill."""
    for package in PRELOADED:
        found = importlib.import_module(package)
        for module in pkgutil.iter_modules(found.__path__, package + "."):
            importlib.import_module(module.name)
    for module_name in ("openstack.connection", "openstackclient.shell", "stevedore"):
        importlib.import_module(module_name)
    # Reads every entry point of the environment, as each command does.
    from openstackclient.shell import main

    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    main(["module", "list"])
    sys.stdout = sys.__stdout__
    logging.getLogger().handlers.clear()
    return main


def federator() -> Main:
    """With all that it imports."""
    from federator.cli import main

    return lambda argv: main(argv, "federator")


COMMANDS: dict[str, Callable[[], Main]] = {"openstack": openstack, "federator": federator}


def become(name: str, main: Main, order: dict[str, Any]) -> int:
    """Run one command as a process of its own would. Returns its exit status."""
    for stream, number in (("stdout", 1), ("stderr", 2)):
        where = os.open(order[stream], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(where, number)
        os.close(where)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    sys.argv = [name, *order["argv"]]
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    try:
        return main(order["argv"])
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve(name: str, path: str) -> None:
    """Fork for each connection, until killed."""
    main = COMMANDS[name]()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(16)
        while True:
            connection, _ = listener.accept()
            if os.fork():
                connection.close()
                continue
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with connection, connection.makefile("rwb") as lines:
                status = become(name, main, json.loads(lines.readline()))
                lines.write(b"%d\n" % status)
                lines.flush()
                connection.shutdown(socket.SHUT_RDWR)
            os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])

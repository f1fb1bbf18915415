"""Two lanes are as safe as one: the lab is on one of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
TEST = """
import os, time
from pathlib import Path
import pytest

pytestmark = [{marks}]

@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    diary = Path("{diary}")
    for word in ("begins", "ends"):
        with diary.open("a") as out:
            out.write(f"{name} {{os.environ['PYTEST_XDIST_WORKER']}} {{word}}\\n")
        time.sleep({seconds})
"""
LAB = "pytest.mark.lab"


def run(folder: Path, **files: tuple[str, int, float]) -> tuple[list[list[str]], str]:
    """What each test has noted (its file, its lane, whether it begins or ends), and pytest's last line."""
    diary = folder / "diary"
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  lab: lab\n")
    for name, (marks, count, seconds) in files.items():
        path = folder / name.replace("_", "/test_")
        path.parent.mkdir(exist_ok=True)
        values = {"marks": marks, "count": count, "seconds": seconds, "diary": diary, "name": name}
        path.with_suffix(".py").write_text(TEST.format(**values))
    # Nothing of the outer run's own lanes.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(CHECKOUT), "LAB_DIR": str(folder)}
    command = [sys.executable, "-m", "pytest", "-p", "tests.lanes", "-n", "2"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.split() for line in diary.read_text().splitlines()], done.stdout.splitlines()[-1]


def test_the_lab_is_on_one_lane_from_the_start_and_the_rest_on_the_other(tmp_path: Path) -> None:
    noted, last = run(
        tmp_path,
        early_one=("", 2, 0.01),
        early_two=(LAB, 3, 0.4),
        late_three=("", 2, 0.01),
        late_four=(LAB, 3, 0.4),
    )
    assert re.search(r"10 passed in [\d.]+s", last)
    lab = {lane for name, lane, _ in noted if name in ("early_two", "late_four")}
    others = {lane for name, lane, _ in noted if name in ("early_one", "late_three")}
    assert len(lab) == len(others) == 1
    assert lab != others

"""Two lanes are as safe as one: who stops a site has the lab for himself."""

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
LAB, ALONE = "pytest.mark.lab", "pytest.mark.lab, pytest.mark.alone"


def run(folder: Path, **files: tuple[str, int, float]) -> tuple[list[list[str]], str]:
    """What each test has noted (its file, its lane, whether it begins or ends), and pytest's last line."""
    diary = folder / "diary"
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  lab: lab\n  alone: alone\n")
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


def test_who_is_alone_comes_first_and_has_nobody_of_the_lab_beside_him(tmp_path: Path) -> None:
    noted, last = run(
        tmp_path,
        early_some=(LAB, 3, 0.01),
        early_more=(LAB, 3, 0.01),
        late_all=(LAB, 3, 0.01),
        stops_it=(ALONE, 2, 0.6),
        units_few=("", 2, 0.01),
    )
    assert re.search(r"13 passed in [\d.]+s", last)
    of_lab = [(name, word) for name, _, word in noted if name != "units_few"]
    assert of_lab[:4] == [("stops_it", "begins"), ("stops_it", "ends")] * 2
    names = [name for name, *_ in noted]
    assert names.index("units_few") < len(names) - 1 - names[::-1].index("stops_it")
    assert len({lane for name, lane, _ in noted if name.startswith("early")}) == 1

"""How much is measured, and what came of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Effort:
    """How long and how much is measured."""

    rounds: int = 5
    seconds: float = 2.0
    """Of each measurement in each round."""
    many: int = 1000
    """Servers at each site of the long lists; the short ones have a tenth."""
    all: int = 100_000
    """Servers of the list that is walked to its end for the sake of memory."""
    mappings: int = 1_000_000
    delay: float = 0.05
    """Seconds that sites take where they take any."""

    @property
    def few(self) -> int:
        return self.many // 10


@dataclass
class Report:
    """Rows of the table, and the figures for the file."""

    effort: Effort
    rows: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def row(self, what: str, said: str) -> None:
        """Show it at once: the whole takes minutes."""
        self.rows.append((what, said))
        print(f"{what:<46} {said}", flush=True)

    def figure(self, name: str, value: float, what: str, said: str) -> None:
        """A row with a figure."""
        self.figures[name] = float(f"{value:.4g}")
        self.row(what, f"{said}   [{name}]")

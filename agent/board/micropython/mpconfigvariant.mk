# The interpreter that holds buddyd and nothing else. For MicroPython's build: make -C ports/unix VARIANT_DIR=.../agent/board/micropython
BUDDYD := $(dir $(lastword $(MAKEFILE_LIST)))../..

QSTR_GLOBAL_DEPENDENCIES += $(VARIANT_DIR)/board.h

PROG = buddyd
FROZEN_MANIFEST ?= $(BUDDYD)/manifest.py
UNIX_MAIN_C =

include $(VARIANT_DIR)/switches.mk

# The modules' full names, such as buddyd.talk.gate: made at import, they would take 0.8 kB of the heap for good.
QSTR_DEFS += $(BUILD)/buddyd_names.h
$(BUILD)/buddyd_names.h: $(wildcard $(BUDDYD)/buddyd/*.py $(BUDDYD)/buddyd/*/*.py)
	$(Q)mkdir -p $(BUILD)
	$(Q)printf 'Q(%s)\n' $(subst /,.,$(patsubst $(BUDDYD)/%.py,%,$^)) >$@

# What every interpreter with buddyd in it is made from, that of the board included.
AGENT := $(dir $(lastword $(MAKEFILE_LIST)))..

FROZEN_MANIFEST ?= $(AGENT)/manifest.py
USER_C_MODULES ?= $(AGENT)/micropython/modules

# The modules' full names, such as buddyd.talk.gate: made at import, they would take 0.8 kB of the heap for good.
QSTR_DEFS += $(BUILD)/buddyd_names.h
$(BUILD)/buddyd_names.h: $(wildcard $(AGENT)/buddyd/*.py $(AGENT)/buddyd/*/*.py)
	$(Q)mkdir -p $(BUILD)
	$(Q)printf 'Q(%s)\n' $(subst /,.,$(patsubst %/__init__,%,$(patsubst $(AGENT)/%.py,%,$^))) >$@

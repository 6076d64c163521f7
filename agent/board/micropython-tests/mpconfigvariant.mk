# An interpreter with a compiler, for the agent's own tests; otherwise the same as the one that holds buddyd.
FROZEN_MANIFEST =
USER_C_MODULES = $(VARIANT_DIR)/../../micropython/modules
QSTR_GLOBAL_DEPENDENCIES += $(VARIANT_DIR)/../micropython/board.h

include $(VARIANT_DIR)/../micropython/switches.mk

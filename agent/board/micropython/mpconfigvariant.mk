# The interpreter that holds buddyd and nothing else. For MicroPython's build: make -C ports/unix VARIANT_DIR=.../agent/board/micropython
QSTR_GLOBAL_DEPENDENCIES += $(VARIANT_DIR)/board.h

PROG = buddyd
UNIX_MAIN_C =

include $(VARIANT_DIR)/switches.mk
include $(VARIANT_DIR)/../../micropython/buddyd.mk

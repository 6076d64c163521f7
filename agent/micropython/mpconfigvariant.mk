# For MicroPython's build: make -C ports/unix VARIANT_DIR=.../agent/micropython
include $(VARIANT_DIR)/buddyd.mk

SRC_USERMOD_C += $(USERMOD_DIR)/syscalls.c
